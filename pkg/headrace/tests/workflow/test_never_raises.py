"""Whatever the bytes of a workflow file are, reading ends with a workflow or with problems."""

from __future__ import annotations

import msgspec
from headrace.workflow.canonical import document
from headrace.workflow.model import Workflow
from headrace.workflow.problems import render
from headrace.workflow.reader import Options, load
from hypothesis import example, given
from hypothesis import strategies as st

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
