from __future__ import annotations

from typing import Any

import pytest
from headrace.workflow.matrix import MatrixError, Row, display_name, expand, row_id
from headrace.workflow.problems import render
from headrace.workflow.reader import load
from hypothesis import given
from hypothesis import strategies as st

WORKED = {
    "fruit": ["apple", "pear"],
    "animal": ["cat", "dog"],
    "include": [
        {"color": "green"},
        {"color": "pink", "animal": "cat"},
        {"fruit": "apple", "shape": "circle"},
        {"fruit": "banana"},
        {"fruit": "banana", "animal": "cat"},
    ],
}


def rows(matrix: dict[str, Any]) -> list[dict[str, Any]]:
    return [row.values for row in expand(matrix)]


@pytest.mark.covers("language:6.2")
def test_the_worked_example_of_the_documentation() -> None:
    assert rows(WORKED) == [
        {"fruit": "apple", "animal": "cat", "color": "pink", "shape": "circle"},
        {"fruit": "apple", "animal": "dog", "color": "green", "shape": "circle"},
        {"fruit": "pear", "animal": "cat", "color": "pink"},
        {"fruit": "pear", "animal": "dog", "color": "green"},
        {"fruit": "banana"},
        {"fruit": "banana", "animal": "cat"},
    ]


EXPANSIONS: list[tuple[str, dict[str, Any], list[dict[str, Any]]]] = [
    (
        "the first vector varies slowest",
        {"a": [1, 2], "b": [3, 4]},
        [{"a": 1, "b": 3}, {"a": 1, "b": 4}, {"a": 2, "b": 3}, {"a": 2, "b": 4}],
    ),
    ("only include", {"include": [{"a": 1}, {"a": 2}]}, [{"a": 1}, {"a": 2}]),
    ("appended rows are not extended", {"a": [1], "include": [{"a": 2}, {"b": 3}]}, [{"a": 1, "b": 3}, {"a": 2}]),
    ("exclude by part of a row", {"a": [1, 2], "b": [1, 2], "exclude": [{"a": 1}]}, [{"a": 2, "b": 1}, {"a": 2, "b": 2}]),
    (
        "exclude comes before include",
        {"a": [1, 2], "exclude": [{"a": 1}], "include": [{"a": 1, "x": 2}]},
        [{"a": 2}, {"a": 1, "x": 2}],
    ),
    ("everything is excluded", {"a": [1], "exclude": [{"a": 1}]}, []),
    ("everything is excluded but one comes back", {"a": [1], "exclude": [{"a": 1}], "include": [{"b": 1}]}, [{"b": 1}]),
    ("comparison is loose", {"a": [10], "exclude": [{"a": "10"}]}, []),
    ("comparison ignores case", {"os": ["linux", "mac"], "exclude": [{"OS": "LINUX"}]}, [{"os": "mac"}]),
    ("null matches what is empty", {"a": ["", 0, False, None, "x"], "exclude": [{"a": None}]}, [{"a": "x"}]),
    ("a string of the name of a boolean is not it", {"a": [True], "exclude": [{"a": "true"}]}, [{"a": True}]),
    ("filters look into mappings", {"a": [{"x": 1, "y": 2}, {"x": 2}], "exclude": [{"a": {"X": 1}}]}, [{"a": {"x": 2}}]),
    ("filters look into lists", {"a": [[1, 2], [3]], "exclude": [{"a": [3]}]}, [{"a": [1, 2]}]),
    ("a path that leads nowhere is null", {"a": [{"x": 1}, 5], "exclude": [{"a": {"z": None}}]}, []),
    ("a filter without leaves matches all", {"a": [1, 2], "exclude": [{"a": {}}]}, []),
    ("a filter without leaves extends all", {"a": [{"x": 1}], "include": [{"a": {}, "b": 1}]}, [{"a": {"x": 1}, "b": 1}]),
    (
        "later extras overwrite earlier ones, values of vectors stay",
        {"a": [1], "include": [{"b": 1}, {"B": 2, "c": 3}]},
        [{"a": 1, "b": 2, "c": 3}],
    ),
    ("filters do not see extras", {"a": [1], "include": [{"b": 1}, {"b": 2, "c": 3}]}, [{"a": 1, "b": 2, "c": 3}]),
    ("appended rows name vectors first", {"a": [1], "include": [{"x": 1, "A": 2}]}, [{"a": 1}, {"a": 2, "x": 1}]),
    ("values may be anything", {"a": [None, [1], {"b": []}]}, [{"a": None}, {"a": [1]}, {"a": {"b": []}}]),
    ("include and exclude in any case are no vectors", {"a": [1], "Include": [{"b": 1}]}, [{"a": 1, "b": 1}]),
    ("an empty include beside a vector", {"a": [1], "include": [], "exclude": []}, [{"a": 1}]),
]


