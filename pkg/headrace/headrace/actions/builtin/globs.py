"""The glob patterns of GitHub's toolkit: which files below a folder a list of patterns names, and where the search starts.

`*`, `?`, `[…]` and `**`, no braces; `!` takes away, later patterns may add again; a folder stands for all that is in it.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class InvalidPattern(ValueError):
    """Says which pattern and why."""


class Pattern(NamedTuple):
    """`segments` are the parts of an absolute path, each literal or with wildcards. `folders_only`: it ended in a slash."""

    segments: tuple[str, ...]
    negate: bool
    folders_only: bool

    @property
    def start(self) -> str:
        """The folder (or file) where a search for it starts: the literal parts before the first wildcard."""
        parts = []
        for segment in self.segments:
            text = literal(segment)
            if not text:
                break
            parts.append(text)
        return "/" + "/".join(parts)

    def matches(self, parts: tuple[str, ...]) -> bool:
        return _matches(self.segments, parts)

    def may_hold(self, parts: tuple[str, ...]) -> bool:
        """Whether something below this path could match."""
        for index, segment in enumerate(self.segments):
            if segment == "**" or index == len(parts):
                return True
            if not _regex(segment).fullmatch(parts[index]):
                return False
        return len(parts) <= len(self.segments)

    def goes_below(self, depth: int) -> bool:
        """Whether it could add what lies deeper than so many folders."""
        return not self.negate and (len(self.segments) > depth or "**" in self.segments)


class Found(NamedTuple):
    """`files` in the order of the search; `starts`: where it started, as the toolkit has it; `broken`: links to nothing."""

    files: tuple[str, ...]
    starts: tuple[str, ...]
    broken: tuple[str, ...]


def literal(segment: str) -> str:
    r"""A segment without wildcards as the name it stands for; "" if it has some.

    >>> literal("dist"), literal("*.whl"), literal(r"a\*b"), literal("[x]y"), literal("[xy]")
    ('dist', '', 'a*b', 'xy', '')
    """
    out, index = "", 0
    while index < len(segment):
        character = segment[index]
        if character == "\\" and index + 1 < len(segment):
            index += 1
            out += segment[index]
        elif character in "*?":
            return ""
        elif character == "[" and index + 1 < len(segment):
            close = segment.find("]", index + 1)
            if close > index:
                if close != index + 2:
                    return ""
                out += segment[index + 1]
                index = close
            else:
                out += character
        else:
            out += character
        index += 1
    return out


def parse(lines: Iterable[str], folder: str, *, below: bool = True) -> tuple[Pattern, ...]:
    """Patterns, one a line, relative to `folder`; empty lines and `#` comments are left out. Without `below`, a folder stands for
    itself and not for what is in it. Raises InvalidPattern."""
    patterns = []
    for line in lines:
        text = line.strip()
        if text and not text.startswith("#"):
            patterns += _expand(text, folder, below)
    return tuple(patterns)


def _expand(text: str, folder: str, below: bool) -> list[Pattern]:
    negate, body = False, text
    while body.startswith("!"):
        negate, body = not negate, body[1:].strip()
    if not body:
        raise InvalidPattern(f"Invalid pattern '{text}'. Pattern cannot be empty")
    if body == "~" or body.startswith("~/"):
        body = _escape(os.path.expanduser("~")) + body[1:]
    parts = [part for part in body.split("/") if part]
    if any(part == ".." or (part == "." and (index or body.startswith("/"))) for index, part in enumerate(map(literal, parts))):
        raise InvalidPattern(f"Invalid pattern '{body}'. Relative pathing '.' and '..' is not allowed.")
    if not body.startswith("/"):
        parts = [part for part in _escape(folder).split("/") if part] + (parts[1:] if parts[0] == "." else parts)
    segments = tuple(parts)
    patterns = [Pattern(segments, negate, body.endswith("/"))]
    if below and (body.endswith("/") or not segments or segments[-1] != "**"):
        patterns.append(Pattern((*segments, "**"), negate, False))
    return patterns


def search(patterns: tuple[Pattern, ...], *, hidden: bool, folders: bool = False) -> Found:
    """Look for files, following links. Without `hidden`, what starts with a dot is left out, and all below it. With `folders`,
    those that match are found too."""
    starts = _starts(patterns)
    files: dict[str, None] = {}
    broken: list[str] = []
    for start in starts:
        for path in _walk(start, patterns, hidden, folders, broken, ()):
            files.setdefault(path)
    return Found(tuple(files), starts, tuple(broken))


def _starts(patterns: tuple[Pattern, ...]) -> tuple[str, ...]:
    """Where positive patterns start, without those below another one."""
    wanted = dict.fromkeys(pattern.start for pattern in patterns if not pattern.negate)
    return tuple(start for start in wanted if not any(_is_below(start, other) for other in wanted))


def _is_below(path: str, other: str) -> bool:
    return path != other and path.startswith(other.rstrip("/") + "/")


def _walk(
    path: str, patterns: tuple[Pattern, ...], hidden: bool, folders: bool, broken: list[str], chain: tuple[str, ...]
) -> Iterator[str]:
    parts = tuple(part for part in path.split("/") if part)
    kind = _kind(patterns, parts)
    descend = any(not pattern.negate and pattern.may_hold(parts) for pattern in patterns)
    if not kind and not descend:
        return
    if not hidden and os.path.basename(path).startswith("."):
        return
    if not os.path.exists(path):
        if os.path.islink(path):
            broken.append(path)
        return
    if not os.path.isdir(path):
        if kind == "all":
            yield path
        return
    if folders and kind:
        yield path
    real = os.path.realpath(path)
    if not descend or real in chain or not any(pattern.goes_below(len(parts)) for pattern in patterns):
        return
    for name in sorted(os.listdir(path), key=os.fsencode):
        yield from _walk(os.path.join(path, name), patterns, hidden, folders, broken, (*chain, real))


def _kind(patterns: tuple[Pattern, ...], parts: tuple[str, ...]) -> str:
    """ "all", "folder" (only as a folder) or ""."""
    as_file = as_folder = False
    for pattern in patterns:
        if pattern.matches(parts):
            as_folder = not pattern.negate
            if not pattern.folders_only:
                as_file = not pattern.negate
    return "all" if as_file else "folder" if as_folder else ""


def _matches(segments: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    """Greedy with one point to come back to: the last `**` takes one part more each time."""
    segment = part = 0
    back: tuple[int, int] | None = None
    while part < len(parts):
        if segment < len(segments) and segments[segment] == "**":
            segment += 1
            back = segment, part
        elif segment < len(segments) and _regex(segments[segment]).fullmatch(parts[part]):
            segment, part = segment + 1, part + 1
        elif back is not None:
            back = back[0], back[1] + 1
            segment, part = back
        else:
            return False
    return all(rest == "**" for rest in segments[segment:])


_regexes: dict[str, re.Pattern[str]] = {}


def _regex(segment: str) -> re.Pattern[str]:
    known = _regexes.get(segment)
    if known is None:
        known = _regexes[segment] = re.compile(_translate(segment), re.DOTALL)
    return known


def _translate(segment: str) -> str:
    out, index = "", 0
    while index < len(segment):
        character = segment[index]
        if character == "\\" and index + 1 < len(segment):
            index += 1
            out += re.escape(segment[index])
        elif character == "*":
            while segment[index + 1 : index + 2] == "*":
                index += 1
            out += ".*" if len(segment) > index + 1 or out else ".+"
        elif character == "?":
            out += "."
        elif character == "[":
            close = segment.find("]", index + 2 if segment[index + 1 : index + 2] not in ("!", "^") else index + 3)
            if close < 0:
                out += r"\["
            else:
                out += _class(segment[index + 1 : close])
                index = close
        else:
            out += re.escape(character)
        index += 1
    return out


def _class(text: str) -> str:
    """
    >>> _class("a-c"), _class("!a"), _class("z-a"), _class("---")
    ('[a-c]', '[^a]', '[^\\\\s\\\\S]', '[\\\\--\\\\-]')
    """
    inner = "^" if text[:1] in ("!", "^") else ""
    out = ""
    for low, high, one in re.findall(r"(.)-(.)|(.)", text[1:] if inner else text, re.DOTALL):
        if low > high:
            return r"[^\s\S]"
        out += re.escape(one) if one else f"{re.escape(low)}-{re.escape(high)}"
    return f"[{inner}{out}]"


def _escape(path: str) -> str:
    return re.sub(r"([\\*?\[])", r"\\\1", path)
