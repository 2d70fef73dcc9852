from __future__ import annotations

import pytest
from headrace.workflow.identifiers import StepIds
from headrace.workflow.model import CancelStep, Parallel, Step, Steps, Wait, WaitAll
from headrace.workflow.problems import render
from headrace.workflow.reader import Loaded, load


def read(steps: str) -> Loaded:
    indented = "".join(f"      {line}\n" for line in steps.splitlines())
    return load("f", f"on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n{indented}".encode())


def steps(text: str) -> tuple[Step, ...]:
    loaded = read(text)
    assert loaded.workflow is not None, loaded.problems
    body = loaded.workflow.jobs["a"].body
    assert isinstance(body, Steps)
    return body.steps


def problems(text: str) -> list[str]:
    return [render(problem).removeprefix("f ") for problem in read(text).problems]


@pytest.mark.covers("language:7.1")
def test_steps_without_an_id_get_one_from_what_they_run() -> None:
    text = (
        "- run: a\n- uses: actions/checkout@v4\n- uses: a/b/c/d@v1\n- uses: docker://alpine:3.8\n- uses: ./x\n- uses: $/y\n"
        "- run: b\n- uses: actions/checkout@v3\n- wait-all:\n- id: mine\n  run: c\n"
    )
    assert [step.id for step in steps(text)] == [
        "__run",
        "__actions_checkout",
        "__a_b",
        "__alpine_3_8",
        "__self",
        "__selfRepository",
        "__run_2",
        "__actions_checkout_2",
        "__wait-all",
        "mine",
    ]
    assert [step.named for step in steps(text)] == [False] * 9 + [True]


@pytest.mark.covers("language:7.1")
def test_generated_ids_stay_short_and_unique() -> None:
    ids = StepIds()
    first, second = ids.generate("x" * 200), ids.generate("X" * 200)
    assert first == "__" + "x" * 98
    assert second == "__" + "X" * 96 + "_2"
    assert len({ids.generate("run").upper() for _ in range(300)}) == 300


@pytest.mark.covers("language:5.8")
@pytest.mark.parametrize(
    ("condition", "finished"),
    [
        ("", "success()"),
        ("'  '", "success()"),
        ("~", "success()"),
        ("true", "success() && (true)"),
        ("0", "success() && (0)"),
        ("github.ref == 'always()'", "success() && (github.ref == 'always()')"),
        ("${{ github.ref }}", "success() && (github.ref)"),
        ("Always()", "Always()"),
        ("contains('a', failure())", "contains('a', failure())"),
        ("false || ${{ github.ref }}", "success() && (format('false || {0}', github.ref))"),
    ],
)
def test_a_condition_is_finished_with_success(condition: str, finished: str) -> None:
    assert steps(f"- run: x\n  if: {condition}")[0].condition.source == finished


@pytest.mark.covers("language:8.2")
def test_waiting_steps_always_run_and_have_names() -> None:
    found = steps(
        "- id: s\n  run: x\n  background: true\n- wait: s\n- wait: [s]\n  name: W\n- wait-all: true\n- cancel: s\n"
        "- parallel:\n  - run: a\n  - uses: ./b\n"
    )
    assert [step.condition.source for step in found[1:]] == ["always()"] * 5
    names = [getattr(step.name, "value", None) for step in found]
    assert names == [None, "Wait", "W", "Wait for all", "Cancel", "Parallel group"]
    assert [step.body for step in found[1:5]] == [Wait(("s",)), Wait(("s",)), WaitAll(), CancelStep("s")]
    parallel = found[5].body
    assert isinstance(parallel, Parallel)
    assert [(step.id, step.condition.source) for step in parallel.steps] == [("__run", "success()"), ("__self", "success()")]


