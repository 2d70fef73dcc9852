"""Calling legs and what is inside of them, without running anything."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Any

import pytest
from headrace.base.errors import HeadraceError, UsageError
from headrace.events.model import Event
from headrace.plan import calls
from headrace.plan.around import Pending, Undecided
from headrace.plan.calls import PartlyKnown, add, call_outputs, call_secrets, expand, unexpanded
from headrace.plan.make import make_plan
from headrace.plan.model import Capabilities, Deferred, JobPath, Outcome, Plan
from headrace.plan.select import Selection
from headrace.plan.settle import settle
from headrace.workflow.model import Workflow
from headrace.workflow.reader import Options, load

CAPABLE = Capabilities(frozenset({"ubuntu-*", "linux", "x64"}))
CI = ".github/workflows/ci.yml"
RUN = "runs-on: ubuntu-latest, steps: [{run: x}]"


class Files:
    def __init__(self, files: dict[str, str]) -> None:
        self._files = files

    def read(self, reference: str) -> bytes | None:
        content = self._files.get(reference.removeprefix("./"))
        return None if content is None else textwrap.dedent(content).encode()


def read(entry: str, **files: str) -> Workflow:
    source = Files({f"{name}.yml": content for name, content in files.items()})
    loaded = load(CI, textwrap.dedent(entry).encode(), source=source, options=Options(absent="unread"))
    assert loaded.workflow is not None, [str(problem) for problem in loaded.problems]
    return loaded.workflow


Make = Callable[..., Plan]


@pytest.fixture
def make(event: Callable[..., Event]) -> Make:
    def plan(entry: str, happened: Event | None = None, vars: dict[str, str] | None = None, **more: Any) -> Plan:
        files = {name: more.pop(name) for name in ("b", "c", "d") if name in more}
        return make_plan([read(entry, **files)], happened or event(), CAPABLE, Selection(**more), vars=vars)

    return plan


def would(plan: Plan) -> dict[str, str]:
    """The leg's path without the file → what it would do. A calling leg that was entered says so."""
    found: dict[str, str] = {}
    for path, job in plan.jobs.items():
        if isinstance(job.legs, Deferred):
            found[path[len(CI) + 1 :]] = "deferred"
            continue
        for leg in job.legs:
            found[leg.path[len(CI) + 1 :]] = "entered" if calls.is_entered(plan, leg) else leg.would
    return found


def names(plan: Plan) -> list[str]:
    legs = [leg for job in plan.jobs.values() if not isinstance(job.legs, Deferred) for leg in job.legs]
    return [leg.name for leg in legs if not calls.is_entered(plan, leg)]


def why(plan: Plan, path: str) -> str:
    job = plan.jobs[JobPath(f"{CI}:{path}")]
    assert not isinstance(job.legs, Deferred)
    return job.legs[0].why.rule + " " + job.legs[0].why.facts.get("message", "")


CALL = "on: push\njobs:\n  a: {uses: ./b.yml}\n"


def callable_file(jobs: str, contract: str = "", top: str = "") -> str:
    return f"on: {{workflow_call: {{{contract}}}}}\n{top}jobs: {{{jobs}}}\n"


@pytest.mark.covers("language:9.1")
def test_a_calling_leg_is_followed_by_the_jobs_of_the_called_file_with_needs_among_themselves(make: Make) -> None:
    made = make(CALL + f"  z: {{needs: a, {RUN}}}\n", b=callable_file(f"y: {{needs: x, {RUN}}}, x: {{{RUN}}}"))
    assert list(would(made)) == ["a:0", "a:0/x:0", "a:0/y:0", "z:0"]
    assert made.jobs[JobPath(f"{CI}:a:0/y")].needs == (f"{CI}:a:0/x",)
    assert made.jobs[JobPath(f"{CI}:z")].needs == (f"{CI}:a",)
    assert made.calls[f"{CI}:a:0"].ids == ("a",)
    assert names(made) == ["a / x", "a / y", "z"]


def test_calls_nest_and_jobs_stand_behind_what_they_need(make: Make) -> None:
    files = {"b": callable_file(f"m: {{name: Mid, uses: ./c.yml}}, n: {{needs: m, {RUN}}}"), "c": callable_file(f"x: {{{RUN}}}")}
    made = make(CALL, **files)
    assert list(would(made)) == ["a:0", "a:0/m:0", "a:0/m:0/x:0", "a:0/n:0"]
    assert names(made) == ["a / Mid / x", "a / n"]
    assert made.calls[f"{CI}:a:0/m:0"].ids == ("a", "m")


