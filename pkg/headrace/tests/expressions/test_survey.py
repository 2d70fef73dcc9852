"""What an expression calls and reads."""

from __future__ import annotations

import pytest
from headrace.expressions import calls, parse, references

STATUS = {"always": (0, 0), "success": (0, 255)}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a.b", set()),
        ("ALWAYS()", {"always"}),
        ("a[format('{0}', Success('x'))] == toJSON(b)", {"format", "success", "tojson"}),
        ("!(a || always()) && 'success()'", {"always"}),
        ("a.always", set()),
    ],
)
def test_calls_are_found_anywhere_in_the_tree(source: str, expected: set[str]) -> None:
    assert calls(parse(source, functions=STATUS)) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("1", set()),
        ("GitHub", {("github",)}),
        ("needs.build.outputs.x", {("needs", "build", "outputs", "x")}),
        ("Needs['Build'].result", {("needs", "Build", "result")}),
        ("a[0].b", {("a", "0", "b")}),
        ("needs.*.result", {("needs",)}),
        ("needs[*].result", {("needs",)}),
        ("matrix[github.ref].x", {("matrix",), ("github", "ref")}),
        ("a.b[c.d][e.f].g", {("a", "b"), ("c", "d"), ("e", "f")}),
        ("a.b || a.b && !format(c.d, e)", {("a", "b"), ("c", "d"), ("e",)}),
        ("fromJSON(a.b).c", {("a", "b")}),
        ("'a.b'", set()),
    ],
)
def test_references_are_paths_cut_at_the_first_dynamic_index(source: str, expected: set[tuple[str, ...]]) -> None:
    assert references(parse(source)) == expected
