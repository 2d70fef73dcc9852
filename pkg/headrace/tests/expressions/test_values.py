"""Conversions and comparison of values."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from headrace.expressions.values import (
    NOTHING,
    CaseSensitive,
    Filtered,
    collapse_keys,
    equals,
    find,
    fold_case,
    greater,
    is_truthy,
    kind_of,
    number_to_text,
    parse_number,
    to_json,
    to_number,
    to_text,
    units,
)
from hypothesis import given
from hypothesis import strategies as st

INF, NAN = math.inf, math.nan


@pytest.mark.covers("language:5.4")
@pytest.mark.parametrize("value", [None, False, 0, 0.0, -0.0, NAN, ""])
def test_these_values_are_falsy(value: Any) -> None:
    assert not is_truthy(value)


@pytest.mark.covers("language:5.4")
@pytest.mark.parametrize("value", [True, 1, -1.0, INF, "0", "false", " ", [], {}, Filtered(), [False]])
def test_everything_else_is_truthy(value: Any) -> None:
    assert is_truthy(value)


@pytest.mark.covers("language:1.9")
@pytest.mark.covers("language:5.5")
@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1.10, "1.1"),
        (1e3, "1000"),
        (755, "755"),
        (0.5, "0.5"),
        (-2.0, "-2"),
        (100000000000000, "100000000000000"),
        (999999999999999, "999999999999999"),
        (1000000000000000, "1E+15"),
        (-1e15, "-1E+15"),
        (999999999999999.9, "1E+15"),
        (1587106672383762434, "1.58710667238376E+18"),
        (1.5e300, "1.5E+300"),
        (5e-324, "4.94065645841247E-324"),
        (0.0001, "0.0001"),
        (0.00001, "1E-05"),
        (0.1 + 0.2, "0.3"),
        (0.84551240822557006, "0.84551240822557"),
        (0, "0"),
        (-0.0, "0"),
        (NAN, "NaN"),
        (INF, "Infinity"),
        (-INF, "-Infinity"),
        (10**400, "Infinity"),
        (-(10**400), "-Infinity"),
    ],
)
def test_numbers_have_this_text(number: float, text: str) -> None:
    assert number_to_text(number) == text


@pytest.mark.covers("language:1.9")
def test_a_yaml_scalar_keeps_the_sign_of_zero() -> None:
    assert number_to_text(-0.0, negative_zero="-0") == "-0"
    assert number_to_text(0.0, negative_zero="-0") == "0"


@pytest.mark.covers("language:5.5")
@pytest.mark.parametrize(
    ("value", "text", "number"),
    [
        (None, "", 0.0),
        (True, "true", 1.0),
        (False, "false", 0.0),
        (1.5, "1.5", 1.5),
        ("x", "x", NAN),
        ("", "", 0.0),
        ([], "Array", NAN),
        ([1], "Array", NAN),
        ({}, "Object", NAN),
        (CaseSensitive(), "Object", NAN),
        (Filtered(), "Array", NAN),
    ],
)
def test_values_convert_to_text_and_number(value: Any, text: str, number: float) -> None:
    assert to_text(value) == text
    assert repr(to_number(value)) == repr(number)


@pytest.mark.covers("language:5.5")
@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("  12 ", 12.0),
        ("\u2003\u00a07\u3000", 7.0),
        ("\x1c7", NAN),
        (" ", 0.0),
        (".5", 0.5),
        ("5.", 5.0),
        (".", NAN),
        ("+5", 5.0),
        ("- 5", NAN),
        ("--5", NAN),
        ("1e3", 1000.0),
        ("1E+3", 1000.0),
        ("1e-3", 0.001),
        ("1e", NAN),
        ("1e400", INF),
        ("-1e400", -INF),
        ("-0", -0.0),
        ("0x10", 16.0),
        ("0x7fffffff", 2147483647.0),
        ("0x80000000", -2147483648.0),
        ("0xFFFFFFFF", -1.0),
        ("0x0000000001", 1.0),
        ("0x100000000", NAN),
        ("0X10", NAN),
        ("-0x10", NAN),
        ("0x", NAN),
        ("0xg", NAN),
        ("0o17", 15.0),
        ("0o37777777777", -1.0),
        ("0o40000000000", NAN),
        ("0o8", NAN),
        ("0b1", NAN),
        ("Infinity", INF),
        ("+INFINITY", INF),
        ("-infinity", -INF),
        ("inf", NAN),
        ("NaN", NAN),
        ("1,000", NAN),
        ("1_000", NAN),
        ("١٢", NAN),
        ("1\n2", NAN),
    ],
)
def test_strings_parse_as_these_numbers(text: str, number: float) -> None:
    assert repr(parse_number(text)) == repr(number)


@pytest.mark.covers("language:5.5")
@pytest.mark.parametrize(
    ("left", "right"),
    [
        (None, None),
        (None, 0),
        (None, ""),
        (None, False),
        (None, " "),
        ("", 0),
        (False, ""),
        (True, "1"),
        (True, " 0x1 "),
        ("0x10", 16),
        (" 12 ", 12),
        ("1e3", 1000),
        (1, 1.0),
        (0.0, -0.0),
        (INF, "Infinity"),
        ("ABC", "abc"),
        ("é", "É"),
        ("ᾳ", "ᾼ"),
        ("ǆ", "ǅ"),
    ],
)
def test_these_values_are_loosely_equal_both_ways(left: Any, right: Any) -> None:
    assert equals(left, right)
    assert equals(right, left)


@pytest.mark.covers("language:5.5")
@pytest.mark.parametrize(
    ("left", "right"),
    [
        (True, "true"),
        ("abc", 0),
        (None, "null"),
        (NAN, NAN),
        ("NaN", NAN),
        ("ß", "SS"),
        ("ß", "ẞ"),
        ("ı", "I"),
        ("ı", "i"),
        ("ſ", "S"),
        ("𐐨", "𐐀"),
        ("a", "ab"),
        ([], []),
        ({}, {}),
        ([], None),
        ([], ""),
        ({}, "Object"),
        ([1], 1),
    ],
)
def test_these_values_are_not_equal_either_way(left: Any, right: Any) -> None:
    assert not equals(left, right)
    assert not equals(right, left)


@pytest.mark.covers("language:5.5")
def test_arrays_and_objects_equal_themselves_only() -> None:
    array, object_ = [1], {"a": 1}
    assert equals(array, array)
    assert equals(object_, object_)
    assert not equals(array, list(array))


@pytest.mark.covers("language:5.5")
@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("9", "10", True),
        (9, "10", False),
        (10, "9", True),
        ("b", "A", True),
        ("a", "B", False),
        ("a", "_", False),  # compared in upper case: A is below _
        ("ab", "a", True),
        (True, False, True),
        (False, True, False),
        (True, None, True),
        (None, None, False),
        (None, -1, True),
        ("x", 1, False),
        (NAN, 1, False),
        (1, NAN, False),
        (INF, 1e308, True),
        ([], 0, False),
        (0, [], False),
        ({}, {}, False),
        ("\uffff", "😊", True),  # UTF-16 units: the surrogate is the smaller one
        ("😊", "\ud7ff", True),
        ("é", "z", True),
    ],
)
def test_greater_compares_numbers_or_upper_cased_units(left: Any, right: Any, expected: bool) -> None:
    assert greater(left, right) is expected


@pytest.mark.covers("language:5.5")
@pytest.mark.parametrize(
    ("container", "index", "expected"),
    [
        ({"1": "one"}, 1, "one"),
        ({"": "none"}, None, "none"),
        ({"true": "yes"}, True, "yes"),
        ({"Straße": 1}, "STRAßE", 1),
        ({"Straße": 1}, "STRASSE", NOTHING),
        ({"a": None}, "A", None),
        ({"a": 1}, "b", NOTHING),
        ({"A": 1, "a": 2}, "a", 2),
        ({"Array": 1}, [], NOTHING),
        ({"Object": 1}, {}, NOTHING),
        (CaseSensitive(Path=1), "Path", 1),
        (CaseSensitive(Path=1), "PATH", NOTHING),
        (["a", "b"], "1", "b"),
        (["a", "b"], True, "b"),
        (["a", "b"], 1.9, "b"),
        (["a", "b"], None, "a"),
        (["a", "b"], "", "a"),
        (["a", "b"], -0.0, "a"),
        (["a", "b"], -0.5, NOTHING),
        (["a", "b"], -1, NOTHING),
        (["a", "b"], 2, NOTHING),
        (["a", "b"], 2.0**31, NOTHING),
        (["a", "b"], INF, NOTHING),
        (["a", "b"], NAN, NOTHING),
        (["a", "b"], "abc", NOTHING),
        (["a", "b"], "length", NOTHING),
        (["a", "b"], [], NOTHING),
        ("text", 0, NOTHING),
        (None, "a", NOTHING),
        (5, 0, NOTHING),
    ],
)
def test_find_follows_the_rules_of_indexing(container: Any, index: Any, expected: Any) -> None:
    assert find(container, index) is expected or find(container, index) == expected


@pytest.mark.covers("language:5.6")
def test_json_text_has_github_s_layout_and_escapes() -> None:
    value = {
        "n": -0.0,
        "e": [],
        "o": {},
        "s": 'a"\\/\b\f\n\r\t\x01\x7f<é\x85\u2028\u2029😊',
        "l": [None, True, [NAN, INF]],
        "k\n": 1e15,
    }
    assert to_json(value) == (
        '{\n  "n": 0,\n  "e": [],\n  "o": {},\n  "s": "a\\"\\\\/\\b\\f\\n\\r\\t\\u0001\x7f<é\\u0085\\u2028\\u2029😊",\n'
        '  "l": [\n    null,\n    true,\n    [\n      NaN,\n      Infinity\n    ]\n  ],\n  "k\\n": 1E+15\n}'
    )


@pytest.mark.covers("language:5.6")
def test_keys_that_differ_in_case_collapse_to_the_first_spelling_and_the_last_value() -> None:
    assert list(collapse_keys([("a", 1), ("b", 2), ("A", 3)]).items()) == [("a", 3), ("b", 2)]
    assert collapse_keys([("ß", 1), ("SS", 2)]) == {"ß": 1, "SS": 2}


def test_what_is_no_value_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="bytes"):
        kind_of(b"x")  # type: ignore[arg-type]


def test_subclasses_count_as_their_base() -> None:
    class Text(str):
        pass

    assert kind_of(Text("x")) == "String"


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False, width=32) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_json_text_reads_back_as_the_same_value(value: Any) -> None:
    def close(left: Any, right: Any) -> bool:
        if isinstance(left, dict):
            return list(left) == list(right) and all(close(left[key], right[key]) for key in left)
        if isinstance(left, list):
            return len(left) == len(right) and all(map(close, left, right))
        return left == right or math.isclose(left, right, rel_tol=1e-14)

    assert close(json.loads(to_json(value)), value)


@given(st.text())
def test_folding_keeps_the_length_and_is_stable(text: str) -> None:
    assert units(fold_case(text)) == units(text)
    assert fold_case(fold_case(text)) == fold_case(text)


SCALARS = st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.sampled_from(["0", "1", "-1", "1e2", "NaN"])


@given(SCALARS, SCALARS)
def test_equality_is_symmetric_and_excludes_order(left: Any, right: Any) -> None:
    assert equals(left, right) == equals(right, left)
    assert [equals(left, right), greater(left, right), greater(right, left)].count(True) <= 1
