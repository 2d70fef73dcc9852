"""Whatever the bytes of a workflow file are, reading ends with a workflow or with problems."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from headrace.base.errors import HeadraceError
from headrace.workflow.canonical import document
from headrace.workflow.definitions import anything
from headrace.workflow.matrix import expand
from headrace.workflow.model import Workflow
from headrace.workflow.problems import Problems, render
from headrace.workflow.reader import Options, load
from headrace.workflow.schema import STEP
from headrace.workflow.template import value
from headrace.workflow.tokens import Expression
from headrace.workflow.yaml_tokens import MAX_NODES, FileError, Limits, Used, read
from hypothesis import example, given
from hypothesis import strategies as st

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

KEYS = [
    "on",
    "push",
    "branches",
    "types",
    "jobs",
    "a",
    "b",
    "runs-on",
    "steps",
    "run",
    "uses",
    "with",
    "env",
    "if",
    "name",
    "needs",
    "strategy",
    "matrix",
    "include",
    "exclude",
    "permissions",
    "concurrency",
    "group",
    "container",
    "image",
    "services",
    "secrets",
    "inherit",
    "id",
    "wait",
    "wait-all",
    "cancel",
    "parallel",
    "workflow_call",
    "inputs",
    "type",
    "required",
    "default",
    "outputs",
    "value",
    "schedule",
    "cron",
    "snapshot",
    "version",
    "defaults",
    "environment",
    "timeout-minutes",
]
SCALARS = [
    *KEYS,
    *(
        "1",
        "true",
        "~",
        "''",
        "'x'",
        "|\n",
        "${{ github.x }}",
        "'${{'",
        "'${{ insert }}'",
        "!!int x",
        "!x y",
        "&n z",
        "*n",
        "0xfffffffff",
    ),
    *(
        "ubuntu-latest",
        "actions/checkout@v4",
        "./b.yml",
        "o/r/c.yml@v1",
        "workflow_call",
        "write-all",
        "'* * * * *'",
        "string",
        "<<",
    ),
]

flow = st.recursive(
    st.sampled_from(SCALARS),
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]")
        | st.lists(st.tuples(st.sampled_from(SCALARS), inner), max_size=5).map(
            lambda pairs: "{" + ", ".join(f"{key} : {value}" for key, value in pairs) + "}"
        )
    ),
    max_leaves=30,
)


class Same:
    """Every reference leads to the same file."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def read(self, reference: str) -> bytes | None:
        return self.content


def check(content: bytes, called: bytes = b"on: workflow_call\njobs: {a: {runs-on: x}}") -> Workflow | None:
    for options in (Options(), Options(events="lenient", default_permissions="read", call_levels=2)):
        loaded = load("f", content, source=Same(called), options=options)
        assert (loaded.workflow is None) == bool(loaded.problems)
        assert len(loaded.problems) <= 10
        assert all(len(render(problem)) <= 505 for problem in loaded.problems)
        document(loaded, "keep")
    return loaded.workflow


@given(st.binary(max_size=200))
@example(b"\xef\xbb\xbfon: push")
@example(b"on: \xff")
def test_any_bytes(content: bytes) -> None:
    check(content)


@given(st.text(alphabet=" \n\t-:?[]{},&*!|>'\"%@`#~$ab1.\\é😀\x85\u2028", max_size=60))
def test_any_text_of_yaml_characters(text: str) -> None:
    check(text.encode())


@given(flow, flow)
def test_any_structure_of_the_languages_words(on: str, jobs: str) -> None:
    check(f"on: {on}\njobs: {jobs}\n".encode())


@given(flow)
def test_any_job(job: str) -> None:
    content = f"on: [push, workflow_call]\njobs: {{x: {{runs-on: y}}, a: {job}}}\n".encode()
    check(content, content)


@given(st.lists(flow, max_size=4))
def test_any_steps(steps: list[str]) -> None:
    found = check(f"on: push\njobs: {{a: {{runs-on: y, steps: [{', '.join(steps)}]}}}}\n".encode())
    if found is not None:
        assert msgspec.json.encode(found.jobs)


# Files that people wrote, damaged ---------------------------------------------------------------------------------------

WRITTEN = [path.read_bytes() for path in sorted((Path(__file__).parents[4] / ".github" / "workflows").glob("*.yml"))]
PIECES = [
    piece.encode()
    for piece in [*SCALARS, ": ", "- ", "\n", "  ", "\n    ", "[", "]", "{", "}", "'", '"', "|", ">", "&a ", "*a ", "#", "\t"]
]
changes = st.lists(
    st.tuples(
        st.sampled_from(["cut", "double", "swap", "put", "byte"]),
        st.integers(0, 20_000),
        st.integers(1, 200),
        st.sampled_from(PIECES),
    ),
    min_size=1,
    max_size=8,
)


