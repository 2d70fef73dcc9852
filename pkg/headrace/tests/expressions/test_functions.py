"""The general functions: results, errors, and which arguments they leave alone."""

from __future__ import annotations

from typing import Any

import pytest
from headrace.expressions import EvaluationError, evaluate, parse

CONTEXTS: dict[str, Any] = {
    "list": ["one", 2.0, None, True, [1.0], {"k": 1.0}],
    "object": {"key": "value"},
    "empty": [],
    "text": "Hello",
}
BROKEN = "fromJSON('')"  # an argument that fails when it is evaluated


def value(source: str) -> Any:
    return evaluate(parse(source), CONTEXTS)


def error(source: str) -> str:
    with pytest.raises(EvaluationError) as caught:
        value(source)
    return caught.value.message


def check(cases: str) -> pytest.MarkDecorator:
    """A table of `source → result`, one a line; the result is an expression too."""
    pairs = [tuple(part.strip() for part in line.split("→")) for line in cases.strip().splitlines()]
    return pytest.mark.parametrize(("source", "expected"), pairs)


@pytest.mark.covers("language:5.6")
@check("""
    contains('Hello', 'ELL')              → true
    contains('Hello', '')                 → true
    contains('Hello', 'x')                → false
    contains('É', 'é')                    → true
    contains('ß', 'ss')                   → false
    contains(null, '')                    → true
    contains(true, 'RU')                  → true
    contains(123, 2)                      → true
    contains('Array', list)               → false
    contains('Object', object)            → false
    contains(list, 'ONE')                 → true
    contains(list, '2')                   → true
    contains(list, 1)                     → true
    contains(list, 'k')                   → false
    contains(list, list)                  → false
    contains(empty, null)                 → false
    contains(list[4], '1')                → true
    contains(object, 'value')             → false
    contains(object.*, 'value')           → true
    startsWith('Hello', 'hE')             → true
    startsWith('Hello', 'lo')             → false
    startsWith('Hello', '')               → true
    startsWith(123, 12)                   → true
    startsWith(null, '')                  → true
    startsWith(list, '')                  → false
    startsWith('Array', list)             → false
    endsWith('Hello', 'LO')               → true
    endsWith('Hello', 'He')               → false
    endsWith(true, 'UE')                  → true
    endsWith(object, '')                  → false
    endsWith('Object', object)            → false
""")
def test_text_searches(source: str, expected: str) -> None:
    assert value(source) is value(expected)


@pytest.mark.covers("language:5.6")
@check("""
    join(list)                            → 'one,2,,true,Array,Object'
    join(list[4], '+')                    → '1'
    join(list, '')                        → 'one2trueArrayObject'
    join(list, null)                      → 'one2trueArrayObject'
    join(list, 0)                         → 'one0200true0Array0Object'
    join(list, list)                      → 'one,2,,true,Array,Object'
    join(list, object)                    → 'one,2,,true,Array,Object'
    join(empty, '+')                      → ''
    join(object)                          → ''
    join(object.*)                        → 'value'
    join(text, '+')                       → 'Hello'
    join(-0)                              → '0'
    join(null)                            → ''
""")
def test_join(source: str, expected: str) -> None:
    assert value(source) == value(expected)


@pytest.mark.covers("language:5.6")
@check("""
    format('{0}-{1}-{0}', 'a', 1)         → 'a-1-a'
    format('{{0}} {0}', 'a')              → '{0} a'
    format('{{{0}}}', 'a')                → '{a}'
    format('}}{{')                        → '}{'
    format('{000}', 'a')                  → 'a'
    format('{0:}', 'a')                   → 'a'
    format('{0}', '{1}')                  → '{1}'
    format('{0}{1}{2}', null, list, object) → 'ArrayObject'
    format('{0}', 1e15)                   → '1E+15'
    format('it''s {0}', 'x')              → 'it''s x'
    format(12.50)                         → '12.5'
    format(list)                          → 'Array'
    format('')                            → ''
""")
def test_format(source: str, expected: str) -> None:
    assert value(source) == value(expected)


@pytest.mark.covers("language:5.6")
@pytest.mark.parametrize(
    "template",
    ["{", "}", "{}", "{a}", "{-1}", "{ 0}", "{0 }", "{0", "{0}}", "{{0}", "{256}", "{9999999}", "{0:", "{0:x}}", "a}b", "{٠}"],
)
def test_format_refuses_malformed_templates(template: str) -> None:
    assert error(f"format('{template}', 'a')") == f"The following format string is invalid: {template}"


