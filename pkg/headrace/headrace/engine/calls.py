"""A calling leg begins and ends: the jobs inside become part of the plan, and their results the leg's. Loaded for calls only."""

from __future__ import annotations

from collections.abc import Mapping

from headrace.base.errors import HeadraceError
from headrace.engine.decide import combined
from headrace.engine.tickets import Tickets
from headrace.plan.calls import add, call_outputs, expand
from headrace.plan.contexts import RunInfo
from headrace.plan.failure import failed
from headrace.plan.model import JobPath, Leg, Outcome, Plan, Planned, Reason
from headrace.record.state import LegState


def enter(plan: Plan, tickets: Tickets, caller: Planned, leg: Leg, outcomes: Mapping[JobPath, Outcome]) -> Reason | None:
    """Put the jobs inside into the plan's tables, and settle which secrets they see. Returns why the call fails instead."""
    try:
        expansion = expand(plan, caller, leg)
    except HeadraceError as error:
        return failed(caller.job, "uses", error)
    try:
        tickets.admit(caller, leg, outcomes)
    except HeadraceError as error:
        return failed(caller.job, "secrets", error)
    add(plan, expansion)
    for job in expansion.jobs:
        plan.jobs[job.path] = job
    return None


def leave(
    plan: Plan,
    caller: Planned,
    leg: Leg,
    outcomes: Mapping[JobPath, Outcome],
    vars: Mapping[str, str],
    run: RunInfo,
    seq: int,
    cancelled: Reason | None,
) -> LegState | Reason:
    """What a calling leg comes to whose jobs all have results: the worst of these, and the outputs of the called file. `seq` is
    the number of the last record; `cancelled` says why not all of it may have been done. Returns why the call fails instead."""
    result = combined([outcomes[path].result for path in plan.calls[leg.path].jobs])
    if cancelled is not None and result in ("success", "skipped"):
        result = "cancelled"
    outputs: dict[str, str] = {}
    if result not in ("skipped", "unsupported"):
        try:
            outputs = call_outputs(plan, leg.path, outcomes, vars, run)
        except HeadraceError as error:
            return failed(caller.job, "outputs", error)
    return LegState(
        leg.path, caller.path, caller.workflow, "", leg.name, leg.index, leg.total, leg.matrix, caller.needs, False, "",
        result=result, outputs=outputs, finished=seq,
    )  # fmt: skip
