"""A plan as a table, in windows of several widths."""

from __future__ import annotations

from headrace.events.model import Event, Repository
from headrace.plan.make import make_plan
from headrace.plan.model import Capabilities, Plan
from headrace.report.colour import Style
from headrace.report.plan_table import plan_lines
from headrace.report.text import width
from headrace.workflow.reader import load

CI = """
name: Continuous integration
on: push
jobs:
  test:
    strategy: {matrix: {python-version: ['3.10'], build: [[ubuntu-latest, fast], [macos-latest, '']]}}
    runs-on: '${{ matrix.build[0] }}'
    steps: [{run: make}]
  publish: {needs: test, runs-on: ubuntu-latest, steps: [{uses: some/action@0123456789abcdef0123456789abcdef01234567}]}
  after: {needs: first, strategy: {matrix: {x: '${{ fromJSON(needs.first.outputs.x) }}'}}, runs-on: ubuntu-latest, steps: [{run: x}]}
  first: {runs-on: ubuntu-latest, steps: [{run: x}]}
"""
OTHER = "on: pull_request\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: x}]}}"


def a_plan(**texts: str) -> Plan:
    workflows = []
    for name, text in texts.items():
        found = load(f".github/workflows/{name}.yml", text.encode()).workflow
        assert found is not None
        workflows.append(found)
    event = Event("push", Repository("octo/hello", "/repo", "/repo/.git"), "refs/heads/main", "1" * 40, "/repo/.git")
    return make_plan(workflows, event, Capabilities(frozenset({"ubuntu-*"})))


def test_off_a_terminal_each_leg_is_one_line_with_its_keys() -> None:
    lines = plan_lines(a_plan(ci=CI, other=OTHER), Style())
    assert lines[0] == "push of refs/heads/main, 1111111111: 2 legs would run, 2 unsupported, 1 undecided"
    assert [line.split()[:3] for line in lines[3:8]] == [
        ["Continuous", "integration", "test"],
        ["Continuous", "integration", "test"],
        ["Continuous", "integration", "publish"],
        ["Continuous", "integration", "first"],
        ["Continuous", "integration", "after"],
    ]
    assert 'python-version=3.10, build=["ubuntu-latest","fast"]  run ' in lines[3]


def test_a_window_with_room_shows_the_same() -> None:
    plan = a_plan(ci=CI)
    assert plan_lines(plan, Style(width=200)) == plan_lines(plan, Style())


def test_in_a_narrow_window_workflows_are_headings_and_legs_go_by_their_values() -> None:
    assert plan_lines(a_plan(ci=CI), Style(width=80))[2:] == [
        "job                                 would        why",
        "Continuous integration",
        "  test (3.10, ubuntu-latest, fast)  run          push starts it",
        "  test (3.10, macos-latest)         unsupported  it runs on a machine that this",
        "                                                 one is not (macos-latest)",
        "  publish                           unsupported  it needs test, which is",
        "                                                 unsupported",
        "  first                             run          push starts it",
        "  after                             undecided    its strategy hangs on the",
        "                                                 outputs of first",
    ]


def test_no_line_is_wider_than_the_window_and_every_state_is_there() -> None:
    for columns in (50, 60, 80, 100):
        lines = plan_lines(a_plan(ci=CI), Style(width=columns))
        assert all(width(line) <= columns for line in lines[1:]), columns
        assert sum("unsupported  " in line for line in lines) == 2
