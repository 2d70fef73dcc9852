"""What `concurrency` asks for, of workflows and of jobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from headrace.plan.claims import group_key, workflow_claims
from headrace.plan.contexts import RunInfo
from headrace.plan.model import Claim, Deferred, Outcome, Plan
from headrace.plan.settle import settle

MakePlan = Callable[..., Plan]


def job(fields: str, id: str = "a") -> str:
    return f"  {id}: {{runs-on: ubuntu-latest, steps: [{{run: x}}]{', ' if fields else ''}{fields}}}\n"


def workflow(jobs: str, top: str = "") -> str:
    return f"on: push\n{top}\njobs:\n{jobs}"


FORMS = [
    ("deploy", Claim("deploy")),
    ("'${{ github.ref }}'", Claim("refs/heads/main")),
    ("{group: deploy}", Claim("deploy")),
    ("{group: deploy, cancel-in-progress: true}", Claim("deploy", cancel_in_progress=True)),
    ("{group: deploy, cancel-in-progress: \"${{ github.ref == 'refs/heads/main' }}\"}", Claim("deploy", cancel_in_progress=True)),
    ("{group: deploy, cancel-in-progress: \"${{ github.ref == 'x' }}\"}", Claim("deploy")),
    ("{group: deploy, queue: max}", Claim("deploy", queue="max")),
    ("{group: deploy, queue: max, cancel-in-progress: \"${{ github.ref == 'x' }}\"}", Claim("deploy", queue="max")),
    ("{group: 'g-${{ vars.NAME }}', queue: single}", Claim("g-prod")),
    ('"${{ fromJSON(\'{\\"Group\\": \\"x\\", \\"Cancel-In-Progress\\": true}\') }}"', Claim("x", cancel_in_progress=True)),
]


@pytest.mark.covers("language:10.1")
@pytest.mark.parametrize(("text", "claim"), FORMS)
def test_a_claim_comes_in_every_form(plan: MakePlan, leg: Callable[..., Any], text: str, claim: Claim) -> None:
    found = leg(plan(workflow(job(f"concurrency: {text}")), vars={"NAME": "prod"}), "a")
    assert (found.would, found.concurrency) == ("run", claim)
    whole = plan(workflow(job(""), f"concurrency: {text}"), vars={"NAME": "prod"})
    assert list(whole.claims.values()) == [claim]
    assert leg(whole, "a").concurrency is None


BROKEN = [
    ("'${{ vars.none }}'", "Concurrency group name cannot be empty"),
    ("{group: deploy, cancel-in-progress: '${{ github.ref }}'}", "Unexpected value 'refs/heads/main'"),
    ("{group: deploy, queue: '${{ github.ref }}'}", "Unexpected value 'refs/heads/main'"),
    (
        "{group: deploy, queue: max, cancel-in-progress: '${{ github.ref != 1 }}'}",
        "`queue: max` and `cancel-in-progress: true` may not be combined",
    ),
]


@pytest.mark.covers("language:10.1")
@pytest.mark.parametrize(("text", "message"), BROKEN)
def test_what_no_claim_can_be_made_of_fails_the_job_or_every_job(
    plan: MakePlan, leg: Callable[..., Any], text: str, message: str
) -> None:
    found = leg(plan(workflow(job(f"concurrency: {text}"))), "a")
    assert (found.would, found.why.rule, found.concurrency) == ("fail", "evaluation", None)
    assert found.why.facts["message"].startswith("Error when evaluating 'concurrency' for job 'a'. ")
    assert message in found.why.facts["message"]
    whole = plan(workflow(job(""), f"concurrency: {text}"))
    assert (whole.claims, leg(whole, "a").would) == ({}, "fail")
    assert leg(whole, "a").why.facts["message"].startswith("Error when evaluating 'concurrency'. ")
    assert message in leg(whole, "a").why.facts["message"]


@pytest.mark.covers("language:10.1")
def test_jobs_and_rows_that_share_a_group_all_run(plan: MakePlan, legs: Callable[..., Any]) -> None:
    assert legs(plan(workflow(job("concurrency: G") + job("concurrency: g", "b")))) == {"a": "run", "b": "run"}
    assert legs(plan(workflow(job("strategy: {matrix: {x: [1, 2]}}, concurrency: g")))) == {"a:0": "run", "a:1": "run"}
    texts = {path: workflow(job(""), "concurrency: all") for path in ("a.yml", "b.yml")}
    decided = [planned.legs for planned in plan(texts).jobs.values()]
    assert [[leg.would for leg in found] for found in decided if not isinstance(found, Deferred)] == [["run"], ["run"]]


@pytest.mark.covers("language:10.1")
@pytest.mark.parametrize("own", ["deploy", "DEPLOY", "'${{ vars.G }}'"])
def test_a_job_in_the_group_of_its_own_workflow_can_never_start(
    plan: MakePlan, leg: Callable[..., Any], legs: Callable[..., Any], own: str
) -> None:
    made = plan(workflow(job(f"concurrency: {own}") + job("", "b"), "concurrency: '${{ vars.G }}'"), vars={"G": "Deploy"})
    assert legs(made) == {"a": "fail", "b": "fail"}
    assert leg(made, "b").why.rule == "evaluation"
    assert "job 'a' could never start" in leg(made, "b").why.facts["message"]
    skipped = workflow(job(f"if: false, concurrency: {own}") + job("", "b"), "concurrency: '${{ vars.G }}'")
    assert legs(plan(skipped, vars={"G": "deploy"})) == {"a": "skip", "b": "run"}
    assert legs(plan(workflow(job("concurrency: other"), "concurrency: deploy"))) == {"a": "run"}


@pytest.mark.covers("language:10.1")
def test_a_row_that_turns_out_to_want_the_group_of_its_own_workflow_fails(plan: MakePlan) -> None:
    late = job("needs: first, concurrency: '${{ needs.first.outputs.group }}'") + job("", "first")
    made = plan(workflow(late, "concurrency: deploy"))
    first, a = (next(path for path in made.jobs if path.endswith(end)) for end in (":first", ":a"))
    for group, would in (("Deploy", "fail"), ("other", "run")):
        decided = settle(made, a, {first: Outcome("success", {"group": group})}).legs
        assert not isinstance(decided, Deferred)
        [found] = decided
        assert found.would == would


@pytest.mark.covers("language:10.1")
def test_a_group_made_of_the_runs_id_is_one_workflows_own(plan: MakePlan) -> None:
    """The usual way to leave pushes alone: every workflow has a run id of its own on GitHub."""
    text = workflow(job(""), "concurrency: '${{ github.head_ref || github.run_id }}'")
    made = plan({"a.yml": text, "b.yml": text})
    a, b = workflow_claims(made, lambda _: RunInfo(run_id="77"))[0].values()
    assert a.group == b.group == "77"
    assert group_key(a) != group_key(b)
    text = workflow(job(""), "concurrency: '${{ github.workflow_ref && github.run_number }}'")
    a, b = workflow_claims(plan({"a.yml": text, "b.yml": text}))[0].values()
    assert group_key(a) == group_key(b)


def test_a_workflow_that_cannot_begin_claims_nothing(plan: MakePlan) -> None:
    made = plan(workflow(job("concurrency: '${{ github.ref }}'"), "concurrency: '${{ github.ref }}'"))
    assert [made.scopes(planned) for planned in made.jobs.values()] == [()]
    made = plan(workflow(job(""), "concurrency: deploy"))
    assert [made.scopes(planned) for planned in made.jobs.values()] == [(".github/workflows/ci.yml",)]
