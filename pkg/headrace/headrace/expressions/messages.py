"""GitHub's fixed texts for expressions: what its parser and its functions say, word for word."""

from __future__ import annotations

MAX_DEPTH = 50
MAX_LENGTH = 21_000

_PLACED = "{what}: '{raw}'. Located at position {position} within expression: {source}"


def placed(what: str, raw: str, position: int, source: str) -> str:
    """A parse problem at a place; `position` is the 1-based offset of `raw` in `source`, in UTF-16 units."""
    return _PLACED.format(what=what, raw=raw, position=position, source=source)


UNEXPECTED_SYMBOL = "Unexpected symbol"
UNEXPECTED_END = "Unexpected end of expression"
UNKNOWN_CONTEXT = "Unrecognized named-value"
UNKNOWN_FUNCTION = "Unrecognized function"
TOO_FEW = "Too few parameters supplied"
TOO_MANY = "Too many parameters supplied"
EVEN_COUNT = "Even number of parameters supplied, requires an odd number of parameters"
TOO_DEEP = f"Exceeded max expression depth {MAX_DEPTH}"
TOO_LONG = f"Exceeded max expression length {MAX_LENGTH}"

CASE_PREDICATE = "case predicate must evaluate to a boolean value"
BAD_JSON = "Error parsing fromJson"


def memory_exceeded(expression: str) -> str:
    return f"The maximum allowed memory size was exceeded while evaluating the following expression: {expression}"


def format_argument_missing(template: str) -> str:
    return f"The following format string references more arguments than were supplied: {template}"


def format_invalid(template: str) -> str:
    return f"The following format string is invalid: {template}"


def format_specifiers(specifiers: str, kind: str) -> str:
    return f"The format specifiers '{specifiers}' are not valid for objects of type '{kind}'"


def unknown_function(name: str) -> str:
    return f"{UNKNOWN_FUNCTION}: '{name}'"
