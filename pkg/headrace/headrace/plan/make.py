"""Workflows × event → plan. Pure: reads no file, asks no machine, starts nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import structs

from headrace.base.errors import HeadraceError, Problem, UsageError
from headrace.events.model import Event
from headrace.plan.failure import failed
from headrace.plan.inputs import settle_inputs
from headrace.plan.model import Capabilities, Deferred, FoundAction, JobPath, Leg, Origin, Plan, Planned, Reason
from headrace.plan.select import Selection, check_matrix, select_jobs, select_workflows
from headrace.plan.settle import settle
from headrace.plan.triggers import Decision, decide_workflow
from headrace.workflow.model import Call, Job, Workflow

EVERYTHING = Selection()


def make_plan(
    workflows: Sequence[Workflow],
    event: Event,
    capabilities: Capabilities,
    selection: Selection = EVERYTHING,
    *,
    vars: Mapping[str, str] | None = None,
    origins: Mapping[str, Origin] | None = None,
    actions: Mapping[str, FoundAction] | None = None,
) -> Plan:
    """What `event` starts: the jobs of every workflow that it triggers, each leg with what it would do and why.

    `rejected` names the workflows it does not start (those that the selection leaves out are not mentioned). Jobs are listed so
    that each stands after the jobs it needs. `origins`: reference to another repository → what it was found to mean;
    `actions`: `uses` of a step → the same.

    Raises `UsageError` for a selection that names nothing, and for inputs that fit no workflow.
    """
    chosen = select_workflows(workflows, selection.workflows)
    decisions = {workflow.path: decide_workflow(workflow, event) for workflow in chosen}
    rejected = [d.why for d in decisions.values() if not d.started]
    started = [w for w in chosen if decisions[w.path].started]
    inputs, misfits = _inputs(started, decisions, event)
    rejected += misfits
    started = [w for w in started if w.path in inputs]
    refused = {w.path: " ".join(w.jobs) for w in workflows if w.path not in inputs}
    ids, only = select_jobs(started, selection, refused)
    plan = Plan(
        event=event,
        workflows={w.path: w for w in started if ids.get(w.path)},
        jobs={},
        rejected=tuple(rejected),
        inputs=inputs,
        started={w.path: decisions[w.path].why for w in started},
        capabilities=capabilities,
        vars=dict(vars or {}),
        matrix=dict(selection.matrix),
        only=only,
        origins=dict(origins or {}),
        actions=dict(actions or {}),
    )
    if any(workflow.concurrency is not None for workflow in plan.workflows.values()):
        plan = _with_claims(plan, ids)
    else:
        _fill(plan, ids)
    if selection.matrix and plan.jobs:
        _check_matrix(plan, ids)
    return plan


def _inputs(
    started: Sequence[Workflow], decisions: Mapping[str, Decision], event: Event
) -> tuple[dict[str, dict[str, Any]], list[Reason]]:
    """Workflow path → typed inputs, and the reasons of those that the given ones do not fit. Raises `UsageError` where
    they fit none."""
    if event.name not in ("workflow_dispatch", "workflow_call"):
        return {workflow.path: {} for workflow in started}, []
    found: dict[str, dict[str, Any]] = {}
    misfits: list[Reason] = []
    problems: list[Problem] = []
    for workflow in started:
        trigger = decisions[workflow.path].trigger
        assert trigger is not None  # it was started
        try:
            found[workflow.path] = settle_inputs(trigger, event.inputs)
        except UsageError as error:
            problems += error.problems
            at = error.problems[0].at
            text = "; ".join(problem.message for problem in error.problems)
            misfits.append(Reason("dispatch-input", at, {"workflow": workflow.path, "event": event.name, "message": text}))
    if started and not found:
        raise UsageError(*problems)
    return found, misfits


def _fill(plan: Plan, ids: Mapping[str, Sequence[str]]) -> None:
    """Put the jobs into `plan.jobs`, each after those that it needs."""
    for workflow in list(plan.workflows.values()):
        for job in in_order(workflow, ids[workflow.path]):
            path = job_path(workflow, job.id)
            spelled = {name.lower(): name for name in ids[workflow.path]}
            needs = [job_path(workflow, spelled[n.lower()]) for n in job.needs if n.lower() in spelled]
            plan.jobs[path] = Planned(path, workflow.path, job, tuple(dict.fromkeys(needs)), ())
            plan.jobs[path] = settle(plan, path, {})
            if isinstance(job.body, Call):
                _fill_call(plan, path)


def _fill_call(plan: Plan, path: JobPath) -> None:
    """Put what is inside of a calling job's legs behind it, as far as it is known which legs there are."""
    from headrace.plan.calls import add, expand

    caller = plan.jobs[path]
    for leg in () if isinstance(caller.legs, Deferred) else caller.legs:
        if leg.would != "run":
            continue
        try:
            expansion = expand(plan, caller, leg)
        except HeadraceError as error:
            plan.jobs[path] = _failing(plan.jobs[path], leg, failed(caller.job, "uses", error))
            continue
        add(plan, expansion)
        for inner in expansion.jobs:
            plan.jobs[inner.path] = inner
            plan.jobs[inner.path] = settle(plan, inner.path, {})
            if isinstance(inner.job.body, Call):
                _fill_call(plan, inner.path)