BAD_ID = (
    "is invalid. IDs may only contain alphanumeric characters, '_', and '-'."
    " IDs must start with a letter or '_' and must be less than 100 characters."
)
WRONG = [
    (
        "- id: a\n  run: x\n- id: A\n  run: x",
        "(Line: 8, Col: 13): The identifier 'A' may not be used more than once within the same scope.",
    ),
    ("- id: $x\n  run: x", f"(Line: 6, Col: 13): The identifier '$x' {BAD_ID}"),
    ("- id: __x\n  run: x", "(Line: 6, Col: 13): The identifier '__x' is invalid. IDs starting with '__' are reserved."),
    ("- shell: bash", "(Line: 6, Col: 9): Required property is missing: run"),
    ("- with: {a: b}", "(Line: 6, Col: 9): Required property is missing: uses"),
    (
        "- name: x",
        "(Line: 6, Col: 9): There's not enough info to determine what you meant."
        " Add one of these properties: cancel, run, shell, uses, wait, wait-all, with, working-directory",
    ),
    ("- run: x\n  uses: a/b@c", "(Line: 7, Col: 9): Unexpected value 'uses'"),
    ("- run: x\n  timeout-minutes: soon", "(Line: 7, Col: 26): Unexpected value 'soon'"),
    ("- run: [x]", "(Line: 6, Col: 14): A sequence was not expected"),
    ("- x", "(Line: 6, Col: 9): Unexpected value 'x'"),
    ("- uses: a@b", "(Line: 6, Col: 15): Expected format {org}/{repo}[/path]@ref. Actual 'a@b'"),
    ("- uses: a/b", "(Line: 6, Col: 15): Expected format {org}/{repo}[/path]@ref. Actual 'a/b'"),
    ("- uses: a/b@", "(Line: 6, Col: 15): Expected format {org}/{repo}[/path]@ref. Actual 'a/b@'"),
    ("- uses: a/b@c@d", "(Line: 6, Col: 15): Expected format {org}/{repo}[/path]@ref. Actual 'a/b@c@d'"),
    ("- uses: /a@b", "(Line: 6, Col: 15): Expected format {org}/{repo}[/path]@ref. Actual '/a@b'"),
    ("- uses: $//", "(Line: 6, Col: 15): Expected format {org}/{repo}[/path]@ref. Actual '$//'"),
    ("- wait: a", "(Line: 6, Col: 15): Step references unknown step ID 'a'"),
    ("- cancel: a\n- id: a\n  run: x", "(Line: 6, Col: 17): Step references unknown step ID 'a'"),
    ("- id: w\n  wait: W", "(Line: 7, Col: 15): Step 'W' cannot reference itself"),
    ("- run: x\n- wait: [__run]", "(Line: 7, Col: 16): The identifier '__run' is invalid. IDs starting with '__' are reserved."),
    ("- wait-all: false", "(Line: 6, Col: 19): The value of 'wait-all' must be true or omitted"),
    ("- run: x\n  background: ${{ true }}", "(Line: 7, Col: 21): A template expression is not allowed in this context"),
    ("- parallel: [{parallel: []}]", "(Line: 6, Col: 21): Nested 'parallel' blocks are not allowed."),
    ("- parallel: [{wait-all: }]", "(Line: 6, Col: 21): 'wait-all' is not allowed inside a parallel block."),
    ("- parallel: [{run: x, background: true}]", "(Line: 6, Col: 29): 'background' is not allowed inside a parallel block."),
    ("- parallel: []\n  name: x", "(Line: 7, Col: 9): Unexpected value 'name'"),
]


@pytest.mark.covers("language:2.6", "language:3.4", "language:7.1", "language:8.2")
@pytest.mark.parametrize(("text", "told"), WRONG)
def test_what_is_wrong_with_a_step_is_told(text: str, told: str) -> None:
    assert problems(text) == [told]


@pytest.mark.covers("language:2.6")
@pytest.mark.parametrize(
    "uses", ["docker://", "docker://a:1", "./a", ".\\a", "$/a", "$//a", "a/b@c", "a\\b@c", "a/b/c@refs/heads/x"]
)
def test_every_form_of_uses_is_read(uses: str) -> None:
    assert problems(f"- uses: {uses}") == []


@pytest.mark.covers("language:8.2")
def test_a_step_may_wait_for_earlier_ids_in_any_spelling() -> None:
    assert problems("- id: Server\n  run: x\n- wait: [server]\n- cancel: SERVER\n") == []
