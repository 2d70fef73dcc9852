from __future__ import annotations

import pytest
from headrace.base.errors import Position
from headrace.workflow.model import Call, Run, Steps, Uses, Workflow
from headrace.workflow.problems import render
from headrace.workflow.reader import Options, load
from headrace.workflow.tokens import Expression, Scalar
from headrace.workflow.yaml_tokens import Limits

JOB = "jobs:\n  a:\n    runs-on: x\n"


def problems(text: str, options: Options = Options()) -> list[str]:  # noqa: B008
    loaded = load("f", text.encode(), options=options)
    assert (loaded.workflow is None) == bool(loaded.problems)
    return [render(problem) for problem in loaded.problems]


def workflow(text: str) -> Workflow:
    loaded = load(".github/workflows/ci.yml", text.encode())
    assert loaded.workflow is not None, loaded.problems
    return loaded.workflow


def job_problems(lines: str, before: str = "on: push\n") -> list[str]:
    """Problems of a job with the given lines, without their places."""
    indented = "".join(f"    {line}\n" for line in lines.splitlines())
    return [p.split("): ", 1)[1] for p in problems(f"{before}jobs:\n  a:\n{indented}")]


@pytest.mark.covers("language:3.1")
def test_a_file_becomes_a_workflow_with_its_defaults() -> None:
    found = workflow("on: push\n" + JOB)
    assert found.path == found.name == ".github/workflows/ci.yml"
    assert [trigger.event for trigger in found.on] == ["push"]
    assert found.permissions is None
    job = found.jobs["a"]
    assert (job.needs, job.permissions, job.strategy) == ((), None, None)
    assert job.condition == Expression("success()")
    assert job.body == Steps((), Scalar("x", Position(found.path, 4, 14)))


@pytest.mark.covers("language:3.1")
def test_the_keys_of_the_top_level_are_kept_as_tokens() -> None:
    text = (
        "name: CI\nrun-name: by ${{ github.actor }}\ndescription: ignored\non: push\npermissions: {contents: read}\n"
        "env: {A: '${{ secrets.B }}'}\ndefaults: {run: {shell: bash, working-directory: w}}\nconcurrency: g\n" + JOB
    )
    found = workflow(text)
    assert found.name == "CI"
    assert found.run_name == Expression("format('by {0}', github.actor)", Position(found.path, 2, 11))
    assert found.permissions == found.jobs["a"].permissions == {"contents": "read"}
    assert found.env and found.defaults
    assert found.concurrency == Scalar("g", Position(found.path, 8, 14))


@pytest.mark.covers("language:3.4")
def test_steps_keep_what_they_run() -> None:
    text = (
        "on: push\n"
        + JOB
        + (
            "    steps:\n      - uses: actions/checkout@v4\n        with: {depth: 0}\n"
            "      - id: t\n        name: N\n        run: echo\n"
            "        shell: bash\n        working-directory: w\n        env: {A: 1}\n        continue-on-error: true\n"
            "        timeout-minutes: 5\n        background: true\n"
        )
    )
    body = workflow(text).jobs["a"].body
    assert isinstance(body, Steps)
    first, second = body.steps
    assert isinstance(first.body, Uses) and isinstance(second.body, Run)
    assert (first.id, first.named, first.body.uses) == ("__actions_checkout", False, "actions/checkout@v4")
    assert (second.id, second.named, second.body.shell, second.background) == ("t", True, "bash", True)
    assert second.at == Position(".github/workflows/ci.yml", 8, 9)


@pytest.mark.covers("language:3.3")
def test_a_job_may_call_a_workflow() -> None:
    text = "on: push\njobs:\n  a:\n    uses: ./.github/workflows/b.yml\n    with: {x: 1}\n    secrets: inherit\n"
    call = workflow(text).jobs["a"].body
    assert isinstance(call, Call)
    assert (call.uses, call.inherit_secrets, call.secrets, call.workflow) == ("./.github/workflows/b.yml", True, None, None)
    assert call.at.line == 4


