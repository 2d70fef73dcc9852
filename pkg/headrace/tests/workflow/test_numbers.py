"""The numbers of the language: what is just fine, and what is one too many."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from headrace.workflow.matrix import Row, display_name, row_id
from headrace.workflow.problems import render
from headrace.workflow.reader import load

JOB = "on: push\njobs:\n  a:\n    runs-on: x\n"


def called(count: int) -> str:
    jobs = "".join(f"  j{i}: {{uses: ./f{i}.yml}}\n" for i in range(count))
    return f"on: push\njobs:\n{jobs}"


class Leaves:
    """Called files that call nothing, and a chain of files in which each calls the next."""

    def read(self, reference: str) -> bytes | None:
        name = reference.removeprefix("./").removesuffix(".yml")
        if name.startswith("level"):
            return f"on: workflow_call\njobs: {{j: {{uses: ./level{int(name[5:]) + 1}.yml}}}}".encode()
        if name.startswith("down"):
            left = int(name[4:])
            inner = f"uses: ./down{left - 1}.yml" if left else "runs-on: x"
            return f"on: workflow_call\njobs: {{j: {{{inner}}}}}".encode()
        return b"on: workflow_call\njobs: {j: {runs-on: x}}"


NUMBERS: list[tuple[str, int, Callable[[int], str], str]] = [
    (
        "rows of a matrix",
        256,
        lambda n: f"{JOB}    strategy: {{matrix: {{x: [{', '.join(map(str, range(n)))}]}}}}\n",
        "Strategy for job 'a' produced 257 configurations which exceeds the maximum of 256 configurations",
    ),
    (
        "rows that include appends",
        256,
        lambda n: f"{JOB}    strategy: {{matrix: {{include: [{', '.join(f'{{x: {i}}}' for i in range(n))}]}}}}\n",
        "Strategy for job 'a' produced 257 configurations which exceeds the maximum of 256 configurations",
    ),
    (
        "inputs of workflow_dispatch",
        25,
        lambda n: (
            f"on: {{workflow_dispatch: {{inputs: {{{', '.join(f'i{i}: ' for i in range(n))}}}}}}}\njobs: {{a: {{runs-on: x}}}}\n"
        ),
        "you may only define up to 25 `inputs` for a `workflow_dispatch` event",
    ),
    (
        "characters of a concurrency group",
        400,
        lambda n: f"{JOB}    concurrency: {'g' * n}\n",
        "Concurrency group name must be less than 400 characters",
    ),
    (
        "characters of the workflow's concurrency group",
        400,
        lambda n: f"concurrency: {{group: {'g' * n}}}\n{JOB}",
        "Concurrency group name must be less than 400 characters",
    ),
    ("called files", 50, called, "The maximum file count of 51 has been exceeded"),
    (
        "levels of calls",
        8,
        lambda n: f"on: push\njobs: {{j: {{uses: ./down{n}.yml}}}}\n",
        "Nested reusable workflow depth exceeded 9.",
    ),
    (
        "characters of a job's id",
        99,
        lambda n: f"on: push\njobs: {{{'a' * n}: {{runs-on: x}}}}\n",
        "is invalid. IDs may only contain",
    ),
    (
        "characters of a step's id",
        99,
        lambda n: f"{JOB}    steps: [{{id: {'a' * n}, run: x}}]\n",
        "is invalid. IDs may only contain",
    ),
    (
        "collections that are open at once",
        50,
        lambda n: f"{JOB}    strategy: {{matrix: {{x: {'[' * (n - 5)}{']' * (n - 5)}}}}}\n",
        "Maximum object depth exceeded",
    ),
    (
        "characters of an expression",
        21_000,
        lambda n: f"{JOB}    name: ${{{{ '{'x' * (n - 12)}' == github }}}}\n",
        "Exceeded max expression length 21000",
    ),
    (
        "nodes of an expression, one below the other",
        50,
        lambda n: f'{JOB}    if: "{"!" * (n - 1)}github"\n',
        "Exceeded max expression depth 50",
    ),
    ("arguments", 255, lambda n: f"{JOB}    if: format({', '.join(['github'] * n)})\n", "Too many parameters supplied: '('"),
]


def problems(text: str) -> list[str]:
    return [render(problem) for problem in load("f", text.encode(), source=Leaves()).problems]


@pytest.mark.covers("language:1.6", "language:5.9", "language:6.3", "language:9.1", "language:10.1", "language:10.4")
@pytest.mark.parametrize(("most", "text", "told"), [case[1:] for case in NUMBERS], ids=[case[0] for case in NUMBERS])
def test_the_most_is_fine_and_one_more_is_told(most: int, text: Callable[[int], str], told: str) -> None:
    assert problems(text(most)) == []
    assert any(told in problem for problem in problems(text(most + 1)))


@pytest.mark.covers("language:9.1", "language:10.4")
def test_a_cycle_of_calls_ends_at_the_number_of_levels() -> None:
    (told,) = problems("on: push\njobs: {j: {uses: ./level0.yml}}\n")
    assert "Nested reusable workflow depth exceeded 9." in told


@pytest.mark.covers("language:6.4", "language:10.4")
def test_names_and_ids_of_rows_are_cut() -> None:
    row = Row({}, ("x" * 200,))
    assert len(display_name("job", row)) == 100
    assert display_name("job", row).endswith("x...")
    assert len(display_name("job", Row({}, ("x" * 94,)))) == 100
    assert not display_name("job", Row({}, ("x" * 94,))).endswith("...")
    taken: set[str] = set()
    assert [len(row_id(row, taken)) for _ in range(12)] == [25] * 12


@pytest.mark.covers("language:1.6")
def test_ten_problems_are_told_at_most() -> None:
    told = problems("on: push\njobs:\n" + "".join(f"  j{i}: {{runs-on: x, bad: 1}}\n" for i in range(30)))
    assert told == [f"f (Line: {3 + i}, Col: 20): Unexpected value 'bad'" for i in range(10)]


@pytest.mark.covers("language:1.6")
def test_the_size_of_a_load_counts_all_its_files() -> None:
    class Large:
        def read(self, reference: str) -> bytes | None:
            return ("on: workflow_call\njobs: {j: {runs-on: x, name: " + "n" * 1_000_000 + "}}").encode()

    def entry(calls: int) -> str:
        return "on: push\njobs:\n" + "".join(f"  j{i}: {{uses: ./f{i}.yml}}\n" for i in range(calls))

    assert load("f", entry(5).encode(), source=Large()).problems == ()
    (problem,) = load("f", entry(6).encode(), source=Large()).problems
    assert "Maximum object size exceeded" in problem.message


@pytest.mark.covers("language:1.4")
def test_anchors_do_not_cross_into_a_called_file() -> None:
    class One:
        def read(self, reference: str) -> bytes | None:
            return b"on: workflow_call\njobs: {j: *job}"

    (problem,) = load("f", b"on: push\njobs: {j: &job {uses: ./b.yml}}", source=One()).problems
    assert "Unknown anchor 'job'" in problem.message
