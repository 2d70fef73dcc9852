"""The description of the system that this repository was built to: what it lists, for tests that hold each item."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DESCRIPTION = Path(__file__).resolve().parents[4] / "shared/description.md"  # not part of the repository


def items_of_the_description() -> list[str]:
    """All that it lists, in order. Skips the test where it is not beside this repository."""
    if not DESCRIPTION.is_file():
        pytest.skip("the description is not beside this repository")
    found = described(DESCRIPTION.read_text(encoding="utf-8"))
    assert len(found) > 60
    return found


def described(text: str) -> list[str]:
    """Every edge of the diagrams and the first cell of every table row of a description, in order.

    >>> described("```mermaid\\n  A --> B\\n```\\n| X | Y |\\n|---|---|\\n| one | 1 |\\n")
    ['A --> B', 'one']
    """
    found: list[str] = []
    for line in text.splitlines():
        if edge := re.fullmatch(r"\s*(\w+) --> (\w+)\s*", line):
            found.append(f"{edge[1]} --> {edge[2]}")
        elif line.startswith("|--"):
            found.pop()  # what stands above the rule is the table's head
        elif line.startswith("|"):
            found.append(line.strip("|").split("|")[0].strip().strip("`"))
    return found