WRONG_FILES = [
    ("on: push\n", ["f (Line: 1, Col: 1): Required property is missing: jobs"]),
    (JOB, ["f (Line: 1, Col: 1): Required property is missing: on"]),
    ("on: push\njobs: {}\n", ["f (Line: 2, Col: 7): The workflow must contain at least one job with no dependencies."]),
    ("on: push\njobs:\n", ["f (Line: 2, Col: 6): Unexpected value ''"]),
    ("[]", ["f (Line: 1, Col: 1): A sequence was not expected"]),
    ("a", ["f (Line: 1, Col: 1): Unexpected value 'a'"]),
    ("on: push\nname: [x]\n" + JOB, ["f (Line: 2, Col: 7): A sequence was not expected"]),
    ("on: push\nenv:\n" + JOB, ["f (Line: 2, Col: 5): Unexpected value ''"]),
    (
        "on: push\nname: ${{ 'a' }}${{ 'b' }}\n" + JOB,
        ["f (Line: 2, Col: 7): A template expression is not allowed in this context"],
    ),
    ("on: push\npermissions: none\n" + JOB, ["f (Line: 2, Col: 14): Unexpected value 'none'"]),
    ("on: push\npermissions: {id-token: read}\n" + JOB, ["f (Line: 2, Col: 25): Unexpected value 'read'"]),
    ("on: push\npermissions: {models: write}\n" + JOB, ["f (Line: 2, Col: 23): Unexpected value 'write'"]),
    ("on: push\npermissions: {metadata: read}\n" + JOB, ["f (Line: 2, Col: 15): Unexpected value 'metadata'"]),
    ("", ["f: Expected document start parse event"]),
    ("on: push\n" + JOB + "    if: !cancelled()\n", ["f: Unexpected tag '!cancelled()'"]),
]


@pytest.mark.covers("language:1.8", "language:3.1", "language:3.6")
@pytest.mark.parametrize(("text", "told"), WRONG_FILES)
def test_what_is_wrong_with_a_file_is_told_with_its_place(text: str, told: list[str]) -> None:
    assert problems(text) == told


RIGHT_JOBS = [
    "runs-on: [self-hosted, '${{ matrix.os }}']",
    "runs-on: ${{ fromJSON(vars.R) }}",
    "runs-on: {group: org/g, labels: [a]}",
    "runs-on: x\nname: ${{ matrix.x }}\nif: true\ntimeout-minutes: ${{ fromJSON(vars.T) }}\ncontinue-on-error: ${{ matrix.e }}",
    "runs-on: x\nneeds: []\npermissions: {}\nenv: {A: 1, B: ~, C: '${{ secrets.C }}'}",
    "runs-on: x\nenv:\n  ${{ insert }}: ${{ fromJSON(vars.E) }}",
    "runs-on: x\nenvironment: ''\nconcurrency: {group: g, cancel-in-progress: '${{ true }}', queue: max}",
    "runs-on: x\nenvironment: {name: p, url: '${{ steps.a.outputs.b }}', deployment: false}",
    "runs-on: x\ncontainer: ''\nservices: {db: 'postgres:16'}",
    "runs-on: x\ncontainer: {image: 'docker://i', env: {A: '${{ secrets.A }}'}, ports: [80], "
    "credentials: {username: '${{ secrets.A }}', password: p}}",
    "runs-on: x\nservices: {a: {image: i, entrypoint: e, command: c, options: --rm, volumes: ['/a:/b']}}",
    "runs-on: x\nsnapshot: {image-name: i, version: 1.*, if: always()}",
    "runs-on: x\noutputs: {a: '${{ steps.a.outputs.b }}'}\ndefaults: {run: {shell: bash, working-directory: '${{ env.D }}'}}",
    "runs-on: x\nstrategy: {matrix: '${{ fromJSON(needs.a.outputs.m) }}', fail-fast: '${{ false }}', max-parallel: 2}",
    "runs-on: x\nsteps:\n- run: ${{ hashFiles('a') }}\n- if: success() && hashFiles('a')\n  uses: $/x",
    "uses: o/r/.github/workflows/w.yml@v1\nwith: {a: 1, b: true, c: '${{ matrix.x }}'}\nsecrets: {s: '${{ secrets.S }}'}",
]


@pytest.mark.covers("language:3.2", "language:3.5", "language:3.7", "language:5.8")
@pytest.mark.parametrize("lines", RIGHT_JOBS)
def test_what_the_language_allows_is_read(lines: str) -> None:
    assert job_problems(lines) == []


