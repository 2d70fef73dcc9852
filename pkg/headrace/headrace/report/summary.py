"""The last screen of a run: what came out, how long it took, and for each failure enough to start mending it."""

from __future__ import annotations

import os
from collections.abc import Sequence

from headrace.record.records import Annotated
from headrace.record.state import LegState, RunState, StepState
from headrace.report.colour import HUES, Style
from headrace.report.logs import Logs, readable
from headrace.report.naming import Labels, repeat_command
from headrace.report.plain import place
from headrace.report.text import clean, count, duration
from headrace.report.words import say

ORDER = ("failure", "cancelled", "unsupported", "unfinished", "success", "skipped")
LAST_LINES = 20
SLOWEST = 3


def summary(state: RunState, logs: Logs, argv: Sequence[str], style: Style) -> list[str]:
    """Lines, the headline last of all but the failures, so that a red run ends with what broke. `argv` repeats the run."""
    labels = Labels()
    legs = list(state.legs.values())
    if not legs:
        return []
    lines = ["", headline(state, style), *_slowest(state, legs, labels, style)]
    if lacking := _unsupported(legs, state, labels, style):
        lines += ["", *lacking]
    if warnings := _warnings(legs, state, labels, style):
        lines += ["", *warnings]
    for leg in legs:
        if result_of(leg, state) in ("failure", "cancelled", "unfinished"):
            lines += ["", *_failure(leg, state, logs, argv, labels, style)]
    return [style.safe(line) for line in lines]


def result_of(leg: LegState, state: RunState) -> str:
    """The leg's result, or `unfinished` where the run ended without one."""
    return leg.result or "unfinished"


def headline(state: RunState, style: Style) -> str:
    """`✗ failure: 1 failure, 3 success in 12.0s (31.2s of jobs)`."""
    legs = state.legs.values()
    counts = {name: sum(result_of(leg, state) == name for leg in legs) for name in ORDER}
    parts = [style.paint(f"{number} {name}", HUES.get(name)) for name, number in counts.items() if number]
    jobs = sum(leg.seconds for leg in legs)
    took = f" in {duration(state.seconds)}" if state.seconds else ""
    many = f" ({duration(jobs)} of jobs)" if len(counts) and sum(leg.started is not None for leg in legs) > 1 else ""
    return f"{style.state(state.result or 'interrupted')}: {', '.join(parts)}{took}{many}"


def _slowest(state: RunState, legs: list[LegState], labels: Labels, style: Style) -> list[str]:
    ran = sorted((leg for leg in legs if leg.started is not None and leg.seconds), key=lambda leg: -leg.seconds)
    if len(ran) < 2:
        return []
    shown = [f"{labels.of(leg, state)} {duration(leg.seconds)}" for leg in ran[:SLOWEST]]
    return [style.paint(f"  slowest: {', '.join(shown)}", "dim")]


def _unsupported(legs: Sequence[LegState], state: RunState, labels: Labels, style: Style) -> list[str]:
    """A line for all legs of a job that one reason keeps from running here."""
    alike: dict[tuple[str, str], list[LegState]] = {}
    for leg in legs:
        if result_of(leg, state) == "unsupported":
            alike.setdefault((leg.job, _because(leg)), []).append(leg)
    lines = []
    for (_, because), (first, *others) in alike.items():
        name = style.paint(f"{style.glyph('unsupported')} {labels.of(first, state)}", HUES["unsupported"])
        more = f" and {count(len(others), 'more leg')}" if others else ""
        lines.append(f"{name}{more} unsupported{because}")
    return lines


def _warnings(legs: Sequence[LegState], state: RunState, labels: Labels, style: Style) -> list[str]:
    """What the runner itself found at the end of a job, a line for all legs of which it says the same."""
    alike: dict[tuple[str, str], list[LegState]] = {}
    for leg in legs:
        for step in leg.steps.values():
            for note in step.annotations if step.stage == "complete" else ():
                if note.level == "warning":
                    alike.setdefault((leg.job, note.message), []).append(leg)
    lines = []
    for (_, message), (first, *others) in alike.items():
        more = f" and {count(len(others), 'more leg')}" if others else ""
        lines.append(f"{style.paint('warning', HUES['cancelled'])}: {labels.of(first, state)}{more}: {clean(message)}")
    return lines


def _failure(leg: LegState, state: RunState, logs: Logs, argv: Sequence[str], labels: Labels, style: Style) -> list[str]:
    result = result_of(leg, state)
    name = result if result in HUES else "cancelled"
    lines = [style.paint(f"{style.glyph(name)} {labels.of(leg, state)}", HUES.get(name)) + f" {result}{_because(leg)}"]
    for step in failed_steps(leg):
        code = f", exit code {step.exit_code}" if step.exit_code else ""
        lines.append(f"  step {step.number}: {clean(step.name)}{code}")
        note = first_error(step) if result != "cancelled" else last_error(step)
        if note is not None:
            where = place(note)
            lines.append(f"  {where + ': ' if where else ''}{clean(note.message)}")
        if result != "cancelled":  # what it printed before somebody else stopped it explains nothing
            last = logs.tail(leg.log, step.log, LAST_LINES)
            lines += [f"    {readable(line, style.colour)}" for line in last]
            if result == "failure" and (absent := _absent(last)):
                lines.append(f"  {absent}")
    if leg.started is not None or result == "unfinished":
        if leg.log:
            lines.append(f"  log: {logs.path(leg.log)}")
        lines.append(f"  again: {repeat_command(argv, leg)}")
    return lines


def _absent(last: Sequence[bytes]) -> str:
    from headrace.report.hosted import absent
    from headrace.sandbox.programs import find

    apt = find("apt-get", os.environ.get("PATH", ""))
    return absent(last, f"{'' if os.getuid() == 0 else 'sudo '}apt-get install" if apt else "")


def _because(leg: LegState) -> str:
    if leg.lost:
        return f": lost, {clean(leg.lost)}"
    return f": {say(leg.why)}" if leg.why is not None else ""


def failed_steps(leg: LegState) -> list[StepState]:
    """Steps that broke the leg, or that were under way when it ended."""
    steps = [leg.steps[number] for number in sorted(leg.steps)]
    if leg.result is None:
        return [step for step in steps if step.outcome is None]
    failed = [step for step in steps if step.conclusion == "failure"]
    return failed or [step for step in steps if step.conclusion == "cancelled"][:1]


def last_error(step: StepState) -> Annotated | None:
    """What the runner said when it stopped a step."""
    errors = [note for note in step.annotations if note.level == "error"]
    return errors[-1] if errors else None


def first_error(step: StepState) -> Annotated | None:
    """The first error with a place in a file, else the first error that is more than the exit code."""
    errors = [note for note in step.annotations if note.level == "error"]
    for note in errors:
        if note.file:
            return note
    for note in errors:
        if not note.message.startswith("Process completed with exit code "):
            return note
    return None
