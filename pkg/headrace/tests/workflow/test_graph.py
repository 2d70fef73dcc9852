from __future__ import annotations

import pytest
from headrace.workflow.problems import render
from headrace.workflow.reader import load

NO_START = "The workflow must contain at least one job with no dependencies."


def problems(**needs: str) -> list[str]:
    jobs = "".join(f"  {name}: {{runs-on: x, needs: {needed}}}\n" for name, needed in needs.items())
    return [render(problem) for problem in load("f", f"on: push\njobs:\n{jobs}".encode()).problems]


def cycle(job: str, needed: str) -> str:
    return f"Job '{job}' depends on job '{needed}' which creates a cycle in the dependency graph."


@pytest.mark.covers("language:7.2")
@pytest.mark.parametrize(
    ("needs", "told"),
    [
        ({"a": "[]", "b": "a", "c": "[a, b]"}, []),
        ({"a": "[]", "b": "[A, a, A]"}, []),
        ({"c": "[a, b]", "b": "a", "a": "[]"}, []),
        ({"a": "b", "b": "a"}, [NO_START]),
        ({"a": "a"}, [NO_START]),
        ({"a": "[]", "b": "x"}, ["Job 'b' depends on unknown job 'x'."]),
        ({"a": "[]", "b": "[x, a, Y]"}, ["Job 'b' depends on unknown job 'x'.", "Job 'b' depends on unknown job 'Y'."]),
        ({"a": "[]", "b": "[a, C]", "c": "b"}, [cycle("b", "C"), cycle("c", "b")]),
        ({"a": "[]", "b": "b"}, [cycle("b", "b")]),
        ({"a": "[]", "b": "c", "c": "b", "d": "[a, c]"}, [cycle("b", "c"), cycle("c", "b"), cycle("d", "c")]),
        ({"a": "[]", "b": "x", "c": "b"}, ["Job 'b' depends on unknown job 'x'.", cycle("c", "b")]),
    ],
)
def test_every_job_must_be_reachable(needs: dict[str, str], told: list[str]) -> None:
    assert [message.partition("): ")[2] for message in problems(**needs)] == told


@pytest.mark.covers("language:7.2")
def test_the_entry_is_where_it_is_told() -> None:
    assert problems(a="[]", b="[a, x]") == ["f (Line: 4, Col: 30): Job 'b' depends on unknown job 'x'."]
    assert problems(a="a") == [f"f (Line: 3, Col: 3): {NO_START}"]


@pytest.mark.covers("language:7.2")
def test_the_graph_is_looked_at_only_where_all_else_is_fine() -> None:
    assert problems(a="[]", b="x, name: [1]") == ["f (Line: 4, Col: 35): A sequence was not expected"]
