"""Does this event start this workflow? The answer names the line of the file that decided. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from headrace.base.errors import Position
from headrace.base.lean import lazy_pattern
from headrace.events.model import Event
from headrace.plan.model import Reason
from headrace.workflow.events import ALIASES, EVENTS
from headrace.workflow.model import Pattern, Trigger, Workflow
from headrace.workflow.patterns import decide

_SKIP_MARKS = ("[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]")
_SKIPPABLE = ("push", "pull_request")
_PATH_FILTERED = ("push", "pull_request", "pull_request_target")


class Decision(Struct, frozen=True):
    """`trigger` is the entry of `on` that started the workflow, None where none did; `why` what decided in either case."""

    why: Reason
    trigger: Trigger | None = None

    @property
    def started(self) -> bool:
        return self.trigger is not None


def decide_workflow(workflow: Workflow, event: Event) -> Decision:
    """Whether `event` starts `workflow`. The reason's rule is one of `event`, `unsent`, `skip-ci`, `types`, `branches`, `tags`,
    `paths`, `schedule`, `workflows`, `names`, `versions`; its facts hold the workflow's path and what was compared.

    The entries of `on` are tried in order; one that lets the event through is enough, else the last refusal is the answer.
    """
    entries = [trigger for trigger in workflow.on if ALIASES.get(trigger.event, trigger.event) == event.name]
    facts = {"workflow": workflow.path, "event": event.name}
    if not entries:
        listed = ", ".join(dict.fromkeys(trigger.event for trigger in workflow.on))
        at = workflow.on[0].at if workflow.on else None
        return Decision(Reason("event", at, facts | {"on": listed}))
    unsent = never_sent(event)
    if unsent:
        return Decision(Reason("unsent", entries[0].at, facts | {"what": unsent}))
    mark = skip_mark(event)
    if mark:
        return Decision(Reason("skip-ci", entries[0].at, facts | {"mark": mark}))
    refusal: Reason | None = None
    for trigger in entries:
        why, refused = _entry(trigger, event, facts)
        if not refused:
            return Decision(why, trigger)
        refusal = why
    assert refusal is not None
    return Decision(refusal)


def never_sent(event: Event) -> str:
    """What it is about this event that GitHub sends none for; empty where it does."""
    match event.name:
        case "deployment_status" if _text(event.payload, "deployment_status", "state") == "inactive":
            return "a deployment that has become inactive"
        case "release" if event.action in ("created", "edited", "deleted") and _inside(event.payload, "release", "draft") is True:
            return f"a draft that is {event.action}"
        case "workflow_run" if event.action == "requested":
            attempt = _inside(event.payload, "workflow_run", "run_attempt")
            if isinstance(attempt, int | float) and attempt > 1:
                return "a run that is requested again"
    return ""


def skip_mark(event: Event) -> str:
    """The text in the head commit's message that asks for no run; empty where there is none or the event does not listen."""
    if event.name not in _SKIPPABLE:
        return ""
    for mark in _SKIP_MARKS:
        if mark in event.message:
            return mark
    return "skip-checks: true" if _asks_by_trailer(event.message) else ""


_TRAILER = lazy_pattern(r"skip-checks: ?true", re.IGNORECASE)


def _asks_by_trailer(message: str) -> bool:
    """A `skip-checks` trailer counts when it is the last one and two empty lines stand before the trailers.

    >>> _asks_by_trailer("Fix\\n\\n\\nReviewed-by: A\\nskip-checks: true"), _asks_by_trailer("Fix\\n\\nskip-checks: true")
    (True, False)
    """
    before, found, block = message.replace("\r\n", "\n").rstrip().rpartition("\n\n\n")
    lines = block.lstrip("\n").split("\n")
    return bool(found and before) and "" not in lines and _TRAILER.fullmatch(lines[-1].strip()) is not None


def _entry(trigger: Trigger, event: Event, facts: dict[str, str]) -> tuple[Reason, bool]:
    """What this entry of `on` says, and whether it refuses."""
    answer = Reason("event", trigger.at, facts)
    for why, refused in _checks(trigger, event, facts):
        if refused:
            return why, True
        answer = why
    return answer, False


def _checks(trigger: Trigger, event: Event, facts: dict[str, str]) -> Iterator[tuple[Reason, bool]]:
    """The verdict of each filter that has a say, in the order in which GitHub looks."""
    yield from _types(trigger, event, facts)
    match event.name:
        case "push":
            yield from _refs(trigger, event, facts)
        case "pull_request" | "pull_request_target":
            yield from _pair(trigger, "branches", event.base_ref, facts)
        case "merge_group":
            base = _text(event.payload, "merge_group", "base_ref").removeprefix("refs/heads/")
            yield from _pair(trigger, "branches", base or event.repository.default_branch, facts)
        case "workflow_run":
            yield from _workflow_run(trigger, event, facts)
        case "schedule":
            yield from _schedule(trigger, event, facts)
        case "image_version":
            for key, value in (("names", "name"), ("versions", "version")):
                yield from _pair(trigger, key, _text(event.payload, "image_version", value), facts)
        case _:
            pass
    if event.name in _PATH_FILTERED and not event.ref.startswith("refs/tags/"):
        yield from _paths(trigger, event, facts)


