"""The file patterns of hashFiles (those of GitHub's toolkit): which paths a list of patterns matches. It reads no disk."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from headrace.runner import messages
from headrace.runner.masking import WHITE

if TYPE_CHECKING:
    from collections.abc import Sequence

_SPACE = WHITE + "\ufeff"
_SPECIAL = re.compile(r"([^\w/])", re.ASCII)


class GlobError(ValueError):
    """A pattern is not valid."""


class Glob:
    """One pattern. `segments` are regular expressions by path segment, None for `**`; the root is left out."""

    def __init__(self, text: str, root: str, home: str) -> None:
        text = text.strip(_SPACE)
        self.negated = False
        while text.startswith("!"):
            self.negated = not self.negated
            text = text[1:].strip(_SPACE)
        if not text:
            raise GlobError("pattern cannot be empty")
        text = re.sub("/+", "/", text)
        parts = [part for part in text.split("/") if part]
        literals = [_literal(part) for part in parts]
        if ".." in literals or "." in (literals if text.startswith("/") else literals[1:]):
            raise GlobError(messages.RELATIVE_PATTERN.format(pattern=text))
        base: list[str] = []
        if not text.startswith("/"):
            if literals and parts[0] in (".", "~"):
                base = _split(root if parts[0] == "." else home)
                parts, literals = parts[1:], literals[1:]
            else:
                base = _split(root)
        self.search_path = "/" + "/".join(base + _leading(literals))
        self._segments: list[re.Pattern[str] | None] = [re.compile(_SPECIAL.sub(r"\\\1", part)) for part in base]
        self._segments += [None if part == "**" else re.compile(_segment(part), re.DOTALL) for part in parts]
        self._whole = self._compile(directories_only=text.endswith("/"))

    def matches(self, path: str) -> bool:
        """Whether the file `path` (absolute) is matched, itself or because something above it is."""
        return self._whole.fullmatch(path) is not None

    def may_match_below(self, path: str) -> bool:
        """Whether something below the directory `path` may be matched."""
        for segment, part in zip(self._segments, _split(path), strict=False):
            if segment is None:
                return True
            if not segment.fullmatch(part):
                return False
        return True

    def _compile(self, directories_only: bool) -> re.Pattern[str]:
        out: list[str] = []
        for i, segment in enumerate(self._segments):
            if segment is not None:
                out.append("/" + segment.pattern)
            elif i == 0 or self._segments[i - 1] is not None:
                out.append("(?:/[^/]+)*")
        # Whatever is below a match is matched too.
        if not out or out[-1] != "(?:/[^/]+)*":
            out.append("(?:/[^/]+)*")
        if directories_only:
            out[-1] = "(?:/[^/]+)+"
        return re.compile("".join(out), re.DOTALL)


def parse_globs(patterns: Sequence[str], root: str, home: str) -> list[Glob]:
    """The patterns of some texts, each of several lines, blank ones and comments left out. `root` and `home` are absolute paths.
    Raises GlobError."""
    lines = [line.strip(_SPACE) for text in patterns for line in text.split("\n")]
    return [Glob(line, root, home) for line in lines if line and not line.startswith("#")]


def search_paths(globs: Sequence[Glob]) -> list[str]:
    """Where to look: the literal prefixes of the positive patterns in their order, without those that lie below another one."""
    candidates = dict.fromkeys(glob.search_path for glob in globs if not glob.negated)
    return [path for path in candidates if not any(above in candidates for above in _ancestors(path))]


def is_matched(globs: Sequence[Glob], path: str) -> bool:
    """Whether the patterns, taken in order, leave the file in."""
    for glob in reversed(globs):
        if glob.matches(path):
            return not glob.negated
    return False


def _ancestors(path: str) -> list[str]:
    parts = _split(path)
    return ["/" + "/".join(parts[:n]) for n in range(len(parts))]


def _split(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


def _leading(literals: list[str]) -> list[str]:
    """The segments before the first that holds a wildcard, which is empty here."""
    return literals[: literals.index("")] if "" in literals else literals


def _literal(segment: str) -> str:
    r"""What the segment stands for, without its escapes; empty where it may match several texts.

    >>> _literal(r"a\*[b]c"), _literal("[bc]"), _literal("[b")
    ('a*bc', '', '[b')
    """
    out: list[str] = []
    i = 0
    while i < len(segment):
        char = segment[i]
        if char == "\\" and i + 1 < len(segment):
            out.append(segment[i + 1])
            i += 2
        elif char in "*?":
            return ""
        elif char == "[" and (found := re.compile(r"\[((?:\\.|[^\\\]]|\\$)*)\]", re.DOTALL).match(segment, i)):
            content = re.sub(r"\\(.)", r"\1", found[1], flags=re.DOTALL)
            if len(content) > 1:
                return ""
            out.append(content or char)
            i = found.end() if content else i + 1
        else:
            out.append(char)
            i += 1
    return "".join(out)


def _segment(segment: str) -> str:
    r"""A segment as a regular expression.

    >>> _segment("*.[ch]"), _segment("a{b}?"), _segment("x[!0-9]"), _segment("[z-a")
    ('[^/]*\\.[ch]', 'a\\{b\\}[^/]', 'x[^0-9]', '\\[z\\-a')
    """
    if segment.strip("*") == "":
        return "[^/]+"
    out: list[str] = []
    i = 0
    while i < len(segment):
        char = segment[i]
        if char == "\\" and i + 1 < len(segment):
            out.append(re.escape(segment[i + 1]))
            i += 2
        elif char == "*":
            while segment.startswith("*", i):
                i += 1
            out.append("[^/]*")
        elif char == "?":
            out.append("[^/]")
            i += 1
        elif char == "[" and (found := _set(segment, i)):
            text, i = found
            out.append(text)
        else:
            out.append(_SPECIAL.sub(r"\\\1", char))
            i += 1
    return "".join(out)


def _set(segment: str, start: int) -> tuple[str, int] | None:
    """The bracketed set at `start` and where it ends; None where it is not one, and its characters stand for themselves."""
    i = start + 1
    negated = segment[i : i + 1] in ("!", "^")
    atoms: list[tuple[str, bool]] = []  # characters, and whether each is a `-` that may make a range
    i += negated
    while i < len(segment):
        char = segment[i]
        if char == "]" and i > start + 1:
            if not atoms:
                return ("[^/]", i + 1) if negated else None
            text = ("[^" if negated else "[") + _ranges(atoms) + "]"
            try:
                re.compile(text)
            except re.error:
                return None
            return text, i + 1
        escaped = char == "\\" and i + 1 < len(segment)
        i += escaped
        atoms.append((segment[i], char == "-"))
        i += 1
    return None


def _ranges(atoms: Sequence[tuple[str, bool]]) -> str:
    """The inside of a set, with every character escaped that makes no range.

    >>> _ranges([("+", False), ("-", True), ("-", True)]), _ranges([("a", False), ("-", True)])
    ('\\\\+-\\\\-', 'a\\\\-')
    """
    out: list[str] = []
    i = 0
    while i < len(atoms):
        first = re.escape(atoms[i][0])
        if i + 2 < len(atoms) and atoms[i + 1][1]:
            out.append(f"{first}-{re.escape(atoms[i + 2][0])}")
            i += 3
        else:
            out.append(first)
            i += 1
    return "".join(out)
