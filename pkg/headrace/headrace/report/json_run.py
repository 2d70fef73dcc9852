"""A run as JSON: one object at the end, or one record a line as it happens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from headrace.base.errors import Problem
from headrace.base.paths import run_dir
from headrace.plan.model import Plan
from headrace.record.codec import encode_json
from headrace.record.records import Record
from headrace.record.state import LegState, RunState
from headrace.report import documents
from headrace.report.json_plan import dumps, event_document, problem_rows, rejected_rows
from headrace.report.naming import job_id
from headrace.report.text import plain_value
from headrace.report.words import say


def run_json(state: RunState, plan: Plan, problems: Iterable[Problem]) -> str:
    """The object that `run --json` prints. `run` is empty where nothing was run."""
    folder = run_dir(state.run)
    document = documents.RunDocument(
        documents.RUN,
        state.run,
        state.result,
        round(state.seconds, 3),
        event_document(plan.event),
        [_row(leg, folder) for leg in state.legs.values()],
        rejected_rows(plan.rejected),
        problem_rows(problems),
    )
    return dumps(document)


def _row(leg: LegState, folder: str) -> documents.RunRow:
    log = f"{folder}/{leg.log}" if leg.log else ""
    why = f"lost: {leg.lost}" if leg.lost else say(leg.why) if leg.why is not None else None
    job = job_id(leg.job, leg.workflow)
    return documents.RunRow(leg.workflow, job, leg.name, plain_value(leg.matrix), leg.result, round(leg.seconds, 3), why, log)


class Stream:
    """Prints each record as one line of JSON, at once."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def show(self, record: Record, state: RunState) -> None:
        line = documents.RecordLine(documents.RECORD, record.run, run_dir(record.run), record.seq, record.at, record.body)
        self._out.write(encode_json(line).decode() + "\n")
        self._out.flush()

    def tick(self, at: float, state: RunState) -> None:
        pass

    def close(self, state: RunState) -> None:
        pass