def _types(trigger: Trigger, event: Event, facts: dict[str, str]) -> Iterator[tuple[Reason, bool]]:
    listed = trigger.filters.get("types")
    kind = EVENTS.get(event.name)
    if listed is not None:
        hit = next((pattern for pattern in listed if pattern.text == event.action), None)
        place = hit.at if hit else listed[0].at if listed else trigger.at
        names = ", ".join(pattern.text for pattern in listed)
        yield Reason("types", place, facts | {"action": event.action, "types": names}), hit is None
    elif kind is not None and kind.default and event.action not in kind.default:
        yield Reason("types", trigger.at, facts | {"action": event.action, "types": ", ".join(kind.default)}), True


def _refs(trigger: Trigger, event: Event, facts: dict[str, str]) -> Iterator[tuple[Reason, bool]]:
    """A push of a branch or tag. Filters for one kind only shut out the other kind."""
    own, other = ("tags", "branches") if event.ref.startswith("refs/tags/") else ("branches", "tags")
    given = [key for key in (own, f"{own}-ignore") if key in trigger.filters]
    if given:
        yield from _pair(trigger, own, event.ref_name, facts)
        return
    shut = [key for key in (other, f"{other}-ignore") if key in trigger.filters]
    if shut:
        at = _first_at(trigger.filters[shut[0]], trigger)
        yield Reason(own, at, facts | {"value": event.ref_name, "only": shut[0]}), True


def _pair(trigger: Trigger, key: str, value: str, facts: dict[str, str]) -> Iterator[tuple[Reason, bool]]:
    """A filter and its `-ignore` twin, of which a file has one at most, against one value."""
    for name, wanted in ((key, True), (f"{key}-ignore", False)):
        patterns = trigger.filters.get(name)
        if patterns is not None:
            verdict, pattern = decide(patterns, value)
            yield _verdict(key, name, patterns, pattern, trigger, facts | {"value": value}), verdict is not wanted


def _verdict(
    rule: str, key: str, patterns: Sequence[Pattern], pattern: Pattern | None, trigger: Trigger, facts: dict[str, str]
) -> Reason:
    """The reason, at the pattern that decided, else at the first one, since none matched."""
    if pattern is not None:
        return Reason(rule, pattern.at, facts | {"filter": key, "pattern": pattern.text})
    return Reason(rule, _first_at(patterns, trigger), facts | {"filter": key})


def _first_at(patterns: Sequence[Pattern], trigger: Trigger) -> Position:
    return patterns[0].at if patterns else trigger.at


def _paths(trigger: Trigger, event: Event, facts: dict[str, str]) -> Iterator[tuple[Reason, bool]]:
    """One changed file that passes is enough. Where nobody knows which files changed, the filter is skipped."""
    for key, wanted in (("paths", True), ("paths-ignore", False)):
        patterns = trigger.filters.get(key)
        if patterns is None:
            continue
        files = event.changed_files
        if files is None:
            yield Reason("paths", _first_at(patterns, trigger), facts | {"filter": key, "files": "unknown"}), False
            continue
        decided: Pattern | None = None
        for file in files:
            verdict, pattern = decide(patterns, file)
            if verdict is wanted:
                found = facts | {"files": str(len(files)), "file": file}
                yield _verdict("paths", key, patterns, pattern, trigger, found), False
                break
            decided = decided or pattern
        else:
            yield _verdict("paths", key, patterns, decided, trigger, facts | {"files": str(len(files))}), True


def _workflow_run(trigger: Trigger, event: Event, facts: dict[str, str]) -> Iterator[tuple[Reason, bool]]:
    """Name and branch of the run that this event is about. Where the payload names none, one of the listed is meant."""
    name = _text(event.payload, "workflow_run", "name") or _text(event.payload, "workflow", "name")
    listed = trigger.filters.get("workflows", ())
    if name:
        hit = next((pattern for pattern in listed if pattern.text == name), None)
        place = hit.at if hit else _first_at(listed, trigger)
        yield Reason("workflows", place, facts | {"value": name}), hit is None
    yield from _pair(trigger, "branches", _text(event.payload, "workflow_run", "head_branch"), facts)


def _schedule(trigger: Trigger, event: Event, facts: dict[str, str]) -> Iterator[tuple[Reason, bool]]:
    """Each entry is an event of its own; where the payload does not say which fired, the first one did."""
    fired = event.payload.get("schedule")
    if isinstance(fired, str) and fired:
        yield Reason("schedule", trigger.at, facts | {"value": fired, "cron": trigger.cron}), fired != trigger.cron


def _inside(payload: dict[str, Any], *keys: str) -> Any:
    value: Any = payload
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _text(payload: dict[str, Any], *keys: str) -> str:
    value = _inside(payload, *keys)
    return value if isinstance(value, str) else ""
