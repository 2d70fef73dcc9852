"""Jobs: tokens → `Job`s with their steps or call, and every check that needs no evaluation."""

from __future__ import annotations

from headrace.base.errors import Position
from headrace.workflow import matrix, messages, permissions, steps
from headrace.workflow.embedded import utf16_length
from headrace.workflow.identifiers import complaint
from headrace.workflow.lookup import entries, fields, flag, items, text
from headrace.workflow.model import Call, Job, Steps
from headrace.workflow.problems import Problems
from headrace.workflow.schema import JOB_IF, STEP_IF
from headrace.workflow.tokens import Mapping, Scalar, Token

_GROUP_LENGTH = 400
_GROUP_PREFIXES = ("org", "organization", "ent", "enterprise")


def convert(token: Token, inherited: dict[str, str] | None, problems: Problems) -> dict[str, Job]:
    """The jobs by id, in file order. `inherited` are the workflow's permissions."""
    jobs: dict[str, Job] = {}
    for key, value in entries(token):
        name = str(key.value)
        if message := complaint(name):
            problems.add(message, key.at)
        if isinstance(value, Mapping):
            jobs[name] = _job(name, key.at, fields(value), inherited, problems)
    return jobs


def _job(name: str, at: Position, job: dict[str, Token], inherited: dict[str, str] | None, problems: Problems) -> Job:
    finished = steps.condition(job.get("if"), JOB_IF, problems)
    needs = items(job.get("needs"))
    if (strategy := job.get("strategy")) is not None:
        matrix.check(fields(strategy).get("matrix"), name, problems)
    if (concurrency := job.get("concurrency")) is not None:
        check_concurrency(concurrency, problems)
    granted = job.get("permissions")
    return Job(
        id=name,
        needs=tuple(text(need) for need in needs),
        condition=finished,
        body=_call(job) if "uses" in job else _steps(job, problems),
        name=job.get("name"),
        strategy=strategy,
        concurrency=concurrency,
        permissions=inherited if granted is None else permissions.convert(granted),
        at=at,
        needs_at=tuple(need.at for need in needs),
    )


def _call(job: dict[str, Token]) -> Call:
    secrets = job.get("secrets")
    inherit = isinstance(secrets, Scalar)
    uses = job["uses"]
    return Call(text(uses), job.get("with"), None if inherit else secrets, inherit, at=uses.at)


def _steps(job: dict[str, Token], problems: Problems) -> Steps:
    runs_on = job.get("runs-on") or Scalar("")
    group = fields(runs_on).get("group")
    if isinstance(group, Scalar):
        _check_group(group, problems)
    if (container := job.get("container")) is not None:
        _check_container(container, problems)
    for _, service in entries(job.get("services")):
        _check_service(service, problems)
    if (snapshot := job.get("snapshot")) is not None:
        _check_snapshot(snapshot, problems)
    return Steps(
        steps=steps.convert(job.get("steps"), problems),
        runs_on=runs_on,
        env=job.get("env"),
        defaults=job.get("defaults"),
        outputs=job.get("outputs"),
        environment=job.get("environment"),
        container=container,
        services=job.get("services"),
        timeout_minutes=job.get("timeout-minutes"),
        cancel_timeout_minutes=job.get("cancel-timeout-minutes"),
        continue_on_error=job.get("continue-on-error"),
        snapshot=snapshot,
    )


def check_concurrency(token: Token, problems: Problems) -> None:
    """The group's length, and `queue: max`, which lets nobody be cancelled."""
    group = fields(token).get("group") if isinstance(token, Mapping) else token
    if group is not None and utf16_length(text(group)) > _GROUP_LENGTH:
        problems.add(messages.GROUP_TOO_LONG, group.at)
    block = fields(token)
    if text(block.get("queue")) == "max" and flag(block.get("cancel-in-progress")):
        problems.add(messages.QUEUE_AND_CANCEL, token.at)


def literal_group(token: Token | None) -> str:
    """The name of a concurrency group that holds no expression; empty otherwise."""
    return text(fields(token).get("group") if isinstance(token, Mapping) else token)


def _check_group(group: Scalar, problems: Problems) -> None:
    name = text(group)
    parts = name.split("/")
    if len(parts) > 2 or (len(parts) == 2 and parts[0] not in _GROUP_PREFIXES):
        problems.add(messages.runner_group_prefix(name), group.at)
    elif len(parts) == 2 and not parts[1]:
        problems.add(messages.runner_group(name), group.at)


def _no_image(token: Token) -> bool:
    """Whether a mapping lacks an image, or an image text is only the scheme."""
    if isinstance(token, Mapping):
        if any(not isinstance(key, Scalar) for key, _ in token.pairs):
            return False
        image = fields(token).get("image")
        return image is None or text(image) == "docker://"
    return text(token) == "docker://"


def _check_container(token: Token, problems: Problems) -> None:
    if _no_image(token):
        problems.add(messages.IMAGE_EMPTY, token.at)


def _check_service(token: Token, problems: Problems) -> None:
    if _no_image(token) or (isinstance(token, Scalar) and not text(token)):
        problems.add(messages.IMAGE_EMPTY, token.at)


def _check_snapshot(token: Token, problems: Problems) -> None:
    block = fields(token)
    version = block.get("version")
    if isinstance(version, Scalar):
        major, dot, rest = text(version).partition(".")
        if not (major.isdecimal() and major.isascii() and dot and rest == "*"):
            problems.add(messages.version_format(text(version)), version.at)
    if "if" in block:
        steps.condition(block["if"], STEP_IF, problems)
