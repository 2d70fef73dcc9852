from __future__ import annotations

from typing import Any

import pytest
from headrace.base.errors import Position
from headrace.workflow import template
from headrace.workflow.definitions import anything
from headrace.workflow.problems import Problems
from headrace.workflow.schema import STEP
from headrace.workflow.template import TemplateError
from headrace.workflow.tokens import Token
from headrace.workflow.yaml_tokens import Limits, Used, read

CONTEXTS: dict[str, Any] = {
    "github": {"text": "t", "number": 1.5, "whole": 3, "yes": True, "null": None, "list": ["a", "b"], "map": {"x": 1.0, "y": "z"}}
}


def token(text: str) -> Token:
    problems = Problems()
    found = read("f", text.encode(), anything(STEP), Limits(), Used(), problems)
    assert not problems, problems.kept
    return found


def told(function: Any, text: str) -> list[str]:
    with pytest.raises(TemplateError) as caught:
        function(token(text), CONTEXTS)
    assert all(problem.at.file == "f" and problem.at.line for problem in caught.value.problems)
    return [problem.message for problem in caught.value.problems]


@pytest.mark.covers("language:2.5")
@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("plain", "plain"),
        ("1.50", "1.5"),
        ("true", "true"),
        ("~", ""),
        ("${{ github.text }}", "t"),
        ("${{ github.number }}", "1.5"),
        ("${{ github.whole }}", "3"),
        ("${{ github.yes }}", "true"),
        ("${{ github.null }}", ""),
        ("${{ github.missing.deep }}", ""),
        ("a ${{ github.text }} ${{ github.number }}", "a t 1.5"),
        ("a ${{ github.list }}", "a Array"),
    ],
)
def test_a_string_position_takes_any_primitive(source: str, text: str) -> None:
    assert template.text(token(source), CONTEXTS) == text


@pytest.mark.covers("language:2.5")
def test_collections_are_no_text() -> None:
    assert told(template.text, "${{ github.map }}") == ["A mapping was not expected"]
    assert told(template.text, "${{ github.list }}") == ["A sequence was not expected"]
    assert told(template.string_map, "{a: '${{ github.map }}', b: '${{ github.list }}', c: x}") == [
        "A mapping was not expected",
        "A sequence was not expected",
    ]


@pytest.mark.covers("language:2.5")
def test_strings_are_neither_numbers_nor_booleans() -> None:
    assert template.number(token("${{ github.number }}"), CONTEXTS) == 1.5
    assert type(template.number(token("${{ github.whole }}"), CONTEXTS)) is float
    assert template.number(token("${{ fromJSON('10') }}"), CONTEXTS) == 10
    assert template.boolean(token("${{ github.yes }}"), CONTEXTS) is True
    assert told(template.number, "${{ '1' || github.text }}") == ["Unexpected value '1'"]
    assert told(template.number, "${{ github.yes }}") == ["Unexpected value 'true'"]
    assert told(template.number, "${{ github.null }}") == ["Unexpected value ''"]
    assert told(template.boolean, "${{ format('true') }}") == ["Unexpected value 'true'"]
    assert told(template.boolean, "${{ github.number }}") == ["Unexpected value '1.5'"]


@pytest.mark.covers("language:2.5")
@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("x", ("x",)),
        ("[a, 1]", ("a", "1")),
        ("${{ github.list }}", ("a", "b")),
        ("[self-hosted, '${{ github.list }}', '${{ github.text }}']", ("self-hosted", "a", "b", "t")),
        ("[]", ()),
    ],
)
def test_arrays_are_spliced_into_lists(source: str, found: tuple[str, ...]) -> None:
    assert template.strings(token(source), CONTEXTS) == found


@pytest.mark.covers("language:2.5")
def test_a_list_of_strings_holds_no_collections() -> None:
    assert told(template.strings, "['${{ github.map }}']") == ["A mapping was not expected"]
    assert told(template.strings, "[[a]]") == ["A sequence was not expected"]


