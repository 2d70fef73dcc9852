"""Plain YAML scalars → typed values, and typed values → the text that stands for them in a string position."""

from __future__ import annotations

import re
from typing import Union

from headrace.expressions.values import number_to_text
from headrace.workflow import messages

Literal = Union[str, bool, float, None]

_WORDS: dict[str, Literal] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **{sign + word: float(sign + "inf") for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")},
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_MISSING: object = object()
TYPED_STARTS = frozenset(("", *"~nNtTfF.+-0123456789"))  # what a plain scalar that is no string begins with
_DIGITS = frozenset("0123456789+-.")
_number = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII).fullmatch
_integer = re.compile(r"[-+]?[0-9]+", re.ASCII).fullmatch
_pattern = re.compile(r"0x([0-9a-fA-F]+)|0o([0-7]+)", re.ASCII).fullmatch

TAG = "tag:yaml.org,2002:"
_STYLES = {"'": "SingleQuoted", '"': "DoubleQuoted", "|": "Literal", ">": "Folded"}


class ScalarError(Exception):
    """A scalar that its tag or its size forbids. Concerns the file as a whole."""


def plain(text: str, line: int, column: int) -> Literal:
    """The value of an unquoted scalar without a tag, by the YAML 1.2 core schema as GitHub reads it.

    >>> [plain(t, 1, 1) for t in ("0755", "0xFFFFFFFF", "yes", "1_000", ".5", "~", "12:30")]
    [755.0, -1.0, 'yes', '1_000', 0.5, None, '12:30']
    """
    value = _WORDS.get(text, _MISSING)
    if value is not _MISSING:
        return value  # type: ignore[return-value]
    if text[0] not in _DIGITS:
        return text
    if _number(text):
        return float(text)
    bits = _bits(text, line, column)
    return text if bits is None else bits


def _bits(text: str, line: int, column: int) -> float | None:
    """Hexadecimal and octal are 32-bit patterns, read as signed."""
    match = _pattern(text)
    if match is None:
        return None
    digits = (match[1] or match[2]).lstrip("0")
    number = int(digits or "0", 16 if match[1] else 8) if len(digits) <= 11 else 1 << 32
    if number >= 1 << 32:
        raise ScalarError(messages.invalid_for_tag(text, line, column, TAG + "int"))
    return float(number - (1 << 32) if number >= 1 << 31 else number)


def tagged(text: str, tag: str, style: str | None, line: int, column: int) -> Literal:
    """The value of a scalar with an explicit tag. `style` is empty or None for plain. Raises ScalarError."""
    if tag == TAG + "str":
        return text
    kind = tag.removeprefix(TAG) if tag.startswith(TAG) else ""
    if kind not in ("bool", "int", "float", "null"):
        raise ScalarError(messages.unexpected_tag(tag))
    if style:
        raise ScalarError(messages.style_for_tag(_STYLES.get(style, style), line, column, tag))
    value = _WORDS.get(text, _MISSING)
    if kind == "null" and value is None:
        return None
    if kind == "bool" and isinstance(value, bool):
        return value
    if kind == "int":
        bits = _bits(text, line, column)
        if bits is not None:
            return bits
        if _integer(text):
            return float(text)
    if kind == "float":
        if isinstance(value, float):
            return value
        if _number(text):
            return float(text)
    raise ScalarError(messages.invalid_for_tag(text, line, column, tag))


def text_of(value: Literal) -> str:
    """What a typed scalar becomes in a string position (keys, `env`, `with`, names).

    >>> [text_of(v) for v in (None, True, 1.10, 1e15, 1587106672383762434.0, 0.00001, -0.0, float("inf"))]
    ['', 'true', '1.1', '1E+15', '1.58710667238376E+18', '1E-05', '-0', 'Infinity']
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return number_to_text(value, negative_zero="-0")
