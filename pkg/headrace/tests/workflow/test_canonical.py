from __future__ import annotations

import json

import pytest
from headrace.workflow.canonical import document
from headrace.workflow.reader import load

TEXT = """\
on: {workflow_dispatch: {inputs: {level: {type: choice, options: [a]}}}}
env: {A: 1}
permissions: {contents: read, actions: none}
jobs:
  build:
    name: ''
    needs: []
    runs-on: [a, '${{ vars.b }}']
    timeout-minutes: 5
    steps:
      - id: s
        run: x ${{ github.ref }}
        background: true
      - wait: [s]
      - parallel: [{run: y}]
  call:
    needs: build
    uses: o/r/w.yml@v1
    secrets: inherit
"""


@pytest.mark.covers("language:A")
def test_a_workflow_has_one_canonical_form() -> None:
    success = {"type": 3, "expr": "success()"}
    permissions = {"contents": "read"}
    assert document(load("w.yml", TEXT.encode())) == {
        "input-types": {"level": "choice"},
        "env": {"type": 2, "map": [{"Key": "A", "Value": "1"}]},
        "permissions": permissions,
        "jobs": [
            {
                "type": "job",
                "id": "build",
                "name": "build",
                "if": success,
                "timeout-minutes": 5.0,
                "permissions": permissions,
                "runs-on": {"type": 1, "seq": ["a", {"type": 3, "expr": "vars.b"}]},
                "steps": [
                    {
                        "id": "s",
                        "if": success,
                        "run": {"type": 3, "expr": "format('x {0}', github.ref)"},
                        "background": True,
                    },
                    {"id": "__wait", "name": "Wait", "wait": ["s"]},
                    {"id": "__parallel", "name": "Parallel group", "parallel": [{"id": "__run", "if": success, "run": "y"}]},
                ],
            },
            {
                "type": "reusableWorkflowJob",
                "id": "call",
                "name": "call",
                "needs": ["build"],
                "if": success,
                "permissions": permissions,
                "ref": "o/r/w.yml@v1",
                "jobs": [],
                "inherit-secrets": True,
            },
        ],
    }


@pytest.mark.covers("language:A")
def test_with_positions_tokens_name_their_file() -> None:
    found = document(load("w.yml", TEXT.encode()), "keep")
    assert found["file-table"] == ["w.yml"]
    build = found["jobs"][0]
    assert build["id"] == {"type": 0, "file": 1, "line": 5, "col": 3, "lit": "build"}
    assert build["timeout-minutes"] == {"type": 6, "file": 1, "line": 9, "col": 22, "num": 5.0}
    assert build["runs-on"]["seq"][1] == {"type": 3, "expr": "vars.b", "file": 1, "line": 8, "col": 18}
    assert build["if"] == {"type": 3, "expr": "success()"}
    assert build["steps"][0]["id"] == "s"
    json.dumps(found)


@pytest.mark.covers("language:A")
def test_a_failed_load_has_only_errors() -> None:
    assert document(load("w.yml", b"on: push\njobs: 1\n")) == {
        "errors": [{"Message": "w.yml (Line: 2, Col: 7): Unexpected value '1'"}]
    }
    assert document(load("w.yml", b""), "keep")["file-table"] == ["w.yml"]
