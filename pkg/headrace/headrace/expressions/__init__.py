"""The expression language of workflow files: text of `${{ }}` → AST → value.

In: the text between the braces, the names allowed at that place, a mapping of context name to value and a table of functions.
Out: a value. Never: reads files or the clock, knows what a workflow is.

    >>> evaluate(parse("contains(github.ref, 'main') && 1 < 2", contexts={"github"}), {"github": {"ref": "main"}})
    True
"""

from __future__ import annotations

from headrace.expressions.condition import explain, with_implicit_success
from headrace.expressions.errors import EvaluationError, ExpressionError, SyntaxProblem
from headrace.expressions.evaluate import evaluate
from headrace.expressions.nodes import Node
from headrace.expressions.parser import parse
from headrace.expressions.printer import print_expression
from headrace.expressions.survey import calls, references
from headrace.expressions.values import CaseSensitive, Value, equals, fold_case, is_truthy, number_to_text, to_json, to_text

__all__ = [
    "CaseSensitive",
    "EvaluationError",
    "ExpressionError",
    "Node",
    "SyntaxProblem",
    "Value",
    "calls",
    "equals",
    "evaluate",
    "explain",
    "fold_case",
    "is_truthy",
    "number_to_text",
    "parse",
    "print_expression",
    "references",
    "to_json",
    "to_text",
    "with_implicit_success",
]
