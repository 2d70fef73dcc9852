"""What `concurrency` asks for, of a workflow and of a job: the group, and what becomes of others in it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from headrace.base.errors import HeadraceError, Problem
from headrace.expressions import Value
from headrace.expressions.values import fold_case
from headrace.plan import messages
from headrace.plan.contexts import NO_RUN, RunInfo, github_context
from headrace.plan.model import Claim, Deferred, Leg, Plan, Planned, Reason
from headrace.workflow import messages as fixed
from headrace.workflow import template
from headrace.workflow.problems import render
from headrace.workflow.tokens import Scalar, Token


def claim_of(token: Token, contexts: Mapping[str, Value], owner: str = "") -> Claim:
    """The claim that the value of a `concurrency` key makes. `owner` is the workflow's path: every workflow has its own
    `github.run_id` on GitHub, while the workflows of a run share one here, so that a group made of it is the workflow's own.

    Raises `TemplateError` for an empty group, for one of more than 400 characters, for a value that does not fit, and for
    `queue: max` with `cancel-in-progress: true`."""
    value = template.value(token, contexts)
    block: dict[str, Any] = {key.lower(): inner for key, inner in value.items()} if isinstance(value, dict) else {"group": value}
    group = template.text(Scalar("" if isinstance(block.get("group"), list | dict) else block.get("group"), token.at), {})
    if not group or len(group) > 400:
        raise template.TemplateError(Problem(fixed.GROUP_TOO_LONG if group else fixed.GROUP_EMPTY, token.at))
    cancel = "cancel-in-progress" in block and template.boolean(_literal(block["cancel-in-progress"], token), {})
    queue = template.text(_literal(block["queue"], token), {}) if "queue" in block else "single"
    if queue not in ("single", "max"):
        raise template.TemplateError(Problem(fixed.unexpected_value(queue), token.at))
    if queue == "max" and cancel:
        raise template.TemplateError(Problem(fixed.QUEUE_AND_CANCEL, token.at))
    own = owner and any(path in (("github",), ("github", "run_id")) for path in template.references(token))
    return Claim(group, cancel, "max" if queue == "max" else "single", owner if own else "")


def _literal(value: Value, token: Token) -> Scalar:
    return Scalar("" if isinstance(value, list | dict) else value, token.at)


def group_key(claim: Claim) -> str:
    """What two claims for the same group have in common: names differ in more than case.

    >>> group_key(Claim("Deploy")) == group_key(Claim("dePLOY")), group_key(Claim("a")) == group_key(Claim("a", owner="w"))
    (True, False)
    """
    return fold_case(claim.group) + (f"\n{claim.owner}" if claim.owner else "")


def workflow_claims(plan: Plan, info: Callable[[str], RunInfo] = lambda _: NO_RUN) -> tuple[dict[str, Claim], dict[str, Reason]]:
    """Workflow path → what its own `concurrency` claims; and the workflows whose `concurrency` cannot be evaluated, each with the
    reason. `info` gives the numbers of the run for a workflow's path."""
    claims: dict[str, Claim] = {}
    broken: dict[str, Reason] = {}
    for path, workflow in plan.workflows.items():
        if workflow.concurrency is None or path in plan.calls:  # a called file's is its caller's
            continue
        inputs = plan.inputs.get(path, {})
        github = github_context(plan.event, workflow, info(path), inputs)
        contexts: dict[str, Any] = {"github": github, "inputs": inputs, "vars": plan.vars}
        try:
            claims[path] = claim_of(workflow.concurrency, contexts, path)
        except HeadraceError as error:
            text = messages.workflow_evaluation("concurrency", [render(problem) for problem in error.problems])
            broken[path] = Reason("evaluation", workflow.concurrency.at, {"key": "concurrency", "message": text})
    return claims, broken


def deadlock(plan: Plan, planned: Planned, leg: Leg) -> Reason | None:
    """Why a leg with its claims could never start: what it is part of holds one of the groups until the leg is over."""
    call = plan.calls.get(planned.workflow)
    held = [plan.claims[scope] for scope in plan.scopes(planned)] + list(call.claims if call is not None else ())
    for claim in leg.claims:
        if group_key(claim) in map(group_key, held):
            token = planned.job.concurrency
            at = token.at if token is not None else planned.job.at
            text = fixed.deadlock(claim.group, planned.job.id)
            return Reason("evaluation", at, {"key": "concurrency", "message": text})
        held.append(claim)
    return None


def stuck(plan: Plan) -> dict[str, Reason]:
    """The workflows with a job, or a job of a file that they call, that wants the group which the workflow holds: each with why
    that job could never start."""
    found: dict[str, Reason] = {}
    for planned in plan.jobs.values():
        for scope in plan.scopes(planned):
            for leg in planned.legs if not isinstance(planned.legs, Deferred) else ():
                why = deadlock(plan, planned, leg)
                if why is not None and group_key(plan.claims[scope]) in map(group_key, leg.claims):
                    found.setdefault(scope, why)
    return found
