"""Which contexts and functions each key of a workflow file may use: every key with every name."""

from __future__ import annotations

import pytest
from headrace.workflow.problems import render
from headrace.workflow.reader import load

RUN = {"github", "inputs", "vars"}
SIX = RUN | {"needs", "strategy", "matrix"}
ON_RUNNER = SIX | {"steps", "job", "runner", "env"}
STATUS = {"always()", "cancelled()", "success()", "failure()"}

CONTEXTS = sorted(ON_RUNNER | {"secrets", "jobs"})
FUNCTIONS = ["hashFiles('a')", "always()", "cancelled()", "success()", "success('a')", "failure()", "failure('a', 'b')"]
GENERAL = [
    "contains('a', 'b')",
    "startsWith('a', 'b')",
    "endsWith('a', 'b')",
    "format('a')",
    "join('a')",
    "toJSON('a')",
    "fromJSON('1')",
    "case(true, 1, 2)",
]

# Where the expression stands, with `@` for it: a job's lines, a step's lines or the lines of a file; then what it may use.
JOB = [
    ("name: @", SIX),
    ("runs-on: @", SIX),
    ("runs-on: [x, @]", SIX),
    ("runs-on: {group: @}", SIX),
    ("runs-on: {labels: @}", SIX),
    ("runs-on: {labels: [@]}", SIX),
    ("concurrency: @", SIX),
    ("concurrency: {group: @}", SIX),
    ("concurrency: {group: g, cancel-in-progress: @}", SIX),
    ("timeout-minutes: @", SIX),
    ("cancel-timeout-minutes: @", SIX),
    ("continue-on-error: @", SIX),
    ("container: @", SIX),
    ("container: {image: @}", SIX),
    ("container: {image: i, options: @}", SIX),
    ("container: {image: i, ports: [@]}", SIX),
    ("container: {image: i, volumes: [@]}", SIX),
    ("container: {image: i, credentials: {username: @, password: p}}", SIX | {"secrets", "env"}),
    ("container: {image: i, credentials: {username: u, password: @}}", SIX | {"secrets", "env"}),
    ("container: {image: i, env: {A: @}}", ON_RUNNER | {"secrets"}),
    ("services: @", SIX),
    ("services: {a: @}", SIX),
    ("services: {a: {image: @}}", SIX),
    ("services: {a: {image: i, entrypoint: @}}", SIX),
    ("services: {a: {image: i, command: @}}", SIX),
    ("services: {a: {image: i, options: @}}", SIX),
    ("services: {a: {image: i, credentials: {username: u, password: @}}}", SIX | {"secrets", "env"}),
    ("services: {a: {image: i, env: {A: @}}}", ON_RUNNER | {"secrets"}),
    ("environment: @", SIX),
    ("environment: {name: @}", SIX),
    ("environment: {name: n, deployment: @}", SIX),
    ("environment: {name: n, url: @}", ON_RUNNER),
    ("env: @", SIX | {"secrets"}),
    ("env: {A: @}", SIX | {"secrets"}),
    ("env: {@ : a}", SIX | {"secrets"}),
    ("outputs: {a: @}", ON_RUNNER | {"secrets"}),
    ("defaults: {run: {shell: @}}", SIX | {"env"}),
    ("defaults: {run: {working-directory: @}}", SIX | {"env"}),
    ("strategy: @", RUN | {"needs"}),
    ("strategy: {matrix: @}", RUN | {"needs"}),
    ("strategy: {matrix: {a: @}}", RUN | {"needs"}),
    ("strategy: {matrix: {a: [@]}}", RUN | {"needs"}),
    ("strategy: {matrix: {a: [{b: [@]}]}}", RUN | {"needs"}),
    ("strategy: {matrix: {include: @}}", RUN | {"needs"}),
    ("strategy: {matrix: {include: [{a: @}]}}", RUN | {"needs"}),
    ("strategy: {matrix: {a: [1], exclude: [{a: @}]}}", RUN | {"needs"}),
    ("strategy: {fail-fast: @}", RUN | {"needs"}),
    ("strategy: {max-parallel: @}", RUN | {"needs"}),
    ("snapshot: @", SIX),
    ("snapshot: {image-name: @}", SIX),
    ("snapshot: {image-name: i, version: @}", SIX),
    ("snapshot: {image-name: i, if: @}", ON_RUNNER | STATUS | {"hashFiles('a')"}),
    ("if: @", RUN | {"needs", *STATUS, "success('a')", "failure('a', 'b')"}),
    ("needs: @", set[str]()),
    ("needs: [@]", set[str]()),
    ("permissions: @", set[str]()),
    ("permissions: {contents: @}", set[str]()),
]
STEPS_KEYS = ON_RUNNER | {"secrets", "hashFiles('a')"}
STEP = [
    ("run: @", STEPS_KEYS),
    ("run: x, name: @", STEPS_KEYS),
    ("run: x, working-directory: @", STEPS_KEYS),
    ("run: x, env: @", STEPS_KEYS),
    ("run: x, env: {A: @}", STEPS_KEYS),
    ("run: x, continue-on-error: @", STEPS_KEYS),
    ("run: x, timeout-minutes: @", STEPS_KEYS),
    ("run: x, if: @", ON_RUNNER | STATUS | {"hashFiles('a')"}),
    ("uses: ./a, if: @", ON_RUNNER | STATUS | {"hashFiles('a')"}),
    ("uses: ./a, name: @", STEPS_KEYS),
    ("uses: ./a, with: @", STEPS_KEYS),
    ("uses: ./a, with: {a: @}", STEPS_KEYS),
    ("uses: ./a, env: {a: @}", STEPS_KEYS),
    ("uses: ./a, continue-on-error: @", STEPS_KEYS),
    ("uses: ./a, timeout-minutes: @", STEPS_KEYS),
    ("wait-all: true, name: @", STEPS_KEYS),
    ("wait-all: true, continue-on-error: @", STEPS_KEYS),
    ("run: x, id: @", set[str]()),
    ("run: x, shell: @", set[str]()),
    ("run: x, background: @", set[str]()),
    ("uses: @", set[str]()),
    ("wait: @", set[str]()),
    ("wait-all: @", set[str]()),
    ("cancel: @", set[str]()),
]
CALL = [
    ("with: {a: @}", SIX),
    ("secrets: {a: @}", SIX | {"secrets"}),
    ("name: @", SIX),
    ("concurrency: {group: @}", SIX),
    ("strategy: {matrix: {a: [@]}}", RUN | {"needs"}),
    ("if: @", RUN | {"needs", *STATUS, "success('a')", "failure('a', 'b')"}),
    ("with: @", set[str]()),
    ("secrets: @", set[str]()),
]
FILE = [
    ("run-name: @", RUN),
    ("concurrency: @", RUN),
    ("concurrency: {group: @}", RUN),
    ("concurrency: {group: g, cancel-in-progress: @}", RUN),
    ("env: @", RUN | {"secrets"}),
    ("env: {A: @}", RUN | {"secrets"}),
    ("on: {workflow_call: {inputs: {a: {type: string, default: @}}}}", RUN),
    ("on: {workflow_call: {outputs: {a: {value: @}}}}", RUN | {"jobs"}),
    ("name: @", set[str]()),
    ("description: @", set[str]()),
    ("permissions: @", set[str]()),
    ("permissions: {contents: @}", set[str]()),
    ("defaults: {run: {shell: @}}", set[str]()),
    ("defaults: {run: {working-directory: @}}", set[str]()),
    ("on: @", set[str]()),
    ("on: [@]", set[str]()),
    ("on: {push: {branches: [@]}}", set[str]()),
    ("on: {pull_request: {types: @}}", set[str]()),
    ("on: {schedule: [{cron: @}]}", set[str]()),
    ("on: {workflow_dispatch: {inputs: {a: {default: @}}}}", set[str]()),
    ("on: {workflow_dispatch: {inputs: {a: {type: choice, options: [@]}}}}", set[str]()),
    ("on: {workflow_call: {inputs: {a: {type: @}}}}", set[str]()),
    ("on: {workflow_call: {secrets: {a: {required: @}}}}", set[str]()),
    ("jobs: {b: {@ : x}}", set[str]()),
    ("jobs: {@ : {runs-on: x}}", set[str]()),
]
PLACES = [
    *(("job", line, allowed) for line, allowed in JOB),
    *(("step", line, allowed) for line, allowed in STEP),
    *(("call", line, allowed) for line, allowed in CALL),
    *(("file", line, allowed) for line, allowed in FILE),
]


