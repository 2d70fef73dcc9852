"""Collects what is wrong with the files of one load, and renders a problem the way GitHub prints it."""

from __future__ import annotations

from headrace.base.errors import NOWHERE, Position, Problem
from headrace.workflow import messages

KEPT = 10
LENGTH = 500


class Problems:
    """At most ten problems, each at most 500 characters long with its place; the rest are dropped silently, as on GitHub."""

    __slots__ = ("kept",)

    def __init__(self) -> None:
        self.kept: list[Problem] = []

    def add(self, message: str, at: Position = NOWHERE) -> None:
        if len(self.kept) < KEPT:
            room = max(0, LENGTH - len(_place(message, at)))
            self.kept.append(Problem(message if len(message) <= room else message[:room] + "[...]", at))

    def __bool__(self) -> bool:
        return bool(self.kept)


def _place(message: str, at: Position) -> str:
    if not at.file:
        return ""
    outer = "In " if message.startswith(messages.CALLED) else ""
    return f"{outer}{where(at)}: "


def where(at: Position) -> str:
    """A place as it stands in GitHub's messages: `FILE (Line: L, Col: C)`, or only the file where it is about the whole of it."""
    return f"{at.file} (Line: {at.line}, Col: {at.column})" if at.line else at.file


def render(problem: Problem) -> str:
    """The whole message with its place.

    >>> render(Problem("Unexpected value 'x'", Position("ci.yml", 3, 5)))
    "ci.yml (Line: 3, Col: 5): Unexpected value 'x'"
    >>> render(Problem("Maximum object depth exceeded", Position("ci.yml")))
    'ci.yml: Maximum object depth exceeded'
    """
    return _place(problem.message, problem.at) + problem.message
