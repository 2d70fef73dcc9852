"""Names of projects, and requirements as they are written. Pure."""

from __future__ import annotations

import re

from headrace.base.errors import Position
from headrace.init.model import Requirement

_NAME = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)")


def normal(name: str) -> str:
    """
    >>> normal("A_b.C")
    'a-b-c'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def requirement(text: str, at: Position, group: str = "") -> Requirement | None:
    """None where a line names no project (an option of pip, say)."""
    found = _NAME.match(text)
    return None if found is None else Requirement(normal(found[1]), text, at, group)