def problems(kind: str, line: str, expression: str) -> list[str]:
    written = line.replace("@", '"${{ ' + expression + ' }}"')
    runs = "" if line.startswith("runs-on") else "    runs-on: x\n"
    text = {
        "job": f"on: push\njobs:\n  a:\n{runs}    {written}\n",
        "step": f"on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n    - {{{written}}}\n",
        "call": f"on: push\njobs:\n  a:\n    uses: ./b.yml\n    {written}\n",
        "file": ("" if line.startswith("on:") else "on: push\n")
        + ("" if line.startswith("jobs:") else "jobs: {a: {runs-on: x}}\n")
        + f"{written}\n",
    }[kind]
    return [render(problem) for problem in load("f", text.encode()).problems]


@pytest.mark.covers(
    "language:2.3", "language:3.1", "language:3.2", "language:3.3", "language:3.4", "language:3.5", "language:3.7"
)
@pytest.mark.parametrize(("kind", "line", "allowed"), PLACES)
def test_a_key_may_use_these_contexts_and_functions_and_no_others(kind: str, line: str, allowed: set[str]) -> None:
    for name in CONTEXTS:
        told = problems(kind, line, f"{name}.x")
        refused = any(f"Unrecognized named-value: '{name}'. Located at position 1 within expression: {name}.x" in t for t in told)
        assert refused is (name not in allowed), (name, told)
        assert refused or told == [], (name, told)
    for call in FUNCTIONS:
        told = problems(kind, line, call)
        name, arguments = call.split("(", 1)
        known = any(other.startswith(name + "(") for other in allowed)
        if call in allowed:
            assert told == [], (call, told)
        elif known and arguments != ")":
            assert any("Too many parameters supplied: '('" in t for t in told), (call, told)
        else:
            assert any(f"Unrecognized function: '{name}'" in t for t in told), (call, told)
    for call in GENERAL:
        told = problems(kind, line, call)
        if allowed:
            assert told == [], (call, told)
        else:
            assert any("A template expression is not allowed in this context" in t for t in told), (call, told)


@pytest.mark.covers("language:3.7")
def test_names_of_contexts_and_functions_ignore_case_and_unknown_ones_are_refused_everywhere() -> None:
    assert problems("step", "run: @", "GitHub.x && HASHFILES('a') && ToJson(ENV)") == []
    for kind, line, allowed in PLACES:
        assert any("Unrecognized named-value: 'gitbub'" in told for told in problems(kind, line, "gitbub.x")), line
        assert any("Unrecognized function: 'len'" in told for told in problems(kind, line, "len('x')")), (line, allowed)
