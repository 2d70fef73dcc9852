from __future__ import annotations

import pytest
from headrace.base.errors import Position
from headrace.workflow.definitions import Definition, anything, boolean, map_of, mapping, non_empty, number, string, text_or_list
from headrace.workflow.problems import Problems, render
from headrace.workflow.schema import STEP
from headrace.workflow.tokens import Expression, Insert, Mapping, Scalar, Sequence, Token
from headrace.workflow.yaml_tokens import FileError, Limits, Used, read


def tokens(text: str, definition: Definition | None = None, limits: Limits = Limits()) -> tuple[Token, list[str]]:  # noqa: B008
    problems = Problems()
    token = read("f", text.encode(), definition or anything(), limits, Used(), problems)
    return token, [render(problem) for problem in problems.kept]


def plain(token: Token) -> object:
    match token:
        case Scalar(value=value):
            return value
        case Sequence(items=items):
            return [plain(item) for item in items]
        case Mapping(pairs=pairs):
            return [(plain(key), plain(value)) for key, value in pairs]
        case Expression(source=source):
            return "$" + source
        case Insert():
            return "insert"


def failure(text: str, definition: Definition | None = None, limits: Limits = Limits()) -> str:  # noqa: B008
    with pytest.raises(FileError) as caught:
        tokens(text, definition, limits)
    return caught.value.message


@pytest.mark.covers("language:1.1")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Expected document start parse event"),
        ("# only a comment\n", "Expected document start parse event"),
        ("a: 1\n---\nb: 2\n", "Expected stream end parse event"),
    ],
)
def test_a_file_holds_one_document(text: str, message: str) -> None:
    assert failure(text) == message


@pytest.mark.covers("language:1.1")
@pytest.mark.parametrize("directive", ["%YAML 1.1\n---\n", "%YAML 1.2\n---\n", "---\n", ""])
def test_yaml_directives_make_no_difference(directive: str) -> None:
    assert plain(tokens(directive + "on: yes\n")[0]) == [("on", "yes")]


@pytest.mark.covers("language:1.2")
def test_only_plain_scalars_are_typed() -> None:
    text = "- 1\n- '1'\n- \"true\"\n- |\n  null\n- >\n  12\n- ~\n"
    assert plain(tokens(text)[0]) == [1.0, "1", "true", "null\n", "12\n", None]


@pytest.mark.covers("language:1.4")
def test_an_alias_repeats_the_node_at_the_place_of_its_anchor() -> None:
    token, _ = tokens("a: &x\n  - 1\n  - &y 2\nb: *x\nc: *y\n")
    assert plain(token) == [("a", [1.0, 2.0]), ("b", [1.0, 2.0]), ("c", 2.0)]
    assert isinstance(token, Mapping)
    assert token.pairs[1][1] == token.pairs[0][1]
    assert token.pairs[1][1].at == Position("f", 1, 4)


@pytest.mark.covers("language:1.4")
def test_the_latest_definition_of_an_anchor_counts_but_not_inside_what_was_recorded_before() -> None:
    assert plain(tokens("a: &x 1\nb: &l [*x]\nc: &x 2\nd: *x\ne: *l\n")[0]) == [
        ("a", 1.0),
        ("b", [1.0]),
        ("c", 2.0),
        ("d", 2.0),
        ("e", [1.0]),
    ]


@pytest.mark.covers("language:1.4")
def test_aliases_may_be_keys() -> None:
    assert plain(tokens("a: &x key\n*x : 1\n")[0]) == [("a", "key"), ("key", 1.0)]


@pytest.mark.covers("language:1.4")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: *x\n", "Unknown anchor 'x'"),
        ("a: *x\nb: &x 1\n", "Unknown anchor 'x'"),
        ("a: &x [*x]\n", "Maximum YAML nodes exceeded"),
        ("a: &x {b: {c: *x}}\n", "Maximum YAML nodes exceeded"),
        (
            "x: &a [1,1,1,1,1,1,1,1,1]\n"
            + "".join(
                f"x{i}: &{b} [{', '.join(['*' + a] * 9)}]\n" for i, (a, b) in enumerate(zip("abcde", "bcdef", strict=True))
            ),
            "Maximum YAML nodes exceeded",
        ),
        ("[" + "1, " * 50_000 + "1]", "Maximum YAML nodes exceeded"),
    ],
)
def test_anchors_are_bounded(text: str, message: str) -> None:
    assert failure(text) == message


@pytest.mark.covers("language:1.4")
def test_anchors_can_be_switched_off() -> None:
    off = Limits(anchors=False)
    assert failure("a: &echo hi\n", limits=off) == "Anchors are not currently supported. Remove the anchor 'echo'"
    assert failure("a: *echo\n", limits=off) == "Anchors are not currently supported. Remove the anchor 'echo'"


@pytest.mark.covers("language:1.4")
def test_merge_keys_are_ordinary_keys() -> None:
    env = mapping({"env": map_of(string()), "base": anything()})
    assert tokens("base: &b {A: 1}\nenv: {<<: *b}\n", env)[1] == ["f (Line: 1, Col: 7): A mapping was not expected"]
    assert tokens("base: 1\n<<: {env: 2}\n", env)[1] == ["f (Line: 2, Col: 1): Unexpected value '<<'"]