@pytest.mark.covers("language:6.4")
def test_names_have_a_part_a_level_with_the_row_of_each(make: Make) -> None:
    entry = "on: push\njobs:\n  a: {name: Call, strategy: {matrix: {n: [1, 2]}}, uses: ./b.yml}\n"
    made = make(entry, b=callable_file(f"x: {{strategy: {{matrix: {{m: [p, q]}}}}, {RUN}}}"))
    assert names(made) == ["Call (1) / x (p)", "Call (1) / x (q)", "Call (2) / x (p)", "Call (2) / x (q)"]


@pytest.mark.covers("language:7.3")
@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        (f"x: {{{RUN}}}", "undecided"),
        (f"x: {{if: false, {RUN}}}", "skip"),
        (f"x: {{if: false, {RUN}}}, y: {{{RUN}}}", "undecided"),
        (f"x: {{container: alpine, {RUN}}}, y: {{{RUN}}}", "unsupported"),
        (f"x: {{if: fromJSON('x'), {RUN}}}", "skip"),
        ("x: {uses: o/r/none.yml@v1}", "unsupported"),
    ],
)
def test_what_is_inside_decides_what_is_expected_of_the_call(make: Make, inner: str, expected: str) -> None:
    needing = f"  z: {{needs: a, if: needs.a.result == 'success', {RUN}}}\n  always: {{needs: a, if: always(), {RUN}}}\n"
    found = would(make(CALL + needing, b=callable_file(inner)))
    assert found["z:0"] == expected
    assert found["always:0"] == ("unsupported" if expected == "unsupported" else "run")


@pytest.mark.covers("language:7.3")
def test_success_inside_a_call_looks_at_the_called_file_only(make: Make) -> None:
    entry = f"on: push\njobs:\n  f: {{if: fromJSON('x'), {RUN}}}\n  a: {{needs: f, if: always(), uses: ./b.yml}}\n"
    found = would(make(entry, b=callable_file(f"x: {{{RUN}}}, y: {{if: failure(), {RUN}}}, z: {{needs: y, {RUN}}}")))
    assert found == {"f:0": "fail", "a:0": "entered", "a:0/x:0": "run", "a:0/y:0": "skip", "a:0/z:0": "skip"}


@pytest.mark.covers("language:9.3")
def test_inside_stand_the_callers_event_and_the_calls_inputs(make: Make, event: Callable[..., Event]) -> None:
    dispatch = event("workflow_dispatch", inputs={"own": "x"})
    entry = "name: Entry\non: {workflow_dispatch: {inputs: {own: {}}}}\njobs:\n  a: {uses: ./b.yml, with: {n: '${{ inputs.own }}y'}}\n"
    jobs = {
        "w": "github.workflow == 'Entry' && github.event.inputs.own == 'x'",
        "i": "inputs.own == null && inputs.N == 'xy'",
        "v": "vars.V == 'v' && github.event_name == 'workflow_dispatch'",
        "no": "github.workflow == 'Inner'",
    }
    inner = ", ".join(f'{name}: {{if: "{condition}", {RUN}}}' for name, condition in jobs.items())
    made = make(entry, dispatch, {"V": "v"}, b=callable_file(inner, "inputs: {n: {type: string}}", "name: Inner\n"))
    assert {path[-3]: value for path, value in would(made).items() if "/" in path} == {
        "w": "run",
        "i": "run",
        "v": "run",
        "o": "skip",
    }


# Inputs --------------------------------------------------------------------------------------------------------------


@pytest.mark.covers("language:9.2")
@pytest.mark.parametrize(
    ("declared", "passed", "value"),
    [
        ("type: string", None, ""),
        ("type: boolean", None, False),
        ("type: number", None, 0.0),
        ("type: string, default: 5", None, "5"),
        ("type: string, default: '${{ github.ref_name }}/${{ vars.V }}'", None, "main/v"),
        ("type: number, default: 2", "'${{ 3 }}'", 3.0),
        ("type: string", "'${{ 3 }}'", "3"),
        ("type: string", "'${{ null }}'", ""),
        ("type: boolean", "'${{ 1 == 1 }}'", True),
    ],
)
def test_inputs_have_their_types(make: Make, declared: str, passed: str | None, value: object) -> None:
    given = f", with: {{N: {passed}}}" if passed is not None else ""
    made = make(
        f"on: push\njobs:\n  a: {{uses: ./b.yml{given}}}\n",
        vars={"V": "v"},
        b=callable_file(f"x: {{{RUN}}}", f"inputs: {{n: {{{declared}}}}}"),
    )
    assert made.inputs[f"{CI}:a:0"] == {"n": value}
    assert type(made.inputs[f"{CI}:a:0"]["n"]) is type(value)