def damaged(content: bytes, how: list[tuple[str, int, int, bytes]]) -> bytes:
    for kind, place, length, piece in how:
        start = place % (len(content) + 1)
        end = start + length
        match kind:
            case "cut":
                content = content[:start] + content[end:]
            case "double":
                content = content[:end] + content[start:end] + content[end:]
            case "swap":
                content = content[:start] + content[end : end + length] + content[start:end] + content[end + length :]
            case "put":
                content = content[:start] + piece + content[start:]
            case _:
                content = content[:start] + bytes([length % 256]) + content[start + 1 :]
    return content


@given(st.sampled_from(WRITTEN), changes)
def test_any_damage_to_a_real_file(content: bytes, how: list[tuple[str, int, int, bytes]]) -> None:
    check(damaged(content, how), content)


# Fuel: counts, never seconds --------------------------------------------------------------------------------------------

SMALL = Limits(events=3000, size=40_000)


def used(content: bytes, limits: Limits = SMALL) -> Used:
    """What reading takes, whether or not it comes to an end."""
    spent = Used()
    try:
        read("f", content, anything(STEP), limits, spent, Problems())
    except FileError as error:
        assert error.message
    return spent


def bomb(levels: int, width: int) -> str:
    """Each anchor holds the one before it several times."""
    lines = ["l0: &l0 x"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines)


@given(
    st.one_of(st.binary(max_size=300), flow.map(str.encode), st.sampled_from(WRITTEN)), st.integers(1, 200), st.integers(1, 4000)
)
def test_no_file_takes_more_events_or_bytes_than_it_may(content: bytes, events: int, size: int) -> None:
    spent = used(content, Limits(events=events, size=size))
    assert spent.events <= events + 1
    assert spent.size <= size + 100 + 2 * len(content)  # the one pair that was too much


@pytest.mark.covers("language:1.4", "language:1.6")
@given(st.integers(1, 60), st.integers(1, 30))
@example(60, 30)
@example(40, 2)
@pytest.mark.slow
def test_no_alias_bomb_goes_off(levels: int, width: int) -> None:
    spent = used(bomb(levels, width).encode(), Limits())
    assert spent.events <= MAX_NODES + 1
    check(f"on: push\nenv:\n  x: 1\njobs: {{a: {{runs-on: x, env: {{A: &a 1}}}}}}\n{bomb(levels, width)}\n".encode())


@pytest.mark.covers("language:1.6")
@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "{a: " * 100_000,
        "- " * 100_000 + "a",
        "".join(" " * n + "a:\n" for n in range(2000)),
        "a: " + "x" * 1_000_000,
        "a: |\n" + "  x\n" * 200_000,
        "a: '" + "'' " * 300_000 + "'",
        "a: ${{ " + "x" * 1_000_000 + " }}",
        "a: " + "${{ github.x }}" * 60_000,
        "a: ${{ " + "(" * 400_000,
        "a: ${{ '" + "}}" * 400_000,
        "? " * 100_000 + "a",
        "&a " * 100_000 + "x",
        "!!str " * 100_000 + "x",
        "%YAML 1.2\n" * 50_000,
        "\u00e9" * 400_000,
        "# " + "x" * 1_100_000,
        "x: 1\n" * 200_000,
    ],
    ids=range(18),
)
def test_very_deep_and_very_long_files_end_in_their_limits(text: str) -> None:
    spent = used(text.encode(), Limits())
    assert spent.events <= MAX_NODES + 1
    assert spent.size <= Limits().size + 50 + 2 * len(text)
    check(text.encode())
    check(f"on: push\njobs:\n  a:\n    runs-on: x\n    env:\n      {text[:1_000_000]}\n".encode())


json_texts = st.recursive(
    st.sampled_from(["1", "null", '"x"', "true", '"${{ x }}"']),
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: f"[{','.join(items)}]")
        | st.lists(st.tuples(st.sampled_from(["x", "include", "Exclude", "os", ""]), inner), max_size=4).map(
            lambda pairs: "{" + ",".join(f'"{key}":{item}' for key, item in pairs) + "}"
        )
    ),
    max_leaves=20,
)


@given(json_texts)
@example("[" * 5000 + "]" * 5000)
@example('{"x":[' + ",".join(["1"] * 100_000) + "]}")
@example('{"x":' + "[" * 3000 + "]" * 3000 + "}")
@example('{"include":[' + ",".join(['{"a":1}'] * 5000) + "]}")
@example("{" + ",".join(f'"k{n}":[1,2,3]' for n in range(2000)) + "}")
def test_any_json_is_a_matrix_or_says_why_not(text: str) -> None:
    try:
        rows = expand(value(Expression("fromJSON(github.x)"), {"github": {"x": text}}), job="j")
    except HeadraceError as error:
        assert all(problem.message for problem in error.problems)
        return
    assert len(rows) <= 256
