"""A run as plain lines, for where there is no terminal: no cursor control, each line says which job it is about."""

from __future__ import annotations

from typing import Literal, TextIO

from headrace.plan.model import Reason
from headrace.record.records import (
    Annotated,
    GroupAwaited,
    LegFinished,
    LegStarted,
    LogChunk,
    Lost,
    Record,
    RunStarted,
    StepFinished,
    StepStarted,
)
from headrace.record.state import LegState, RunState, StepState
from headrace.report.colour import HUES, Style
from headrace.report.logs import Logs, readable, spoken
from headrace.report.naming import Labels, file_name
from headrace.report.text import clean, duration
from headrace.report.words import say

Depth = Literal["silent", "failures", "steps", "output", "decisions"]
"""`-qq`, `-q`, the default, `-v`, `-vv`."""

HEARTBEAT_S = 60.0
WORK = ("pre", "main", "post")
"""The stages of a job that its file asks for; set-up and completion are shown where they fail, or with the output."""

_RANK = {"silent": 0, "failures": 1, "steps": 2, "output": 3, "decisions": 4}


class Plain:
    """Start and finish of every step with its duration, a failed step's last lines at once, a heartbeat for a silent job."""

    def __init__(self, out: TextIO, style: Style, logs: Logs, depth: Depth = "steps") -> None:
        self._out = out
        self._style = style
        self._logs = logs
        self._rank = _RANK[depth]
        self._labels = Labels()
        self._heard: dict[str, float] = {}  # leg → when a line of it was last shown
        self._held: tuple[str, int, float] | None = None  # a step's start that is not told yet: leg, number, when

    def show(self, record: Record, state: RunState) -> None:
        if self._rank == 0:
            return
        self._tell_start(record, state)
        match record.body:
            case RunStarted() as started:
                self._started(record.run, started)
            case GroupAwaited() as awaited:
                self._awaits(awaited, state, record.at)
            case LegStarted(leg=path) if leg := state.legs.get(path):
                if self._rank >= 2:
                    self._line(leg, state, record.at, "started")
            case StepStarted(leg=path, step=number) if leg := state.legs.get(path):
                step = leg.steps.get(number)
                if step is not None and self._rank >= (2 if step.stage in WORK else 3):
                    self._held = (path, number, record.at)
            case LogChunk(leg=path) as chunk if leg := state.legs.get(path):
                self._heard[path] = record.at
                if self._rank >= 3:
                    self._stream(leg, state, chunk)
            case Annotated(leg=path, level=level) as note if leg := state.legs.get(path):
                if self._rank == 2 and level != "notice" and not _says_nothing_new(note):
                    self._line(leg, state, record.at, annotation_line(note, self._style))
            case StepFinished(leg=path, step=number) if leg := state.legs.get(path):
                if step := leg.steps.get(number):
                    self._step_finished(leg, step, state, record.at)
            case LegFinished(leg=path) if leg := state.legs.get(path):
                self._leg_finished(leg, state, record.at)
            case Lost(leg=path, why=why) if leg := state.legs.get(path):
                self._line(leg, state, record.at, self._style.paint(f"{self._style.glyph('failure')} lost: {clean(why)}", "red"))
            case _:
                return
        self._out.flush()

    def tick(self, at: float, state: RunState) -> None:
        """Silence kills jobs on hosted CI: say once a minute what a silent job is at."""
        if self._rank < 2:
            return
        self._tell_start(None, state)
        for leg in state.legs.values():
            if leg.started is None or leg.result is not None:
                continue
            if at - self._heard.get(leg.leg, leg.started) >= HEARTBEAT_S:
                step = present_step(leg)
                what = (
                    f"{clean(step.name)}, {duration(at - step.started)} so far"
                    if step
                    else f"{duration(at - leg.started)} so far"
                )
                self._line(leg, state, at, f"{self._style.glyph('ellipsis')} {what}")
                self._out.flush()

    def close(self, state: RunState) -> None:
        self._tell_start(None, state)
        self._out.flush()

    def _tell_start(self, now: Record | None, state: RunState) -> None:
        """A step that is skipped ends at once: its start waits for the next record, so that it need not be told."""
        if self._held is None:
            return
        (path, number, at), self._held = self._held, None
        match now.body if now is not None else None:
            case StepFinished(leg=ended, step=last, outcome="skipped") if (ended, last) == (path, number):
                return
            case _:
                leg = state.legs[path]
                self._line(leg, state, at, f"{self._style.glyph('start')} {clean(leg.steps[number].name)}")
                self._out.flush()

    # -- lines --

    def _started(self, run: str, started: RunStarted) -> None:
        if self._rank < 2:
            return
        for line in opening_lines(run, started):
            self._out.write(self._style.safe(line) + "\n")

    def _awaits(self, awaited: GroupAwaited, state: RunState, at: float) -> None:
        if self._rank < 2:
            return
        text = f"{self._style.glyph('ellipsis')} {awaited_text(awaited, state)}"
        if leg := state.legs.get(awaited.leg):
            self._line(leg, state, at, text)
        else:
            prefix = self._style.paint(f"{clean(file_name(awaited.workflow))} |", "dim")
            self._out.write(self._style.safe(f"{prefix} {text}") + "\n")

    def _line(self, leg: LegState, state: RunState, at: float, text: str) -> None:
        self._heard[leg.leg] = at
        self._out.write(self._style.safe(f"{self._prefix(leg, state)}{text}") + "\n")

    def _prefix(self, leg: LegState, state: RunState) -> str:
        return self._style.paint(f"{self._labels.of(leg, state)} |", "dim") + " "

    def _stream(self, leg: LegState, state: RunState, chunk: LogChunk) -> None:
        prefix = self._style.safe(self._prefix(leg, state))
        for block in self._logs.blocks(leg.log, [(chunk.offset, chunk.length)]):
            block = spoken(block)
            if b"\x1b" in block or b"\r" in block:
                text = "\n".join(readable(line, self._style.colour) for line in block.split(b"\n"))
            else:
                text = block.decode("utf-8", "backslashreplace")
            ends = text.endswith("\n")
            body = (text[:-1] if ends else text).replace("\n", f"\n{prefix}")
            if block:
                self._out.write(f"{prefix}{self._style.safe(body)}\n")

    def _step_finished(self, leg: LegState, step: StepState, state: RunState, at: float) -> None:
        failed = step.outcome == "failure"
        if self._rank < (2 if step.stage in WORK else 3) and not failed:
            return
        if step.outcome == "skipped" and self._rank < 4:
            return
        self._line(leg, state, at, step_line(step, self._style))
        if failed and self._rank < 3:
            self.tail(leg, step, state)

    def tail(self, leg: LegState, step: StepState, state: RunState) -> None:
        prefix = self._style.safe(self._prefix(leg, state))
        for line in self._logs.tail(leg.log, step.log):
            self._out.write(f"{prefix}    {self._style.safe(readable(line, self._style.colour))}\n")

    def _leg_finished(self, leg: LegState, state: RunState, at: float) -> None:
        bad = leg.result in ("failure", "cancelled", "unsupported")
        if self._rank >= 2 or bad:
            self._line(leg, state, at, leg_line(leg, self._style))