@pytest.mark.covers("language:9.2")
@pytest.mark.parametrize(
    ("kind", "passed", "told"),
    [
        ("boolean", "${{ format(''true'') }}", "Unexpected value 'true'"),
        ("number", "${{ format(''5'') }}", "Unexpected value '5'"),
        ("boolean", "${{ null }}", "Unexpected value ''"),
        ("string", "${{ github.event }}", "A mapping was not expected"),
        ("string", "${{ fromJSON(''x'') }}", "Error parsing fromJson"),
    ],
)
def test_an_evaluated_input_of_another_type_fails_the_calling_leg(make: Make, kind: str, passed: str, told: str) -> None:
    entry = f"on: push\njobs:\n  a: {{uses: ./b.yml, with: {{n: '{passed}'}}}}\n"
    made = make(entry, b=callable_file(f"x: {{{RUN}}}", f"inputs: {{n: {{type: {kind}}}}}"))
    assert would(made) == {"a:0": "fail"}
    assert f"Error when evaluating 'with' for job 'a'. {CI} (Line: 3" in why(made, "a")
    assert told in why(made, "a")


def test_what_hangs_on_a_result_leaves_undecided_only_what_reads_it(make: Make) -> None:
    entry = (
        f"on: push\njobs:\n  f: {{{RUN}}}\n  a: {{needs: f, uses: ./b.yml, with: {{n: '${{{{ needs.f.outputs.n }}}}', k: 1}}}}\n"
    )
    inner = (
        f"x: {{{RUN}}}, y: {{if: inputs.N == 'q', {RUN}}}, k: {{if: inputs.k == '1', {RUN}}}, all: {{if: \"contains(toJSON(inputs), 'q')\", {RUN}}},"
        f" m: {{strategy: {{matrix: {{v: '${{{{ fromJSON(inputs.n) }}}}'}}}}, {RUN}}}, deeper: {{uses: ./c.yml, with: {{p: '${{{{ inputs.n }}}}'}}}}"
    )
    deeper = callable_file(f"x: {{{RUN}}}, y: {{if: inputs.p, {RUN}}}", "inputs: {p: {type: string}}")
    made = make(entry, b=callable_file(inner, "inputs: {n: {type: string}, k: {type: string}}"), c=deeper)
    assert {path[4:]: value for path, value in would(made).items() if "/" in path} == {
        "x:0": "run", "y:0": "undecided", "k:0": "run", "all:0": "undecided", "m": "deferred",
        "deeper:0": "entered", "deeper:0/x:0": "run", "deeper:0/y:0": "undecided",
    }  # fmt: skip
    known = {JobPath(f"{CI}:f"): Outcome("success", {"n": "q"})}
    caller = settle(made, JobPath(f"{CI}:a"), known)
    assert isinstance(caller.legs, tuple)
    assert caller.legs[0].inputs == {"n": "q", "k": "1"}


def test_partly_known_inputs_ignore_case_and_tell_nothing_that_hangs() -> None:
    inputs = PartlyKnown({"Known": 1.0, "open": Pending("f", "outputs")})
    assert (inputs["KNOWN"], inputs.get("known"), inputs.get("other", 5), "Open" in inputs, "other" in inputs) == (
        1.0,
        1.0,
        5,
        True,
        False,
    )
    reads: tuple[Callable[[], Any], ...] = (
        lambda: inputs["OPEN"],
        lambda: inputs.get("open"),
        inputs.items,
        inputs.values,
    )
    for read in reads:
        with pytest.raises(Undecided):
            read()
    assert dict(PartlyKnown({"a": 1}).items()) == {"a": 1}


# At run time ---------------------------------------------------------------------------------------------------------


def entered(made: Plan, outcomes: dict[JobPath, Outcome] | None = None) -> Plan:
    """The plan as an engine has it that has entered the job `a`."""
    plan = unexpanded(made)
    caller = settle(plan, JobPath(f"{CI}:a"), outcomes or {})
    assert isinstance(caller.legs, tuple)
    for leg in caller.legs:
        expansion = expand(plan, caller, leg)
        add(plan, expansion)
        plan.jobs.update({job.path: job for job in expansion.jobs})
    return plan


