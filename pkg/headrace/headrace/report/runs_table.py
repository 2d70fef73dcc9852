"""The list of runs as a table."""

from __future__ import annotations

import time
from collections.abc import Sequence

from headrace.record.journal import RunSummary
from headrace.report.colour import Style
from headrace.report.table import Column, table
from headrace.report.text import duration

COLUMNS = (
    Column("run", right=True),
    Column("when"),
    Column("event", shrinks=True),
    Column("ref", shrinks=True),
    Column("repository", shrinks=True),
    Column("result", state=True),
    Column("took"),
)


def runs_lines(runs: Sequence[RunSummary], style: Style) -> list[str]:
    """Lines for a person; times are local."""
    if not runs:
        return ["there is no run yet; `headrace run` makes one"]
    return table(COLUMNS, [_row(run) for run in runs], style)


def _row(run: RunSummary) -> tuple[str, ...]:
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(run.at))
    result = run.result or "running"
    return run.run, when, run.event, run.ref, run.repository, result, duration(run.seconds) if run.seconds else ""
