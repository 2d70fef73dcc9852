"""A run at a terminal: finished jobs scroll up as one line each, running ones stand below with their step and the time so far.

Nothing that failed is ever hidden: a failed step's last lines are printed at once and stay.
"""

from __future__ import annotations

from typing import TextIO

from headrace.record.records import (
    Annotated,
    GroupAwaited,
    LegFinished,
    LegQueued,
    LegStarted,
    Lost,
    Record,
    RunStarted,
    StepFinished,
    StepStarted,
)
from headrace.record.state import LegState, RunState, StepState
from headrace.report.colour import Style
from headrace.report.logs import Logs, readable
from headrace.report.naming import Labels, file_name
from headrace.report.plain import awaited_text, leg_line, opening_lines, present_step, step_line
from headrace.report.text import clean, duration, shorten, width

SPIN = ("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "|/-\\")
MOST_LINES = 12  # of running jobs; more are counted
REDRAW_S = 0.1
SOON_S = 0.05  # between two drawings for records; what is left out shows with the next one


class Live:
    """`columns` is asked at each drawing, so that a window may change its size."""

    def __init__(self, out: TextIO, style: Style, logs: Logs) -> None:
        self._out = out
        self._style = style
        self._logs = logs
        self._labels = Labels()
        self._drawn = 0  # lines of the lower part that stand on the screen
        self._frame = 0
        self._last = 0.0

    def show(self, record: Record, state: RunState) -> None:
        match record.body:
            case RunStarted() as started:
                self._above(opening_lines(record.run, started))
            case StepFinished(leg=path, step=number) if leg := state.legs.get(path):
                step = leg.steps.get(number)
                if step and step.outcome == "failure":
                    self._above(self._failed(leg, step, state))
            case Lost(leg=path, why=why) if leg := state.legs.get(path):
                text = self._style.paint(f"{self._style.glyph('failure')} lost: {clean(why)}", "red")
                self._above([f"{self._labels.of(leg, state)} {text}"])
            case LegFinished(leg=path) if leg := state.legs.get(path):
                self._above([self._finished(leg, state)])
            case LegQueued() | GroupAwaited() | LegStarted() | StepStarted() | Annotated():
                pass
            case _:
                return
        if self._drawn == 0 or record.at - self._last >= SOON_S:
            self._draw(record.at, state)

    def tick(self, at: float, state: RunState) -> None:
        if at - self._last >= REDRAW_S:
            self._frame += 1
            self._draw(at, state)

    def close(self, state: RunState) -> None:
        self._erase()
        self._out.flush()

    # -- what stays --

    def _above(self, lines: list[str]) -> None:
        self._erase()
        self._out.write("".join(self._style.safe(line) + "\n" for line in lines))

    def _finished(self, leg: LegState, state: RunState) -> str:
        return f"{self._labels.of(leg, state)} {leg_line(leg, self._style)}"

    def _failed(self, leg: LegState, step: StepState, state: RunState) -> list[str]:
        tail = [f"    {readable(line, self._style.colour)}" for line in self._logs.tail(leg.log, step.log)]
        return [f"{self._labels.of(leg, state)} {step_line(step, self._style)}", *tail]

    # -- what is redrawn --

    def _erase(self) -> None:
        if self._drawn:
            self._out.write(f"\x1b[{self._drawn}A\r\x1b[J")
            self._drawn = 0

    def _draw(self, at: float, state: RunState) -> None:
        self._last = at
        self._erase()
        if state.result is None:
            lines = self._lower(at, state)
            self._out.write("".join(line + "\n" for line in lines))
            self._drawn = len(lines)
        self._out.flush()

    def _lower(self, at: float, state: RunState) -> list[str]:
        running = [leg for leg in state.legs.values() if leg.started is not None and leg.result is None]
        idle = [leg for leg in state.legs.values() if leg.started is None and leg.result is None]
        waiting = sum(leg.awaits is None for leg in idle)
        lines = [self._running(leg, at, state) for leg in running[:MOST_LINES]]
        lines += [self._awaiting(clean(file_name(path)), awaited, state) for path, awaited in state.awaits.items()]
        lines += [self._awaiting(self._labels.of(leg, state), leg.awaits, state) for leg in idle if leg.awaits is not None]
        more = len(running) - MOST_LINES
        counts = ([f"{more} more running"] if more > 0 else []) + ([f"{waiting} waiting"] if waiting else [])
        if counts:
            lines.append(self._style.paint(self._style.safe("  " + ", ".join(counts)), "dim"))
        return lines

    def _awaiting(self, label: str, awaited: GroupAwaited, state: RunState) -> str:
        """Spinner, name, what is waited for."""
        spin = SPIN[not self._style.utf8]
        head = f"{spin[self._frame % len(spin)]} "
        room = max(10, (self._style.width or 80) - 1 - width(head))
        text = shorten(f"{label} {self._style.glyph('dot')} {awaited_text(awaited, state)}", room, self._style.glyph("ellipsis"))
        return self._style.safe(self._style.paint(head + text, "dim"))

    def _running(self, leg: LegState, at: float, state: RunState) -> str:
        """Spinner, name, step, elapsed: the window's width goes to the names, and never costs the time."""
        spin = SPIN[not self._style.utf8]
        head, tail = f"{spin[self._frame % len(spin)]} ", f" {duration(max(0.0, at - (leg.started or at)))}"
        room = max(10, (self._style.width or 80) - 1 - width(head) - width(tail))
        step = present_step(leg)
        doing = f" {self._style.glyph('dot')} {clean(step.name)}" if step else ""
        ellipsis = self._style.glyph("ellipsis")
        name = shorten(self._labels.of(leg, state), max(8, room * 2 // 3) if doing else room, ellipsis)
        doing = shorten(doing, max(0, room - width(name)), ellipsis)
        return self._style.safe(f"{self._style.paint(head, 'cyan')}{name}{self._style.paint(doing, 'dim')}{tail}")
