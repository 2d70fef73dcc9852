"""Printed expressions: short, readable, and the same tree again."""

from __future__ import annotations

import pytest
from headrace.expressions import parse, print_expression
from headrace.expressions.nodes import And, Call, Compare, Context, Index, Literal, Node, Not, Or, Wildcard, unplaced
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("source", "printed"),
    [
        ("", "null"),
        ("a  .b", "a.b"),
        ("a['b']", "a.b"),
        ("a['b c']", "a['b c']"),
        ("a['-b']", "a['-b']"),
        ("a['']", "a['']"),
        ("a['é']", "a['é']"),
        ("a[*][ 0 ]", "a.*[0]"),
        ("('x').y", "('x').y"),
        ("(a || b).c", "(a || b).c"),
        ("(!a).b", "(!a).b"),
        ("!(a.b)", "!a.b"),
        ("((a)==(b))", "a == b"),
        ("(a == b) == c", "a == b == c"),
        ("a == (b == c)", "a == (b == c)"),
        ("(a < b) == c", "a < b == c"),
        ("(a == b) < c", "(a == b) < c"),
        ("a&&(b||c)", "a && (b || c)"),
        ("(a&&b)||c", "a && b || c"),
        ("a && (b && c)", "a && (b && c)"),
        ("!!a", "!!a"),
        ("!(a && b)", "!(a && b)"),
        ("format( 'it''s',1.50 , null)", "format('it''s', 1.5, null)"),
        ("-0", "-0"),
        ("1e22", "1e+22"),
        ("0xFF", "255"),
        ("0.1", "0.1"),
        ("a[NaN] || -Infinity", "a[NaN] || -Infinity"),
    ],
)
def test_expressions_print_like_this(source: str, printed: str) -> None:
    assert print_expression(parse(source)) == printed


NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,6}", fullmatch=True)
CONTEXTS = NAMES.filter(lambda name: name not in {"true", "false", "null", "NaN", "Infinity"}).map(Context)
LITERALS = st.builds(Literal, st.none() | st.booleans() | st.floats() | st.text(max_size=6))
SIGNS = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])


def _larger(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    def chain(kind: type[And] | type[Or]) -> st.SearchStrategy[Node]:
        # the parser merges a chain on the left, so that no tree has one there
        operands = st.lists(inner, min_size=2, max_size=3).filter(lambda nodes: not isinstance(nodes[0], kind))
        return operands.map(lambda nodes: kind(tuple(nodes)))

    calls = st.builds(Call, st.sampled_from(["format", "Join", "toJSON"]), inner.map(lambda node: (node,)))
    return st.one_of(
        st.builds(Index, inner, inner | st.just(Wildcard())),
        st.builds(Not, inner),
        st.builds(Compare, SIGNS, inner, inner),
        chain(And),
        chain(Or),
        calls,
    )


LEAVES: st.SearchStrategy[Node] = CONTEXTS | LITERALS
SMALL = LEAVES | _larger(LEAVES)
TREES = LEAVES | _larger(SMALL) | _larger(_larger(SMALL))


@given(TREES)
def test_printed_trees_parse_to_the_same_tree(tree: Node) -> None:
    # repr tells -0 from 0, true from 1 and is equal for NaN
    assert repr(unplaced(parse(print_expression(tree)))) == repr(tree)


@given(TREES)
def test_printing_is_stable(tree: Node) -> None:
    printed = print_expression(tree)
    assert print_expression(parse(printed)) == printed
