"""Jobs inside calls as rows of a plan: by their chain of ids, and in the place of the job that calls."""

from __future__ import annotations

import json

import pytest
from headrace.events.model import Event, Repository
from headrace.plan.make import make_plan
from headrace.plan.model import Capabilities, Plan
from headrace.record.state import LegState
from headrace.report.colour import Style
from headrace.report.json_plan import plan_json
from headrace.report.naming import job_id, repeat_command
from headrace.report.plan_table import plan_lines
from headrace.workflow.reader import Options, load

RUN = "runs-on: ubuntu-latest, steps: [{run: x}]"
CI = f"""
name: CI
on: push
jobs:
  first: {{{RUN}}}
  call: {{name: Call, needs: first, strategy: {{matrix: {{env: [dev, prod]}}}}, uses: ./called.yml}}
  skipped: {{if: false, uses: ./called.yml}}
  absent: {{uses: octo/lib/x.yml@0123456789abcdef0123456789abcdef01234567}}
  last: {{needs: call, {RUN}}}
"""
CALLED = f"""
name: Called
on: workflow_call
jobs:
  x: {{{RUN}}}
  y: {{needs: x, strategy: {{matrix: {{os: [linux]}}}}, {RUN}}}
"""


class Source:
    def read(self, reference: str) -> bytes | None:
        return CALLED.encode() if reference == "./called.yml" else None


@pytest.fixture
def plan() -> Plan:
    found = load(".github/workflows/ci.yml", CI.encode(), source=Source(), options=Options(absent="unread")).workflow
    assert found is not None
    event = Event("push", Repository("octo/hello", "/repo", "/repo/.git"), "refs/heads/main", "1" * 40, "/repo/.git")
    return make_plan([found], event, Capabilities(frozenset({"ubuntu-*"})))


def test_the_table_has_a_row_for_each_job_inside_and_none_for_a_call_that_takes_place(plan: Plan) -> None:
    lines = plan_lines(plan, Style())
    assert lines[0].endswith(": 6 legs would run, 1 would be skipped, 1 unsupported")
    assert [line.split("  ")[1:] and " ".join(line.split()[1:4]) for line in lines[3:]] == [
        "first run push",
        "call/x env=dev run",
        "call/y env=dev, os=linux",
        "call/x env=prod run",
        "call/y env=prod, os=linux",
        "skipped skip its",
        "absent unsupported it",
        "last run push",
    ]
    assert "(octo/lib/x.yml@0123456789); --actions-root or --action" in lines[9]
    assert lines[4].endswith("call calls it (./called.yml)")


def test_in_a_narrow_window_the_values_of_the_call_stand_before_the_legs_own(plan: Plan) -> None:
    lines = plan_lines(plan, Style(width=60))
    names = [line.split("  ")[1] for line in lines if line.startswith("  ") and line[2] != " "]
    assert names[1:5] == ["call/x (dev)", "call/y (dev, linux)", "call/x (prod)", "call/y (prod, linux)"]
    assert "CI" in lines and "Called" not in lines


def test_json_rows_have_the_entrys_path_and_what_each_waits_for(plan: Plan) -> None:
    rows = json.loads(plan_json(plan, []))["jobs"]
    assert {row["workflow"] for row in rows} == {".github/workflows/ci.yml"}
    assert [(row["job"], row["name"], row["matrix"], row["needs"]) for row in rows] == [
        ("first", "first", None, []),
        ("call/x", "Call (dev) / x", None, ["first"]),
        ("call/y", "Call (dev) / y (linux)", {"os": "linux"}, ["call/x"]),
        ("call/x", "Call (prod) / x", None, ["first"]),
        ("call/y", "Call (prod) / y (linux)", {"os": "linux"}, ["call/x"]),
        ("skipped", "skipped", None, []),
        ("absent", "absent", None, []),
        ("last", "last", None, ["call"]),
    ]


@pytest.mark.parametrize(
    ("job", "workflow", "id"),
    [
        ("a/b c/ci.yml:x", "a/b c/ci.yml", "x"),
        ("a/ci.yml:x:0/y:12/z", "a/ci.yml", "x/y/z"),
        ("od:d/c:1/i.yml:x:3/y", "od:d/c:1/i.yml", "x/y"),
    ],
)
def test_an_id_is_the_chain_of_ids_whatever_the_files_path_holds(job: str, workflow: str, id: str) -> None:
    assert job_id(job, workflow) == id


@pytest.mark.parametrize(
    ("within", "own", "said"),
    [
        ({"env": "dev"}, {"os": "linux"}, "--matrix env=dev --matrix os=linux"),
        ({"v": 1.0}, {"v": 1.0}, "--matrix v=1"),
        ({"v": 1.0, "env": "dev"}, {"v": 2.0}, "--matrix env=dev"),  # no one value fits both
    ],
)
def test_a_leg_inside_is_repeated_with_the_values_of_its_calls(
    within: dict[str, object], own: dict[str, object], said: str
) -> None:
    leg = LegState("ci.yml:a:0/x:0", "ci.yml:a:0/x", "ci.yml", "", "a / x", 0, 1, own, (), False, "", within=within)
    assert repeat_command(["run"], leg) == f"headrace run -W ci.yml -j a/x {said}"
