"""The legs of a plan at length."""

from __future__ import annotations

import json

from headrace.events.model import Event, Repository
from headrace.plan.make import make_plan
from headrace.plan.model import Capabilities, Plan
from headrace.report.colour import Style
from headrace.report.json_plan import plan_json
from headrace.report.plan_table import legs_explained, plan_lines
from headrace.report.text import width
from headrace.workflow.reader import load

CI = """\
name: CI
on:
  push:
    branches: [main]
jobs:
  test:
    strategy:
      matrix:
        python: ['3.10', '3.13']
        include:
          - python: '3.13'
            cover: true
    runs-on: ubuntu-latest
    steps: [{run: make}]
  deploy:
    needs: test
    if: github.ref == 'refs/tags/v1' && success()
    runs-on: ubuntu-latest
    steps: [{run: make}]
  after:
    needs: [first]
    strategy: {matrix: {x: '${{ fromJSON(needs.first.outputs.x) }}'}}
    runs-on: ubuntu-latest
    steps: [{run: x}]
  first: {runs-on: ubuntu-latest, steps: [{run: x}]}
"""
DOCS = """\
on:
  push:
    paths:
      - 'docs/**'
      - '!docs/old/**'
jobs: {a: {runs-on: ubuntu-latest, steps: [{run: x}]}}
"""


def a_plan() -> Plan:
    workflows = []
    for name, text in {"ci": CI, "docs": DOCS}.items():
        found = load(f"{name}.yml", text.encode()).workflow
        assert found is not None
        workflows.append(found)
    event = Event(
        "push",
        Repository("octo/hello", "/repo", "/repo/.git"),
        "refs/heads/main",
        "1" * 40,
        "/repo/.git",
        changed_files=("docs/old/a.md",),
    )
    return make_plan(workflows, event, Capabilities(frozenset({"ubuntu-*"})))


def test_each_leg_says_why_and_where_its_values_stand() -> None:
    assert plan_lines(a_plan(), Style(), legs_explained) == [
        "push of refs/heads/main, 1111111111: 3 legs would run, 1 would be skipped, 1 undecided",
        "",
        "leg              from",
        "CI/test (3.10)",
        "  run            branch main matches 'main' in branches (ci.yml:4:16)",
        "  matrix.python  3.10 (ci.yml:9:18)",
        "  runs-on        ubuntu-latest (ci.yml:13:14)",
        "CI/test (3.13)",
        "  run            branch main matches 'main' in branches (ci.yml:4:16)",
        "  matrix.python  3.13 (ci.yml:9:26)",
        "  matrix.cover   true (ci.yml:12:20)",
        "  runs-on        ubuntu-latest (ci.yml:13:14)",
        "CI/deploy",
        "  skip           its condition is false: github.ref == 'refs/tags/v1' && success(); github.ref is refs/heads/main"
        " (ci.yml:17:9)",
        "  needs          test (ci.yml:16:12)",
        "CI/first",
        "  run            branch main matches 'main' in branches (ci.yml:4:16)",
        "  runs-on        ubuntu-latest (ci.yml:25:20)",
        "CI/after",
        "  undecided      its strategy hangs on the outputs of first (ci.yml:22:15)",
        "  needs          first (ci.yml:21:13)",
        "",
        "not started  why",
        "docs.yml     1 changed file, none in paths (last said '!docs/old/**') (docs.yml:5:9)",
    ]


def test_in_a_narrow_window_no_line_is_wider() -> None:
    lines = plan_lines(a_plan(), Style(width=60), legs_explained)
    assert all(width(line) <= 60 for line in lines[1:])


def test_json_says_the_same_to_programs() -> None:
    found = json.loads(plan_json(a_plan(), ()))
    rows = {row["name"]: row for row in found["jobs"]}
    assert rows["test (3.13)"]["from"] == {"python": "ci.yml:9:26", "cover": "ci.yml:12:20"}
    assert rows["test (3.13)"]["runs_on"] == ["ubuntu-latest"]
    assert rows["test (3.13)"]["facts"]["pattern"] == "main"
    assert rows["deploy"]["from"] == {}
    assert rows["deploy"]["facts"]["github.ref"] == "refs/heads/main"
    assert rows["after"]["facts"] == {"job": "first", "reads": "outputs", "key": "strategy"}
    (docs,) = found["rejected"]
    assert (docs["at"], docs["facts"]["pattern"], docs["facts"]["filter"]) == ("docs.yml:5:9", "!docs/old/**", "paths")