@pytest.mark.covers("language:2.4", "language:2.5")
@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("{a: 1, b: '${{ github.null }}'}", {"a": "1", "b": ""}),
        ("${{ github.map }}", {"x": "1", "y": "z"}),
        ("{a: b, '${{ insert }}': '${{ github.map }}', c: d}", {"a": "b", "x": "1", "y": "z", "c": "d"}),
        ("{'${{ insert }}': {a: 1}}", {"a": "1"}),
        ("{'${{ github.text }}': 1, '${{ github.number }}': 2}", {"t": "1", "1.5": "2"}),
    ],
)
def test_mappings_are_spliced_into_mappings(source: str, found: dict[str, str]) -> None:
    result = template.string_map(token(source), CONTEXTS)
    assert list(result.items()) == list(found.items())


@pytest.mark.covers("language:2.4", "language:2.5")
@pytest.mark.parametrize(
    ("source", "messages"),
    [
        ("{'${{ insert }}': '${{ github.text }}'}", ["Expected a mapping"]),
        ("{'${{ insert }}': [a]}", ["Expected a mapping"]),
        ("{X: 1, '${{ insert }}': '${{ github.map }}'}", ["'x' is already defined"]),
        ("{T: 1, '${{ github.text }}': 2}", ["'t' is already defined"]),
        ("{'${{ github.map }}': 1, a: 2}", ["A mapping was not expected"]),
        ("{a: '${{ fromJSON(github.text) }}', '${{ insert }}': '${{ fromJSON(github.text) }}'}", ["Error parsing fromJson"] * 2),
        ("${{ github.list }}", ["A sequence was not expected"]),
        ("${{ github.text }}", ["Unexpected value 't'"]),
        ("${{ github.null }}", ["Unexpected value ''"]),
    ],
)
def test_what_cannot_become_a_mapping_of_strings_is_told(source: str, messages: list[str]) -> None:
    assert told(template.string_map, source) == messages


@pytest.mark.covers("language:2.5")
def test_a_failed_expression_is_told_once_and_not_judged_again() -> None:
    failing = "${{ fromJSON(github.text) }}"
    for function in (template.text, template.boolean, template.number, template.string_map, template.value):
        assert told(function, failing) == ["Error parsing fromJson"]
    assert told(template.strings, f"[a, '{failing}']") == ["Error parsing fromJson"]


@pytest.mark.covers("language:2.5")
def test_any_value_keeps_its_kind() -> None:
    source = "{a: [1, true, ~, '${{ github.list }}'], b: '${{ github.map }}', c: 1.50}"
    assert template.value(token(source), CONTEXTS) == {
        "a": [1.0, True, None, "a", "b"],
        "b": {"x": 1.0, "y": "z"},
        "c": 1.5,
    }


def test_functions_of_the_place_are_handed_on() -> None:
    functions = {"hashfiles": lambda arguments: f"<{arguments[0]}>"}
    assert template.text(token("key-${{ hashFiles('lock') }}"), CONTEXTS, functions) == "key-<lock>"


def test_problems_stand_at_their_scalar() -> None:
    with pytest.raises(TemplateError) as caught:
        template.string_map(token("a: 1\nb: ${{ github.map }}\n"), CONTEXTS)
    assert caught.value.problems[0].at == Position("f", 2, 4)


def test_a_token_tells_what_it_would_read_and_call() -> None:
    found = token("{a: ['x ${{ github.ref }}'], '${{ env.K }}': '${{ hashFiles(github.list) }}', '${{ insert }}': {}}")
    assert template.references(found) == {("github", "ref"), ("env", "K"), ("github", "list")}
    assert template.calls(found) == {"format", "hashfiles"}
    assert not template.is_literal(found)
    assert template.is_literal(token("{a: [1, {b: c}]}"))
    assert not template.references(token("a"))
    assert not template.calls(token("[1]"))
