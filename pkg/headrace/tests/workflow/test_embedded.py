from __future__ import annotations

import pytest
from headrace.base.errors import Position
from headrace.workflow.definitions import Scope
from headrace.workflow.embedded import EmbeddedError, scan
from headrace.workflow.schema import JOB_IF, STEP
from headrace.workflow.tokens import Expression, Insert, Scalar

AT = Position("f", 1, 1)
INLINE = (
    "The directive 'insert' is not allowed in this context. Directives are not supported for expressions that are embedded "
    "within a string. Directives are only supported when the entire value is an expression."
)
NOT_CLOSED = "The expression is not closed. An unescaped ${{ sequence was found, but the closing }} sequence was not found."


@pytest.mark.covers("language:2.2")
@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("plain }} text", Scalar("plain }} text", AT)),
        ("${{ github.ref }}", Expression("github.ref", AT)),
        ("${{github.ref}}", Expression("github.ref", AT)),
        ("a ${{ github.ref }}", Expression("format('a {0}', github.ref)", AT)),
        ("${{ github.ref }} ", Expression("format('{0} ', github.ref)", AT)),
        ("${{ github.a }}${{ github.b }}", Expression("format('{0}{1}', github.a, github.b)", AT)),
        ("it's {x} ${{ 1 }}", Expression("format('it''s {{x}} {0}', 1)", AT)),
        ("${{ '}}' }}!", Expression("format('{0}!', '}}')", AT)),
        ("${{ 'it''s }}' }}", Scalar("it's }}", AT)),
        ("${{ '${{ x }}' }}", Scalar("${{ x }}", AT)),
        ("${{ 'a' }}${{ 'b' }}", Expression("format('{0}{1}', 'a', 'b')", AT)),
        ("false || ${{ github.x }}", Expression("format('false || {0}', github.x)", AT)),
        ("${{ insert }}", Insert(AT)),
    ],
)
def test_text_with_expressions_becomes_one_token(text: str, token: object) -> None:
    assert scan(text, AT, STEP) == token


@pytest.mark.covers("language:2.2")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${{ github.ref", NOT_CLOSED),
        ("${{ 'a }}", NOT_CLOSED),
        ("${{ github.ref }} ${{", NOT_CLOSED),
        ("${{ }}", "An expression was expected"),
        ("x ${{}}", "An expression was expected"),
        ("${{ 1 + 1 }}", "Unexpected symbol: '+'. Located at position 3 within expression: 1 + 1"),
        ("${{ jobs.x }}", "Unrecognized named-value: 'jobs'. Located at position 1 within expression: jobs.x"),
        ("${{ insert }} x", INLINE),
        ("x ${{ insert }}", INLINE),
        (
            "${{ insert a (b c) 'd e' }}",
            "Exactly 0 parameter(s) were expected following the directive 'insert'. Actual parameter count: 3",
        ),
    ],
)
def test_what_is_wrong_between_the_braces_is_told(text: str, message: str) -> None:
    with pytest.raises(EmbeddedError) as caught:
        scan(text, AT, STEP)
    assert str(caught.value) == message


def test_a_word_that_begins_with_insert_is_an_expression() -> None:
    assert scan("${{ inserted.x }}", AT, Scope(frozenset({"inserted"}))) == Expression("inserted.x", AT)


@pytest.mark.covers("language:2.2")
def test_the_combined_text_has_a_greatest_length() -> None:
    fixed = len("format('{0}', github.x)")
    assert isinstance(scan("x" * (21_000 - fixed) + "${{ github.x }}", AT, STEP), Expression)
    with pytest.raises(EmbeddedError, match="Exceeded max expression length 21000"):
        scan("x" * (21_001 - fixed) + "${{ github.x }}", AT, STEP)


@pytest.mark.covers("language:3.7")
def test_the_same_text_is_fine_in_one_place_and_wrong_in_another() -> None:
    assert scan("${{ hashFiles('x') }}", AT, STEP) == Expression("hashFiles('x')", AT)
    with pytest.raises(EmbeddedError, match=r"Unrecognized function: 'hashFiles'"):
        scan("${{ hashFiles('x') }}", AT, JOB_IF)
    assert scan("${{ success('a') }}", AT, JOB_IF) == Expression("success('a')", AT)
