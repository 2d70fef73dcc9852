"""The implicit success() of conditions, and why a condition did not hold."""

from __future__ import annotations

from typing import Any

import pytest
from headrace.expressions import SyntaxProblem, explain, parse, with_implicit_success


@pytest.mark.covers("language:5.8")
@pytest.mark.parametrize(
    ("source", "condition"),
    [
        ("", "success()"),
        (" \n", "success()"),
        ("\u00a0", "success()"),
        ("true", "success() && (true)"),
        ("0", "success() && (0)"),
        ("a || b", "success() && (a || b)"),
        (" a ", "success() && ( a )"),
        ("'always()'", "success() && ('always()')"),
        ("a.always", "success() && (a.always)"),
        ("hashFiles('x') != ''", "success() && (hashFiles('x') != '')"),
        ("success()", "success()"),
        ("Always ( )", "Always ( )"),
        ("!cancelled() && a", "!cancelled() && a"),
        ("a[format('{0}', FAILURE())]", "a[format('{0}', FAILURE())]"),
        ("success('build', 'test') || a", "success('build', 'test') || a"),
    ],
)
def test_conditions_that_ask_for_no_status_want_success(source: str, condition: str) -> None:
    assert with_implicit_success(source) == condition


@pytest.mark.parametrize("source", ["a b", "nosuch()", "!", "a == 'x"])
def test_a_malformed_condition_is_a_syntax_problem(source: str) -> None:
    with pytest.raises(SyntaxProblem):
        with_implicit_success(source)


CONTEXTS: dict[str, Any] = {
    "github": {"ref": "refs/heads/topic", "event_name": "push", "event": {"labels": [{"name": "bug"}]}},
    "needs": {"build": {"result": "failure"}},
}
STATUS = {"success": (0, 255), "always": (0, 0), "hashfiles": (1, 255)}


def why(source: str, success: bool = True) -> list[tuple[str, Any]]:
    functions = {"success": lambda _: success, "always": lambda _: True}
    return explain(parse(source, functions=STATUS), CONTEXTS, functions)


@pytest.mark.parametrize(
    ("source", "facts"),
    [
        ("github.ref == 'refs/heads/main'", [("github.ref", "refs/heads/topic")]),
        ("'x' == github['ref']", [("github.ref", "refs/heads/topic")]),
        (
            "success() && (github.event_name == 'push' && github.ref == 'refs/heads/main')",
            [("github.ref", "refs/heads/topic")],
        ),
        (
            "github.event_name == 'release' || github.ref == 'x'",
            [("github.event_name", "push"), ("github.ref", "refs/heads/topic")],
        ),
        ("github.event_name != github.event_name", [("github.event_name", "push")]),
        ("startsWith(github.ref, 'a')", [("startsWith(github.ref, 'a')", False), ("github.ref", "refs/heads/topic")]),
        (
            "contains(github.event.labels.*.name, 'x')",
            [("contains(github.event.labels.*.name, 'x')", False), ("github.event.labels.*.name", ["bug"])],
        ),
        ("!always()", [("always()", True)]),
        ("!(github.event_name == 'push' && always())", [("github.event_name", "push"), ("always()", True)]),
        ("!(github.ref == 'x' || github.event_name)", [("github.event_name", "push")]),
        ("github.event.head", [("github.event.head", None)]),
        ("github.event[github.ref]", [("github.event[github.ref]", None), ("github.ref", "refs/heads/topic")]),
        ("needs.build.result == 'success' && always()", [("needs.build.result", "failure")]),
        (
            "format('{0}', github.ref) == 'x'",
            [("format('{0}', github.ref)", "refs/heads/topic"), ("github.ref", "refs/heads/topic")],
        ),
        ("false", [("false", False)]),
        ("false && github.ref", [("false", False)]),
        ("1 == 2", [("1 == 2", False)]),
    ],
)
def test_a_false_condition_names_what_made_it_false(source: str, facts: list[tuple[str, Any]]) -> None:
    assert why(source) == facts


def test_the_status_is_named_where_it_decides() -> None:
    assert why("success() && (github.ref == 'x')", success=False) == [("success()", False)]


@pytest.mark.parametrize("source", ["true", "github.ref", "always() && github.event_name == 'push'"])
def test_a_condition_that_holds_needs_no_explanation(source: str) -> None:
    assert why(source) == []


def test_a_condition_that_fails_to_evaluate_is_not_explained() -> None:
    assert why("fromJSON('') == 1") == []


def test_an_explanation_stays_short() -> None:
    assert len(why(" || ".join(f"github.x{number}" for number in range(100)))) == 8
