"""docs/description-map.md is alive: every file, quotation and test that it names is there, and nothing is left out."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from test_core.described import items_of_the_description

ROOT = Path(__file__).resolve().parents[2]
MAP = ROOT / "docs/description-map.md"


class Row(NamedTuple):
    """`there` is a diagram's edge (`T1 --> MP`) or the first cell of a table's row; `quotations` are (file, words in it)."""

    there: str
    quotations: list[tuple[str, str]]
    tests: list[str]


def rows(text: str) -> list[Row]:
    """The rows of all four-column tables of the map. Raises ValueError for a row that names no file or no test."""
    found = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if not line.startswith("|") or len(cells) != 4 or cells[0] in ("there", "---"):
            continue
        quotations = re.findall(r"`([^`]+)`: `([^`]+)`", cells[2])
        tests = re.findall(r"`([^`]+::[^`]+)`", cells[3])
        if not quotations or not tests:
            raise ValueError(f"no file or no test in: {line}")
        found.append(Row(cells[0].strip("`"), quotations, tests))
    return found


def dead(row: Row) -> list[str]:
    """What `row` names and the repository does not have."""
    gone = []
    for name, words in row.quotations:
        file = ROOT / name
        if not file.is_file():
            gone.append(f"{name} is not there")
        elif words not in file.read_text(encoding="utf-8"):
            gone.append(f"{name} does not say: {words}")
    return gone + [
        f"no such test: {test}" for test in row.tests if test.partition("::")[2] not in functions_of(test.partition("::")[0])
    ]


@cache
def functions_of(name: str) -> frozenset[str]:
    """The test functions of a file; none where it is not there."""
    file = ROOT / name
    if not file.is_file():
        return frozenset()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))


ROWS = rows(MAP.read_text(encoding="utf-8"))


@pytest.mark.parametrize("row", ROWS, ids=[row.there for row in ROWS])
def test_every_link_is_alive(row: Row) -> None:
    assert dead(row) == []


def test_a_dead_file_a_changed_quotation_and_a_dead_test_are_found() -> None:
    alive = ROWS[0]
    (name, words), test = alive.quotations[0], alive.tests[0]
    assert dead(alive._replace(quotations=[(f"{name}x", words)])) == [f"{name}x is not there"]
    assert dead(alive._replace(quotations=[(name, f"{words}!")])) == [f"{name} does not say: {words}!"]
    assert dead(alive._replace(tests=[f"{test}_no"])) == [f"no such test: {test}_no"]
    assert dead(alive._replace(tests=["tests/none.py::test_x"])) == ["no such test: tests/none.py::test_x"]


@pytest.mark.parametrize("line", ["| a | b | `f` | `t.py::test_x` |", "| a | b | `f`: `w` | t |"])
def test_a_row_that_names_no_words_or_no_test_is_an_error(line: str) -> None:
    with pytest.raises(ValueError, match="no file or no test"):
        rows(line)


def test_nothing_is_listed_twice() -> None:
    there = [row.there for row in ROWS]
    assert sorted(set(there)) == sorted(there)


def test_every_row_and_every_edge_of_the_description_is_in_the_map() -> None:
    wanted = items_of_the_description()
    assert [item for item in wanted if item not in {row.there for row in ROWS}] == []
