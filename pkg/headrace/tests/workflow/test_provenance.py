"""Where the values of a matrix row stand in the file."""

from __future__ import annotations

import pytest
from headrace.workflow import template
from headrace.workflow.matrix import expand
from headrace.workflow.provenance import sources_of
from headrace.workflow.reader import load
from headrace.workflow.tokens import Token

CONTEXTS = {"github": {"two": ["x", "y"], "rows": [{"os": "z"}, {"os": "linux", "more": 1.0}], "whole": {"os": ["w"]}}}


def strategy(text: str) -> Token:
    content = f"on: push\njobs:\n  a:\n    runs-on: x\n    strategy: {text}\n"
    loaded = load("ci.yml", content.encode())
    assert loaded.workflow is not None, loaded.problems
    found = loaded.workflow.jobs["a"].strategy
    assert found is not None
    return found


def stood(text: str) -> list[dict[str, str]]:
    """For each row, key → the text of the file from where its value stands."""
    token = strategy(text)
    whole = template.value(token, CONTEXTS)
    assert isinstance(whole, dict)
    line = f"    strategy: {text}"
    found = []
    for row in expand(whole["matrix"]):
        places = sources_of(token, row)
        assert list(places) == list(row.values)
        assert all((at.file, at.line) == ("ci.yml", 5) for at in places.values())
        found.append({key: line[at.column - 1 :] for key, at in places.items()})
    return found


@pytest.mark.covers("language:6.2")
@pytest.mark.parametrize(
    ("matrix", "starts"),
    [
        ("{os: [linux, mac]}", [{"os": "linux,"}, {"os": "mac]"}]),
        ("{os: [linux, mac], py: [3.10]}", [{"os": "linux,", "py": "3.10"}, {"os": "mac]", "py": "3.10"}]),
        ("{os: [linux, mac], exclude: [{os: linux}]}", [{"os": "mac]"}]),
        ("{os: [linux], include: [{os: linux, x: 1}, {x: 2}]}", [{"os": "linux]", "x": "2}"}]),
        ("{os: [linux], include: [{OS: Linux, y: 7}]}", [{"os": "linux]", "y": "7}"}]),
        ("{os: [linux], INCLUDE: [{Os: mac, y: 7}]}", [{"os": "linux]"}, {"os": "mac,", "y": "7}"}]),
        ("{include: [{a: 1}, {b: [2]}]}", [{"a": "1}"}, {"b": "[2]"}]),
        ("{os: [{n: 1}, [2]]}", [{"os": "{n"}, {"os": "[2]"}]),
        ("{os: '${{ github.two }}'}", [{"os": "'${{ github.two"}] * 2),
        ("{os: [a, '${{ github.two }}']}", [{"os": "a,"}] + [{"os": "'${{ github.two"}] * 2),
        ("{os: ['${{ github.two }}', b]}", [{"os": "['${{"}] * 3),
        ("{os: [q], include: '${{ github.rows }}'}", [{"os": "q]"}, {"os": "'${{ github.rows"}, {"os": "'${{", "more": "'${{"}]),
        ("{include: ['${{ github.rows }}']}", [{"os": "'${{ github.rows"}, {"os": "'${{ github.rows", "more": "'${{"}]),
        ("{include: [{os: '${{ github.x }}'}]}", [{"os": "'${{ github.x"}]),
        ("'${{ github.whole }}'", [{"os": "'${{ github.whole"}]),
    ],
)
def test_each_value_stands_where_its_vector_or_its_entry_of_include_has_it(matrix: str, starts: list[dict[str, str]]) -> None:
    found = stood(f"{{matrix: {matrix}}}")
    assert [list(row) for row in found] == [list(row) for row in starts]
    for row, begin in zip(found, starts, strict=True):
        assert all(row[key].startswith(text) for key, text in begin.items()), row


def test_a_strategy_that_is_one_expression_is_where_everything_stands() -> None:
    token = strategy("'${{ github.all }}'")
    (row,) = expand({"os": ["a"]})
    assert [str(at) for at in sources_of(token, row).values()] == ["ci.yml:5:15"]


def test_without_a_strategy_nothing_stands_anywhere() -> None:
    (row,) = expand({"os": ["a"]})
    assert sources_of(None, row) == {}
