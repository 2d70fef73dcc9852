"""Errors as values: where something is wrong, what is wrong, and what to do about it."""

from __future__ import annotations

from msgspec import Struct


class Position(Struct, frozen=True):
    """A place in a text file. `line` and `column` are 1-based; columns count characters. `line == 0`: the file as a whole."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


NOWHERE = Position("")


class Problem(Struct, frozen=True):
    """One thing that is wrong with the user's input. `hint` says what to do, and is empty where the message says so already."""

    message: str
    at: Position = NOWHERE
    hint: str = ""

    def __str__(self) -> str:
        where = f"{self.at}: " if self.at.file else ""
        return f"{where}{self.message}" + (f"; {self.hint}" if self.hint else "")


class HeadraceError(Exception):
    """Base of every error that is shown to a person as one line per problem. `status` is the exit status (DESIGN: 1, 2 or 3)."""

    status = 2

    def __init__(self, *problems: Problem | str) -> None:
        self.problems = tuple(Problem(p) if isinstance(p, str) else p for p in problems)
        super().__init__("\n".join(str(p) for p in self.problems))


class UsageError(HeadraceError):
    """The call or a workflow file is wrong; nothing was run."""


class EngineError(HeadraceError):
    """The machine or headrace itself failed, so that the result is unknown."""

    status = 3
