"""A repository and what is asked for → the `Event`. Never writes to the user's repository."""

from __future__ import annotations

import contextlib
import re
from typing import Any

from headrace.base import git
from headrace.base.errors import UsageError
from headrace.base.lean import lazy_pattern
from headrace.events import payload as hook
from headrace.events.commits import Person
from headrace.events.detect import SETTINGS, present_ref, remote_of
from headrace.events.dispatch import check_dispatch
from headrace.events.kinds import PULL_REQUESTS, Kind, kind_of
from headrace.events.lookup import Lookup
from headrace.events.model import Event, Repository
from headrace.events.pull import Pulled, pulled
from headrace.events.push import choose, pushed
from headrace.events.request import EventRequest
from headrace.events.snapshot import ObjectStore
from headrace.events.status import without_filters
from headrace.events.tip import Made, Place, Tip, make, present_branch

_LOGIN = lazy_pattern(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")
_NOREPLY = lazy_pattern(r"(?:[0-9]+\+)?([A-Za-z0-9-]+)@users\.noreply\.github\.com")


def build_event(
    repository: Repository,
    name: str,
    request: EventRequest,
    objects: ObjectStore | None,
    found: git.Objects | None = None,
) -> Event:
    """The event `name` in `repository`, as far as possible what GitHub would send.

    The tree is `request.sha`, else the commit of `request.ref` if there is one and it is not the present branch, else the
    working tree: committed into `objects` where it differs from HEAD. Without `objects` nothing is written anywhere and no
    program but git starts; `sha` is then HEAD's (zeros before the first commit) while `snapshot` and `changed_files` still speak
    of the working tree. `found` are the repository's objects, where somebody has opened them already.

    Raises `UsageError` for an unknown event, ref or commit, `GitError` where git fails, `EngineError` where the store cannot be
    written.
    """
    kind = kind_of(name)
    root = repository.root
    with contextlib.nullcontext(found) if found else git.Objects(root) as found:
        settings = git.parse_config(SETTINGS.pop(root, b"") or git.run(root, *git.CONFIG))
        values = {setting.name: setting.value for setting in settings}
        place = Place(
            repository,
            request,
            Lookup(repository, found, remote_of(values)),
            objects,
            present_ref(repository),
            without_filters(settings) if objects is None else {},
            values.get("extensions.objectformat") == "sha256",
        )
        actor = actor_of(request, values)
        if kind.name == "push":
            return _push(place, actor, values)
        if kind.name in PULL_REQUESTS:
            return _pull(place, kind, actor)
        return _other(place, kind, actor)


def actor_of(request: EventRequest, settings: dict[str, str]) -> str:
    """Who did it: the option, the payload's sender, else the login that git's configuration hints at, else `local`.

    >>> actor_of(EventRequest(), {"user.name": "Ada Lovelace"})
    'Ada-Lovelace'
    >>> actor_of(EventRequest(), {"user.name": "Ada", "user.email": "1+countess@users.noreply.github.com"})
    'countess'
    """
    if request.actor:
        return request.actor
    sender = request.payload.get("sender")
    if isinstance(sender, dict) and isinstance(sender.get("login"), str) and sender["login"]:
        return str(sender["login"])
    if _LOGIN.fullmatch(settings.get("github.user", "")):
        return settings["github.user"]
    noreply = _NOREPLY.fullmatch(settings.get("user.email", ""))
    if noreply:
        return noreply.group(1)
    slug = re.sub(r"[^A-Za-z0-9-]+", "-", settings.get("user.name", "")).strip("-")
    return slug or "local"


def _push(place: Place, actor: str, settings: dict[str, str]) -> Event:
    done = pushed(place)
    given = place.request.payload
    made = hook.push(
        place.repository,
        Person(actor, settings.get("user.email", "")),
        ref=done.ref,
        before=done.before.oid,
        after=done.made.sha,
        created=done.before.created,
        commits=done.commits,
    )
    payload = hook.complete(given, made | hook.common(place.repository, actor))
    head = payload.get("head_commit")
    message = head.get("message") if isinstance(head, dict) else None
    return Event(
        name="push",
        repository=place.repository,
        ref=done.ref,
        sha=done.made.sha,
        objects=done.made.objects,
        payload=payload,
        changed_files=done.files,
        actor=actor,
        message=message if isinstance(message, str) else done.tip.message,
        snapshot=done.tip.dirty,
        left_out=done.tip.left_out,
    )


def _pull(place: Place, kind: Kind, actor: str) -> Event:
    done = pulled(place)
    given = place.request.payload
    action = _action(kind, given)
    made = hook.pull_request(
        place.repository,
        actor,
        number=done.number,
        action=action,
        head=hook.Side(done.head, done.made.sha),
        base=hook.Side(done.base, done.base_sha),
        merge=done.sha,
        title=done.tip.message.partition("\n")[0],
        changed=len(done.files or ()),
    )
    extra = hook.others(kind.name, action, place.repository, actor, ref=done.ref, sha=done.made.sha)
    ref, sha, objects = _pull_place(place, kind, done, given)
    return Event(
        name=kind.name,
        repository=place.repository,
        ref=ref,
        sha=sha,
        objects=objects,
        payload=hook.complete(given, made | extra | hook.common(place.repository, actor)),
        changed_files=done.files,
        action=action,
        actor=actor,
        base_ref=done.base,
        head_ref=done.head,
        message=done.tip.message,
        snapshot=done.tip.dirty,
        left_out=done.tip.left_out,
    )


def _pull_place(place: Place, kind: Kind, done: Pulled, given: dict[str, Any]) -> tuple[str, str, str]:
    """Ref, commit and its git directory: the test merge; the base branch of a request that was merged. `pull_request_target`
    runs on the default branch; what it runs there is the tree at hand, like every event of the default branch."""
    if kind.name == "pull_request_target":
        return f"refs/heads/{place.repository.default_branch}", done.made.sha, done.made.objects
    request = given.get("pull_request")
    if isinstance(request, dict) and request.get("merged") is True:
        return f"refs/heads/{done.base}", done.sha, done.objects
    return done.ref, done.sha, done.objects


def _other(place: Place, kind: Kind, actor: str) -> Event:
    request, given = place.request, place.request.payload
    action = _action(kind, given)
    if kind.name == "repository_dispatch":
        check_dispatch(action, given.get("client_payload"))
    ref, tip = choose(place, request.ref, "")
    if not request.ref:
        ref = _ref_of(place, kind, tip)
    made: Made = make(place, tip)
    payload = hook.others(kind.name, action, place.repository, actor, ref=ref, sha=made.sha)
    inputs = _inputs(request)
    if inputs:
        payload["inputs"] = inputs
        given = {key: value for key, value in given.items() if key != "inputs"}
    if kind.name == "merge_group":
        payload["merge_group"]["base_sha"] = _queue_base(place, made)
    return Event(
        name=kind.name,
        repository=place.repository,
        ref=ref,
        sha=made.sha,
        objects=made.objects,
        payload=hook.complete(given, payload | hook.common(place.repository, actor)),
        action=action,
        actor=actor,
        message=tip.message,
        inputs=inputs,
        snapshot=tip.dirty,
        left_out=tip.left_out,
    )


def _ref_of(place: Place, kind: Kind, tip: Tip) -> str:
    """The ref where none was given: by the event's own rule."""
    given, default = place.request.payload, f"refs/heads/{place.repository.default_branch}"
    match kind.place:
        case "tag":
            release = given.get("release")
            tag = release.get("tag_name") if isinstance(release, dict) else None
            if isinstance(tag, str) and tag:
                return f"refs/tags/{tag}"
            at_head = [ref for ref in (place.look.refs_at_head() if tip.commit else []) if ref.startswith("refs/tags/")]
            return at_head[-1] if at_head else place.look.newest_tag() or "refs/tags/v0.0.0"
        case "queue":
            group = given.get("merge_group")
            ref = group.get("head_ref") if isinstance(group, dict) else None
            queue = f"refs/heads/gh-readonly-queue/{place.repository.default_branch}/pr-1-{tip.commit.oid if tip.commit else ''}"
            return ref if isinstance(ref, str) and ref else queue
        case "pushed":
            ref = given.get("ref")
            return place.look.ref(ref).ref if isinstance(ref, str) and ref else present_branch(place)
        case _:
            return default


def _queue_base(place: Place, made: Made) -> str:
    trunk = place.look.tracking(place.repository.default_branch)
    return trunk.oid if trunk else made.shown.parents[0] if made.shown.parents else made.sha


def _action(kind: Kind, given: dict[str, Any]) -> str:
    """The activity type: the payload's, else the event's usual one. Raises `UsageError` where it is no text."""
    action = given.get("action")
    if action is None:
        return kind.action
    if not isinstance(action, str):
        raise UsageError("the payload's 'action' is not a text")
    return action


def _inputs(request: EventRequest) -> dict[str, str]:
    """The inputs as texts: those of the payload, then those of the command line over them."""
    given = request.payload.get("inputs")
    texts: dict[str, str] = {}
    for key, value in given.items() if isinstance(given, dict) else ():
        if value is None:
            continue
        texts[str(key)] = ("true" if value else "false") if isinstance(value, bool) else str(value)
    for key, value in request.inputs.items():
        for other in [name for name in texts if name.lower() == key.lower()]:
            del texts[other]
        texts[key] = value
    return texts