@pytest.mark.covers("language:5.6")
@pytest.mark.parametrize("template", ["{1}", "{0}{1}", "{255}", "{1:x}"])
def test_format_refuses_an_index_beyond_the_arguments(template: str) -> None:
    expected = f"The following format string references more arguments than were supplied: {template}"
    assert error(f"format('{template}', 'a')") == expected


@pytest.mark.covers("language:5.6")
@pytest.mark.parametrize(
    ("argument", "kind"),
    [("null", "Null"), ("true", "Boolean"), ("1", "Number"), ("'a'", "String"), ("list", "Array"), ("object", "Object")],
)
def test_format_knows_no_specifiers(argument: str, kind: str) -> None:
    expected = f"The format specifiers 'x}}y' are not valid for objects of type '{kind}'"
    assert error(f"format('{{0:x}}}}y}}', {argument})") == expected


def test_format_reports_only_the_first_fault() -> None:
    assert "more arguments" in error("format('{7} {', 'a')")
    assert "invalid" in error("format('{ {7}', 'a')")
    assert "invalid" in error("format('{7:x}}', 'a')")


@pytest.mark.covers("language:5.6")
@check("""
    fromJSON('1')                         → 1
    fromJSON(' [1, "a", null] ')[1]       → 'a'
    fromJSON('{"a": {"b": true}}').A.b    → true
    fromJSON('{"a": 1, "A": 2}').a        → 2
    toJSON(fromJSON('{"a": 1, "A": 2}'))  → format('{{{0}  "a": 2{0}}}', fromJSON('"\\n"'))
    fromJSON(true)                        → true
    fromJSON(12)                          → 12
    fromJSON('"\\u00e9"')                 → 'é'
    fromJSON('1e400')                     → Infinity
    fromJSON('12345678901234567890') == 12345678901234567890 → true
    toJSON(fromJSON('[ ]'))               → '[]'
    toJSON('a')                           → '"a"'
    toJSON(-0)                            → '0'
    toJSON(NaN)                           → 'NaN'
    toJSON(object.*)[0]                   → null
""")
def test_json(source: str, expected: str) -> None:
    found = value(source)
    assert (type(found), found) == (type(value(expected)), value(expected))


@pytest.mark.covers("language:5.6")
@pytest.mark.parametrize(
    "text",
    ["", " ", "x", "{", "[1,]", "{a: 1}", "1 2", "[1] // c", "NaN", "Infinity", "01", '"a\nb"', "[" * 100_000, "''a''"],
)
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        evaluate(parse("fromJSON(x)"), {"x": text})
    assert caught.value.message == "Error parsing fromJson"


@pytest.mark.covers("language:5.6")
@pytest.mark.parametrize("source", ["fromJSON(null)", "fromJSON(list)", "fromJSON(object)", "fromJSON('a')"])
def test_values_whose_text_is_no_json_are_refused(source: str) -> None:
    assert error(source) == "Error parsing fromJson"


@pytest.mark.covers("language:5.6")
@check(f"""
    case(true, 1, 2)                      → 1
    case(false, 1, 2)                     → 2
    case(1 == 2, 'a', 2 == 2, 'b', 'c')   → 'b'
    case(true, 1, {BROKEN}, {BROKEN}, {BROKEN}) → 1
    case(false, {BROKEN}, 2)              → 2
""")
def test_case_takes_the_first_that_holds(source: str, expected: str) -> None:
    assert value(source) == value(expected)


@pytest.mark.covers("language:5.6")
@pytest.mark.parametrize("predicate", ["null", "1", "0", "'true'", "''", "list", "object"])
def test_case_wants_booleans(predicate: str) -> None:
    assert error(f"case(false, 1, {predicate}, 2, 3)") == "case predicate must evaluate to a boolean value"


@pytest.mark.covers("language:5.6")
@check(f"""
    format('{{0}}', 'a', {BROKEN})        → 'a'
    contains(object, {BROKEN})            → false
    startsWith(list, {BROKEN})            → false
    endsWith(list, {BROKEN})              → false
    join(empty, {BROKEN})                 → ''
    join('x', {BROKEN})                   → 'x'
    false && {BROKEN}                     → false
    true || {BROKEN}                      → true
""")
def test_arguments_that_are_not_needed_are_not_evaluated(source: str, expected: str) -> None:
    assert value(source) == value(expected)


@pytest.mark.parametrize(
    "source", [f"format('{{0}}', {BROKEN})", f"contains('a', {BROKEN})", f"join(list, {BROKEN})", f"!{BROKEN}"]
)
def test_arguments_that_are_needed_and_fail_fail_the_whole(source: str) -> None:
    assert error(source) == "Error parsing fromJson"


def test_function_names_ignore_case() -> None:
    assert value("TOJSON(fromjson('1')) == JOIN('1')") is True