@pytest.mark.covers("language:1.5")
def test_duplicate_keys_are_found_ignoring_case_and_their_value_is_skipped() -> None:
    token, problems = tokens("Foo: 1\nfoo: {a: [b, !!str c]}\nstraße: 1\nSTRASSE: 2\nSTRAßE: 3\n")
    assert plain(token) == [("Foo", 1.0), ("straße", 1.0), ("STRASSE", 2.0)]
    assert problems == ["f (Line: 2, Col: 1): 'foo' is already defined", "f (Line: 5, Col: 1): 'STRAßE' is already defined"]


@pytest.mark.covers("language:1.5")
def test_keys_become_text_and_keep_their_order() -> None:
    assert plain(tokens("b: 1\n3.10: 2\ntrue: 3\n~: 4\n")[0]) == [("b", 1.0), ("3.1", 2.0), ("true", 3.0), ("", 4.0)]


@pytest.mark.covers("language:1.5")
def test_fixed_keys_are_case_sensitive_but_a_misspelt_one_is_not_missing() -> None:
    definition = mapping({"jobs": string(), "on": string()}, "on", "jobs")
    assert tokens("Jobs: x\n", definition)[1] == [
        "f (Line: 1, Col: 1): Unexpected value 'Jobs'",
        "f (Line: 1, Col: 1): Required property is missing: on",
    ]


def test_a_key_that_is_a_collection_is_an_error() -> None:
    assert failure("? [a]\n: b\n") == "A mapping key must be a scalar"


@pytest.mark.covers("language:1.6")
def test_a_file_has_a_greatest_length_in_utf_16_units() -> None:
    assert failure("# 12345678\na: 1", limits=Limits(characters=14)) == "The maximum file size of 14 characters has been exceeded"
    assert tokens("# 12345678\na: 1", limits=Limits(characters=15))[1] == []
    assert tokens("# é\na: 1", limits=Limits(characters=8))[1] == []
    assert failure("# 😀\na: 1", limits=Limits(characters=8)).startswith("The maximum file size")


@pytest.mark.covers("language:1.6")
def test_fifty_collections_may_be_open_at_once() -> None:
    assert tokens("[" * 50 + "]" * 50)[1] == []
    assert failure("[" * 51 + "]" * 51) == "Maximum object depth exceeded"
    assert "nesting depth" in failure("[" * 400_000)  # the parser's own limit comes first


@pytest.mark.covers("language:1.6")
def test_skipped_values_count_for_depth_but_not_for_size() -> None:
    definition = mapping({"a": string()})
    assert failure("b: " + "[" * 51 + "]" * 51, definition) == "Maximum object depth exceeded"
    size = Limits(size=24)
    assert tokens(f"b: {'x' * 1000}", definition, size)[1] == ["f (Line: 1, Col: 1): Unexpected value 'b'"]
    assert failure("a: x", definition, size) == "Maximum object size exceeded"


@pytest.mark.covers("language:1.6")
def test_size_is_counted_as_the_service_does() -> None:
    used = Used()
    read("f", b"a: x\nb: [1, true, ~]\n${{ 1 }}: ${{ github.x }}\n", anything(STEP), Limits(), used, Problems())
    key, text, collection, scalar = 52, 52, 24, 24
    assert used.size == collection + key + text + key + collection + 3 * scalar + key + (50 + 2 * len("github.x"))


@pytest.mark.covers("language:1.6")
def test_template_events_are_bounded() -> None:
    message = (
        "Maximum events exceeded while evaluating the template. This may indicate an infinite loop or too many nested loops."
    )
    assert failure("[1, 2, 3]", limits=Limits(events=3)) == message
    assert tokens("[1, 2]", limits=Limits(events=3))[1] == []


@pytest.mark.covers("language:1.6")
def test_ten_problems_are_kept_and_long_ones_are_cut() -> None:
    _, problems = tokens("".join(f"k{i}: 1\n" for i in range(20)), mapping({"a": string()}))
    assert len(problems) == 10
    (problem,) = tokens("x" * 900 + ": 1", mapping({"a": string()}))[1]
    assert len(problem) == 505
    assert problem.startswith("f (Line: 1, Col: 1): Unexpected value 'xxx")
    assert problem.endswith("x[...]")


@pytest.mark.covers("language:1.7")
def test_positions_are_those_of_the_first_character() -> None:
    text = "a: 'q'\nb: |\n  x\nc: !!str x\nd: &n x\ne:\n  - 1\nf: {g: [h]}\nü: i\nj:\n"
    token, _ = tokens(text)
    assert isinstance(token, Mapping)
    places = {str(k.value): (v.at.line, v.at.column) for k, v in token.pairs if isinstance(k, Scalar)}
    assert places == {
        "a": (1, 4),
        "b": (2, 4),
        "c": (4, 4),
        "d": (5, 4),
        "e": (7, 3),
        "f": (8, 4),
        "ü": (9, 4),
        "j": (10, 3),
    }
    assert token.at == Position("f", 1, 1)