@pytest.mark.covers("language:6.2")
@pytest.mark.parametrize(("matrix", "expected"), [case[1:] for case in EXPANSIONS], ids=[case[0] for case in EXPANSIONS])
def test_expansion(matrix: dict[str, Any], expected: list[dict[str, Any]]) -> None:
    found = rows(matrix)
    assert found == expected
    assert [list(row) for row in found] == [list(row) for row in expected]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "Matrix must define at least one vector"),
    ({"include": []}, "Matrix must define at least one vector"),
    ({"a": []}, "Matrix vector 'a' does not contain any values"),
    ({"a": [1], "include": [{}]}, "Matrix include mapping does not contain any values"),
    ({"a": [1], "exclude": [{}]}, "Matrix exclude filter must not be empty"),
    ({"a": [1], "exclude": [{"b": 1}]}, "Matrix exclude key 'b' does not match any key within the matrix"),
    ({"a": list(range(257))}, "Strategy for job 'J' produced 257 configurations which exceeds the maximum of 256 configurations"),
    (
        {"a": [1], "include": [{"a": 2 + i} for i in range(256)]},
        "Strategy for job 'J' produced 257 configurations which exceeds the maximum of 256 configurations",
    ),
    ({"a": "linux"}, "Unexpected value 'linux'"),
    ({"include": {"a": 1}}, "A mapping was not expected"),
    ({"a": [1], "include": ["x"]}, "Unexpected value 'x'"),
    ({"a": [1], "exclude": [[1]]}, "A sequence was not expected"),
]


@pytest.mark.covers("language:6.1", "language:6.3")
@pytest.mark.parametrize(("matrix", "message"), WRONG)
def test_a_wrong_matrix_is_told(matrix: dict[str, Any], message: str) -> None:
    with pytest.raises(MatrixError) as caught:
        expand(matrix, job="J")
    assert caught.value.problems[0].message == message


@pytest.mark.covers("language:6.3")
def test_256_rows_are_fine_and_excludes_count_first() -> None:
    assert len(expand({"a": list(range(256))})) == 256
    assert len(expand({"a": list(range(300)), "exclude": [{"a": i} for i in range(44)]})) == 256


@pytest.mark.parametrize("matrix", [None, [], "x", 1.0])
def test_only_a_mapping_is_a_matrix(matrix: Any) -> None:
    with pytest.raises(MatrixError, match="Expected a mapping"):
        expand(matrix)


def test_an_astronomical_product_ends_at_once() -> None:
    vectors: dict[str, Any] = {f"v{i}": list(range(100)) for i in range(30)}
    with pytest.raises(MatrixError, match="exceeds the maximum of 256"):
        expand({**vectors, "exclude": [{"v0": 1}]})


@pytest.mark.parametrize(
    "more",
    [
        {"include": [{"e": 1}] * 40_000},
        {"include": [{"x": 1, "e": 1}] * 20_000},
        {"exclude": [{"x": "nope"}] * 40_000},
        {"exclude": [{"x": [[1] * 40_000]}]},
    ],
)
def test_few_rows_with_very_many_entries_are_refused(more: dict[str, Any]) -> None:
    with pytest.raises(MatrixError, match="takes more than 10,000,000 comparisons"):
        expand({"x": list(range(256)), **more}, job="j")
    assert len(expand({"x": [1], **more}, job="j")) == 1


NAMES: list[tuple[Any, str]] = [
    ((), "job"),
    ((3.1, "linux", True), "job (3.1, linux, true)"),
    (("", None, [], {}), "job"),
    (({"x": [1, {"y": "z"}]}, False), "job (1, z, false)"),
    (("x" * 200,), "job (" + "x" * 92 + "..."),
    (("x" * 94,), "job (" + "x" * 94 + ")"),
]


@pytest.mark.covers("language:6.4")
@pytest.mark.parametrize(("named", "name"), NAMES)
def test_a_row_is_named_by_its_leaves(named: tuple[Any, ...], name: str) -> None:
    assert display_name("job", Row({}, named)) == name
    assert len(name) <= 100