def _unknown(name: str, source: str, position: int = 1) -> str:
    return f"Unrecognized named-value: '{name}'. Located at position {position} within expression: {source}"


WRONG_JOBS = [
    ("steps: []", ["Required property is missing: runs-on"]),
    (
        "name: x",
        [
            "There's not enough info to determine what you meant. Add one of these properties:"
            " cancel-timeout-minutes, container, continue-on-error, defaults, env, environment, outputs, runs-on, secrets,"
            " services, snapshot, steps, timeout-minutes, uses, with"
        ],
    ),
    ("runs-on: x\nuses: ./a.yml", ["Unexpected value 'uses'"]),
    ("uses: ./a.yml\nruns-on: x", ["Unexpected value 'runs-on'"]),
    ("uses: ./a.yml\nsecrets: inhrit", ["Unexpected value 'inhrit'"]),
    ("uses: ./a.yml\nwith: ${{ github.x }}", [_unknown("github", "github.x"), "Unexpected value '${{ github.x }}'"]),
    ("uses: ${{ github.x }}", [_unknown("github", "github.x")]),
    ("uses: a.yml", ["Invalid workflow reference 'a.yml'. Expected ./path or {owner}/{repo}/{path}@{ref}"]),
    ("uses: ./a.yml@v1", ["Invalid workflow reference './a.yml@v1'. Expected ./path or {owner}/{repo}/{path}@{ref}"]),
    ("runs-on: ''", ["Unexpected value ''"]),
    ("runs-on: x\ntimeout-minutes: '10'", ["Unexpected value '10'"]),
    ("runs-on: x\ncontinue-on-error: 'true'", ["Unexpected value 'true'"]),
    ("runs-on: x\nconcurrency: ''", ["Unexpected value ''"]),
    ("runs-on: x\nconcurrency: {cancel-in-progress: true}", ["Required property is missing: group"]),
    ("runs-on: x\nconcurrency: {group: g, queue: all}", ["Unexpected value 'all'"]),
    (
        "runs-on: x\nconcurrency: {group: g, queue: max, cancel-in-progress: true}",
        ["`queue: max` and `cancel-in-progress: true` may not be combined"],
    ),
    ("runs-on: x\nconcurrency: " + "g" * 401, ["Concurrency group name must be less than 400 characters"]),
    ("runs-on: x\nenvironment: {url: u}", ["Required property is missing: name"]),
    ("runs-on: x\nenv: {'': a}", ["Unexpected value ''"]),
    ("runs-on: {group: ent/}", ["Invalid runs-on group name 'ent/'."]),
    (
        "runs-on: {group: a/b}",
        ["Invalid runs-on group name 'a/b'. Please use 'organization/' or 'enterprise/' prefix to target a single runner group."],
    ),
    (
        "runs-on: {group: ent/o/g}",
        [
            "Invalid runs-on group name 'ent/o/g'."
            " Please use 'organization/' or 'enterprise/' prefix to target a single runner group."
        ],
    ),
    ("runs-on: x\ncontainer: docker://", ["Container image cannot be empty"]),
    ("runs-on: x\ncontainer: {options: o}", ["Container image cannot be empty"]),
    ("runs-on: x\ncontainer: {image: ''}", ["Unexpected value ''"]),
    ("runs-on: x\ncontainer: {image: i, entrypoint: e}", ["Unexpected value 'entrypoint'"]),
    ("runs-on: x\nservices: {a: ''}", ["Container image cannot be empty"]),
    ("runs-on: x\nservices: {a: {env: {}}}", ["Container image cannot be empty"]),
    ("runs-on: x\nsnapshot: {image-name: i, version: '1.2'}", ["Expected format '{major-version}.*' Actual '1.2'"]),
    ("runs-on: x\nsnapshot: {version: '1.*'}", ["Required property is missing: image-name"]),
    (
        "runs-on: x\nif: github.x ==",
        ["Unexpected end of expression: '=='. Located at position 10 within expression: github.x =="],
    ),
    ("runs-on: x\nif: matrix.x", [_unknown("matrix", "matrix.x")]),
    ("runs-on: x\nif: ${{ 'x' }}", [_unknown("x", "x")]),
    ("runs-on: x\nname: ${{ env.X }}", [_unknown("env", "env.X")]),
    ("runs-on: x\nenv: {A: '${{ env.B }}'}", [_unknown("env", "env.B")]),
    ("runs-on: x\nsteps:\n- run: x\n  if: secrets.x", [_unknown("secrets", "secrets.x")]),
    ("runs-on: x\nsteps:\n- run: x\n  shell: ${{ env.S }}", [_unknown("env", "env.S")]),
    (
        "runs-on: x\nsteps:\n- run: x\n  if: success('a')",
        ["Too many parameters supplied: '('. Located at position 8 within expression: success('a')"],
    ),
    ("runs-on: x\nneeds: ${{ github.x }}", [_unknown("github", "github.x")]),
]