def opening_lines(run: str, started: RunStarted) -> list[str]:
    """The first lines of a run: what happened, of which tree, and what is said once."""
    tree = "the working tree" if started.snapshot else started.sha[:10]
    lines = [f"run {run}: {started.event} of {started.ref or started.sha[:10]} ({tree}) in {started.repository}"]
    return [clean(line) for line in lines + [f"note: {note}" for note in started.notes]]


def awaited_text(awaited: GroupAwaited, state: RunState) -> str:
    """`waiting for the concurrency group 'deploy', held by run 12`."""
    by = "this run itself" if awaited.holder == state.run else f"run {awaited.holder}"
    return clean(f"waiting for the concurrency group '{awaited.group}', held by {by}")


def present_step(leg: LegState) -> StepState | None:
    """The step that runs now: the last started one without an outcome."""
    for number in sorted(leg.steps, reverse=True):
        if leg.steps[number].outcome is None:
            return leg.steps[number]
    return None


def step_line(step: StepState, style: Style) -> str:
    """`✓ Run make (1.2s)`; a failure says its exit code, a failure that does not count says so."""
    outcome = step.outcome or "cancelled"
    text = f"{style.glyph(outcome)} {clean(step.name)}"
    if outcome == "skipped":
        return style.paint(text + " skipped" + (f": {say(step.why)}" if step.why else ""), "dim")
    text += f" ({duration(step.seconds)})"
    if outcome == "failure":
        text += " failed" + (f" with exit code {step.exit_code}" if step.exit_code else "")
        if step.conclusion == "success":
            text += "; the job goes on (continue-on-error)"
    elif outcome == "cancelled":
        text += " cancelled"
    return style.paint(text, HUES.get(outcome))


def leg_line(leg: LegState, style: Style) -> str:
    """`✗ failure in 3.2s`, with the reason of what did not run."""
    result = leg.result or "cancelled"
    text = style.state(result)
    if leg.started is not None:
        text += f" in {duration(leg.seconds)}"
    if leg.result == "failure" and leg.continue_on_error:
        text += "; counts as success (continue-on-error)"
    return text + why_text(leg.why)


def why_text(why: Reason | None) -> str:
    return f": {say(why)}" if why is not None else ""


def annotation_line(note: Annotated, style: Style) -> str:
    """`error: src/a.py:3:1: message`."""
    where = place(note)
    hue = HUES["failure"] if note.level == "error" else HUES["cancelled"]
    title = f"{clean(note.title)}: " if note.title else ""
    return f"{style.paint(note.level, hue)}: {where + ': ' if where else ''}{title}{clean(note.message)}"


def place(note: Annotated) -> str:
    """`file:line:column` as far as it is known."""
    if not note.file:
        return ""
    return clean(note.file) + (f":{note.line}" if note.line else "") + (f":{note.column}" if note.line and note.column else "")


def _says_nothing_new(note: Annotated) -> bool:
    """The runner's own note on an exit code; the step's line says it."""
    return not note.file and note.message.startswith("Process completed with exit code ")
