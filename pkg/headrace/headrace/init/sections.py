"""The parts of a file that are merged each by itself: jobs of a workflow, targets of a Makefile. Pure.

Jobs are alike line by line, so that a comparison of whole files may take one for another; by their names they cannot be mixed up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

HEAD = ""
_RULE = re.compile(r"((?:[A-Za-z0-9_%/-][A-Za-z0-9_.%/-]*[ \t]*)+)::?(?![:=])")


def sections(path: str, text: str) -> dict[str, list[str]]:
    """Name → lines, in their order; `HEAD` is what stands before the first. All of them in a row are the text. A comment directly
    above a part belongs to it, and so do the empty lines after it."""
    lines = text.splitlines()
    starts = dict(_starts(path, lines))
    found: dict[str, list[str]] = {HEAD: []}
    at = HEAD
    for index, line in enumerate(lines):
        at = starts.get(index, at)
        found.setdefault(at, []).append(line)
    return found


def joined(parts: Mapping[str, list[str]]) -> str:
    """The text of sections."""
    return "".join(f"{line}\n" for lines in parts.values() for line in lines)


def _starts(path: str, lines: list[str]) -> Iterator[tuple[int, str]]:
    """The line at which each begins, with its comment."""
    seen = set()
    for index, name in _named(path, lines):
        if name in seen:  # a second rule for a target is a part of what stands before it
            continue
        seen.add(name)
        indent = len(lines[index]) - len(lines[index].lstrip())
        comment = " " * indent + "#"
        start = index
        while start and lines[start - 1].startswith(comment):
            start -= 1
        yield start, name


def _named(path: str, lines: list[str]) -> Iterator[tuple[int, str]]:
    if path.endswith((".yml", ".yaml")):
        yield from _jobs(lines)
    elif path.endswith((".mk", "akefile")):
        for index, line in enumerate(lines):
            if found := _RULE.match(line):
                yield index, " ".join(found[1].split())


def _jobs(lines: list[str]) -> Iterator[tuple[int, str]]:
    inside, indent = False, 0
    for index, line in enumerate(lines):
        if line[:1] not in ("", " ", "#"):
            inside, indent = bool(re.match(r"jobs:\s*(#.*)?$", line)), 0
        elif inside and (found := re.match(r"( +)['\"]?([\w-]+)['\"]?:", line)):
            indent = indent or len(found[1])
            if len(found[1]) == indent:
                yield index, found[2]
