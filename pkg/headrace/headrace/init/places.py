"""Where in a TOML file a key or an item stands: the reader of TOML tells no lines, and evidence wants them. Pure."""

from __future__ import annotations

import re

from headrace.base.errors import Position

_HEADING = re.compile(r"\s*\[\[?\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*((?:[A-Za-z0-9_.-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*'))*)\s*=")


def place(path: str, text: str, *keys: str) -> Position:
    """The line of a key, however its tables are written; that of the nearest table that holds it; else the file.

    >>> text = '[project]\\nname = "x"\\n[tool.uv]\\nworkspace = {members = []}\\n'
    >>> place("p", text, "project", "name").line, place("p", text, "tool", "uv", "workspace", "members").line
    (2, 4)
    """
    wanted = ".".join(keys)
    best, depth, heading = 0, 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        if found := _HEADING.match(line):
            here = heading = _plain(found[1])
        elif found := _KEY.match(line):
            here = f"{heading}.{_plain(found[1])}" if heading else _plain(found[1])
        else:
            continue
        if (wanted == here or wanted.startswith(here + ".")) and len(here) > depth:
            best, depth = number, len(here)
    return Position(path, best, 1 if best else 0)


def item(path: str, text: str, value: str, *keys: str) -> Position:
    """The line of an item of the list (or of the key of a table) that stands at `keys`: the first line that quotes it from there
    on; else that of the list."""
    start = place(path, text, *keys)
    lines = text.splitlines()
    for number in range(max(start.line, 1), len(lines) + 1):
        line = lines[number - 1]
        if f'"{value}"' in line or f"'{value}'" in line or line.replace('\\"', '"').find(f'"{value}"') >= 0:
            return Position(path, number, 1)
    return start


def line_with(path: str, text: str, pattern: str) -> Position | None:
    """The first line in which a regular expression is found."""
    found = re.search(pattern, text, re.MULTILINE)
    return None if found is None else Position(path, text.count("\n", 0, found.start()) + 1, 1)


def _plain(keys: str) -> str:
    """
    >>> _plain('tool . "uv"')
    'tool.uv'
    """
    return ".".join(part.strip().strip("\"'") for part in keys.split("."))