def test_a_plan_can_be_had_without_what_is_inside_of_calls(make: Make) -> None:
    made = make(CALL, b=callable_file("m: {uses: ./c.yml}"), c=callable_file(f"x: {{{RUN}}}"))
    bare = unexpanded(made)
    assert (list(bare.jobs), list(bare.workflows), list(bare.started), bare.calls) == ([f"{CI}:a"], [CI], [CI], {})
    assert len(made.jobs) == 3
    assert list(entered(made).jobs) == [f"{CI}:a", f"{CI}:a:0/m"]


@pytest.mark.covers("language:9.4")
def test_outputs_see_results_and_outputs_of_the_jobs_inside(make: Make) -> None:
    outputs = {
        "x": "${{ jobs.x.outputs.v }}",
        "s": "${{ jobs.y.result }}${{ jobs.y.outputs.v }}",
        "i": "${{ inputs.n }}-${{ github.workflow }}-${{ vars.V }}",
    }
    contract = (
        "inputs: {n: {type: string, default: d}}, outputs: {"
        + ", ".join(f"{k}: {{value: '{v}'}}" for k, v in outputs.items())
        + "}"
    )
    plan = entered(make("name: Entry\n" + CALL, b=callable_file(f"x: {{{RUN}}}, y: {{{RUN}}}", contract)))
    key = f"{CI}:a:0"
    ended = {JobPath(f"{key}/x"): Outcome("success", {"v": "1"}), JobPath(f"{key}/y"): Outcome("skipped", {"v": "2"})}
    assert call_outputs(plan, key, ended, {"V": "v"}) == {"x": "1", "s": "skipped", "i": "d-Entry-v"}
    assert call_outputs(plan, key, {}, {})["s"] == "success"  # deselected


def test_outputs_that_cannot_be_evaluated_are_an_error(make: Make) -> None:
    plan = entered(make(CALL, b=callable_file(f"x: {{{RUN}}}", "outputs: {x: {value: '${{ fromJSON(jobs.x.outputs.v) }}'}}")))
    with pytest.raises(HeadraceError):
        call_outputs(plan, f"{CI}:a:0", {}, {})


OWN = {"A": "one", "B": "two", "GITHUB_TOKEN": "t"}


@pytest.mark.covers("language:9.3")
@pytest.mark.parametrize(
    ("secrets", "found"),
    [
        ("", {}),
        (", secrets: inherit", OWN),
        (", secrets: {A: '${{ secrets.b }}', B: '${{ secrets.none }}'}", {"A": "two"}),
        (", secrets: {A: '${{ matrix.n }}-${{ needs.f.outputs.x }}-${{ strategy.job-total }}'}", {"A": "1-o-1"}),
    ],
)
def test_secrets_are_evaluated_where_the_call_stands(make: Make, secrets: str, found: dict[str, str]) -> None:
    entry = f"on: push\njobs:\n  f: {{{RUN}}}\n  a: {{needs: f, strategy: {{matrix: {{n: [1]}}}}, uses: ./b.yml{secrets}}}\n"
    plan = make(entry, b=callable_file(f"x: {{{RUN}}}", "secrets: {A: {required: false}, B: {required: false}}"))
    caller = plan.jobs[JobPath(f"{CI}:a")]
    assert isinstance(caller.legs, tuple)
    outcomes = {JobPath(f"{CI}:f"): Outcome("success", {"x": "o"})}
    assert call_secrets(plan, caller, caller.legs[0], OWN, outcomes, {}) == found


@pytest.mark.parametrize(("limit", "seen"), [(3, {"a:0": "fail", "z:0": "skip"}), (4, {"a:0": "entered", "z:0": "run"})])
def test_too_many_jobs_fail_the_call_instead_of_filling_the_machine(
    make: Make, monkeypatch: pytest.MonkeyPatch, limit: int, seen: dict[str, str]
) -> None:
    monkeypatch.setattr(calls, "MOST_JOBS", limit)
    made = make(CALL + f"  z: {{needs: a, {RUN}}}\n", b=callable_file(f"x: {{{RUN}}}, y: {{{RUN}}}, w: {{{RUN}}}"))
    assert {path: value for path, value in would(made).items() if "/" not in path} == seen


# Groups and selection ------------------------------------------------------------------------------------------------


