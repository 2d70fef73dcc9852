"""A package's CHANGELOG.md: the section of a version, and a new one. Pure."""

from __future__ import annotations

import re

from headrace.base.errors import Position, Problem
from headrace.release.versions import read

_HEADING = re.compile(r"^##[ \t]+\[?v?([^\]\s]+)\]?(.*)$", re.MULTILINE)


def section(text: str, version: str) -> tuple[int, str, str] | None:
    """Line number, heading and body of the section of `version`; None where there is none.

    >>> section("# Changes\\n\\n## [1.1.0] - 2026-01-01\\n\\n- a\\n\\n## 1.0.0\\n- b\\n", "1.1.0")
    (3, '## [1.1.0] - 2026-01-01', '- a')
    >>> section("## [1.1.01]\\n- b\\n", "1.1.0")
    """
    headings = list(re.finditer(r"^##[ \t].*$", text, re.MULTILINE))
    for number, heading in enumerate(headings):
        named = _HEADING.match(heading[0])
        if named is None or named[1] != version:
            continue
        end = headings[number + 1].start() if number + 1 < len(headings) else len(text)
        return text.count("\n", 0, heading.start()) + 1, heading[0].strip(), text[heading.end() : end].strip()
    return None


def lacking(text: str | None, version: str, path: str) -> Problem | None:
    """Why the changelog `path` (None: there is no such file) does not speak of `version`; None where it does."""
    if text is None:
        return Problem(f"there is no {path}", hint=f"write one with a section `## [{version}] - DATE`")
    found = section(text, version)
    if found is None:
        return Problem("there is no section of " + version, Position(path), f"write `## [{version}] - DATE` and what is new")
    line, heading, body = found
    if not re.sub(r"^#+ .*$", "", body, flags=re.MULTILINE).strip():
        return Problem(f"the section of {version} is empty", Position(path, line, 1), "say what is new")
    if "unreleased" in heading.lower():
        return Problem(f"{version} is still called unreleased", Position(path, line, 1), "write the date in its place")
    return None


def renamed(text: str, old: str, version: str, date: str) -> str:
    """The changelog with a dated section of `version`: the one called unreleased becomes it, else a new one stands before all
    others and is empty.

    >>> renamed("# C\\n\\n## [Unreleased]\\n\\n- a\\n", "0.9.0", "1.0.0", "2026-01-01")
    '# C\\n\\n## [1.0.0] - 2026-01-01\\n\\n- a\\n'
    >>> renamed("# C\\n\\n## [0.1.0] - unreleased\\n\\n- a\\n", "0.1.0", "0.2.0", "2026-01-01")
    '# C\\n\\n## [0.2.0] - 2026-01-01\\n\\n- a\\n'
    >>> renamed("# C\\n\\n## [0.9.0] - 2025-01-01\\n\\n- a\\n", "0.9.0", "1.0.0", "2026-01-01")
    '# C\\n\\n## [1.0.0] - 2026-01-01\\n\\n## [0.9.0] - 2025-01-01\\n\\n- a\\n'
    >>> renamed("", "", "1.0.0", "2026-01-01")
    '# Changes\\n\\n## [1.0.0] - 2026-01-01\\n'
    """
    heading = f"## [{version}] - {date}"
    for each in _HEADING.finditer(text):
        open_one = each[1].lower() == "unreleased" or ("unreleased" in each[2].lower() and each[1] in (old, version))
        if open_one:
            return text[: each.start()] + heading + text[each.end() :]
    first = re.search(r"^## ", text, re.MULTILINE)
    if first is None:
        before = text.rstrip("\n") or "# Changes"
        return f"{before}\n\n{heading}\n"
    return f"{text[: first.start()]}{heading}\n\n{text[first.start() :]}"


def notes(text: str, version: str) -> str:
    """What the section of a version says, for the message of its tag; empty where there is none."""
    found = section(text, version)
    return "" if found is None or read(version) is None else found[2]
