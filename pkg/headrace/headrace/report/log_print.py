"""The logs of a finished or running run, as `headrace logs` prints them. Writes bytes: a log need not be UTF-8."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from headrace.base.errors import Problem, UsageError
from headrace.record.state import LegState, RunState, StepState
from headrace.report.colour import Style
from headrace.report.logs import Logs, spoken, step_ranges
from headrace.report.naming import Labels, job_id
from headrace.report.plain import step_line
from headrace.report.text import only_colours, without_escapes


def print_logs(
    state: RunState, logs: Logs, out: BinaryIO, style: Style, job: str, failed: bool, step: int | None, raw: bool
) -> None:
    """`job` empty: all. A heading stands above each step, but not with `raw`. Raises UsageError for a job that is not there."""
    labels = Labels()
    for leg in chosen(state, job, labels):
        if raw and not failed and step is None:
            for block in logs.blocks(leg.log, step_ranges(leg)):
                out.write(block)
            continue
        heading = labels.of(leg, state)
        for each in _steps(leg, failed, step):
            if not raw:
                line = f"{style.paint(heading, 'bold')} {style.paint(f'step {each.number}', 'dim')} {step_line(each, style)}"
                out.write(style.safe(line).encode() + b"\n")
            for block in logs.blocks(leg.log, each.log):
                out.write(block if raw else _shown(block, style))


def chosen(state: RunState, job: str, labels: Labels) -> list[LegState]:
    """Legs whose job id, display name, path or label is `job`, ignoring case; a calling job's id stands for all jobs inside."""
    legs = list(state.legs.values())
    if not job:
        return legs
    wanted = job.lower()
    found = [leg for leg in legs if wanted in (name.lower() for name in _names(leg, state, labels))]
    if found:
        return found
    known = ", ".join(dict.fromkeys(job_id(leg.job, leg.workflow) for leg in legs)) or "none"
    raise UsageError(Problem(f"run {state.run} has no job '{job}'", hint=f"its jobs are: {known}"))


def _names(leg: LegState, state: RunState, labels: Labels) -> tuple[str, ...]:
    ids = job_id(leg.job, leg.workflow).split("/")
    chains = ["/".join(ids[: number + 1]) for number in range(len(ids))]
    return *chains, leg.name, leg.job, leg.leg, labels.of(leg, state)


def _steps(leg: LegState, failed: bool, number: int | None) -> Iterator[StepState]:
    for key in sorted(leg.steps):
        step = leg.steps[key]
        if number is not None and step.number != number:
            continue
        if failed and step.outcome != "failure":
            continue
        if step.log or number is not None or failed:
            yield step


def _shown(block: bytes, style: Style) -> bytes:
    block = spoken(block)
    if b"\x1b" not in block and b"\r" not in block:
        return block
    mend = only_colours if style.colour else without_escapes
    return b"".join(mend(line) for line in block.splitlines(keepends=True))