@pytest.mark.covers("language:1.8")
def test_a_syntax_error_says_where_and_keeps_earlier_problems() -> None:
    problems = Problems()
    with pytest.raises(FileError) as caught:
        read("f", b"x: 1\na: [\n", mapping({"a": text_or_list(string())}), Limits(), Used(), problems)
    assert caught.value.message == "while parsing a flow node, did not find expected node content"
    assert (caught.value.line, caught.value.column) == (3, 1)
    assert [render(problem) for problem in problems.kept] == ["f (Line: 1, Col: 1): Unexpected value 'x'"]


@pytest.mark.parametrize("content", [b"\xff", b"a: \x00", b"a: \x07", b"\xc3"])
def test_bytes_that_are_no_text_are_an_error(content: bytes) -> None:
    with pytest.raises(FileError, match=r"unacceptable character|incomplete UTF-8"):
        read("f", content, anything(), Limits(), Used(), Problems())


def test_utf_16_is_read_too() -> None:
    token = read("f", "a: é".encode("utf-16"), anything(), Limits(), Used(), Problems())
    assert plain(token) == [("a", "é")]


VALIDATION = [
    (string(), "12", "12", []),
    (string(), "~", "", []),
    (string(), "1.10", "1.1", []),
    (non_empty(), "~", None, ["Unexpected value ''"]),
    (non_empty(), "''", "", ["Unexpected value ''"]),
    (non_empty(), "true", "true", []),
    (number(), "'10'", "10", ["Unexpected value '10'"]),
    (number(), "10", 10.0, []),
    (boolean(), "'true'", "true", ["Unexpected value 'true'"]),
    (boolean(), "true", True, []),
    (boolean(), "1", 1.0, ["Unexpected value '1'"]),
    (string(), "[a, [b]]", [], ["A sequence was not expected"]),
    (string(), "{a: {b: c}}", [], ["A mapping was not expected"]),
    (map_of(string()), "~", None, ["Unexpected value ''"]),
    (map_of(string()), "{'': x}", [("", "x")], ["Unexpected value ''"]),
    (text_or_list(non_empty()), "[a, b]", ["a", "b"], []),
]


@pytest.mark.covers("language:2.3")
@pytest.mark.parametrize(("definition", "text", "value", "messages"), VALIDATION)
def test_a_value_is_held_against_its_definition(definition: Definition, text: str, value: object, messages: list[str]) -> None:
    token, problems = tokens(text, definition)
    assert plain(token) == value
    assert [problem.split("): ", 1)[1] for problem in problems] == messages


@pytest.mark.covers("language:2.3")
@pytest.mark.parametrize("definition", [string(STEP), number(STEP), boolean(STEP), map_of(string(STEP), STEP)])
def test_an_expression_stands_for_any_kind_of_value(definition: Definition) -> None:
    assert tokens("${{ github.x }}", definition) == (Expression("github.x", Position("f", 1, 1)), [])


@pytest.mark.covers("language:2.3")
def test_an_expression_needs_a_place_with_contexts() -> None:
    assert tokens("${{ 1 }}", string())[1] == ["f (Line: 1, Col: 1): A template expression is not allowed in this context"]
    assert tokens("${{ github.x }}", string())[1] == [
        "f (Line: 1, Col: 1): Unrecognized named-value: 'github'. Located at position 1 within expression: github.x"
    ]


@pytest.mark.covers("language:2.2")
def test_a_wrong_expression_goes_on_as_text() -> None:
    token, problems = tokens("${{ x }}", number(STEP))
    assert plain(token) == "${{ x }}"
    assert [problem.split("): ", 1)[1] for problem in problems] == [
        "Unrecognized named-value: 'x'. Located at position 1 within expression: x",
        "Unexpected value '${{ x }}'",
    ]


@pytest.mark.covers("language:2.3")
def test_keys_may_be_expressions_where_contexts_are_allowed() -> None:
    token, problems = tokens("{'${{ github.x }}': {a: [1]}, b: c}", map_of(string(STEP), STEP))
    assert plain(token) == [("$github.x", [("a", [1.0])]), ("b", "c")]
    assert problems == []
    assert tokens("{'${{ 1 }}': {a: [1]}}", map_of(string(STEP)))[1] == [
        "f (Line: 1, Col: 2): A template expression is not allowed in this context"
    ]


@pytest.mark.covers("language:2.3")
def test_a_computed_key_may_be_the_required_one() -> None:
    definition = mapping({"a": string(STEP)}, "a", scope=STEP)
    assert tokens("{'${{ github.x }}': 1}", definition)[1] == []
    assert tokens("{}", definition)[1] == ["f (Line: 1, Col: 1): Required property is missing: a"]


@pytest.mark.covers("language:2.4")
def test_insert_is_a_key_and_never_a_value() -> None:
    place = map_of(string(STEP), STEP)
    assert plain(tokens("{'${{ insert }}': {a: 1}}", place)[0]) == [("insert", [("a", 1.0)])]
    assert tokens("{a: '${{ insert }}'}", place)[1] == ["f (Line: 1, Col: 5): Unexpected value '${{ insert }}'"]
