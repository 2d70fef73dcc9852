"""Cuts the text of an expression into words. Knows which words exist, not where they may stand."""

from __future__ import annotations

import re
from typing import Final

from headrace.expressions.values import WHITE_SPACE

# What ends a word or a number. The quote and the star do not: `a'b'` is one malformed word.
_BOUNDARY = r"()\[\],.!><=&| \t-\r"
_REST = f"[^{_BOUNDARY}]*"

# The number of the group that matched is the kind of token; no group at all is the end of the text.
WORD: Final = 1  # a keyword, function, context or property
SIGN: Final = 2  # punctuation or an operator
STRING: Final = 3
NUMBER: Final = 4  # starts like a number; parse_number decides
DOT: Final = 5  # a dereference, or the start of a number where an operand is expected
MALFORMED: Final = 6

# All three patterns are for text that `plain_spaces` has prepared.
TOKEN = re.compile(
    r"[ \t-\r]*(?:"
    f"([A-Za-z_][A-Za-z0-9_-]*(?=[{_BOUNDARY}]|\\Z))"
    r"|([()\[\],*]|[!=><]=|&&|\|\||[!><])"
    r"|('[^']*(?:''[^']*)*'(?!'))"
    f"|([0-9+-](?:[^{_BOUNDARY}]|\\.)*)"
    r"|(\.)"
    f"|('.*|[=&|]{_REST}|.{_REST})"
    r"|\Z)",
    re.DOTALL,
)
NUMBER_FROM_DOT = re.compile(rf"(?:[^{_BOUNDARY}]|\.)*")
CALLED = re.compile(r"[ \t-\r]*\(")

_SPACES = dict.fromkeys(map(ord, WHITE_SPACE), " ")


def plain_spaces(source: str) -> str:
    """The text with a blank for every white-space character, so that the patterns need not know Unicode's. Offsets stay."""
    return source if source.isascii() else source.translate(_SPACES)
