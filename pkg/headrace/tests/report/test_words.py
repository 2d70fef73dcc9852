"""Reasons in words."""

from __future__ import annotations

import pytest
from headrace.base.errors import Position
from headrace.plan.model import Reason
from headrace.report.words import say

W = {"workflow": ".github/workflows/ci.yml", "event": "push"}
CASES = [
    ("event", W, "push starts it"),
    ("event", W | {"on": "pull_request, schedule"}, "push does not start it; it starts on pull_request, schedule"),
    ("skip-ci", W | {"mark": "[skip ci]"}, "the head commit's message says [skip ci]"),
    (
        "unsent",
        W | {"event": "release", "what": "a draft that is edited"},
        "GitHub sends no release for a draft that is edited",
    ),
    ("types", W | {"action": "opened", "types": "opened, closed"}, "activity type opened is among its types"),
    ("types", W | {"action": "labeled", "types": "opened"}, "activity type labeled is not among its types (opened)"),
    ("branches", W | {"value": "main", "filter": "branches", "pattern": "ma*"}, "branch main matches 'ma*' in branches"),
    ("branches", W | {"value": "x", "filter": "branches"}, "branch x matches nothing in branches"),
    ("branches", W | {"value": "x", "filter": "branches", "pattern": "!x"}, "branch x is taken out of branches by '!x'"),
    ("tags", W | {"value": "v1", "filter": "tags-ignore", "pattern": "v*"}, "tag v1 matches 'v*' in tags-ignore"),
    ("branches", W | {"value": "main", "only": "tags"}, "a branch was pushed (main), and it filters tags alone"),
    ("paths", W | {"filter": "paths", "files": "unknown"}, "paths is not looked at, since the changed files are not known"),
    (
        "paths",
        W | {"filter": "paths", "files": "3", "file": "src/a.py", "pattern": "**.py"},
        "changed file src/a.py matches '**.py' in paths",
    ),
    ("paths", W | {"filter": "paths", "files": "1"}, "1 changed file, none in paths"),
    (
        "paths",
        W | {"filter": "paths", "files": "2", "pattern": "!docs/**"},
        "2 changed files, none in paths (last said '!docs/**')",
    ),
    (
        "paths",
        W | {"filter": "paths-ignore", "files": "2", "pattern": "docs/**"},
        "2 changed files, all in paths-ignore (such as 'docs/**')",
    ),
    ("paths", W | {"filter": "paths", "files": "0"}, "nothing changed, so that paths lets nothing through"),
    ("schedule", W | {"value": "0 1 * * *", "cron": "0 2 * * *"}, "schedule '0 1 * * *' is due, not its own '0 2 * * *'"),
    (
        "unsupported.runs-on",
        {"feature": "runs-on", "what": "runs on a machine that this one is not", "subject": "windows-latest"},
        "it runs on a machine that this one is not (windows-latest)",
    ),
    (
        "unsupported.snapshot",
        {"feature": "snapshot", "what": "makes an image of its machine"},
        "it makes an image of its machine",
    ),
    (
        "concurrency",
        {"group": "g", "run": "12", "message": "Canceling since a higher priority waiting request for 'g' exists"},
        "Canceling since a higher priority waiting request for 'g' exists (run 12)",
    ),
    ("concurrency.full", {"group": "g"}, "a hundred wait for the concurrency group 'g' already"),
    ("unsupported.needs", {"feature": "needs", "subject": "build"}, "it needs build, which is unsupported"),
    ("condition", {"if": "success() && (github.ref == 'x')"}, "its condition holds: github.ref == 'x'"),
    (
        "condition",
        {"if": "success() && (github.ref == 'x')", "github.ref": '"refs/heads/main"'},
        "its condition is false: github.ref == 'x'; github.ref is \"refs/heads/main\"",
    ),
    ("condition", {"if": "success() && (false)", "false": "false"}, "its condition is false: false"),
    ("condition", {"if": "vars.X", "vars.X": ""}, "its condition is false: vars.X; vars.X is ''"),
    (
        "condition",
        {"if": "x", "github.event": '{\n  "a": "' + "y" * 200 + '"\n}'},
        'its condition is false: x; github.event is { "a": "' + "y" * 41 + "…" + "y" * 47 + '" }',
    ),
    (
        "condition",
        {"if": "failure()", "failure()": "false", "assumed": "every needed job succeeds"},
        "its condition is false, if every needed job succeeds: failure()",
    ),
    ("step-condition", {"condition": "success()", "status": "failure"}, "success() does not hold; the job is failure so far"),
    ("needs", {"job": "build", "result": "failure"}, "it needs build, which failed"),
    ("cancelled", {}, "the run is being cancelled"),
    ("undecided", {"job": "build", "reads": "outputs", "key": "strategy"}, "its strategy hangs on the outputs of build"),
    ("evaluation", {"key": "if", "message": "Error when evaluating 'if'"}, "Error when evaluating 'if'"),
    ("selection", {"matrix.python": "3.9"}, "no leg of it has python=3.9"),
    ("interrupted", {}, "the run was interrupted"),
    ("forced", {}, "it did not end when it was cancelled, and was killed"),
    ("workflows", {"value": "CI"}, "the run was of workflow CI"),
    ("fail-fast", {"leg": "test (3.10)"}, "test (3.10) failed, and the matrix is fail-fast"),
    ("timeout", {"minutes": "2"}, "it took longer than its 2 minutes"),
]


@pytest.mark.parametrize(("rule", "facts", "words"), CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_a_rule_is_put_into_words(rule: str, facts: dict[str, str], words: str) -> None:
    assert say(Reason(rule, Position("ci.yml", 3, 5), facts)) == words


def test_a_rule_without_words_is_shown_with_its_facts() -> None:
    assert say(Reason("brand-new.kind", facts={"a": "1", "b": "2"})) == "brand-new.kind (a: 1, b: 2)"


def test_facts_cannot_break_the_line() -> None:
    assert say(Reason("skip-ci", facts={"mark": "x\ny\x1b[2J"})) == "the head commit's message says x y\\x1b[2J"


@pytest.mark.parametrize("rule", ["event", "types", "branches", "paths", "schedule", "unsupported", "fail-fast", "timeout"])
def test_missing_facts_break_nothing(rule: str) -> None:
    assert say(Reason(rule))
