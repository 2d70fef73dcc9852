"""Answers the official language cases: one JSON object per line on stdin, one per line on stdout.

Runs from a plain checkout: `python tests/conformance/adapter.py`.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "pkg" / "headrace")]


def load_ops() -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
    """All operations by name. Those of a module that is not there stay unsupported; a module that is broken fails loudly."""
    ops: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {}
    for module in ("ops_expressions", "ops_workflow"):
        if (HERE / f"{module}.py").exists():
            ops.update(importlib.import_module(module).OPS)
    return ops


def answer(ops: dict[str, Callable[[dict[str, Any]], dict[str, Any]]], request: dict[str, Any]) -> dict[str, Any]:
    if request["op"] == "hello":
        return {"name": "headrace"}
    op = ops.get(request["op"])
    return op(request) if op else {"unsupported": True}


def main() -> None:
    ops = load_ops()
    for line in sys.stdin:
        request = json.loads(line)
        reply = {**answer(ops, request), "id": request.get("id")}
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
