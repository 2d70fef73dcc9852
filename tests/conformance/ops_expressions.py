"""The conformance operation `evaluate`: one expression with its contexts → the kind and value of its result, or the error."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from headrace.expressions import EvaluationError, SyntaxProblem, Value, evaluate, parse
from headrace.expressions.values import kind_of

if TYPE_CHECKING:
    from collections.abc import Callable

STANDALONE_MEMORY = 1024 * 1024  # the official cases assume the limit of an expression outside a workflow


def _plain(value: Value) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if value != value else ("Infinity" if value > 0 else "-Infinity")
    return value


def evaluate_op(request: dict[str, Any]) -> dict[str, Any]:
    contexts = request.get("contexts") or {}
    try:
        node = parse(request["expression"], contexts={name.lower() for name in contexts})
        value = evaluate(node, contexts, memory=STANDALONE_MEMORY)
    except SyntaxProblem as problem:
        return {"error": {"kind": problem.kind, "message": problem.message}}
    except EvaluationError as error:
        return {"error": {"kind": "evaluation", "message": error.message}}
    return {"result": {"kind": kind_of(value), "value": _plain(value)}}


OPS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {"evaluate": evaluate_op}
