"""No text and no value makes the expression language raise anything but its own errors."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from typing import Any

import headrace.expressions
import pytest
from headrace.expressions import EvaluationError, SyntaxProblem, evaluate, explain, parse, print_expression, with_implicit_success
from headrace.expressions.nodes import unplaced
from headrace.expressions.values import kind_of
from hypothesis import given
from hypothesis import strategies as st

PIECES = st.sampled_from(
    [
        *"()[],.*!<>=&|'",
        *(
            "==",
            "!=",
            "<=",
            ">=",
            "&&",
            "||",
            "''",
            " ",
            "\n",
            "\u00a0",
            "\u2028",
            "\x1c",
            "\ud800",
            "😊",
            "é",
            "ß",
            "$",
            "{0}",
            "{",
            "-",
            "+",
        ),
        *(
            "a",
            "b.c",
            "list",
            "github",
            "true",
            "null",
            "NaN",
            "Infinity",
            "0",
            "1.5",
            "-.5",
            "0xFFFFFFFF",
            "1e400",
            ".5",
            "'x'",
            "'{0}'",
        ),
        *("format(", "contains(", "join(", "toJSON(", "fromJSON(", "case(", "startsWith(", "always()", "list[", "a.*", "'[1]'"),
    ]
)
SOURCES = st.lists(PIECES, max_size=25).map("".join) | st.lists(PIECES, max_size=25).map(" ".join) | st.text(max_size=40)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(SOURCES, VALUES)
def test_any_text_and_value_gives_a_value_or_an_error_of_the_language(source: str, value: Any) -> None:
    try:
        node = parse(source, functions={"always": (0, 0)})
    except SyntaxProblem as problem:
        assert problem.kind in {"lexing", "parsing"}
        with pytest.raises(SyntaxProblem):
            with_implicit_success(source)
        return
    assert repr(unplaced(parse(print_expression(node), functions={"always": (0, 0)}))) == repr(unplaced(node))
    contexts = {"a": value, "b": {"c": value}, "list": [value, "x"]}
    functions = {"always": lambda _: True}
    try:
        kind_of(evaluate(node, contexts, functions))
    except EvaluationError:
        pass
    explain(node, contexts, functions)


def own_size(value: Any) -> int:
    """What a value counts by itself: 24 bytes, and for a string 26 and two for each UTF-16 unit."""
    return 26 + len(value.encode("utf-16-le", "surrogatepass")) if isinstance(value, str) else 24


@given(SOURCES, VALUES, st.integers(0, 400))
def test_no_result_is_larger_than_the_memory_it_was_given(source: str, value: Any, memory: int) -> None:
    try:
        node = parse(source, functions={"always": (0, 0)})
        found = evaluate(node, {"a": value, "b": {"c": value}, "list": [value]}, {"always": lambda _: True}, memory=memory)
    except (SyntaxProblem, EvaluationError):
        return
    assert own_size(found) <= memory


@given(st.integers(1, 60), st.integers(1, 200), st.integers(100, 5000))
def test_growth_is_bounded_however_often_a_text_is_repeated(times: int, length: int, memory: int) -> None:
    form = "{0}" * times
    node = parse(f"format('{form}', format('{form}', x))")
    wanted = times * times * length
    try:
        found = evaluate(node, {"x": "y" * length}, memory=memory)
    except EvaluationError as error:
        assert "maximum allowed memory size" in error.message
        assert own_size("y" * wanted) + own_size("y" * times * length) > memory - own_size(form) * 2 - own_size("y" * length)
        return
    assert found == "y" * wanted
    assert own_size(found) <= memory


@pytest.mark.parametrize("module", [module.name for module in pkgutil.iter_modules(headrace.expressions.__path__)])
def test_the_examples_in_the_documentation_are_right(module: str) -> None:
    assert doctest.testmod(importlib.import_module(f"headrace.expressions.{module}")).failed == 0


def test_the_example_of_the_room_is_right() -> None:
    assert doctest.testmod(headrace.expressions).failed == 0
