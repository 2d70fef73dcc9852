"""What can be wrong with an expression: its text (`SyntaxProblem`) or what happens when it is evaluated (`EvaluationError`)."""

from __future__ import annotations

from typing import Literal

from headrace.base.errors import NOWHERE, HeadraceError, Position, Problem

SyntaxKind = Literal["lexing", "parsing"]


class ExpressionError(HeadraceError):
    """Base of both. `message` is GitHub's text without a position in a file; `at` is the place of the scalar in the file."""

    def __init__(self, message: str, at: Position = NOWHERE) -> None:
        super().__init__(Problem(message, at))
        self.message = message
        self.at = at


class SyntaxProblem(ExpressionError):
    """The text is no expression, or uses what is not available here.

    `kind` is "lexing" where a word or string is malformed in itself, "parsing" where it stands in the wrong place, is unknown or
    wrongly used.
    """

    def __init__(self, kind: SyntaxKind, message: str, at: Position = NOWHERE) -> None:
        super().__init__(message, at)
        self.kind = kind


class EvaluationError(ExpressionError):
    """A function refused its arguments, or the memory limit was reached."""
