"""The one table of language features that a runner may not have: what each is, and how to see it in a job. A job that uses one is
`unsupported` before anything runs, unless the machine's `Capabilities` name the feature."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from headrace.base.errors import NOWHERE, Position
from headrace.expressions import to_text
from headrace.plan.around import Undecided
from headrace.plan.labels import fits
from headrace.plan.model import Capabilities, FoundAction, Limit, Reason
from headrace.workflow.action import Composite, Docker, Node
from headrace.workflow.lookup import fields
from headrace.workflow.model import Call, CancelStep, Job, Parallel, Run, Step, Steps, Uses, Wait, WaitAll, Workflow
from headrace.workflow.references import of_steps
from headrace.workflow.tokens import Expression, Token

UNKNOWN = object()
"""Stands for a value that only a finished job, or nobody, can tell."""


_DEEPEST = 12  # composite actions in one another; a runner refuses the eleventh


class Found(Struct, frozen=True):
    """Where a feature is used, and what exactly (the action, the label)."""

    at: Position
    subject: str = ""


class Subject(Struct, frozen=True):
    """One leg as the table sees it. `labels` are those of `runs-on`, None where they are not known yet; `group` is its runner
    group. `value` evaluates a token with what the job may read; it gives `UNKNOWN` where it cannot, and raises `Undecided` where
    only another job's end will tell."""

    job: Job
    labels: tuple[str, ...] | None
    group: str
    capabilities: Capabilities
    value: Callable[[Token], Any]
    never: Callable[[Step], bool]  # whether a step's `if` is false whatever happens
    actions: Mapping[str, FoundAction] = {}  # those at hand, by `uses`
    home: bool = True  # whether its file stands in the repository of the run

    def uses(self) -> Iterator[tuple[Found, str]]:
        """The actions that its steps use, those inside composite actions too: where the job's own step stands and what it says,
        and the `uses` at the end of the chain."""
        for step in self.steps():
            if isinstance(step.body, Uses):
                at = step.body.at if step.body.at != NOWHERE else step.at
                for uses, through in self._inside(step.body.uses, ()):
                    yield Found(at, " → ".join((*through, uses))), uses

    def _inside(self, uses: str, through: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
        yield uses, through
        if self.native(uses) or uses in through or len(through) >= _DEEPEST:
            return
        found = self.actions.get(uses)
        if found is not None and found.action is not None and isinstance(found.action.runs, Composite):
            for inner in found.action.runs.references:
                yield from self._inside(inner_reference(inner, found), (*through, uses))

    def native(self, uses: str) -> bool:
        """Whether a drop-in stands in for the action."""
        return is_native(uses, self.capabilities)

    def runs(self, uses: str) -> Node | Docker | Composite | None:
        """How an action at hand runs; None for a drop-in, and for what is not at hand or cannot be read."""
        found = None if self.native(uses) else self.actions.get(uses)
        return found.action.runs if found is not None and found.action is not None else None

    def steps(self) -> Iterator[Step]:
        """The steps that may run, those inside `parallel` included."""
        body = self.job.body
        pending = list(body.steps) if isinstance(body, Steps) else []
        while pending:
            step = pending.pop(0)
            if self.never(step):
                continue
            yield step
            if isinstance(step.body, Parallel):
                pending = [*step.body.steps, *pending]


class Feature(Struct, frozen=True):
    """`name` is what `Capabilities.features` holds and what the reason's rule ends in; `what` says it to a person."""

    name: str
    what: str
    find: Callable[[Subject], Found | None]


def _runs_on(subject: Subject) -> Found | None:
    body = subject.job.body
    if not isinstance(body, Steps) or subject.labels is None:
        return None
    if subject.group:
        return Found(body.runs_on.at, f"group {subject.group}")
    for label in subject.labels:
        if not fits(label, subject.capabilities.labels):
            return Found(body.runs_on.at, label)
    return None


def _call(subject: Subject) -> Found | None:
    body = subject.job.body
    return Found(body.at, body.uses) if isinstance(body, Call) and body.workflow is None else None


def _container(subject: Subject) -> Found | None:
    body = subject.job.body
    if not isinstance(body, Steps) or body.container is None:
        return None
    image = _image(body.container, subject)
    return None if image == "" else Found(body.container.at, image or "")


def _image(token: Token, subject: Subject) -> str | None:
    """The image, empty where the text says "no container", None where it is not known."""
    value = subject.value(_part(token, "image"))
    if isinstance(value, dict):
        value = value.get("image")
    if value is UNKNOWN or isinstance(value, list | dict):
        return None
    return to_text(value).removeprefix("docker://")


def _services(subject: Subject) -> Found | None:
    body = subject.job.body
    if not isinstance(body, Steps) or body.services is None:
        return None
    listed = fields(body.services)
    pending: Undecided | None = None
    for name, service in listed.items():
        try:
            if _image(service, subject) != "":
                return Found(service.at, name)
        except Undecided as hang:
            pending = pending or hang
    if pending is not None:
        raise pending
    if listed or subject.value(body.services) in ({}, None, ""):
        return None
    return Found(body.services.at)


def _part(token: Token, key: str) -> Token:
    """The value of a mapping's key where the file writes one, else the token itself."""
    return fields(token).get(key, token)


def _environment(subject: Subject) -> Found | None:
    body = subject.job.body
    if not isinstance(body, Steps) or body.environment is None:
        return None
    value = subject.value(_part(body.environment, "name"))
    if isinstance(value, dict):
        value = value.get("name")
    name = value if isinstance(value, str) else ""
    return None if value in ("", None) or name.lower() in subject.capabilities.approved else Found(body.environment.at, name)


def _snapshot(subject: Subject) -> Found | None:
    body = subject.job.body
    return Found(body.snapshot.at) if isinstance(body, Steps) and body.snapshot is not None else None


def _background(subject: Subject) -> Found | None:
    for step in subject.steps():
        if step.background or isinstance(step.body, Wait | WaitAll | CancelStep | Parallel):
            return Found(step.at)
    return None


def _uses(subject: Subject, fit: Callable[[str], bool]) -> Found | None:
    return next((found for found, uses in subject.uses() if fit(uses)), None)


def _own_action(subject: Subject) -> Found | None:
    """What `$/…` names is at hand where a workflow of the run's own repository says it. A local composite action may come from
    anywhere, and so may a called workflow."""
    for found, uses in subject.uses():
        if uses.startswith("$/") and not (subject.home and found.subject == uses and uses in subject.actions):
            return found
    return None


def _docker_action(subject: Subject) -> Found | None:
    return _uses(subject, lambda uses: uses.startswith("docker://") or _in_docker(subject, uses))


def _in_docker(subject: Subject, uses: str) -> bool:
    return isinstance(subject.runs(uses), Docker) or (action_name(uses) in _WRITE_ACTIONS and not subject.native(uses))


_WRITE_ACTIONS = frozenset(("pypa/gh-action-pypi-publish",))
"""Composite in their later versions: they write an action for a container while the job runs, and use it."""


def _set_up_outside(subject: Subject) -> Found | None:
    found = _uses(subject, lambda uses: action_name(uses) in subject.capabilities.for_machine)
    return found if found is not None and _container(subject) is not None else None


def _publish_inside(subject: Subject) -> Found | None:
    found = _uses(subject, lambda uses: action_name(uses) in _WRITE_ACTIONS and subject.native(uses))
    return found if found is not None and _container(subject) is not None else None


def _node_action(subject: Subject) -> Found | None:
    return _uses(subject, lambda uses: isinstance(subject.runs(uses), Node))


def inner_reference(uses: str, found: FoundAction) -> str:
    """What `uses` of a step inside a composite action stands for: `$/path` is its own repository's, at the same ref."""
    if uses.startswith("$/") and found.repository:
        return f"{found.repository}/{uses[2:].strip('/')}@{found.ref}"
    return uses


def action_name(uses: str) -> str:
    """`owner/name`, or `owner/name/path` of an action in a folder, in lower case; empty for what is no action of another
    repository. A repository may hold several actions, which have nothing in common.

    >>> action_name("Actions/Cache/restore@v4"), action_name("./x"), action_name("docker://alpine")
    ('actions/cache/restore', '', '')
    """
    if uses.startswith(("./", ".\\", "$/", "docker://")):
        return ""
    parts = [part for part in uses.partition("@")[0].replace("\\", "/").split("/") if part]
    return "/".join(parts).lower() if len(parts) > 1 else ""


def is_native(uses: str, here: Capabilities) -> bool:
    """Whether a drop-in stands in for an action at that ref."""
    name = action_name(uses)
    if name not in here.actions:
        return False
    refs = here.refs.get("/".join(name.split("/")[:2]))
    return refs is None or re.fullmatch(refs, uses.partition("@")[2]) is not None


def _remote_action(subject: Subject) -> Found | None:
    return _uses(subject, lambda uses: action_name(uses) != "" and not subject.native(uses) and uses not in subject.actions)


def _input(subject: Subject) -> Found | None:
    """A drop-in that is asked for what it cannot do. A value that only the runner can tell is left to the drop-in."""
    for step in subject.steps():
        if isinstance(step.body, Uses) and step.body.inputs is not None:
            given = {key.lower(): token for key, token in fields(step.body.inputs).items()}
            for limit in subject.capabilities.limits:
                token = given.get(limit.input)
                if token is not None and action_name(step.body.uses) == limit.action and _beyond(limit, token, subject):
                    value = " ".join(to_text(subject.value(token)).split())
                    return Found(token.at, f"{limit.what}: {limit.input} {value}")
    return None


def _beyond(limit: Limit, token: Token, subject: Subject) -> bool:
    try:
        value = subject.value(token)
        allowed = subject.value(Expression(limit.but)) if limit.but else None
    except Undecided:
        return False
    if value is UNKNOWN or isinstance(value, list | dict):
        return False
    text = to_text(value).strip()
    if limit.but and (allowed is UNKNOWN or text.lower() == to_text(allowed).lower()):
        return False
    return any(re.fullmatch(limit.values, line.strip(), re.IGNORECASE) for line in text.splitlines())


def _identity_token(subject: Subject) -> Found | None:
    """The permission alone is harmless where only GitHub's own actions run. Of a script nobody can tell what it does where it
    finds no variables to ask for a token with: skip its work and be green, perhaps."""
    if (subject.job.permissions or {}).get("id-token") != "write":
        return None
    for step in subject.steps():
        match step.body:
            case Uses(uses=uses, at=at) if not action_name(uses).startswith("actions/"):
                return Found(at if at != NOWHERE else step.at, uses)
            case Run():
                return Found(step.at, "a script may ask for it")
            case _:
                pass
    return None


FEATURES: tuple[Feature, ...] = (
    Feature("runs-on", "runs on a machine that this one is not", _runs_on),
    Feature("reusable-workflow", "calls a workflow that is not at hand", _call),
    Feature("container", "runs in a container", _container),
    Feature("services", "has service containers", _services),
    Feature("own-action", "uses an action of its own repository (`$/…`), which is not at hand", _own_action),
    Feature("docker-action", "uses an action that runs in a container", _docker_action),
    Feature(
        "container-setup",
        "sets up this machine, while its steps run in a container; an image that holds it, or --native off, does without",
        _set_up_outside,
    ),
    Feature(
        "container-publish",
        "publishes from a container: what that takes of its image, bash and Python, is not looked at here",
        _publish_inside,
    ),
    Feature("node-action", "uses an action that runs on node, which is not here", _node_action),
    Feature("remote-action", "uses an action that is not at hand", _remote_action),
    Feature("action-input", "asks an action for what its drop-in cannot do", _input),
    Feature("background-steps", "has steps that run in the background or in parallel", _background),
    Feature("snapshot", "makes an image of its machine", _snapshot),
    Feature("environment", "deploys to an environment", _environment),
    Feature("id-token", "may ask for an identity token", _identity_token),
)


def wants_containers(workflows: Iterable[Workflow], actions: Mapping[str, FoundAction]) -> bool:
    """Whether a job may want a container: nobody is to look for an engine for nothing. `actions`: those at hand, by `uses`. What
    a job is yet to write or to check out into its workspace may be anything."""
    used = list(actions)
    for found in actions.values():
        match found.action.runs if found.action is not None else None:
            case Docker():
                return True
            case Composite() as composite:
                used += composite.references
    pending = [job for workflow in workflows for job in workflow.jobs.values()]
    while pending:
        match pending.pop().body:
            case Call(workflow=called) if called is not None:
                pending += called.jobs.values()
            case Steps(container=container, services=services, steps=steps):
                if container is not None or services is not None:
                    return True
                used += of_steps(steps)
    return any(uses.startswith("docker://") or (uses.startswith(("./", ".\\")) and uses not in actions) for uses in used)


class Open(Exception):
    """Whether the leg uses a feature that the machine lacks hangs on the end of another job."""

    def __init__(self, feature: Feature, hang: Undecided) -> None:
        super().__init__(feature.name)
        self.feature, self.hang = feature, hang


def unsupported(subject: Subject) -> Reason | None:
    """The first feature of the table that the leg uses and the machine lacks; None where it has all. Raises `Open` where none is
    sure to be used and one may be."""
    pending: Open | None = None
    for feature in FEATURES:
        if feature.name in subject.capabilities.features:
            continue
        try:
            found = feature.find(subject)
        except Undecided as hang:
            pending = pending or Open(feature, hang)
            continue
        if found is not None:
            return missing(feature, found.at, found.subject, subject.capabilities.missing.get(feature.name, ""))
    if pending is not None:
        raise pending
    return None


def missing(feature: Feature, at: Position | None, subject: str = "", lack: str = "") -> Reason:
    """`lack`: why it is not here, and what changes that."""
    facts = {"feature": feature.name, "what": feature.what, "subject": subject, "lack": lack}
    return Reason(f"unsupported.{feature.name}", at, {name: value for name, value in facts.items() if value})
