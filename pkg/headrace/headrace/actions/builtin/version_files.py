"""The Python versions that a repository's files ask for: `.python-version`, pyproject.toml, `.tool-versions`, Pipfile."""

from __future__ import annotations

import os
import re

from headrace.actions.builtin import toolkit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def read(path: str) -> list[str]:
    """The version texts in a file, in order; none where it names none. The file's name says its format.

    pyproject.toml: `project.requires-python`, else `tool.poetry.dependencies.python`; commas become blanks.
    """
    name = os.path.basename(path)
    if name.endswith("pyproject.toml"):
        table = read_toml(path)
        found = _at(table, "project", "requires-python") or _at(table, "tool", "poetry", "dependencies", "python")
        return [" ".join(part.strip() for part in found.split(","))] if found else []
    if "Pipfile" in name:
        table = read_toml(path)
        found = _at(table, "requires", "python_full_version") or _at(table, "requires", "python_version")
        return [found] if found else []
    if ".tool-versions" in name:
        return _of_tools(toolkit.lines_of(path))
    lines = (line.strip() for line in toolkit.lines_of(path))
    return [line for line in lines if line and not line.startswith("#")]


def _of_tools(lines: Iterable[str]) -> list[str]:
    """
    >>> _of_tools(["# tools", "nodejs 20.1.0", "python 3.11.4 3.10.1"])
    ['3.11.4']
    """
    for line in lines:
        words = line.split("#")[0].split()
        if len(words) > 1 and words[0] == "python":
            return [words[1].removeprefix("v")]
    return []


def _at(table: object, *keys: str) -> str:
    for key in keys:
        table = table.get(key) if isinstance(table, dict) else None
    if isinstance(table, dict):
        table = table.get("version")
    return table if isinstance(table, str) else ""


def read_toml(path: str) -> dict[str, object]:
    """A TOML file; before Python 3.11 only the strings of its plain tables. Raises ActionFailed where it is none."""
    import importlib

    try:
        tomllib = importlib.import_module("tomllib")
    except ImportError:  # before Python 3.11
        return _simple_toml(toolkit.lines_of(path))
    with open(path, "rb") as file:
        try:
            table: dict[str, object] = tomllib.load(file)
        except ValueError as error:
            raise toolkit.ActionFailed(f"{path} is no TOML: {error}") from None
    return table


def _simple_toml(lines: Iterable[str]) -> dict[str, object]:
    """The strings of TOML's plain tables, one a line: all that the keys above need.

    >>> _simple_toml(["[project]", 'requires-python = ">=3.9,<4" # why', "[tool.poetry.dependencies]", "python = '^3.9'"])
    {'project': {'requires-python': '>=3.9,<4'}, 'tool': {'poetry': {'dependencies': {'python': '^3.9'}}}}
    """
    table: dict[str, object] = {}
    here = table
    for line in lines:
        header = re.match(r"\s*\[\s*([\w.\s\"'-]+?)\s*\]\s*(#.*)?$", line)
        pair = re.match(r"""\s*["']?([\w-]+)["']?\s*=\s*(?:\{.*?\bversion\s*=\s*)?(["'])(.*?)\2""", line)
        if header:
            here = table
            for part in header.group(1).split("."):
                inner = here.setdefault(part.strip().strip("\"'"), {})
                here = inner if isinstance(inner, dict) else {}
        elif pair:
            here[pair.group(1)] = pair.group(3)
    return table
