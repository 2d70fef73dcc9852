"""Cuts the text of an expression into words. Knows which words exist, not where they may stand."""

from __future__ import annotations

import re
from typing import Final

from headrace.expressions.values import WHITE_SPACE

# What ends a word or a number. The quote and the star do not: `a'b'` is one malformed word.
_BOUNDARY = r"()\[\],.!><=&|" + WHITE_SPACE
_REST = f"[^{_BOUNDARY}]*"

# The number of the group that matched is the kind of token; no group at all is the end of the text.
WORD: Final = 1  # a keyword, function, context or property
SIGN: Final = 2  # punctuation or an operator
STRING: Final = 3
NUMBER: Final = 4  # starts like a number; parse_number decides
DOT: Final = 5  # a dereference, or the start of a number where an operand is expected
MALFORMED: Final = 6

TOKEN = re.compile(
    f"[{WHITE_SPACE}]*(?:"
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
CALLED = re.compile(rf"[{WHITE_SPACE}]*\(")
