"""The plan as a whole: what starts, what was asked for, in which order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from headrace.base.errors import UsageError
from headrace.events.model import Event
from headrace.plan.make import in_order
from headrace.plan.select import means_workflow
from headrace.workflow.model import Job, Steps, Workflow
from headrace.workflow.tokens import Expression, Scalar
from hypothesis import given
from hypothesis import strategies as st

MakePlan = Callable[..., Any]
STEP = "runs-on: ubuntu-latest, steps: [{run: x}]"
CI = f"""
name: Build and test
on: [push, pull_request]
jobs:
  publish: {{needs: [Test, lint], {STEP}}}
  lint: {{{STEP}}}
  test: {{needs: setup, strategy: {{matrix: {{python-version: ['3.10', '3.13'], os: [linux]}}}}, {STEP}}}
  setup: {{{STEP}}}
  alone: {{{STEP}}}
"""
DOCS = f"""
name: Docs
on: {{push: {{paths: ['docs/**']}}}}
jobs:
  lint: {{{STEP}}}
  pages: {{{STEP}}}
"""
TEXTS = {".github/workflows/ci.yml": CI, ".github/workflows/docs.yaml": DOCS}


def ids(made: Any) -> list[str]:
    return [planned.job.id for planned in made.jobs.values()]


def test_every_job_stands_after_those_it_needs_else_in_file_order(plan: MakePlan) -> None:
    made = plan(CI)
    assert ids(made) == ["setup", "test", "lint", "publish", "alone"]
    publish = made.jobs[".github/workflows/ci.yml:publish"]
    assert publish.needs == (".github/workflows/ci.yml:test", ".github/workflows/ci.yml:lint")


def test_workflows_that_do_not_start_are_told_with_the_reason(plan: MakePlan) -> None:
    made = plan(TEXTS)
    assert list(made.workflows) == [".github/workflows/ci.yml"]
    (why,) = made.rejected
    assert (why.rule, why.facts["workflow"]) == ("paths", ".github/workflows/docs.yaml")
    assert made.started[".github/workflows/ci.yml"].rule == "event"


def test_legs_say_why_the_workflow_starts(plan: MakePlan, event: Callable[..., Any]) -> None:
    made = plan(DOCS, event(changed_files=("docs/a",)))
    assert [leg.why.rule for planned in made.jobs.values() for leg in planned.legs] == ["paths", "paths"]


def test_an_event_that_starts_nothing_is_an_empty_plan(plan: MakePlan, event: Callable[..., Any]) -> None:
    made = plan(TEXTS, event("fork"))
    assert (made.jobs, made.workflows, len(made.rejected)) == ({}, {}, 2)


# ---- which workflows ----


@pytest.mark.parametrize(
    "text",
    [".github/workflows/ci.yml", "./.github/workflows/ci.yml", "ci.yml", "ci", "Build and test", "build AND test"],
)
def test_a_workflow_is_meant_by_path_file_or_name(plan: MakePlan, text: str) -> None:
    made = plan(TEXTS, workflows=(text,))
    assert list(made.workflows) == [".github/workflows/ci.yml"]
    assert made.rejected == (), "what was not asked for is not mentioned"


@pytest.mark.parametrize("text", [".github/workflows", ".github/workflows/", ".github", "."])
def test_a_folder_means_all_workflows_below(plan: MakePlan, text: str) -> None:
    made = plan(TEXTS, workflows=(text,))
    assert len(made.workflows) + len(made.rejected) == 2


@pytest.mark.parametrize(("text", "near"), [("cl.yml", "ci.yml"), ("Build and tst", "Build and test"), ("docs.yml", "docs.yaml")])
def test_an_unknown_workflow_names_the_nearest(plan: MakePlan, text: str, near: str) -> None:
    with pytest.raises(UsageError, match=f"there is no workflow '{text}'.*'{near}'"):
        plan(TEXTS, workflows=("ci.yml", text))


@pytest.mark.parametrize("text", ["", "workflows", "ci.yaml", ".github/work"])
def test_parts_of_a_name_mean_nothing(read: Callable[..., Any], text: str) -> None:
    assert not means_workflow(text, read(CI))


# ---- which jobs ----


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        (("publish",), ["setup", "test", "lint", "publish"]),
        (("test",), ["setup", "test"]),
        (("TEST",), ["setup", "test"]),
        (("alone", "lint"), ["lint", "alone"]),
        (("ci/lint",), ["lint"]),
        (("ci.yml/lint",), ["lint"]),
        (("Build and test/lint",), ["lint"]),
        ((".github/workflows/ci.yml/lint",), ["lint"]),
    ],
)
def test_a_job_comes_with_what_it_needs(plan: MakePlan, jobs: tuple[str, ...], expected: list[str]) -> None:
    assert ids(plan(CI, jobs=jobs)) == expected


def test_a_job_without_its_needs_is_taken_as_if_they_had_succeeded(plan: MakePlan, leg: Callable[..., Any]) -> None:
    made = plan(CI, jobs=("publish",), needs=False)
    assert ids(made) == ["publish"]
    (planned,) = made.jobs.values()
    assert planned.needs == ()
    assert leg(made, "publish").would == "run"
    text = CI.replace(
        "needs: [Test, lint],", "needs: [Test, lint], if: needs.test.result == 'success' && needs.test.outputs.x == '',"
    )
    assert leg(plan(text, jobs=("publish",), needs=False), "publish").would == "run"


def test_a_job_id_in_two_workflows_means_both_and_the_workflow_tells_them_apart(
    plan: MakePlan, event: Callable[..., Any]
) -> None:
    happened = event(changed_files=("docs/a",))
    assert len(plan(TEXTS, happened, jobs=("lint",)).jobs) == 2
    assert list(plan(TEXTS, happened, jobs=("docs/lint",)).jobs) == [".github/workflows/docs.yaml:lint"]


@pytest.mark.parametrize(
    ("job", "near"), [("tset", "'test'"), ("ci/tset", "'test'"), ("other/lint", "'lint'"), ("zzz", "there are publish, lint")]
)
def test_an_unknown_job_names_the_nearest(plan: MakePlan, job: str, near: str) -> None:
    with pytest.raises(UsageError, match=f"there is no job '{job}'.*{near}"):
        plan(CI, jobs=(job,))


def test_a_job_of_a_workflow_that_does_not_start_says_so(plan: MakePlan) -> None:
    with pytest.raises(UsageError, match=r"'pages' does not start.*docs\.yaml"):
        plan(TEXTS, jobs=("pages",))


# ---- which legs ----


@pytest.mark.parametrize(
    ("matrix", "names"),
    [
        ({"python-version": "3.13"}, ["setup", "test (3.13, linux)", "lint", "publish", "alone"]),
        ({"PYTHON-version": "3.10", "os": "linux"}, ["setup", "test (3.10, linux)", "lint", "publish", "alone"]),
    ],
)
def test_only_the_named_legs_are_left(plan: MakePlan, matrix: dict[str, str], names: list[str]) -> None:
    made = plan(CI, matrix=matrix)
    assert [leg.name for planned in made.jobs.values() for leg in planned.legs] == names
    test = made.jobs[".github/workflows/ci.yml:test"].legs[0]
    assert test.total == 2, "its place among all legs stays"


def test_where_no_workflow_starts_that_is_what_is_told_and_not_a_missing_matrix_key(
    plan: MakePlan, event: Callable[..., Event]
) -> None:
    made = plan(CI, event("workflow_dispatch"), matrix={"python": "3"})
    assert not made.jobs
    assert made.rejected


@pytest.mark.parametrize(
    ("matrix", "text"),
    [({"python": "3.13"}, "no job has a matrix key 'python'.*'python-version'"), ({"os": "macos"}, "no leg has that value")],
)
def test_a_leg_that_does_not_exist_is_an_error(plan: MakePlan, matrix: dict[str, str], text: str) -> None:
    with pytest.raises(UsageError, match=text):
        plan(CI, matrix=matrix)


def test_a_matrix_without_a_named_leg_is_skipped(plan: MakePlan, leg: Callable[..., Any]) -> None:
    text = CI.replace("  alone: {", "  alone: {strategy: {matrix: {os: [x]}}, ")
    found = leg(plan(text, matrix={"os": "linux"}), "alone")
    assert (found.would, found.why.rule, found.why.facts) == ("skip", "selection", {"matrix.os": "linux"})


def test_a_value_that_may_yet_turn_up_is_no_error(plan: MakePlan) -> None:
    text = CI.replace("  alone: {", "  alone: {needs: lint, strategy: {matrix: {os: '${{ fromJSON(needs.lint.outputs.x) }}'}}, ")
    assert plan(text, matrix={"os": "later"}).matrix == {"os": "later"}


# ---- order ----


@st.composite
def graphs(draw: st.DrawFn) -> Workflow:
    names = draw(st.permutations([f"j{n}" for n in range(draw(st.integers(1, 9)))]))
    rank = {name: place for place, name in enumerate(draw(st.permutations(names)))}
    jobs = {}
    for name in names:
        earlier = [other for other in names if rank[other] < rank[name]]
        needs = draw(st.lists(st.sampled_from(earlier), unique=True)) if earlier else []
        jobs[name] = Job(name, tuple(n.upper() for n in needs), Expression("success()"), Steps((), Scalar("ubuntu-latest")))
    return Workflow("x.yml", "x", (), jobs)


@given(graphs())
def test_any_graph_is_put_in_an_order_that_respects_needs(workflow: Workflow) -> None:
    order = [job.id for job in in_order(workflow, tuple(workflow.jobs))]
    assert sorted(order) == sorted(workflow.jobs)
    for name in order:
        assert all(order.index(need.lower()) < order.index(name) for need in workflow.jobs[name].needs)
