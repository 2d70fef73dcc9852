"""How long the expression language takes: first parse, repeated parse, evaluation. Prints microseconds, medians of rounds.

Usage: python bench/expressions.py
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pkg" / "headrace"))

from headrace.expressions import evaluate, parse
from headrace.expressions import parser as parser_module

SOURCES = {
    "read": "github.ref",
    "condition": "github.event_name == 'push' && startsWith(github.ref, 'refs/tags/headrace@')",
    "format": "format('{0}-{1}-{2}', runner.os, matrix.python, github.sha)",
    "filter": "contains(github.event.pull_request.labels.*.name, 'bug') || !failure()",
    "toJSON": "toJSON(github.event)",
}
CONTEXTS: dict[str, Any] = {
    "github": {
        "event_name": "push",
        "ref": "refs/tags/headrace@1.2.3",
        "sha": "0123456789abcdef" * 2,
        "event": {"pull_request": {"labels": [{"name": f"label-{number}", "id": number} for number in range(20)]}},
    },
    "runner": {"os": "Linux"},
    "matrix": {"python": "3.13"},
}
NAMES = frozenset({"github", "runner", "matrix", "needs", "env"})
STATUS = {"failure": (0, 255)}
FUNCTIONS = {"failure": lambda _: False}


def microseconds(action: Callable[[], object], rounds: int = 15, repeats: int = 300) -> float:
    """The median over the rounds of one call's mean time."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(repeats):
            action()
        times.append((time.perf_counter() - start) / repeats * 1e6)
    return statistics.median(times)


def main() -> None:
    print(f"{'µs':<12}{'first parse':>12}{'parse again':>12}{'evaluate':>12}")
    for name, source in SOURCES.items():
        node = parse(source, contexts=NAMES, functions=STATUS)

        def first(source: str = source) -> object:
            parser_module._parse.cache_clear()
            return parse(source, contexts=NAMES, functions=STATUS)

        def again(source: str = source) -> object:
            return parse(source, contexts=NAMES, functions=STATUS)

        def evaluated(node: Any = node) -> object:
            return evaluate(node, CONTEXTS, FUNCTIONS)

        print(f"{name:<12}{microseconds(first):>12.1f}{microseconds(again):>12.1f}{microseconds(evaluated):>12.1f}")


if __name__ == "__main__":
    main()