@pytest.mark.covers("language:6.4")
def test_extras_are_named_only_in_appended_rows() -> None:
    found = expand({"a": [1], "include": [{"b": "x"}, {"a": 2, "c": "y"}]})
    assert [display_name("t", row) for row in found] == ["t (1)", "t (2, y)"]
    assert display_name("t", None) == "t"


@pytest.mark.covers("language:6.4")
def test_rows_have_short_unique_ids() -> None:
    taken: set[str] = set()
    named: list[tuple[Any, ...]] = [
        (),
        ("a b", "c"),
        ("A_b", "C"),
        ("-x",),
        ("3",),
        ("__x",),
        ("x" * 30,),
        ("x" * 30,),
        ("é",),
        ({},),
    ]
    assert [row_id(Row({}, n), taken) for n in named] == [
        "job",
        "a_b_c",
        "A_b_C_2",
        "_-x",
        "_3",
        "_x",
        "x" * 25,
        "x" * 23 + "_2",
        "_",
        "job_2",
    ]


PLACES = [
    ("{os: []}", "(Line: 5, Col: 20): Matrix vector 'os' does not contain any values"),
    ("{}", "(Line: 5, Col: 15): Matrix must define at least one vector"),
    ("{include: []}", "(Line: 5, Col: 15): Matrix must define at least one vector"),
    ("{a: [1], include: [{}]}", "(Line: 5, Col: 34): Matrix include mapping does not contain any values"),
    ("{a: [1], exclude: [{}]}", "(Line: 5, Col: 34): Matrix exclude filter must not be empty"),
    ("{a: [1], exclude: [{b: 1}]}", "(Line: 5, Col: 35): Matrix exclude key 'b' does not match any key within the matrix"),
    ("{os: linux}", "(Line: 5, Col: 20): Unexpected value 'linux'"),
    ("{os: [], x: ['${{ github.x }}']}", "(Line: 5, Col: 20): Matrix vector 'os' does not contain any values"),
    (
        f"{{a: [{', '.join(map(str, range(16)))}], b: [{', '.join(map(str, range(17)))}]}}",
        "(Line: 5, Col: 15): Strategy for job 'j' produced 272 configurations which exceeds the maximum of 256 configurations",
    ),
]


@pytest.mark.covers("language:6.3")
@pytest.mark.parametrize(("matrix", "told"), PLACES)
def test_a_literal_matrix_is_checked_when_the_file_is_read(matrix: str, told: str) -> None:
    text = f"on: push\njobs:\n  j:\n    strategy:\n      matrix: {matrix}\n    runs-on: x\n"
    assert [render(problem) for problem in load("f", text.encode()).problems] == [f"f {told}"]


@pytest.mark.covers("language:6.1")
@pytest.mark.parametrize(
    "matrix",
    [
        "${{ fromJSON(vars.m) }}",
        "{os: '${{ fromJSON(vars.m) }}'}",
        "{include: '${{ fromJSON(vars.m) }}'}",
        "{include: ['${{ fromJSON(vars.m) }}']}",
        "{a: [1], exclude: ['${{ fromJSON(vars.m) }}']}",
        "{'${{ vars.k }}': [1], exclude: [{b: 1}]}",
        "{a: [[1], {b: c}, ~, true]}",
    ],
)
def test_what_holds_expressions_waits_for_its_evaluation(matrix: str) -> None:
    text = f"on: push\njobs:\n  j:\n    strategy:\n      matrix: {matrix}\n    runs-on: x\n"
    assert load("f", text.encode()).problems == ()


_scalars = st.none() | st.booleans() | st.floats() | st.text(max_size=3)
_values = st.recursive(
    _scalars, lambda v: st.lists(v, max_size=2) | st.dictionaries(st.text(max_size=2), v, max_size=2), max_leaves=4
)
_maps = st.lists(st.dictionaries(st.sampled_from(["a", "A", "b", "c"]), _values, max_size=3), max_size=3)


@given(st.dictionaries(st.sampled_from(["a", "b"]), st.lists(_values, max_size=3), max_size=2), _maps, _maps)
def test_expansion_never_fails_but_with_a_matrix_error(vectors: dict[str, Any], include: Any, exclude: Any) -> None:
    try:
        found = expand({**vectors, "include": include, "exclude": exclude})
    except MatrixError:
        return
    for row in found:
        assert len(display_name("x", row)) <= 100
        assert len(row_id(row, set())) <= 25
    product = 1
    for vector in vectors.values():
        product *= len(vector)
    assert len(found) <= (product if vectors else 0) + len(include)
