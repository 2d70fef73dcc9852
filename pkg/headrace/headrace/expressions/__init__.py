"""The expression language of workflow files: text of `${{ }}` → AST → value.

In: the text between the braces, the names allowed at that place, a mapping of context name to value and a table of functions.
Out: a value. Never: reads files or the clock, knows what a workflow is.

    >>> evaluate(parse("contains(github.ref, 'main') && 1 < 2", contexts={"github"}), {"github": {"ref": "main"}})
    True
"""

from __future__ import annotations

from headrace.expressions.errors import EvaluationError, ExpressionError, SyntaxProblem
from headrace.expressions.evaluate import evaluate
from headrace.expressions.parser import parse
from headrace.expressions.values import CaseSensitive, Value, is_truthy, number_to_text, to_text

__all__ = [
    "CaseSensitive",
    "EvaluationError",
    "ExpressionError",
    "SyntaxProblem",
    "Value",
    "evaluate",
    "is_truthy",
    "number_to_text",
    "parse",
    "to_text",
]
