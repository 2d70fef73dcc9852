"""Whatever a readable workflow holds and whatever happened, planning ends with a plan or says what is wrong with the call."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from headrace.base.errors import UsageError
from headrace.events.kinds import KINDS
from headrace.events.model import Event, Repository
from headrace.plan.make import make_plan
from headrace.plan.model import Capabilities, Deferred, Outcome, Plan
from headrace.plan.select import Selection
from headrace.plan.settle import settle
from headrace.report.colour import Style
from headrace.report.json_plan import plan_json
from headrace.report.plan_table import legs_explained, plan_lines
from headrace.workflow.model import Workflow
from headrace.workflow.reader import load
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

RUN = [
    "github.ref",
    "github.event_name",
    "github.event",
    "github.event.inputs.x",
    "github",
    "inputs.x",
    "inputs",
    "vars.M",
    "vars.n",
]
LITERALS = ["'x'", "''", "0", "1", "true", "null", "NaN", "-Infinity", "0xFF", "'[1,2]'", "'{\"x\":[1]}'"]
NEEDS = ["needs", "needs.a", "needs.a.result", "needs.b.outputs.x", "needs.*.result", "needs.*.outputs.*"]
MATRIX = ["matrix", "matrix.x", "matrix.x.y", "matrix.*", "strategy.job-index", "strategy['job-total']"]
STATUS = ["success()", "failure()", "always()", "cancelled()"]
OF_JOBS = ["success('a')", "failure('b', 'nobody')"]
STEPS = ["env.x", "steps.s.outputs.x", "runner.os", "hashFiles('x')", "job.status"]


def expressions(*pools: list[str]) -> st.SearchStrategy[str]:
    """Expressions over the atoms of these pools."""
    atoms = st.sampled_from([atom for pool in (RUN, LITERALS, *pools) for atom in pool])
    return st.recursive(
        atoms,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(["==", "!=", "<", ">=", "&&", "||"]), inner).map(
                lambda t: f"({t[0]} {t[1]} {t[2]})"
            ),
            inner.map(lambda e: f"!{e}"),
            st.tuples(st.sampled_from(["fromJSON", "toJSON", "join"]), inner).map(lambda t: f"{t[0]}({t[1]})"),
            st.tuples(st.sampled_from(["contains", "startsWith", "format"]), inner, inner).map(
                lambda t: f"{t[0]}({t[1]}, {t[2]})"
            ),
            st.tuples(inner, inner, inner).map(lambda t: f"case({t[0]}, {t[1]}, {t[2]})"),
            st.tuples(inner, inner).map(lambda t: f"fromJSON(vars.M)[{t[0]}][{t[1]}]"),
        ),
        max_leaves=4,
    )


def embedded(source: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return source.map(lambda text: f"${{{{ {text} }}}}")


def templates(source: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """An expression, or text around one."""
    around = st.tuples(st.sampled_from(["a ", "", "{x} "]), embedded(source), st.sampled_from(["", "'", "}}"]))
    return embedded(source) | around.map("".join)


in_strategy = embedded(expressions(NEEDS)) | st.just("${{ fromJSON(vars.M) }}")
in_job = expressions(NEEDS, MATRIX)
of_job = embedded(in_job)
plain = st.sampled_from(["x", "ubuntu-latest", "windows-latest", "1.10", "a b", "é", "\u202e", "x" * 90])
scalars: st.SearchStrategy[Any] = st.one_of(plain, st.just(""), st.none(), st.booleans(), st.sampled_from([0, 1, 1.5, -1, 1e300]))
values = st.recursive(
    st.one_of(scalars, templates(expressions(NEEDS))),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["x", "y", "os"]), inner, max_size=3),
    max_leaves=6,
)
rows = st.dictionaries(st.sampled_from(["x", "os", "y", "z"]), values, min_size=1, max_size=3)
matrices = st.one_of(
    in_strategy,
    st.fixed_dictionaries(
        {"x": st.lists(values, min_size=1, max_size=3) | in_strategy},
        optional={
            "os": st.lists(values, min_size=1, max_size=3),
            "include": st.lists(rows | in_strategy, max_size=3) | in_strategy,
            "exclude": st.lists(st.dictionaries(st.just("x"), values, min_size=1), max_size=2) | in_strategy,
        },
    ),
)
strategies = st.one_of(
    in_strategy,
    st.fixed_dictionaries(
        {"matrix": matrices},
        optional={"fail-fast": st.booleans() | in_strategy, "max-parallel": st.sampled_from([0, 1, -3, 2.5]) | in_strategy},
    ),
)
names = st.one_of(plain, templates(in_job))
in_steps = st.one_of(plain, templates(expressions(NEEDS, MATRIX, STEPS)))
step_ifs = expressions(NEEDS, MATRIX, STEPS, STATUS)
steps = st.lists(
    st.one_of(
        st.fixed_dictionaries({"run": in_steps}, optional={"if": step_ifs, "background": st.booleans()}),
        st.fixed_dictionaries(
            {"uses": st.sampled_from(["actions/checkout@v4", "actions/setup-python@v5", "x/y@v1", "./a", "docker://i", "$/z"])},
            optional={"if": step_ifs, "with": st.dictionaries(st.sampled_from(["python-version", "ref"]), in_steps)},
        ),
    ),
    max_size=3,
)
common = {
    "name": names,
    "if": expressions(NEEDS, STATUS, OF_JOBS),
    "strategy": strategies,
    "concurrency": names | st.fixed_dictionaries({"group": names}, optional={"cancel-in-progress": st.booleans() | of_job}),
    "permissions": st.sampled_from([{}, "write-all", {"id-token": "write"}]),
}
jobs = st.one_of(
    st.fixed_dictionaries(
        {
            "runs-on": names | st.lists(names, max_size=2) | st.fixed_dictionaries({"group": plain, "labels": names}),
            "steps": steps,
        },
        optional={
            **common,
            "timeout-minutes": st.sampled_from([0, 1, 0.5, -7]) | of_job,
            "cancel-timeout-minutes": of_job,
            "continue-on-error": st.booleans() | of_job,
            "container": names | st.fixed_dictionaries({"image": names}),
            "services": st.dictionaries(st.sampled_from(["db", "redis"]), names, max_size=2) | of_job,
            "environment": names | st.fixed_dictionaries({"name": names, "url": in_steps}),
            "env": st.dictionaries(st.sampled_from(["A", "b"]), names) | of_job,
            "outputs": st.dictionaries(st.sampled_from(["x", "y"]), in_steps),
        },
    ),
    st.fixed_dictionaries(
        {"uses": st.just("./called.yml")},
        optional={**common, "with": st.dictionaries(st.sampled_from(["x", "flag"]), names), "secrets": st.just("inherit")},
    ),
)
filters = st.lists(st.sampled_from(["main", "**", "!main", "v*", "a.py", "[", "**/x?+", "\\"]), min_size=1, max_size=3)
TRIGGERS: dict[str, st.SearchStrategy[Any]] = {
    "push": st.fixed_dictionaries({}, optional={"branches": filters, "tags": filters, "paths": filters}),
    "pull_request": st.fixed_dictionaries({}, optional={"branches-ignore": filters, "paths-ignore": filters}),
    "schedule": st.just([{"cron": "0 1 * * *"}]),
    "workflow_run": st.just({"workflows": ["CI"], "branches": ["main"]}),
    "workflow_dispatch": st.fixed_dictionaries(
        {
            "inputs": st.dictionaries(
                st.sampled_from(["x", "flag"]), st.sampled_from([None, {"type": "boolean"}, {"type": "number"}])
            )
        }
    ),
}
on = st.one_of(
    st.lists(st.sampled_from(sorted(KINDS.keys() - {"schedule", "workflow_run"})), min_size=1, max_size=4),
    st.fixed_dictionaries({}, optional=TRIGGERS).filter(bool),
)
IDS = ["a", "b", "c", "D"]


@st.composite
def files(draw: st.DrawFn) -> str:
    """A workflow file, as JSON, which is YAML too. It need not be one that can be read."""
    found: dict[str, Any] = {"on": draw(on), "jobs": {}}
    for number, name in enumerate(IDS[: draw(st.integers(1, 4))]):
        job = draw(jobs)
        needs = draw(st.lists(st.sampled_from(IDS[:number]), max_size=2)) if number else []
        found["jobs"][name] = {**job, **({"needs": needs} if needs else {})}
    if draw(st.booleans()):
        found["concurrency"] = draw(templates(expressions()))
    if draw(st.booleans()):
        found["run-name"] = draw(templates(expressions()))
    return json.dumps(found)


CALLED = b"""
on:
  workflow_call:
    inputs: {x: {type: string}, flag: {type: boolean, default: true}}
    outputs: {x: {value: '${{ jobs.i.outputs.x }}'}}
