"""`on`: tokens → `Trigger`s, one per event and one per entry of `schedule`."""

from __future__ import annotations

from headrace.base.errors import Position
from headrace.workflow import cron, messages
from headrace.workflow.events import ALIASES
from headrace.workflow.lookup import entries, fields, flag, items, text
from headrace.workflow.model import Input, Pattern, Trigger
from headrace.workflow.problems import Problems
from headrace.workflow.tokens import Scalar, Sequence, Token

FILTERS = ("branches", "tags", "paths")
_LISTS = (
    *(f"{name}{ending}" for name in FILTERS for ending in ("", "-ignore")),
    "workflows",
    "names",
    "versions",
    "types",
)
MAX_INPUTS = 25


def convert(token: Token) -> tuple[Trigger, ...]:
    """The triggers in file order, without any check: what makes no sense is left out."""
    if isinstance(token, (Scalar, Sequence)):
        return tuple(
            Trigger(ALIASES.get(text(item), text(item)), at=item.at)
            for item in items(token)
            if text(item) not in ("", "schedule")
        )
    return tuple(trigger for key, value in entries(token) for trigger in _event(str(key.value), key.at, value))


def _event(name: str, at: Position, value: Token) -> tuple[Trigger, ...]:
    block = fields(value)
    match name:
        case "schedule":
            return tuple(
                Trigger(name, cron=text(entry["cron"]), timezone=text(entry.get("timezone")), at=entry["cron"].at)
                for item in items(value)
                if text((entry := fields(item)).get("cron"))
            )
        case "workflow_dispatch":
            return (Trigger(name, inputs=_inputs(block.get("inputs")), at=at),)
        case "workflow_call":
            secrets = {str(k.value): flag(fields(v).get("required")) for k, v in entries(block.get("secrets"))}
            outputs = {str(k.value): fields(v)["value"] for k, v in entries(block.get("outputs")) if "value" in fields(v)}
            return (Trigger(name, inputs=_inputs(block.get("inputs")), secrets=secrets, outputs=outputs, at=at),)
    filters = {key: _patterns(block[key]) for key in _LISTS if is_given(block.get(key))}
    return (Trigger(ALIASES.get(name, name), filters=filters, at=at),)


def is_given(token: Token | None) -> bool:
    """Whether a filter says anything: `branches:` with nothing behind it is no filter."""
    return token is not None and not (isinstance(token, Scalar) and token.value is None)


def _patterns(token: Token) -> tuple[Pattern, ...]:
    return tuple(Pattern(text(item), item.at) for item in items(token) if text(item))


def _inputs(token: Token | None) -> dict[str, Input]:
    return {str(key.value): _input(str(key.value), key.at, fields(value)) for key, value in entries(token)}


def _input(name: str, at: Position, block: dict[str, Token]) -> Input:
    return Input(
        name=name,
        type=text(block.get("type")) or "string",
        required=flag(block.get("required")),
        default=block.get("default"),
        options=tuple(text(option) for option in items(block.get("options"))),
        description=text(block.get("description")),
        at=at,
    )


def check(token: Token, triggers: tuple[Trigger, ...], problems: Problems) -> None:
    """What a person should know before the workflow is pushed: filters that exclude each other, bad times, bad inputs."""
    if not triggers:
        problems.add(messages.NO_TRIGGERS, token.at)
    for key, value in entries(token):
        block = fields(value)
        for name in FILTERS:
            if is_given(block.get(name)) and is_given(block.get(f"{name}-ignore")):
                second = next(k for k, _ in reversed(list(entries(value))) if k.value in (name, f"{name}-ignore"))
                problems.add(messages.exclusive_filters(name), second.at)
        if key.value == "schedule":
            for item in items(value):
                time = fields(item).get("cron")
                if time is not None and not cron.check(text(time)):
                    problems.add(messages.CRON, time.at)
        if key.value == "workflow_dispatch":
            _check_inputs(block.get("inputs"), problems)


def _check_inputs(token: Token | None, problems: Problems) -> None:
    given = list(entries(token))
    if token is not None and len(given) > MAX_INPUTS:
        problems.add(messages.too_many_inputs(MAX_INPUTS), token.at)
    for _, value in given:
        block = fields(value)
        options = block.get("options")
        if text(block.get("type")) == "choice":
            if not any(True for _ in items(options)):
                problems.add(messages.required("options"), value.at)
        elif options is not None:
            key = next(k for k, _ in entries(value) if k.value == "options")
            problems.add(messages.unexpected_value("options"), key.at)
