"""What is an expression, how it groups, and what exactly is said about text that is none."""

from __future__ import annotations

import pytest
from headrace.base.errors import NOWHERE, Position
from headrace.expressions import ExpressionError, SyntaxProblem, parse
from headrace.expressions.nodes import And, Call, Compare, Context, Index, Literal, Node, Not, Or, Wildcard, unplaced

a, b, c = Context("a"), Context("b"), Context("c")


def tree(source: str) -> Node:
    return unplaced(parse(source, functions={"success": (0, 255)}))


def problem(source: str, **allowed: object) -> SyntaxProblem:
    with pytest.raises(SyntaxProblem) as caught:
        parse(source, **allowed)  # type: ignore[arg-type]
    return caught.value


@pytest.mark.covers("language:5.1")
@pytest.mark.parametrize("source", ["", "   ", "\n\t", "\u00a0\u2003"])
def test_blank_text_is_null(source: str) -> None:
    assert tree(source) == Literal(None)


@pytest.mark.covers("language:5.2")
@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("null", None),
        ("true", True),
        ("false", False),
        ("Infinity", float("inf")),
        ("-Infinity", float("-inf")),
        ("+infinity", float("inf")),
        ("12", 12.0),
        ("-1.5e-1", -0.15),
        (".5", 0.5),
        ("5.", 5.0),
        ("0x1F", 31.0),
        ("0xFFFFFFFF", -1.0),
        ("0o17", 15.0),
        ("1e999", float("inf")),
        ("''", ""),
        ("'it''s'", "it's"),
        ("''''", "'"),
        ("'a\nb'", "a\nb"),
        ("'true'", "true"),
        ("'\u00a0'", "\u00a0"),
    ],
)
def test_literals_have_their_value(source: str, value: object) -> None:
    found = tree(f" {source} ")
    assert repr(found) == repr(Literal(value))  # type: ignore[arg-type]


@pytest.mark.covers("language:5.2")
@pytest.mark.parametrize("source", ["TRUE", "Null", "nan", "infinity", "a-b", "_x9", "INSERT"])
def test_words_that_are_no_keyword_are_contexts(source: str) -> None:
    assert tree(source) == Context(source)


def test_nan_is_a_number_and_equal_trees_stay_equal() -> None:
    assert parse("NaN") == parse("NaN", contexts=set())


@pytest.mark.covers("language:5.2")
@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a.b", Index(a, Literal("b"))),
        ("a . b", Index(a, Literal("b"))),
        ("a['b']", Index(a, Literal("b"))),
        ("a.true", Index(a, Literal("true"))),
        ("a.contains", Index(a, Literal("contains"))),
        ("a.*", Index(a, Wildcard())),
        ("a[*]", Index(a, Wildcard())),
        ("a[ * ].b", Index(Index(a, Wildcard()), Literal("b"))),
        ("a[*.b]", Index(a, Index(Wildcard(), Literal("b")))),
        ("a[0]", Index(a, Literal(0.0))),
        ("a[.5]", Index(a, Literal(0.5))),
        ("a[b.c]", Index(a, Index(b, Literal("c")))),
        ("('x').b", Index(Literal("x"), Literal("b"))),
        ("Success ( )", Call("Success", ())),
        ("toJSON(a)", Call("toJSON", (a,))),
        ("join(a, ',').b", Index(Call("join", (a, Literal(","))), Literal("b"))),
    ],
)
def test_reads_and_calls_become_these_trees(source: str, expected: Node) -> None:
    assert tree(source) == expected


@pytest.mark.covers("language:5.3")
@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("!a.b", Not(Index(a, Literal("b")))),
        ("!!a", Not(Not(a))),
        ("!a < b", Compare("<", Not(a), b)),
        ("a < b == c", Compare("==", Compare("<", a, b), c)),
        ("a == b < c", Compare("==", a, Compare("<", b, c))),
        ("a > b > c", Compare(">", Compare(">", a, b), c)),
        ("a == b != c", Compare("!=", Compare("==", a, b), c)),
        ("a == b && c", And((Compare("==", a, b), c))),
        ("a && b && c", And((a, b, c))),
        ("a || b || c", Or((a, b, c))),
        ("a || b && c", Or((a, And((b, c))))),
        ("a && b || c", Or((And((a, b)), c))),
        ("a && (b || c)", And((a, Or((b, c))))),
        ("a && (b && c)", And((a, And((b, c))))),
        ("!(a == b)", Not(Compare("==", a, b))),
        ("((a))", a),
    ],
)
def test_operators_group_by_strength_and_to_the_left(source: str, expected: Node) -> None:
    assert tree(source) == expected