concurrency: in-${{ inputs.x }}
jobs:
  i: {runs-on: '${{ inputs.x }}', if: inputs.flag, outputs: {x: '${{ steps.s.outputs.x }}'}, steps: [{id: s, run: x}]}
"""


class Called:
    def read(self, reference: str) -> bytes | None:
        return CALLED


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["x", "include", "exclude", "", "Matrix"]), inner)
    ),
    max_leaves=8,
)
json_texts = json_values.map(json.dumps) | st.sampled_from(
    ["", "x", "[" * 200 + "]" * 200, '{"x":' * 60 + "[1]" + "}" * 60, json.dumps({"x": list(range(300))})]
)


@st.composite
def events(draw: st.DrawFn) -> Event:
    name = draw(st.sampled_from(sorted(KINDS)))
    return Event(
        name,
        Repository("octo/hello", "/repo", "/repo/.git"),
        draw(st.sampled_from(["refs/heads/main", "refs/tags/v1", "refs/pull/1/merge", "refs/heads/a/b", ""])),
        "1" * 40,
        "/repo/.git",
        payload=draw(st.dictionaries(st.sampled_from(["inputs", "schedule", "workflow_run", "release", "action"]), json_values)),
        changed_files=draw(st.none() | st.lists(st.sampled_from(["a.py", "docs/x", "é"])).map(tuple)),
        action=draw(st.sampled_from(["", "opened", "synchronize", "nope"])),
        base_ref=draw(st.sampled_from(["", "main"])),
        message=draw(st.sampled_from(["", "x [skip ci]", "a\n\n\nskip-checks: true"])),
        inputs=draw(st.dictionaries(st.sampled_from(["x", "FLAG", "other"]), st.text(max_size=4), max_size=2)),
    )


CAPABLE = [
    Capabilities(frozenset()),
    Capabilities(frozenset({"ubuntu-*"}), frozenset({"actions/checkout"})),
    Capabilities(
        frozenset({"ubuntu-*", "windows-*"}),
        frozenset({"actions/checkout", "x/y"}),
        frozenset({"container", "services", "environment", "concurrency", "local-action", "reusable-workflow"}),
    ),
]
selections = st.builds(
    Selection,
    jobs=st.sampled_from([(), ("a",), ("b", "d"), ("nobody",)]),
    needs=st.booleans(),
    matrix=st.sampled_from([{}, {"x": "1"}]),
)
outcomes = st.builds(
    Outcome,
    st.sampled_from(["success", "failure", "cancelled", "skipped", "unsupported"]),
    st.dictionaries(st.sampled_from(["x", "y"]), json_texts, max_size=2),
)


def read(text: str) -> Workflow | None:
    return load(".github/workflows/ci.yml", text.encode(), source=Called()).workflow


def show(plan: Plan) -> None:
    """What can be planned can be printed, and handed on."""
    for style in (Style(), Style(width=60)):
        for legs in ((), (legs_explained,)):
            assert all("\n" not in line for line in plan_lines(plan, style, *legs))
    found = json.loads(plan_json(plan, ()))
    assert all(set(row["from"]) == set(row["matrix"] or ()) for row in found["jobs"])
    assert all(len(planned.legs) <= 256 for planned in plan.jobs.values() if not isinstance(planned.legs, Deferred))
    msgspec.msgpack.encode(plan)


@given(files(), events(), st.sampled_from(CAPABLE), selections, json_texts, st.data())
def test_any_workflow_and_any_event(
    text: str, event: Event, capabilities: Capabilities, selection: Selection, variable: str, data: st.DataObject
) -> None:
    workflow = read(text)
    if workflow is None:
        return
    try:
        plan = make_plan([workflow], event, capabilities, selection, vars={"M": variable})
    except UsageError as error:
        assert error.problems
        return
    show(plan)
    known: dict[Any, Outcome] = {}
    for path in list(plan.jobs):
        plan.jobs[path] = settled = settle(plan, path, known, cancelled=data.draw(st.booleans()))
        assert not isinstance(settled.legs, Deferred)
        assert all(leg.would != "undecided" for leg in settled.legs), settled.legs
        known[path] = data.draw(outcomes)
    show(plan)


DEEP = '{"x":' * 400 + "[1]" + "}" * 400


@pytest.mark.covers("language:1.6", "language:2.5")
@pytest.mark.parametrize(
    "key",
    [
        "strategy: '${{ fromJSON(vars.M) }}'",
        "strategy: {matrix: '${{ fromJSON(vars.M) }}'}",
        "strategy: {matrix: {x: ['${{ fromJSON(vars.M) }}']}}",
        "strategy: {matrix: {x: [1], include: ['${{ fromJSON(vars.M) }}']}}",
        "strategy: {matrix: {x: [1], exclude: ['${{ fromJSON(vars.M) }}']}}",
    ],
)
def test_values_nested_deeper_than_a_template_may_be_fail_the_job(key: str) -> None:
    workflow = read(f"on: push\njobs: {{a: {{runs-on: ubuntu-latest, {key}}}}}")
    assert workflow is not None
    event = Event("push", Repository("o/r", "/r", "/r/.git"), "refs/heads/main", "1" * 40, "/r/.git")
    plan = make_plan([workflow], event, CAPABLE[1], vars={"M": DEEP})
    (planned,) = plan.jobs.values()
    assert isinstance(planned.legs, tuple)
    (leg,) = planned.legs
    assert (leg.would, leg.why.rule) == ("fail", "evaluation")
    assert "Maximum object depth exceeded" in leg.why.facts["message"]
    show(plan)
