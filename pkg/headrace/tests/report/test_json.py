"""The JSON that headrace prints, and the page that describes it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from headrace.base.errors import Position, Problem
from headrace.events.model import Event, Repository
from headrace.plan.model import Plan, Reason
from headrace.report import documents, schema
from headrace.report.json_run import Stream, run_json
from headrace.report.stream import Observer

if TYPE_CHECKING:
    from tests.report.conftest import Told

EVENT = Event("push", Repository("octo/hello", "/r", "/r/.git"), "refs/heads/main", "0123", "/r/.git")


def test_a_run_has_a_row_a_leg(broken: Told) -> None:
    state = broken.state
    found = json.loads(run_json(state, Plan(EVENT, {}, {}), [Problem("bad", Position("b.yml", 2, 3))]))
    assert found["schema"] == "headrace.run/1"
    assert (found["run"], found["result"], found["duration_s"]) == ("7", "failure", 5.5)
    assert [(row["workflow"], row["job"], row["matrix"], row["result"], row["duration_s"]) for row in found["jobs"]] == [
        (".github/workflows/ci.yml", "test", {"python": "3.10"}, "success", 2.0),
        (".github/workflows/ci.yml", "test", {"python": "3.13"}, "failure", 5.0),
    ]
    assert found["problems"] == [{"file": "b.yml", "line": 2, "column": 3, "message": "bad", "hint": ""}]


def test_a_skipped_job_has_one_row_without_a_matrix_and_with_its_reason(told: Told) -> None:
    told.start()
    told.end(told.queue("deploy"), "skipped", seconds=0, why=Reason("fail-fast", facts={"leg": "x"}))
    row = json.loads(run_json(told.state, Plan(EVENT, {}, {}), []))["jobs"][0]
    assert (row["matrix"], row["result"], row["duration_s"]) == (None, "skipped", 0.0)
    assert row["reason"] == "x failed, and the matrix is fail-fast"


def test_the_stream_is_one_record_a_line_that_decodes_again(broken: Told) -> None:
    out = io.StringIO()
    observer = Observer([Stream(out)], broken.logs, str)
    for record in broken.records:
        observer(record)
    lines = out.getvalue().splitlines()
    decoded = [msgspec.json.decode(line, type=documents.RecordLine) for line in lines]
    assert [line.body for line in decoded] == [record.body for record in broken.records]
    assert [line.seq for line in decoded] == list(range(1, len(lines) + 1))
    assert json.loads(lines[0])["body"]["type"] == "run-started"


@pytest.mark.parametrize("kind", [kind for kind, _ in schema.TITLES])
def test_every_document_has_a_json_schema(kind: type[Any]) -> None:
    assert "$ref" in schema.json_schema(kind)


def test_the_page_is_what_the_structs_say() -> None:
    page = Path(__file__).parents[4] / "docs" / "json.md"
    assert page.read_text(encoding="utf-8") == schema.document(), "run: python -m headrace.report.schema > docs/json.md"
