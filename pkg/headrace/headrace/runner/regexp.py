"""Regular expressions of problem matchers, written for .NET's ECMAScript flavour, as expressions of Python's `re`."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable

_NOTHING = r"[^\x00-\U0010ffff]"
_ESCAPES = {
    "d": "[0-9]", "w": "[A-Za-z0-9_]", "s": r"[ \t\r\f\v]", "D": r"[^0-9\n]", "W": r"[^A-Za-z0-9_\n]", "S": r"[^ \t\r\n\f\v]",
    "A": "^", "Z": "$", "z": "$", "n": _NOTHING,
}  # fmt: skip
_NAMED = re.compile(r"\?(?:<([A-Za-z_]\w*)>|'([A-Za-z_]\w*)')")
_REFERENCE = re.compile(r"\\k(?:<(\w+)>|'(\w+)')")
_CHARACTER = re.compile(r"\\(?:c[A-Za-z]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|e)")


class Expression(Struct, frozen=True):
    """`pattern` finds in a text of many lines exactly what it finds in each line alone: it is multi-line, and nothing in it but
    `^` and `$` knows of line ends. `groups[n]` is Python's number for .NET's group n: there, named groups come last. `after`:
    the same behind a line feed, where all that it finds begins with a line: `re` jumps from one line feed to the next, but
    tries `^` at each character."""

    pattern: re.Pattern[str]
    groups: tuple[int, ...]
    after: re.Pattern[str] | None = None

    def line(self, text: str, start: int, search: Callable[[re.Pattern[str], str, int], re.Match[str] | None]) -> int:
        """The start of the first line at or after `start`, itself the start of a line, in which something is found; or -1. Behind
        the last line feed there is no line."""
        if self.after is None:
            found = search(self.pattern, text, start)
            at = text.rfind("\n", 0, found.start()) + 1 if found else -1
        elif not start and search(self.pattern, text.partition("\n")[0], 0):
            at = 0
        else:
            found = search(self.after, text, max(start - 1, 0))
            at = found.start() + 1 if found else -1
        return at if at < len(text) else -1


def translate(source: str) -> Expression:
    r"""Raises re.error where Python cannot compile the expression.

    >>> translate(r"^(?<file>\S+):(\d+)$").groups
    (0, 2, 1)
    >>> translate(r"a\s*b").pattern.search("a\nb")
    """
    out: list[str] = []
    named: list[bool] = []
    i = depth = 0
    anchored = source.startswith("^")  # on every way through it
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        while i < len(source):
            match source[i]:
                case "\\":
                    text, i = _escape(source, i)
                case "[":
                    text, i = _class(source, i)
                case ".":
                    text, i = r"[^\n]", i + 1
                case "\n":
                    text, i = _NOTHING, i + 1
                case "(":
                    i += 1
                    text = "("
                    if name := _NAMED.match(source, i):
                        text, i = f"(?P<{name[1] or name[2]}>", name.end()
                    if name or not source.startswith("?", i):
                        named.append(name is not None)
                    depth += 1
                case text:
                    depth -= text == ")"
                    anchored = anchored and (text != "|" or depth > 0)
                    i += 1
            out.append(text)
        pattern = re.compile("".join(out), re.ASCII | re.MULTILINE)
        after = re.compile("\n" + "".join(out[1:]), re.ASCII | re.MULTILINE) if anchored else None
    numbers = range(1, len(named) + 1)
    order = (0, *(n for n in numbers if not named[n - 1]), *(n for n in numbers if named[n - 1]))
    return Expression(pattern, order, after)


def _escape(source: str, i: int) -> tuple[str, int]:
    """The escape at `i` outside a class, and where it ends."""
    if match := _REFERENCE.match(source, i):
        return f"(?P={match[1] or match[2]})", match.end()
    text, end = _character(source, i)
    return _ESCAPES.get(text[1:]) or (_NOTHING if text == "\\\n" else text), end


def _class(source: str, start: int) -> tuple[str, int]:
    """The bracketed class at `start`, made so that it matches no line end, and where it ends."""
    i = start + 1
    negated = source.startswith("^", i)
    i += negated
    parts: list[str] = []
    while i < len(source) and (not parts or source[i] != "]"):
        if source[i] == "\\":
            text, i = _character(source, i)
        else:
            text, i = "\\" * (source[i] in "[]&~|") + source[i], i + 1
        parts.append(text)
    if i >= len(source):
        raise re.error("unterminated character set", source, start)
    text = ("[^\\n" if negated else "[") + "".join(parts) + "]"
    return (text if negated or not re.match(text, "\n", re.ASCII) else f"(?:(?!\\n){text})"), i + 1


def _character(source: str, i: int) -> tuple[str, int]:
    """The escape at `i` in Python's spelling. A letter that means nothing stands for itself here; Python would refuse it."""
    if match := _CHARACTER.match(source, i):
        kind, digits = match[0][1], match[0][2:]
        code = {"e": 27, "c": ord(digits[:1] or "@") & 31}.get(kind)
        return "\\" + chr(int(digits, 16) if code is None else code), match.end()
    letter = source[i + 1 : i + 2]
    if letter.isascii() and letter.isalpha() and letter not in "AZzDWSabBdfnrstvw":
        return letter, i + 2
    return "\\" + letter, i + 2
