"""Values and their conversions: truthiness, numbers, text, JSON, loose comparison. Knows nothing about syntax.

A value is plain JSON data: None, bool, number (a double; ints are accepted), str, list or dict. Strings compare by UTF-16 units,
each mapped to upper case on its own, as .NET's ordinal comparison does.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Literal, Union

if TYPE_CHECKING:
    from collections.abc import Callable

Value = Union[None, bool, float, str, list[Any], dict[str, Any]]
Kind = Literal["Null", "Boolean", "Number", "String", "Array", "Object"]

NOTHING = object()
"""What `find` returns where a key is missing, since a present null is something else."""

# Exactly the characters with Unicode's White_Space property; str.isspace also takes U+001C to U+001F.
WHITE_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)


class CaseSensitive(dict[str, Any]):
    """An object whose keys are looked up exactly: the `env` context on Linux."""


class Filtered(list[Any]):
    """What `x.*` yields: an array on which `.name`, `[i]` and `.*` work item by item."""


_KINDS: dict[type, Kind] = {
    type(None): "Null",
    bool: "Boolean",
    int: "Number",
    float: "Number",
    str: "String",
    list: "Array",
    dict: "Object",
    Filtered: "Array",
    CaseSensitive: "Object",
}


def kind_of(value: Value) -> Kind:
    """The type of a value by GitHub's name. Raises TypeError for what is no value."""
    kind = _KINDS.get(type(value))
    if kind is None:
        for base in type(value).__mro__:
            if base in _KINDS:
                kind = _KINDS[type(value)] = _KINDS[base]
                return kind
        raise TypeError(f"not a value of an expression: {type(value).__name__}")
    return kind


def is_primitive(value: Value) -> bool:
    return kind_of(value) not in ("Array", "Object")


def is_truthy(value: Value) -> bool:
    """False for null, false, 0, -0, NaN and the empty string; true for everything else.

    >>> [is_truthy(v) for v in ("0", "false", [], {}, "", 0, None, math.nan)]
    [True, True, True, True, False, False, False, False]
    """
    if isinstance(value, (list, dict)):
        return True
    return bool(value) and value == value  # NaN is the one value that differs from itself


def number_to_text(number: float, *, negative_zero: str = "0") -> str:
    """At most 15 significant digits, plain notation for exponents from -4 to 14, else `E+XX`.

    `negative_zero` is the text of -0: "0" inside expressions, "-0" where a YAML scalar becomes text.

    >>> [number_to_text(n) for n in (1.10, 1e3, 1e15, 0.00001, -0.0, 1587106672383762434)]
    ['1.1', '1000', '1E+15', '1E-05', '0', '1.58710667238376E+18']
    >>> number_to_text(-0.0, negative_zero="-0")
    '-0'
    """
    number = _double(number)
    if number == 0:
        return negative_zero if math.copysign(1, number) < 0 else "0"
    if math.isfinite(number):
        text = f"{number:.15g}"
        return text if "e" not in text else text.replace("e", "E")
    if number != number:
        return "NaN"
    return "Infinity" if number > 0 else "-Infinity"


def to_text(value: Value) -> str:
    """The value as a string: null is empty, arrays are `Array`, objects `Object`.

    >>> [to_text(v) for v in (None, True, -0.0, "x", [1], {})]
    ['', 'true', '0', 'x', 'Array', 'Object']
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return number_to_text(value)
    return kind_of(value)


_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z")
_RADIX = re.compile(r"0(?:x([0-9a-fA-F]+)|o([0-7]+))\Z")
_INFINITIES = {"infinity": math.inf, "+infinity": math.inf, "-infinity": -math.inf}


def parse_number(text: str) -> float:
    """The number that a string stands for, NaN if none. Hexadecimal and octal are 32-bit patterns read as signed.

    >>> [parse_number(t) for t in (" 12 ", "", "5.", "0xFFFFFFFF", "0o17", "-infinity", "1_000", "0x100000000")]
    [12.0, 0.0, 5.0, -1.0, 15.0, -inf, nan, nan]
    """
    text = text.strip(WHITE_SPACE)
    if not text:
        return 0.0
    if _DECIMAL.match(text):
        return float(text)
    if found := _RADIX.match(text):
        pattern = int(found[1], 16) if found[1] else int(found[2], 8)
        if pattern > 0xFFFFFFFF:
            return math.nan
        return float(pattern - 0x1_0000_0000 if pattern > 0x7FFFFFFF else pattern)
    return _INFINITIES.get(text.lower(), math.nan)


def to_number(value: Value) -> float:
    """The value as a double: null 0, booleans 0 and 1, strings parsed, arrays and objects NaN."""
    if isinstance(value, str):
        return parse_number(value)
    if value is None:
        return 0.0
    if isinstance(value, (int, float)):
        return _double(value)
    return math.nan


def _double(number: float) -> float:
    try:
        return float(number)
    except OverflowError:  # an int beyond the doubles
        return math.inf if number > 0 else -math.inf


# ---- case ----


class _UpperCase(dict[int, int]):
    """Unicode's simple upper-case mapping of single UTF-16 units, filled as characters turn up."""

    def __missing__(self, code: int) -> int:
        mapped = code
        if code <= 0xFFFF:  # halves of a surrogate pair have no case of their own
            char = chr(code)
            upper = char.upper()
            if len(upper) > 1:  # a full mapping such as ß to SS; the simple one, if any, is the title case
                upper = char.title()
            if len(upper) == 1 and ord(upper) <= 0xFFFF:
                mapped = ord(upper)
        self[code] = mapped
        return mapped


