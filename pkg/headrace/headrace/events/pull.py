"""A pull request: its two sides, their test merge, and the files it changes."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from headrace.base import git
from headrace.base.errors import Problem, UsageError
from headrace.base.lean import lazy_pattern
from headrace.events import diff
from headrace.events.commits import Commit, parse_commit
from headrace.events.lookup import is_ref
from headrace.events.push import choose, compare
from headrace.events.snapshot import merge_commit
from headrace.events.tip import Made, Place, Tip, commit_tip, make, present_branch, present_tip

_PULL_REF = lazy_pattern(r"(?:refs/)?pull/([0-9]+)(?:/(?:merge|head))?")


class Pulled(Struct, frozen=True):
    """`head` and `base` are branch names; `made` is the head's tree as a commit; `sha` and `objects` those of the test merge (of
    the head where nothing may be written). `ref` is `refs/pull/N/merge`."""

    number: int
    ref: str
    head: str
    base: str
    base_sha: str
    made: Made
    tip: Tip
    sha: str
    objects: str
    files: tuple[str, ...] | None


def pulled(place: Place) -> Pulled:
    payload = place.request.payload
    given = payload.get("pull_request")
    request = given if isinstance(given, dict) else {}
    ref, number = _number(place.request.ref, payload, request)
    head, tip = _head(place, _side(request, "head"))
    base, base_commit = _base(place, _side(request, "base"), tip)
    start, files = _files(place, tip, base_commit)
    made = make(place, tip)
    sha, objects = made.sha, made.objects
    if place.store is not None and base_commit is not None and made.sha != base_commit.oid:
        place.store.prepare(place.repository, len(made.sha))
        head_commit = _stored(place, made)
        sha = merge_commit(place.store, base_commit, head_commit, ahead=start == base_commit.oid, names=(base, head))
        objects = place.store.path
    base_sha = base_commit.oid if base_commit else made.sha
    return Pulled(number, ref, head, base, base_sha, made, tip, sha, objects, files)


def _stored(place: Place, made: Made) -> Commit:
    """The head with the tree that it really has: a snapshot's is known only to the store."""
    if place.store is None or made.objects != place.store.path:
        return made.shown
    with git.Objects(place.store.path, env={"GIT_DIR": place.store.path}) as objects:
        found = objects.commit(made.sha)
    return parse_commit(found) if found else made.shown


def _side(request: dict[str, Any], name: str) -> tuple[str, str]:
    side = request.get(name)
    if not isinstance(side, dict):
        return "", ""
    ref, sha = side.get("ref"), side.get("sha")
    return ref if isinstance(ref, str) else "", sha if isinstance(sha, str) else ""


def _number(ref: str, payload: dict[str, Any], request: dict[str, Any]) -> tuple[str, int]:
    """The ref that the event runs on and the request's number (1 where nothing says it)."""
    match = _PULL_REF.fullmatch(ref)
    number = int(match.group(1)) if match else 0
    for value in (payload.get("number"), request.get("number")):
        if not number and isinstance(value, int):
            number = value
    return f"refs/pull/{number or 1}/merge", number or 1


def _head(place: Place, given: tuple[str, str]) -> tuple[str, Tip]:
    """Name and tree of the source side: `--head`, else the payload's, else a branch given as `--ref`, else the working tree."""
    look, request = place.look, place.request
    name, sha = given
    if request.head:
        named = None if look.commit(request.head) is None else _as_branch(place, request.head)
        if named is None:
            return _short(present_branch(place)), commit_tip(look.must(request.head, "--head"))
        if named != place.present and not request.sha:
            return _short(named), commit_tip(look.must(request.head, "--head"))
        return _short(named), commit_tip(look.must(request.sha, "--sha")) if request.sha else present_tip(place)
    ref_text = "" if _PULL_REF.fullmatch(request.ref) else request.ref
    if ref_text or request.sha or not name:
        ref, tip = choose(place, ref_text, sha)
        return name or _short(ref), tip
    if sha and (commit := look.commit(sha)):
        return name, commit_tip(commit)
    branch = look.branch(name) if f"refs/heads/{name}" != place.present else None
    return name, commit_tip(branch) if branch else present_tip(place)


def _as_branch(place: Place, text: str) -> str | None:
    """The full ref of a branch, for its name in any form; None for another revision."""
    look = place.look
    short = text.removeprefix("refs/heads/")
    if not is_ref(text):
        return None
    if look.commit(f"refs/heads/{short}"):
        return f"refs/heads/{short}"
    short = text.removeprefix("refs/remotes/").removeprefix(f"{look.remote}/")
    return f"refs/heads/{short}" if look.tracking(short) else None


def _base(place: Place, given: tuple[str, str], tip: Tip) -> tuple[str, Commit | None]:
    """Name and tip of the target side: `--base`, else the payload's, else the default branch as the forge has it, else as it is
    here. Where that is the head itself, the commit before it: a request without changes does not exist."""
    look, request, default = place.look, place.request, place.repository.default_branch
    if request.base:
        named = _as_branch(place, request.base)
        if named is None:
            return default, look.must(request.base, "--base")
        short = _short(named)
        return short, look.tracking(short) or look.branch(short)
    name, sha = given
    if sha and (known := look.commit(sha)):
        return name or default, known
    name = name or default
    commit = look.tracking(name) or look.branch(name)
    if commit is None and given[0]:
        raise UsageError(Problem(f"there is no branch '{name}' to compare with", hint="git fetch may bring it, or say --base"))
    if commit is not None and tip.commit is not None and commit.oid == tip.commit.oid and not tip.dirty:
        commit = look.commit(tip.commit.parents[0]) if tip.commit.parents else None
    return name, commit


def _files(place: Place, tip: Tip, base: Commit | None) -> tuple[str, tuple[str, ...] | None]:
    """The merge base (empty where unknown) and what changed since."""
    if tip.commit is None:
        return "", compare(place, tip, tip.empty_tree)
    if base is None:
        return "", compare(place, tip, tip.empty_tree) if not tip.commit.parents else None
    start = diff.merge_base(place.repository.root, base.oid, tip.commit.oid)
    return start, compare(place, tip, start) if start else None


def _short(ref: str) -> str:
    return ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
