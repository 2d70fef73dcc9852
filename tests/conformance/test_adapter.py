"""The protocol of the conformance adapter, over its real pipes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ADAPTER = Path(__file__).resolve().parent / "adapter.py"


def ask(*requests: dict[str, Any]) -> list[dict[str, Any]]:
    text = "".join(json.dumps(request) + "\n" for request in requests)
    done = subprocess.run([sys.executable, str(ADAPTER)], input=text, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_request_gets_one_reply_with_its_id() -> None:
    hello, unknown, found = ask(
        {"op": "hello", "id": 1, "protocol": 1},
        {"op": "nosuch", "id": 2},
        {"op": "evaluate", "id": 3, "expression": "A.b", "contexts": {"a": {"B": [1, "x"]}}},
    )
    assert hello["id"] == 1
    assert unknown == {"unsupported": True, "id": 2}
    assert found == {"result": {"kind": "Array", "value": [1, "x"]}, "id": 3}


@pytest.mark.parametrize(
    ("expression", "reply"),
    [
        ("NaN", {"result": {"kind": "Number", "value": "NaN"}}),
        ("-Infinity", {"result": {"kind": "Number", "value": "-Infinity"}}),
        ("fromJSON('[1e999]')", {"result": {"kind": "Array", "value": ["Infinity"]}}),
        ("fromJSON('')", {"error": {"kind": "evaluation", "message": "Error parsing fromJson"}}),
        (
            "x",
            {
                "error": {
                    "kind": "parsing",
                    "message": "Unrecognized named-value: 'x'. Located at position 1 within expression: x",
                }
            },
        ),
        ("=", {"error": {"kind": "lexing", "message": "Unexpected symbol: '='. Located at position 1 within expression: ="}}),
    ],
)
def test_results_and_errors_have_the_protocol_s_shape(expression: str, reply: dict[str, Any]) -> None:
    assert ask({"op": "evaluate", "id": 7, "expression": expression, "contexts": {}}) == [{**reply, "id": 7}]
