"""The functions that every expression may call. Status functions and hashFiles come from the caller, who knows the workflow."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NoReturn, Protocol

from headrace.base.lean import lazy_pattern
from headrace.expressions import messages
from headrace.expressions.errors import EvaluationError
from headrace.expressions.values import (
    Value,
    collapse_keys,
    equals,
    fold_case,
    is_primitive,
    kind_of,
    to_text,
    units,
    write_json,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from json import JSONDecoder

    from headrace.expressions.nodes import Node


class Evaluator(Protocol):
    """What a function needs of the evaluation around it. Arguments come as nodes: a function evaluates only those it needs."""

    def value(self, node: Node) -> Value:
        """The value of a node."""

    def room(self) -> int:
        """The bytes that new values may still take."""

    def own(self, size: int) -> None:
        """Count `size` more bytes; raises EvaluationError beyond the limit."""

    def exhausted(self) -> NoReturn:
        """Raises the EvaluationError of the memory limit."""


# name in lower case → fewest and most arguments; `case` wants an odd number besides
ARITIES: dict[str, tuple[int, int]] = {
    "contains": (2, 2),
    "startswith": (2, 2),
    "endswith": (2, 2),
    "format": (1, 255),
    "join": (1, 2),
    "tojson": (1, 1),
    "fromjson": (1, 1),
    "case": (3, 255),
}


class _Text:
    """A string under construction that stops the evaluation before it outgrows the memory limit."""

    __slots__ = ("_evaluator", "_pieces", "_room")

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._pieces: list[str] = []
        self._room = evaluator.room() - 26

    def write(self, piece: str) -> None:
        self._room -= 2 * units(piece)
        if self._room < 0:
            self._evaluator.exhausted()
        self._pieces.append(piece)

    def __str__(self) -> str:
        return "".join(self._pieces)


def _contains(evaluator: Evaluator, arguments: tuple[Node, ...]) -> Value:
    within = evaluator.value(arguments[0])
    if isinstance(within, dict):
        return False
    wanted = evaluator.value(arguments[1])
    if isinstance(within, list):
        return any(equals(item, wanted) for item in within)
    return is_primitive(wanted) and fold_case(to_text(wanted)) in fold_case(to_text(within))


def _starts_with(evaluator: Evaluator, arguments: tuple[Node, ...]) -> Value:
    text = evaluator.value(arguments[0])
    if not is_primitive(text):
        return False
    start = evaluator.value(arguments[1])
    return is_primitive(start) and fold_case(to_text(text)).startswith(fold_case(to_text(start)))


def _ends_with(evaluator: Evaluator, arguments: tuple[Node, ...]) -> Value:
    text = evaluator.value(arguments[0])
    if not is_primitive(text):
        return False
    end = evaluator.value(arguments[1])
    return is_primitive(end) and fold_case(to_text(text)).endswith(fold_case(to_text(end)))


# A doubled brace, a placeholder with optional specifiers (in which `}}` is one brace), or a lone brace.
_BRACES = lazy_pattern(r"\{\{|\{([0-9]+)(?:\}|:((?:[^}]|\}\})*)\}(?!\}))|\}\}|[{}]")


def _format(evaluator: Evaluator, arguments: tuple[Node, ...]) -> Value:
    template = to_text(evaluator.value(arguments[0]))
    segments: list[str | tuple[int, str]] = []  # text, or the index of an argument and its specifiers
    done = 0
    for found in _BRACES.finditer(template):
        segments.append(template[done : found.start()])
        done = found.end()
        if found[1] is not None:
            digits = found[1].lstrip("0") or "0"
            if len(digits) > 3 or int(digits) > 255:
                raise EvaluationError(messages.format_invalid(template))
            if int(digits) > len(arguments) - 2:
                raise EvaluationError(messages.format_argument_missing(template))
            segments.append((int(digits), (found[2] or "").replace("}}", "}")))
        elif len(found[0]) == 1:
            raise EvaluationError(messages.format_invalid(template))
        else:
            segments.append(found[0][0])
    segments.append(template[done:])

    text = _Text(evaluator)
    shown: dict[int, tuple[str, str]] = {}  # index → text and kind of the argument
    for segment in segments:
        if isinstance(segment, str):
            text.write(segment)
            continue
        index, specifiers = segment
        if index not in shown:
            value = evaluator.value(arguments[index + 1])
            shown[index] = (to_text(value), kind_of(value))
        if specifiers:
            raise EvaluationError(messages.format_specifiers(specifiers, shown[index][1]))
        text.write(shown[index][0])
    return str(text)


def _join(evaluator: Evaluator, arguments: tuple[Node, ...]) -> Value:
    items = evaluator.value(arguments[0])
    if isinstance(items, dict):
        return ""
    if not isinstance(items, list):
        return to_text(items)
    separator = ","
    if items and len(arguments) > 1:
        given = evaluator.value(arguments[1])
        if is_primitive(given):
            separator = to_text(given)
    text = _Text(evaluator)
    for number, item in enumerate(items):
        if number:
            text.write(separator)
        text.write(to_text(item))
    return str(text)


def _to_json(evaluator: Evaluator, arguments: tuple[Node, ...]) -> Value:
    value = evaluator.value(arguments[0])
    text = _Text(evaluator)
    write_json(value, text.write)
    return str(text)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


@lru_cache(maxsize=1)
def _decoder() -> JSONDecoder:
    from json import JSONDecoder  # most expressions never need it

    return JSONDecoder(parse_int=float, parse_constant=_no_constant, object_pairs_hook=collapse_keys)


_SURROGATES = lazy_pattern(r"\\\\|(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


def _unpaired(found: re.Match[str]) -> str:
    """Half of a surrogate pair is no character: it cannot leave this process."""
    return found[0] if found[1] or found[0] == "\\\\" else "\\ufffd"


def _from_json(evaluator: Evaluator, arguments: tuple[Node, ...]) -> Value:
    text = to_text(evaluator.value(arguments[0]))
    try:
        value: Value = _decoder().decode(text if "\\u" not in text else _SURROGATES.sub(_unpaired, text))
    except (ValueError, RecursionError):
        raise EvaluationError(messages.BAD_JSON) from None
    if isinstance(value, (list, dict)):
        evaluator.own(_size_below(value))
    return value


def _size_below(value: Value) -> int:
    """The bytes of everything inside a new array or object."""
    size = 0
    pending = [value]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            size += sum(26 + 2 * units(key) for key in value)
            items = list(value.values())
        else:
            assert isinstance(value, list)
            items = value
        for item in items:
            size += size_of(item)
            if isinstance(item, (list, dict)):
                pending.append(item)
    return size


def size_of(value: Value) -> int:
    """The bytes that GitHub's memory limit counts for one value, what it contains left aside."""
    return 26 + 2 * units(value) if isinstance(value, str) else 24


def _case(evaluator: Evaluator, arguments: tuple[Node, ...]) -> Value:
    for number in range(0, len(arguments) - 1, 2):
        holds = evaluator.value(arguments[number])
        if not isinstance(holds, bool):
            raise EvaluationError(messages.CASE_PREDICATE)
        if holds:
            return evaluator.value(arguments[number + 1])
    return evaluator.value(arguments[-1])


FUNCTIONS: dict[str, Callable[[Evaluator, tuple[Node, ...]], Value]] = {
    "contains": _contains,
    "startswith": _starts_with,
    "endswith": _ends_with,
    "format": _format,
    "join": _join,
    "tojson": _to_json,
    "fromjson": _from_json,
    "case": _case,
}