@pytest.mark.covers("language:9.3")
@pytest.mark.parametrize(
    ("outer", "inner", "job", "found"),
    [
        ("", "concurrency: g\n", "", "entered"),
        ("concurrency: g\n", "concurrency: h\n", "", "entered"),
        ("concurrency: g\n", "concurrency: G\n", "", "fail"),
        ("concurrency: g\n", "", "concurrency: g, ", "fail"),
        ("", "concurrency: '${{ inputs.n }}'\n", "concurrency: own, ", "entered"),
        ("", "concurrency: '${{ inputs.n }}'\n", "", "entered"),
        ("", "concurrency: '${{ fromJSON(inputs.n) }}'\n", "concurrency: own, ", "fail"),
    ],
)
def test_the_group_of_the_called_file_counts_beside_the_calling_jobs(
    make: Make, outer: str, inner: str, job: str, found: str
) -> None:
    matrix = "strategy: {matrix: {n: [p, p2]}}, with: {n: '${{ matrix.n }}'}, " if "inputs" in inner and job else ""
    if "inputs" in inner and not job:
        matrix = "strategy: {matrix: {n: [1, 2]}}, with: {n: same}, "
    top = f"on: push\n{outer}jobs:\n  a: {{{matrix}uses: ./b.yml}}\n"
    jobs = f"x: {{{job if 'own' not in job else ''}{RUN}}}"
    made = make(top, b=callable_file(jobs, "inputs: {n: {type: string}}", inner))
    assert would(made)["a:0"] == found


def test_jobs_inside_are_selected_with_what_they_need_there_and_outside(make: Make) -> None:
    entry = f"on: push\njobs:\n  f: {{{RUN}}}\n  a: {{needs: f, uses: ./b.yml}}\n  z: {{needs: a, {RUN}}}\n  other: {{{RUN}}}\n"
    files = {
        "b": callable_file(f"x: {{{RUN}}}, m: {{needs: x, uses: ./c.yml}}, y: {{{RUN}}}"),
        "c": callable_file(f"p: {{{RUN}}}, q: {{{RUN}}}"),
    }

    def chosen(*jobs: str, **more: Any) -> list[str]:
        made = make(entry, jobs=jobs, **files, **more)
        return [path for path, value in would(made).items() if value != "entered"]

    assert chosen("a/m/q") == ["f:0", "a:0/x:0", "a:0/m:0/q:0"]
    assert chosen("ci/A/M/Q", needs=False) == ["a:0/m:0/q:0"]
    assert chosen("a/y", "a/m/p", needs=False) == ["a:0/m:0/p:0", "a:0/y:0"]
    assert chosen("a/m") == ["f:0", "a:0/x:0", "a:0/m:0/p:0", "a:0/m:0/q:0"]
    assert chosen("z", "a/y") == ["f:0", "a:0/x:0", "a:0/m:0/p:0", "a:0/m:0/q:0", "a:0/y:0", "z:0"]
    for wrong, hint in (("a/none", "a/"), ("q", "a/m/q"), ("f/x", "job 'f/x'"), ("a/x/y", "job 'a/x/y'")):
        with pytest.raises(UsageError, match=hint):
            chosen(wrong)


def test_a_matrix_selection_works_on_calls_and_inside(make: Make) -> None:
    entry = "on: push\njobs:\n  a: {strategy: {matrix: {n: [1, 2]}}, uses: ./b.yml}\n"
    inner = callable_file(f"x: {{strategy: {{matrix: {{m: [p, q]}}}}, {RUN}}}")
    assert names(make(entry, b=inner, matrix={"n": "2", "m": "q"})) == ["a (2) / x (q)"]
    with pytest.raises(UsageError, match="no leg has that value"):
        make(entry, b=inner, matrix={"m": "r"})


def test_a_call_that_is_not_decided_is_not_entered(make: Make) -> None:
    entry = f"on: push\njobs:\n  f: {{{RUN}}}\n  a: {{needs: f, KEY, uses: ./b.yml}}\n"
    inner = callable_file(f"x: {{{RUN}}}")
    assert would(make(entry.replace("KEY", "if: needs.f.outputs.x"), b=inner)) == {"f:0": "run", "a:0": "undecided"}
    matrix = "strategy: {matrix: {n: '${{ fromJSON(needs.f.outputs.x) }}'}}"
    assert would(make(entry.replace("KEY", matrix), b=inner)) == {"f:0": "run", "a": "deferred"}
    assert would(make(entry.replace("KEY", "if: false"), b=inner)) == {"f:0": "run", "a:0": "skip"}