_UPPER = _UpperCase({0x131: 0x131, 0x17F: 0x17F})  # dotless i and long s never become ASCII letters


def fold_case(text: str) -> str:
    """The form under which texts that differ only in case are the same. Keeps the length.

    >>> fold_case("Straße"), fold_case("ı") == fold_case("I"), fold_case("é") == fold_case("É")
    ('STRAßE', False, True)
    """
    return text.upper() if text.isascii() else text.translate(_UPPER)


def units(text: str) -> int:
    """The length in UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


# ---- comparison ----


def equals(left: Value, right: Value) -> bool:
    """Loose equality, the `==` of expressions. Arrays and objects equal only themselves.

    >>> equals("ABC", "abc"), equals(None, ""), equals(True, "1"), equals(True, "true"), equals([], [])
    (True, True, True, False, False)
    """
    if isinstance(left, str) and isinstance(right, str):
        return left == right or (len(left) == len(right) and fold_case(left) == fold_case(right))
    if isinstance(left, (list, dict)) or isinstance(right, (list, dict)):
        return left is right
    if left is None and right is None:
        return True
    return to_number(left) == to_number(right)


def greater(left: Value, right: Value) -> bool:
    """The `>` of expressions; `<` is the same with the sides exchanged.

    >>> greater("9", "10"), greater(10, "9"), greater("x", 1), greater(True, False), greater([], 0)
    (True, True, False, True, False)
    """
    if isinstance(left, str) and isinstance(right, str):
        a, b = fold_case(left), fold_case(right)
        if a.isascii() or b.isascii():
            return a > b
        return a.encode("utf-16-be", "surrogatepass") > b.encode("utf-16-be", "surrogatepass")
    if isinstance(left, (list, dict)) or isinstance(right, (list, dict)):
        return False
    return to_number(left) > to_number(right)


# ---- objects and arrays ----


def find(container: Value, index: Value) -> Any:
    """The item of an object or array at `index`, or NOTHING.

    >>> find({"Key": 1}, "kEY"), find(["a", "b"], "1"), find(["a", "b"], 1.9), find({"": 0}, None)
    (1, 'b', 'b', 0)
    """
    if isinstance(container, dict):
        if isinstance(index, (list, dict)):
            return NOTHING
        key = index if isinstance(index, str) else to_text(index)
        if key in container:
            return container[key]
        if type(container) is CaseSensitive:
            return NOTHING
        folded = fold_case(key)
        for name, value in container.items():
            if len(name) == len(key) and fold_case(name) == folded:
                return value
        return NOTHING
    if isinstance(container, list):
        number = to_number(index)
        if 0 <= number <= 0x7FFFFFFF and int(number) < len(container):
            return container[int(number)]
    return NOTHING


def collapse_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON pairs: of keys that differ only in case the first spelling stays, with the last value."""
    result = dict(pairs)
    folded: dict[str, str] = {}
    for name in result:
        folded.setdefault(fold_case(name), name)
    if len(folded) == len(result):
        return result
    collapsed: dict[str, Any] = {}
    for name, value in pairs:
        collapsed[folded[fold_case(name)]] = value
    return collapsed


# ---- JSON ----

_ESCAPES: dict[int, str] = {code: f"\\u{code:04x}" for code in (*range(0x20), 0x85, 0x2028, 0x2029)}
_ESCAPES.update({ord(char): "\\" + letter for char, letter in zip('"\\\b\f\n\r\t', '"\\bfnrt', strict=True)})


def json_string(text: str) -> str:
    """A JSON string literal as GitHub writes it: non-ASCII text stays, but the Unicode line breaks are escaped."""
    return f'"{text.translate(_ESCAPES)}"'


def to_json(value: Value) -> str:
    """The value as JSON with two-space indentation and the key order kept; NaN and the infinities stand bare.

    >>> print(to_json({"a": [1.0, None], "b": {}}))
    {
      "a": [
        1,
        null
      ],
      "b": {}
    }
    """
    pieces: list[str] = []
    write_json(value, pieces.append)
    return "".join(pieces)


def write_json(value: Value, write: Callable[[str], Any], line: str = "\n") -> None:
    """Hand the JSON of `value` to `write` piece by piece, so that a caller can stop it (by raising) when it grows too large.

    `line` is the line break with the indentation of the surrounding level.
    """
    if isinstance(value, str):
        write(json_string(value))
    elif isinstance(value, dict):
        if not value:
            write("{}")
            return
        inner = line + "  "
        start = "{" + inner
        for name, item in value.items():
            write(f"{start}{json_string(name)}: ")
            write_json(item, write, inner)
            start = "," + inner
        write(line + "}")
    elif isinstance(value, list):
        if not value:
            write("[]")
            return
        inner = line + "  "
        start = "[" + inner
        for item in value:
            write(start)
            write_json(item, write, inner)
            start = "," + inner
        write(line + "]")
    else:
        write("null" if value is None else to_text(value))
