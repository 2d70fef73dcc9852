"""The list of runs as JSON."""

from __future__ import annotations

from collections.abc import Iterable

from headrace.record.journal import RunSummary
from headrace.report import documents
from headrace.report.json_plan import dumps


def runs_json(runs: Iterable[RunSummary]) -> str:
    """One object, indented, with a line feed at the end."""
    rows = [
        documents.RunsRow(r.run, r.at, r.repository, r.root, r.event, r.ref, r.sha, r.result, round(r.seconds, 3)) for r in runs
    ]
    return dumps(documents.RunsDocument(documents.RUNS, rows))
