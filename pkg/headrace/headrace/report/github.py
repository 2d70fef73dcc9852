"""A run inside GitHub Actions: each step's log as a group of the outer log, annotations made again there."""

from __future__ import annotations

from typing import TextIO

from headrace.record.records import Annotated, GroupAwaited, LegFinished, Record, RunStarted, StepFinished
from headrace.record.state import LegState, RunState, StepState
from headrace.report.colour import Style
from headrace.report.logs import Logs, readable, spoken
from headrace.report.naming import Labels, file_name
from headrace.report.plain import WORK, awaited_text, leg_line, opening_lines, step_line
from headrace.report.text import clean

MOST_ANNOTATIONS = 10  # of a level a step: more are not kept by GitHub


class GitHub:
    """Steps of parallel jobs must not mix within a group, so that a step is shown when it has ended. A failed step stays open."""

    def __init__(self, out: TextIO, style: Style, logs: Logs) -> None:
        self._out = out
        self._style = style
        self._logs = logs
        self._labels = Labels()

    def show(self, record: Record, state: RunState) -> None:
        match record.body:
            case RunStarted() as started:
                self._out.write("".join(line + "\n" for line in opening_lines(record.run, started)))
            case Annotated(leg=path) as note if leg := state.legs.get(path):
                self._annotate(leg, note, state)
            case StepFinished(leg=path, step=number) if leg := state.legs.get(path):
                step = leg.steps.get(number)
                if step is not None and step.outcome != "skipped" and (step.stage in WORK or step.outcome == "failure"):
                    self._step(leg, step, state)
            case LegFinished(leg=path) if leg := state.legs.get(path):
                self._out.write(f"{self._labels.of(leg, state)} | {leg_line(leg, self._style)}\n")
            case GroupAwaited(workflow=path) as awaited:
                leg = state.legs.get(awaited.leg)
                label = self._labels.of(leg, state) if leg is not None else clean(file_name(path))
                self._out.write(f"{label} | {awaited_text(awaited, state)}\n")
            case _:
                return
        self._out.flush()

    def tick(self, at: float, state: RunState) -> None:
        pass

    def close(self, state: RunState) -> None:
        self._out.flush()

    def _step(self, leg: LegState, step: StepState, state: RunState) -> None:
        title = f"{self._labels.of(leg, state)} | {step_line(step, Style(utf8=self._style.utf8))}"
        group = step.outcome != "failure"
        self._out.write(f"::group::{_data(title)}\n" if group else title + "\n")
        # What the step printed must not act on the outer run: its commands are stopped, with a word it cannot know.
        from secrets import token_hex

        word = token_hex(16)
        self._out.write(f"::stop-commands::{word}\n")
        for block in self._logs.blocks(leg.log, step.log):
            for line in spoken(block).splitlines():
                self._out.write(readable(line, self._style.colour) + "\n")
        self._out.write(f"::{word}::\n" + ("::endgroup::\n" if group else ""))

    def _annotate(self, leg: LegState, note: Annotated, state: RunState) -> None:
        step = leg.steps.get(note.step)
        if step is not None and sum(each.level == note.level for each in step.annotations) > MOST_ANNOTATIONS:
            return
        places = {
            "file": note.file,
            "line": note.line,
            "col": note.column,
            "endLine": note.end_line,
            "endColumn": note.end_column,
        }
        title = note.title or self._labels.of(leg, state)
        properties = [f"{key}={_property(str(value))}" for key, value in {**places, "title": title}.items() if value]
        self._out.write(f"::{note.level} {','.join(properties)}::{_data(note.message)}\n")


def _data(text: str) -> str:
    """
    >>> _data("100%\\nsure")
    '100%25%0Asure'
    """
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(clean(text)).replace(":", "%3A").replace(",", "%2C")