@pytest.mark.covers(
    "language:2.6", "language:3.2", "language:3.3", "language:3.5", "language:3.7", "language:5.8", "language:10.1"
)
@pytest.mark.parametrize(("lines", "told"), WRONG_JOBS)
def test_what_the_language_forbids_is_told(lines: str, told: list[str]) -> None:
    assert job_problems(lines) == told


@pytest.mark.covers("language:2.6")
def test_reading_goes_on_after_a_wrong_value_and_conversion_waits_for_it() -> None:
    text = "on: push\nname: [a]\njobs:\n  1a:\n    runs-on: {x: y}\n    env: a\n"
    assert problems(text) == [
        "f (Line: 2, Col: 7): A sequence was not expected",
        "f (Line: 5, Col: 15): Unexpected value 'x'",
        "f (Line: 6, Col: 10): Unexpected value 'a'",
    ]


@pytest.mark.covers("language:7.1")
@pytest.mark.parametrize("name", ["a.b", "0a", "-a", "' a'", "a b", "é", "a" * 100])
def test_a_job_id_has_a_fixed_alphabet(name: str) -> None:
    plain = name.strip("'")
    assert problems(f"on: push\njobs:\n  {name}: {{runs-on: x}}\n") == [
        f"f (Line: 3, Col: 3): The identifier '{plain}' is invalid. IDs may only contain alphanumeric characters, '_', and '-'."
        " IDs must start with a letter or '_' and must be less than 100 characters."
    ]


@pytest.mark.covers("language:7.1")
def test_reserved_and_repeated_job_ids_are_refused() -> None:
    assert problems("on: push\njobs:\n  __a: {runs-on: x}\n") == [
        "f (Line: 3, Col: 3): The identifier '__a' is invalid. IDs starting with '__' are reserved."
    ]
    assert problems("on: push\njobs:\n  a: {runs-on: x}\n  A: {runs-on: x}\n") == ["f (Line: 4, Col: 3): 'A' is already defined"]
    assert problems("on: push\njobs:\n  _a-1: {runs-on: x}\n") == []


@pytest.mark.covers("language:10.1")
def test_a_job_may_not_wait_for_the_group_that_its_own_workflow_holds() -> None:
    text = "on: push\nconcurrency: {top}\njobs:\n  a:\n    runs-on: x\n    concurrency: deploy\n"
    assert problems(text.format(top="Deploy")) == [
        "f (Line: 6, Col: 18): The concurrency group 'Deploy' is held by the workflow itself,"
        " so that its job 'a' could never start"
    ]
    assert problems(text.format(top="other")) == []


@pytest.mark.covers("language:2.6")
def test_the_number_of_jobs_can_be_limited() -> None:
    text = "on: push\njobs:\n  a: {runs-on: x}\n  b: {runs-on: x}\n"
    assert problems(text, Options(jobs=1)) == ["Workflows may not contain more than 1 jobs across all referenced files"]
    assert problems(text, Options(jobs=2)) == []


@pytest.mark.covers("language:1.4")
def test_anchors_serve_whole_blocks() -> None:
    text = "on: push\njobs:\n  a: &job\n    runs-on: x\n    steps: [&s {run: a}, *s]\n  b: *job\n"
    found = workflow(text)
    assert found.jobs["b"].body == found.jobs["a"].body
    assert problems(text, Options(limits=Limits(anchors=False))) == [
        "f: Anchors are not currently supported. Remove the anchor 'job'"
    ]