def test_nodes_know_where_their_own_token_stands() -> None:
    assert parse(" a.b == !c") == Compare("==", Index(Context("a", 1), Literal("b", 3), 2), Not(Context("c", 9), 8), 5)


@pytest.mark.covers("language:5.2")
@pytest.mark.covers("language:5.9")
@pytest.mark.parametrize(
    ("source", "raw", "position", "kind"),
    [
        # malformed in itself
        ("a = b", "=", 3, "lexing"),
        ("a =b", "=b", 3, "lexing"),
        ("a === b", "=", 5, "lexing"),
        ("a & b", "&", 3, "lexing"),
        ("a |b", "|b", 3, "lexing"),
        ('"a"', '"a"', 1, "lexing"),
        ("'a", "'a", 1, "lexing"),
        ("'a''", "'a''", 1, "lexing"),
        ("a$b", "a$b", 1, "lexing"),
        ("a*b", "a*b", 1, "lexing"),
        ("a'b'", "a'b'", 1, "lexing"),
        ("é", "é", 1, "lexing"),
        ("-x", "-x", 1, "lexing"),
        ("+", "+", 1, "lexing"),
        ("1.2.3", "1.2.3", 1, "lexing"),
        ("0b1", "0b1", 1, "lexing"),
        ("1_000", "1_000", 1, "lexing"),
        ("-NaN", "-NaN", 1, "lexing"),
        ("0x1FFFFFFFF", "0x1FFFFFFFF", 1, "lexing"),
        ("..a", "..a", 1, "lexing"),
        ("a\u00a0$", "$", 3, "lexing"),
        ("a\x1cb", "a\x1cb", 1, "lexing"),  # no white space for Unicode
        # in the wrong place
        ("1 + 1", "+", 3, "lexing"),
        ("1 +1", "+1", 3, "parsing"),
        ("a b", "b", 3, "parsing"),
        ("a toJSON(b)", "toJSON", 3, "parsing"),
        ("a 'b'", "'b'", 3, "parsing"),
        ("a !b", "!", 3, "parsing"),
        ("== a", "==", 1, "parsing"),
        ("a == == b", "==", 6, "parsing"),
        ("'a'.b", ".", 4, "parsing"),
        ("'a'[0]", "[", 4, "parsing"),
        ("null.a", ".", 5, "parsing"),
        ("a..b", ".", 3, "parsing"),
        ("a.1", "1", 3, "parsing"),
        ("a.'b'", "'b'", 3, "parsing"),
        ("a.[b]", "[", 3, "parsing"),
        ("a.b(c)", "(", 4, "parsing"),
        ("* == a", "*", 1, "parsing"),
        ("a && *", "*", 6, "parsing"),
        ("a[]", "]", 3, "parsing"),
        ("()", ")", 2, "parsing"),
        (")", ")", 1, "parsing"),
        ("(a]", "]", 3, "parsing"),
        ("a[b)", ")", 4, "parsing"),
        ("toJSON(a]", "]", 9, "parsing"),
        ("toJSON(a,)", ")", 10, "parsing"),
        ("toJSON(,a)", ",", 8, "parsing"),
        ("a, b", ",", 2, "parsing"),
        ("(a, b)", ",", 3, "parsing"),
        ("join((a, b))", ",", 8, "parsing"),
        ("a[b, c]", ",", 4, "parsing"),
    ],
)
def test_an_illegal_token_is_named_with_its_place(source: str, raw: str, position: int, kind: str) -> None:
    found = problem(source)
    assert found.message == f"Unexpected symbol: '{raw}'. Located at position {position} within expression: {source}"
    assert found.kind == kind


@pytest.mark.covers("language:5.9")
@pytest.mark.parametrize(
    ("source", "raw", "position"),
    [("a ==", "==", 3), ("!", "!", 1), ("a.", ".", 2), ("(a", "a", 2), ("a[", "[", 2), ("a[b.c ", "c", 5), ("toJSON(", "(", 7)],
)
def test_an_unfinished_expression_names_its_last_token(source: str, raw: str, position: int) -> None:
    expected = f"Unexpected end of expression: '{raw}'. Located at position {position} within expression: {source}"
    assert problem(source).message == expected


@pytest.mark.covers("language:3.7")
@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("a || Secrets.x", "Unrecognized named-value: 'Secrets'. Located at position 6 within expression: a || Secrets.x"),
        (
            "a || hashFiles('x')",
            "Unrecognized function: 'hashFiles'. Located at position 6 within expression: a || hashFiles('x')",
        ),
        ("Success()", "Unrecognized function: 'Success'. Located at position 1 within expression: Success()"),
    ],
)
def test_what_is_not_available_here_is_unrecognized(source: str, message: str) -> None:
    found = problem(source, contexts={"a"})
    assert (found.message, found.kind) == (message, "parsing")


