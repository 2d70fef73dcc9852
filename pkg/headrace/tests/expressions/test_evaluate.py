"""Reading contexts, operators, filtered arrays, functions of the caller, and the memory limit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from headrace.expressions import CaseSensitive, EvaluationError, Value, evaluate, parse

if TYPE_CHECKING:
    from collections.abc import Sequence

CONTEXTS: dict[str, Any] = {
    "github": {
        "Ref": "refs/heads/main",
        "event": {"labels": [{"name": "bug", "n": [1.0, 2.0]}, {"name": None}, {"id": 3.0}, 7.0]},
    },
    "env": CaseSensitive(Name="x", name="y"),
    "steps": {"b": {"outputs": {"v": "1"}}, "a": {"outputs": {"v": "2"}}, "c": {}},
    "nothing": None,
    "nested": [[[1.0, 2.0], [3.0]], [[4.0]], "ab"],
}


def value(source: str, **more: Any) -> Any:
    return evaluate(parse(source), {**CONTEXTS, **more})


@pytest.mark.covers("language:5.2")
@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("GitHub.ref", "refs/heads/main"),
        ("github['REF']", "refs/heads/main"),
        ("github.nowhere.at.all[0].x", None),
        ("nothing.x", None),
        ("nowhere", None),
        ("github.ref.length", None),
        ("env.Name", "x"),
        ("env.name", "y"),
        ("env.NAME", None),
        ("github.event.labels[0].name", "bug"),
        ("github.event.labels['0'].name", "bug"),
        ("github.event.labels[true].name", None),
        ("github.event.labels.length", None),
        ("github[format('r{0}', 'EF')]", "refs/heads/main"),
        ("github[github.event]", None),
    ],
)
def test_reads_never_fail_and_ignore_case_but_for_env(source: str, expected: Value) -> None:
    assert value(source) == expected


@pytest.mark.covers("language:3.7")
def test_an_allowed_context_without_a_value_is_null() -> None:
    assert evaluate(parse("matrix.x", contexts={"matrix"}), {}) is None


def test_context_names_of_the_caller_may_have_any_case() -> None:
    assert evaluate(parse("myCONTEXT"), {"MyContext": 1.0}) == 1.0


@pytest.mark.covers("language:5.4")
@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("!''", True),
        ("!'false'", False),
        ("'a' && 'b'", "b"),
        ("'' && 'b'", ""),
        ("1 && 0 && 2", 0.0),
        ("'' || 'b'", "b"),
        ("null || 0 || ''", ""),
        ("'a' || 'b'", "a"),
        ("NaN == NaN", False),
        ("NaN != NaN", True),
        ("NaN >= NaN", False),
        ("'x' < 1", False),
        ("'x' >= 1", False),
        ("3 > 2 > 1", False),
        ("3 > 2 == true", True),
        ("2 >= 2 && 2 <= 2", True),
        ("1 >= 2 || 2 <= 1", False),
        ("'a' <= 'A'", True),
        ("'A' >= 'b'", False),
        ("github == github", True),
        ("github.event != github.event", False),
        ("fromJSON('[]') == fromJSON('[]')", False),
        ("fromJSON('[]') < 1", False),
    ],
)
def test_operators(source: str, expected: Value) -> None:
    found = value(source)
    assert (type(found), found) == (type(expected), expected)


@pytest.mark.covers("language:5.5")
@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("github.event.labels.*.name", ["bug", None]),
        ("github.event.labels.*.NAME", ["bug", None]),
        ("github.event.labels[*]['id']", [3.0]),
        ("github.event.labels.*.n[0]", [1.0]),
        ("github.event.labels.*.n.*", [1.0, 2.0]),
        ("github.event.labels.*.*", ["bug", [1.0, 2.0], None, 3.0]),
        ("github.event.labels.*.nowhere", []),
        ("steps.*.outputs.v", ["1", "2"]),
        ("steps.*", [{"outputs": {"v": "1"}}, {"outputs": {"v": "2"}}, {}]),
        ("nested.*[0]", [[1.0, 2.0], [4.0]]),
        ("nested.*[0][1]", [2.0]),
        ("nested.*.*", [[1.0, 2.0], [3.0], [4.0]]),
        ("nested.*.*.*", [1.0, 2.0, 3.0, 4.0]),
        ("(steps.*.outputs).v", ["1", "2"]),
        ("(false || steps.*).outputs.v", ["1", "2"]),
        ("github.ref.*", []),
        ("nothing.*", []),
        ("nothing.*.x", []),
        ("fromJSON(toJSON(steps.*))[0].outputs.v", "1"),
        ("join(steps.*.outputs.v, '+')", "1+2"),
        ("steps.* == steps.*", False),
        ("!steps.*.nowhere", False),
        ("steps['*']", None),
        ("steps[* == 1]", None),
    ],
)
def test_filtered_arrays_collect_item_by_item(source: str, expected: Value) -> None:
    assert value(source) == expected


def test_functions_of_the_caller_get_evaluated_arguments() -> None:
    seen: list[Sequence[Value]] = []

    def hash_files(arguments: Sequence[Value]) -> Value:
        seen.append(arguments)
        return "abc"

    node = parse("HashFiles(github.ref, 1)", functions={"hashfiles": (1, 255)})
    assert evaluate(node, CONTEXTS, {"hashfiles": hash_files}) == "abc"
    assert seen == [["refs/heads/main", 1.0]]


def test_a_function_that_the_caller_forgot_is_an_evaluation_error() -> None:
    with pytest.raises(EvaluationError, match="Unrecognized function: 'Always'"):
        evaluate(parse("Always()", functions={"always": (0, 0)}), {})


def test_ints_of_the_caller_count_as_doubles() -> None:
    assert value("n == 2 && list[n] == 'c' && format('{0}', big)", n=2, list=["a", "b", "c"], big=10**400) == "Infinity"


@pytest.mark.covers("language:5.9")
@pytest.mark.parametrize(
    ("source", "size"),
    [
        ("1", 24),
        ("'abc'", 32),
        ("'é'", 28),
        ("'😊'", 30),
        ("x", 226),
        ("!x", 226),
        ("x == x", 226 + 226),
        ("x && x && 1", 226 + 226 + 24),
        ("a.b", 226),  # the object and the key are released before the value counts
        ("o.p.q", 24 + 28 + 24 + 28),  # an object keeps what it may be part of
        ("format('{0}', x)", 32 + 226),  # the text under construction beside the template
        ("format('{0}{0}', x)", 38 + 426),
        ("toJSON(x)", 226 + 230),
        ("join(l)", 24 + 26 + 2 * 403),
        ("fromJSON('[1,\"a\"]')", 40 + 24 + 28 + 24),
        ("fromJSON('{\"a\":1}')", 40 + 28 + 24 + 24),
        ("l.*", 24 + 4 * 8 + 24),
    ],
)
def test_memory_is_counted_as_github_does(source: str, size: int) -> None:
    contexts: dict[str, Any] = {"x": "x" * 100, "a": {"b": "x" * 100}, "l": ["x" * 100] * 4, "o": {"p": {"q": ""}}}
    node = parse(source)
    evaluate(node, contexts, memory=size)
    with pytest.raises(EvaluationError, match="maximum allowed memory size"):
        evaluate(node, contexts, memory=size - 1)


@pytest.mark.covers("language:5.9")
def test_memory_of_values_that_are_gone_is_released() -> None:
    x = "x" * 1000
    evaluate(parse("(x == 'a') == false && (x == 'b') == false && (x == 'c') == false"), {"x": x}, memory=2400)


@pytest.mark.covers("language:5.9")
def test_the_memory_error_shows_the_expression() -> None:
    node = parse("github.ref  ==  format('{0}{0}', x)")
    with pytest.raises(EvaluationError) as caught:
        evaluate(node, {"x": "x" * 1000}, memory=4000)
    assert caught.value.message == (
        "The maximum allowed memory size was exceeded while evaluating the following expression: "
        "github.ref == format('{0}{0}', x)"
    )


@pytest.mark.covers("language:5.9")
@pytest.mark.parametrize(
    "source", [f"format('{'{0}' * 6000}', x)", "toJSON(l)", "join(l)", f"format('{'{0}' * 6000}', toJSON(l))"]
)
def test_growing_text_is_stopped_while_it_grows(source: str) -> None:
    contexts: dict[str, Any] = {"x": "x" * 1_000_000, "l": ["x" * 1_000_000] * 1000}
    with pytest.raises(EvaluationError, match="maximum allowed memory size"):
        evaluate(parse(source), contexts)


def test_values_nested_beyond_the_stack_are_an_evaluation_error() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(EvaluationError, match="memory"):
        evaluate(parse("toJSON(x)"), {"x": deep})


def test_evaluation_leaves_the_contexts_alone() -> None:
    before = repr(CONTEXTS)
    value("toJSON(github) && join(steps.*.outputs.*) && github.event.labels.*.n.*")
    assert repr(CONTEXTS) == before


def test_nan_and_infinity_come_out_as_numbers() -> None:
    assert math.isnan(value("NaN"))
    assert value("-Infinity") == -math.inf
