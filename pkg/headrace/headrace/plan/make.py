"""Workflows × event → plan. Pure: reads no file, asks no machine, starts nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import structs

from headrace.base.errors import HeadraceError, Problem, UsageError
from headrace.events.model import Event
from headrace.plan import messages
from headrace.plan.contexts import github_context
from headrace.plan.inputs import settle_inputs
from headrace.plan.model import Capabilities, Deferred, JobPath, Leg, Plan, Planned, Reason
from headrace.plan.select import Selection, check_matrix, select_jobs, select_workflows
from headrace.plan.settle import concurrency_group, settle
from headrace.plan.triggers import Decision, decide_workflow
from headrace.plan.unsupported import feature_named, missing
from headrace.workflow import messages as fixed
from headrace.workflow.model import Job, Workflow
from headrace.workflow.problems import render

EVERYTHING = Selection()


def make_plan(
    workflows: Sequence[Workflow],
    event: Event,
    capabilities: Capabilities,
    selection: Selection = EVERYTHING,
    *,
    vars: Mapping[str, str] | None = None,
) -> Plan:
    """What `event` starts: the jobs of every workflow that it triggers, each leg with what it would do and why.

    `rejected` names the workflows it does not start (those that the selection leaves out are not mentioned). Jobs are listed so
    that each stands after the jobs it needs.

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
    ids = select_jobs(started, selection, refused)
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
    )
    groups, broken = _workflow_groups(plan)
    plan = structs.replace(plan, broken=broken)
    _fill(plan, ids)
    contended = _contended(plan, groups)
    if contended and "concurrency" not in capabilities.features:
        plan = _held_back(plan, ids, groups, contended)
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
    for workflow in plan.workflows.values():
        for job in in_order(workflow, ids[workflow.path]):
            path = job_path(workflow, job.id)
            spelled = {name.lower(): name for name in ids[workflow.path]}
            needs = [job_path(workflow, spelled[n.lower()]) for n in job.needs if n.lower() in spelled]
            plan.jobs[path] = Planned(path, workflow.path, job, tuple(dict.fromkeys(needs)), ())
            plan.jobs[path] = settle(plan, path, {})


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


# Concurrency ---------------------------------------------------------------------------------------------------------
#
# A group of one holder is satisfied at once: a local run competes with no other. What would wait for, or be cancelled by, another
# part of the same run is not.


def _workflow_groups(plan: Plan) -> tuple[dict[str, str], dict[str, Reason]]:
    """Workflow path → its concurrency group, in lower case; and the workflows whose group cannot be evaluated."""
    groups: dict[str, str] = {}
    broken: dict[str, Reason] = {}
    for path, workflow in plan.workflows.items():
        if workflow.concurrency is None:
            continue
        inputs = plan.inputs.get(path, {})
        contexts = {"github": github_context(plan.event, workflow, inputs=inputs), "inputs": inputs, "vars": plan.vars}
        try:
            groups[path] = concurrency_group(workflow.concurrency, contexts).lower()
        except HeadraceError as error:
            text = messages.workflow_evaluation("concurrency", [render(problem) for problem in error.problems])
            broken[path] = Reason("evaluation", workflow.concurrency.at, {"key": "concurrency", "message": text})
    return groups, broken


def _contended(plan: Plan, groups: Mapping[str, str]) -> frozenset[str]:
    """The groups that more than one workflow or leg of this run would hold."""
    legs = [leg for job in plan.jobs.values() if not isinstance(job.legs, Deferred) for leg in job.legs]
    holders = [*groups.values(), *(leg.concurrency.lower() for leg in legs if leg.concurrency and leg.would == "run")]
    return frozenset(group for group in holders if holders.count(group) > 1)


def _held_back(plan: Plan, ids: Mapping[str, Sequence[str]], groups: Mapping[str, str], contended: frozenset[str]) -> Plan:
    """The plan again, with everything that contends for a group marked. A job in its own workflow's group can never start."""
    broken = dict(plan.broken)
    for path, group in groups.items():
        workflow = plan.workflows[path]
        inner = next((job for job in _jobs_in_group(plan, path, group)), None)
        at = workflow.concurrency.at if workflow.concurrency else None
        if inner is not None:
            broken[path] = Reason("evaluation", at, {"key": "concurrency", "message": fixed.deadlock(group, inner)})
        elif list(groups.values()).count(group) > 1:
            broken[path] = missing(feature_named("concurrency"), at, group)
    again = structs.replace(plan, jobs={}, contended=contended, broken=broken)
    _fill(again, ids)
    return again


def _jobs_in_group(plan: Plan, workflow: str, group: str) -> Iterator[str]:
    for job in plan.jobs.values():
        legs = job.legs if job.workflow == workflow and not isinstance(job.legs, Deferred) else ()
        if any(leg.concurrency.lower() == group for leg in legs):
            yield job.job.id


def _check_matrix(plan: Plan, ids: Mapping[str, Sequence[str]]) -> None:
    whole = structs.replace(plan, jobs={}, matrix={})
    _fill(whole, ids)
    if any(isinstance(job.legs, Deferred) for job in whole.jobs.values()):
        return  # the value may yet turn up
    legs: list[Leg] = [leg for job in whole.jobs.values() if not isinstance(job.legs, Deferred) for leg in job.legs]
    check_matrix(legs, plan.matrix)