def _failing(caller: Planned, leg: Leg, why: Reason) -> Planned:
    """The calling job with one of its legs failing."""
    assert not isinstance(caller.legs, Deferred)
    legs = tuple(structs.replace(leg, would="fail", why=why) if each.path == leg.path else each for each in caller.legs)
    return structs.replace(caller, legs=legs)


def _with_claims(plan: Plan, ids: Mapping[str, Sequence[str]]) -> Plan:
    """The plan with its jobs and what its workflows claim by `concurrency`. A workflow with a job that wants the group which it
    holds itself can never get to its end: it is not begun."""
    from headrace.plan.claims import stuck, workflow_claims

    claims, broken = workflow_claims(plan)
    plan = structs.replace(plan, claims=claims, broken=broken)
    _fill(plan, ids)
    if found := stuck(plan):
        plan = _emptied(plan, broken={**broken, **found})
        _fill(plan, ids)
    return plan


def job_path(workflow: Workflow, job: str) -> JobPath:
    return JobPath(f"{workflow.path}:{job}")


def in_order(workflow: Workflow, ids: Sequence[str]) -> Iterator[Job]:
    """These jobs in file order, but each after those that it needs."""
    spelled = {name.lower(): name for name in ids}
    pending, entered, done = list(reversed(ids)), set[str](), set[str]()
    while pending:
        name = pending[-1]
        needs = [spelled[n.lower()] for n in workflow.jobs[name].needs if n.lower() in spelled]
        first = [need for need in needs if need not in entered]
        if first and name not in entered:
            entered.add(name)
            pending += reversed(first)
            continue
        pending.pop()
        entered.add(name)
        if name not in done:
            done.add(name)
            yield workflow.jobs[name]


def _emptied(plan: Plan, **changes: Any) -> Plan:
    """The plan without jobs, to be filled anew."""
    if plan.calls:
        from headrace.plan.calls import unexpanded

        plan = unexpanded(plan)
    return structs.replace(plan, jobs={}, **changes)


def _check_matrix(plan: Plan, ids: Mapping[str, Sequence[str]]) -> None:
    whole = _emptied(plan, matrix={})
    _fill(whole, ids)
    if any(isinstance(job.legs, Deferred) for job in whole.jobs.values()):
        return  # the value may yet turn up
    legs: list[Leg] = [leg for job in whole.jobs.values() if not isinstance(job.legs, Deferred) for leg in job.legs]
    check_matrix(legs, plan.matrix)
