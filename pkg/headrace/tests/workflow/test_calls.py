from __future__ import annotations

import pytest
from headrace.workflow import permissions
from headrace.workflow.calls import resolve
from headrace.workflow.model import Call, Workflow
from headrace.workflow.problems import render
from headrace.workflow.reader import Loaded, Options, load
from headrace.workflow.tokens import Mapping

JOB = "jobs: {j: {runs-on: x}}\n"
CALLABLE = "on: workflow_call\n" + JOB


class Files:
    """Called files by reference; remembers what was asked for."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = files
        self.asked: list[str] = []

    def read(self, reference: str) -> bytes | None:
        self.asked.append(reference)
        content = self.files.get(reference)
        return None if content is None else content.encode()


def read(entry: str, options: Options | None = None, /, **files: str) -> Loaded:
    source = Files({f"./{name}.yml": content for name, content in files.items()})
    return load(".github/a.yml", entry.encode(), source=source, options=options or Options())


def problems(entry: str, options: Options | None = None, /, **files: str) -> list[str]:
    return [render(problem) for problem in read(entry, options, **files).problems]


def workflow(entry: str, /, **files: str) -> Workflow:
    loaded = read(entry, None, **files)
    assert loaded.workflow is not None, loaded.problems
    return loaded.workflow


def call_of(found: Workflow, job: str = "a") -> Call:
    body = found.jobs[job].body
    assert isinstance(body, Call)
    return body


def caller(rest: str = "", uses: str = "./b.yml", top: str = "") -> str:
    return f"on: push\n{top}jobs:\n  a:\n    uses: {uses}\n{rest}"


@pytest.mark.covers("language:9.1")
@pytest.mark.parametrize(
    ("uses", "inside", "reference"),
    [
        ("./x.yml", "./a.yml", "./x.yml"),
        ("./x.yml", "o/r/d/a.yml@v1", "o/r/x.yml@v1"),
        ("./x.yml", "o/r/d/a.yml@feature/x@y", "o/r/x.yml@feature/x@y"),
        ("$/x.yml", "o/r/d/a.yml@v1", "./x.yml"),
        ("$//x.yml", "./a.yml", "./x.yml"),
        ("o/r/x.yml@main", "./a.yml", "o/r/x.yml@main"),
        ("o/r/d/x.yml@refs/heads/a", "p/q/a.yml@v1", "o/r/d/x.yml@refs/heads/a"),
        ("o/r@main", "./a.yml", None),
        ("o/r/x.yml", "./a.yml", None),
        ("o/r/x.yml@", "./a.yml", None),
        ("x.yml", "./a.yml", None),
        ("./x.yml@v1", "./a.yml", None),
        ("$/", "./a.yml", None),
        ("", "./a.yml", None),
    ],
)
def test_a_reference_is_resolved_from_the_file_that_holds_it(uses: str, inside: str, reference: str | None) -> None:
    assert resolve(uses, inside) == reference


@pytest.mark.covers("language:9.1")
def test_called_files_are_loaded_once_and_stand_in_the_model() -> None:
    source = Files(
        {"o/r/b.yml@v1": "on: workflow_call\njobs: {c: {uses: ./c.yml}, d: {uses: ./c.yml}}\n", "o/r/c.yml@v1": CALLABLE}
    )
    loaded = load("a.yml", caller(uses="o/r/b.yml@v1").encode(), source=source)
    assert loaded.workflow is not None
    called = call_of(loaded.workflow).workflow
    assert called is not None and called.path == "o/r/b.yml@v1"
    inner = call_of(called, "d")
    assert inner.uses == "o/r/c.yml@v1"
    assert inner.workflow is not None and list(inner.workflow.jobs) == ["j"]
    assert source.asked == ["o/r/b.yml@v1", "o/r/c.yml@v1"]
    assert list(loaded.files) == ["a.yml", "o/r/b.yml@v1", "o/r/c.yml@v1"]


def test_without_a_source_calls_stay_unread() -> None:
    loaded = load("a.yml", caller().encode())
    assert loaded.workflow is not None
    assert call_of(loaded.workflow).workflow is None
    skipped = read(caller(), Options(calls="skip"), b="not: valid")
    assert skipped.workflow is not None


@pytest.mark.covers("language:1.8")
def test_problems_of_a_called_file_are_told_from_the_caller() -> None:
    assert problems(caller(), b="on: workflow_call\njobs: {j: {}}\n") == [
        "In .github/a.yml (Line: 4, Col: 11): Error from called workflow b.yml (Line: 2, Col: 11): There's not enough info to"
        " determine what you meant. Add one of these properties: cancel-timeout-minutes, container, continue-on-error, defaults,"
        " env, environment, outputs, runs-on, secrets, services, snapshot, steps, timeout-minutes, uses, with"
    ]
    assert problems(caller(), b="on: [") == [
        "In .github/a.yml (Line: 4, Col: 11): Error from called workflow b.yml (Line: 2, Col: 1): while parsing a flow node,"
        " did not find expected node content"
    ]
    assert problems(caller(), c=CALLABLE) == [".github/a.yml (Line: 4, Col: 11): Unable to find the called workflow './b.yml'"]


CONTRACT = [
    (
        "",
        "inputs: {i: {type: string, required: true}}",
        ["(Line: 4, Col: 11): Input i is required, but not provided while calling."],
    ),
    (
        "",
        "inputs: {i: {type: string, required: true, default: d}}",
        ["(Line: 4, Col: 11): Input i is required, but not provided while calling."],
    ),
    ("with: {I: x}", "inputs: {i: {type: string, required: true}}", []),
    ("with: {x: y}", "", ["(Line: 5, Col: 15): Invalid input, x is not defined in the referenced workflow."]),
    ("with: {i: yes}", "inputs: {i: {type: boolean}}", ["(Line: 5, Col: 15): Unexpected value 'yes'"]),
    ("with: {i: 1}", "inputs: {i: {type: boolean}}", ["(Line: 5, Col: 15): Unexpected value '1'"]),
    ("with: {i: '1'}", "inputs: {i: {type: number}}", ["(Line: 5, Col: 15): Unexpected value '1'"]),
    ("with: {i: '${{ github.x }}'}", "inputs: {i: {type: number}}", []),
    ("", "secrets: {s: {required: true}}", ["(Line: 4, Col: 11): Secret s is required, but not provided while calling."]),
    ("secrets: inherit", "secrets: {s: {required: true}}", []),
    ("secrets: {S: x}", "secrets: {s: {required: true}}", []),
    ("secrets: {t: x}", "secrets: {s: }", ["(Line: 5, Col: 18): Invalid secret, t is not defined in the referenced workflow."]),
]


@pytest.mark.covers("language:9.2")
@pytest.mark.parametrize(("passed", "declared", "told"), CONTRACT)
def test_caller_and_called_must_agree(passed: str, declared: str, told: list[str]) -> None:
    called = f"on: {{workflow_call: {{{declared}}}}}\n{JOB}"
    assert problems(caller(f"    {passed}\n"), b=called) == [f".github/a.yml {message}" for message in told]


@pytest.mark.covers("language:9.2")
def test_a_called_file_must_say_that_it_may_be_called() -> None:
    assert problems(caller(), b="on: push\n" + JOB) == [
        "b.yml (Line: 1, Col: 5): workflow_call key is not defined in the referenced workflow."
    ]


@pytest.mark.covers("language:9.2")
def test_passed_booleans_and_numbers_become_strings_where_those_are_declared() -> None:
    called = "on: {workflow_call: {inputs: {a: {type: string}, b: {type: string}, c: {type: number}}}}\n" + JOB
    inputs = call_of(workflow(caller("    with: {a: true, b: 1.50, c: 2}\n"), b=called)).inputs
    assert isinstance(inputs, Mapping)
    assert [getattr(value, "value", None) for _, value in inputs.pairs] == ["true", "1.5", 2.0]


@pytest.mark.covers("language:9.1")
def test_calls_have_a_greatest_depth() -> None:
    files = {f"w{i}": f"on: workflow_call\njobs: {{a: {{uses: ./w{i + 1}.yml}}}}\n" for i in range(12)}
    assert problems(caller(uses="./w0.yml"), Options(call_levels=2), w0=files["w0"], w1=CALLABLE) == []
    assert problems(caller(uses="./w0.yml"), Options(call_levels=2), **files) == ["Nested reusable workflow depth exceeded 2."]
    assert problems(caller(uses="./w0.yml"), None, **files) == ["Nested reusable workflow depth exceeded 9."]
    itself = "on: [push, workflow_call]\njobs: {a: {uses: ./b.yml}}\n"
    assert problems(caller(), b=itself) == ["Nested reusable workflow depth exceeded 9."]


@pytest.mark.covers("language:1.6")
def test_a_load_has_a_greatest_number_of_files() -> None:
    jobs = "".join(f"  a{i}: {{uses: ./w{i}.yml}}\n" for i in range(51))
    files = {f"w{i}": CALLABLE for i in range(51)}
    assert problems(f"on: push\njobs:\n{jobs}", None, **files) == ["The maximum file count of 51 has been exceeded"]
    shorter = jobs.replace("./w50.yml", "./w0.yml")
    assert problems(f"on: push\njobs:\n{shorter}", None, **files) == []


@pytest.mark.covers("language:1.6")
def test_calls_of_calls_end_at_the_size_of_a_load() -> None:
    """Nine levels of ten calls each would be a thousand million workflows."""
    jobs = "".join(f"  a{i}: {{uses: NEXT}}\n" for i in range(10))
    files = {f"w{i}": f"on: workflow_call\njobs:\n{jobs.replace('NEXT', f'./w{i + 1}.yml')}" for i in range(8)}
    told = problems(f"on: push\njobs:\n{jobs.replace('NEXT', './w0.yml')}", None, **files, w8=CALLABLE)
    assert "Maximum object size exceeded" in told[0]


@pytest.mark.covers("language:9.5")
def test_jobs_of_a_called_file_have_its_permissions_or_the_callers() -> None:
    top = "permissions: {actions: write, contents: read}\n"
    called = workflow(
        caller(top=top), b="on: workflow_call\njobs: {j: {runs-on: x}, k: {runs-on: x, permissions: {actions: read}}}\n"
    )
    inner = call_of(called).workflow
    assert inner is not None
    assert inner.jobs["j"].permissions == {"actions": "write", "contents": "read"}
    assert inner.jobs["k"].permissions == {"actions": "read"}
    own = call_of(workflow(caller(top=top), b="permissions: {contents: read}\n" + CALLABLE)).workflow
    assert own is not None and own.jobs["j"].permissions == {"contents": "read"}


@pytest.mark.covers("language:9.5")
@pytest.mark.parametrize(
    ("granted", "top", "job", "told"),
    [
        ("{actions: read}", "", "{actions: read}", None),
        (
            "{actions: read}",
            "",
            "{actions: write, contents: read}",
            "The nested job 'j' is requesting 'actions: write, contents: read',"
            " but is only allowed 'actions: read, contents: none'.",
        ),
        (
            "{actions: read}",
            "{actions: write}",
            "",
            "The workflow is requesting 'actions: write', but is only allowed 'actions: read'.",
        ),
        ("{}", "{id-token: write}", "", "The workflow is requesting 'id-token: write', but is only allowed 'id-token: none'."),
        ("write-all", "write-all", "read-all", None),
        ("read-all", "{models: read}", "", None),
    ],
)
def test_a_called_file_may_not_ask_for_more(granted: str, top: str, job: str, told: str | None) -> None:
    called = (f"permissions: {top}\n" if top else "") + "on: workflow_call\njobs: {j: {runs-on: x%s}}\n" % (
        f", permissions: {job}" if job else ""
    )
    found = problems(caller(f"    permissions: {granted}\n"), b=called)
    assert found == ([] if told is None else [f".github/a.yml (Line: 3, Col: 3): Error calling workflow './b.yml'. {told}"])


@pytest.mark.covers("language:9.5")
def test_without_permissions_the_repositorys_default_bounds_a_call() -> None:
    asks = "permissions: {contents: write}\n" + CALLABLE
    assert problems(caller(), b=asks) == []
    (told,) = problems(caller(), Options(default_permissions="read"), b=asks)
    assert told.endswith("is requesting 'contents: write', but is only allowed 'contents: read'.")


@pytest.mark.covers("language:9.5")
def test_an_identity_token_by_default_stays_within_the_organisation() -> None:
    asks = "permissions: {id-token: write}\n" + CALLABLE
    for owner, fine in (("o", True), ("O", True), ("p", False), ("", True)):
        loaded = load(
            "a.yml", caller(uses="o/r/b.yml@v1").encode(), source=Files({"o/r/b.yml@v1": asks}), options=Options(owner=owner)
        )
        assert (loaded.workflow is not None) == fine, owner


@pytest.mark.covers("language:10.2")
def test_read_all_and_write_all_cap_what_can_only_be_read() -> None:
    assert permissions.everything("write")["models"] == "read"
    assert permissions.everything("write")["id-token"] == "write"
    assert set(permissions.everything("read").values()) == {"read"}
    assert workflow("on: push\npermissions: read-all\n" + JOB).permissions == permissions.everything("read")


@pytest.mark.covers("language:10.2")
def test_a_job_replaces_the_permissions_of_its_workflow() -> None:
    found = workflow(
        "on: push\npermissions: write-all\njobs: {j: {runs-on: x, permissions: {contents: none}}, k: {runs-on: x}}\n"
    )
    assert found.jobs["j"].permissions == {}
    assert found.jobs["k"].permissions == permissions.everything("write")