def test_what_the_caller_allows_is_recognised_in_any_case() -> None:
    found = parse("GitHub.ref && HashFiles(A)", contexts={"github", "a"}, functions={"hashfiles": (1, 255)})
    assert isinstance(found, And)


@pytest.mark.covers("language:5.6")
@pytest.mark.covers("language:5.9")
@pytest.mark.parametrize(
    ("source", "what", "position"),
    [
        ("a || contains(b)", "Too few parameters supplied: '('", 14),
        ("contains(a, b, c)", "Too many parameters supplied: '('", 9),
        ("startsWith(a)", "Too few parameters supplied: '('", 11),
        ("endsWith(a, b, c)", "Too many parameters supplied: '('", 9),
        ("format()", "Too few parameters supplied: '('", 7),
        ("join()", "Too few parameters supplied: '('", 5),
        ("toJSON(a, b)", "Too many parameters supplied: '('", 7),
        ("fromJSON()", "Too few parameters supplied: '('", 9),
        ("case(a, b)", "Too few parameters supplied: '('", 5),
        ("!Case(a, b, a, b)", "Even number of parameters supplied, requires an odd number of parameters: 'Case'", 2),
        ("hashFiles()", "Too few parameters supplied: '('", 10),
        ("always(a)", "Too many parameters supplied: '('", 7),
    ],
)
def test_argument_counts_are_checked(source: str, what: str, position: int) -> None:
    found = problem(source, functions={"hashfiles": (1, 255), "always": (0, 0)})
    assert found.message == f"{what}. Located at position {position} within expression: {source}"


def test_255_arguments_are_the_most() -> None:
    assert isinstance(parse(f"format({', '.join('a' * 255)})"), Call)
    assert "Too many" in problem(f"format({', '.join('a' * 256)})").message


@pytest.mark.covers("language:5.9")
def test_the_leftmost_problem_is_reported() -> None:
    assert "'x'" in problem("a && x && nothing() && =", contexts={"a"}).message


@pytest.mark.covers("language:5.9")
def test_positions_count_utf16_units() -> None:
    assert "position 9 " in problem("'😊' == x", contexts=set()).message


@pytest.mark.covers("language:5.9")
@pytest.mark.parametrize(
    ("legal", "too_deep"),
    [
        ("!" * 49 + "a", "!" * 50 + "a"),
        ("a" + ".b" * 49, "a" + ".b" * 50),
        ("a" + "[*]" * 49, "a" + "[*]" * 50),
        ("toJSON(" * 49 + "a" + ")" * 49, "toJSON(" * 50 + "a" + ")" * 50),
        ("a" + " == a" * 49, "a" + " == a" * 50),
        ("(" * 9000 + "a" + ")" * 9000, "(" * 60 + "!" * 50 + "a" + ")" * 60),
        (" && ".join("a" * 4000), "!" * 48 + "(a && !a)"),
        ("!" * 48 + "(a || a || a)", "!" * 49 + "(a || a || a)"),
    ],
)
def test_trees_deeper_than_50_nodes_are_refused(legal: str, too_deep: str) -> None:
    parse(legal)
    found = problem(too_deep)
    assert (found.message, found.kind) == ("Exceeded max expression depth 50", "parsing")


def test_a_problem_further_right_is_reported_before_the_depth() -> None:
    assert problem("!" * 20_000 + "a b").message.startswith("Unexpected symbol: 'b'")


@pytest.mark.covers("language:5.9")
@pytest.mark.parametrize("filler", ["a", "é", "😊"])
def test_more_than_21000_utf16_units_are_refused(filler: str) -> None:
    width = 2 if filler == "😊" else 1
    parse("'" + filler * (20_998 // width) + "'")
    assert problem("'" + filler * (20_998 // width) + "a'").message == "Exceeded max expression length 21000"


def test_a_problem_carries_the_position_of_its_scalar() -> None:
    at = Position("ci.yml", 3, 7)
    with pytest.raises(ExpressionError) as caught:
        parse("a b", at=at)
    assert caught.value.at == at
    assert caught.value.problems[0].at == at
    assert str(caught.value) == "ci.yml:3:7: Unexpected symbol: 'b'. Located at position 3 within expression: a b"
    assert problem("a b").at == NOWHERE


def test_what_is_allowed_belongs_to_the_call_and_not_to_the_text() -> None:
    parse("env.x", contexts={"env"})
    assert "Unrecognized" in problem("env.x", contexts={"github"}).message
    parse("env.x")
