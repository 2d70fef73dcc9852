"""What comes next. Pure: from a plan, what is settled of it and what has happened so far to the steps an engine takes."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Union

from msgspec import Struct

from headrace.engine.gates import NOWHERE, Standings, Take, leg_gate, scope_gate
from headrace.engine.options import Limits
from headrace.plan.claims import scopes_of
from headrace.plan.model import JobPath, Leg, Outcome, Plan, Planned, Reason, Result
from headrace.record.state import LegState, RunState


class Settle(Struct, frozen=True, tag=True):
    """Everything this job needs has a result: decide its condition and its legs."""

    job: JobPath


class Start(Struct, frozen=True, tag=True):
    job: JobPath
    leg: Leg


class Finish(Struct, frozen=True, tag=True):
    """A leg that will not be started gets its result."""

    leg: Leg
    result: Result
    why: Reason


class Cancel(Struct, frozen=True, tag=True):
    leg: JobPath
    why: Reason


class Abandon(Struct, frozen=True, tag=True):
    """This job is cancelled before anything of it was decided."""

    job: JobPath
    why: Reason


class CallOff(Struct, frozen=True, tag=True):
    """All jobs under this key of `Plan.claims` are to be cancelled in order, as a run is."""

    key: str
    why: Reason


class Release(Struct, frozen=True, tag=True):
    """Leave the concurrency group that was taken under this key."""

    key: str


Action = Union[Settle, Start, Finish, Cancel, Abandon, CallOff, Take, Release]


def decide(
    plan: Plan,
    settled: Mapping[JobPath, Planned],
    started: Set[JobPath],
    state: RunState,
    limits: Limits,
    standings: Standings = NOWHERE,
) -> list[Action]:
    """The actions that are due now, in the order of the plan.

    `settled` holds the jobs whose legs are known for good, `started` the legs handed to an executor, `standings` where the run
    stands in concurrency groups. There are no stages: a job is due when its own needs have results. A workflow's group is taken
    before its first job, a leg's when nothing but a free place is missing, and both are left with the last result."""
    actions: list[Action] = []
    running = sum(1 for leg in started if not _result(state, leg))
    for path, planned in plan.jobs.items():
        job = settled.get(path)
        if job is None:
            gate = scope_gate(plan, planned, standings)
            if isinstance(gate, Reason):
                actions.append(Abandon(path, gate))
            elif all(need in settled and outcome(settled[need], state) for need in planned.needs):
                if gate == "open":
                    actions.append(Settle(path))
                elif isinstance(gate, Take) and gate not in actions:
                    actions.append(gate)
            continue
        assert isinstance(job.legs, tuple)
        failed = next((leg for leg in job.legs if leg.fail_fast and _fails(leg, state)), None)
        busy = sum(1 for leg in job.legs if (leg.path in started or leg.path in standings) and not _result(state, leg.path))
        for leg in job.legs:
            standing = standings.get(leg.path)
            if _result(state, leg.path):
                if standing is not None:
                    actions.append(Release(leg.path))
                continue
            if leg.path in started:
                if failed is not None:
                    actions.append(Cancel(leg.path, _fail_fast(failed)))
                elif standing is not None and standing.why is not None:
                    actions.append(Cancel(leg.path, standing.why))
            elif leg.would != "run":
                actions.append(Finish(leg, "failure" if leg.would == "fail" else _unstarted(leg), leg.why))
            elif failed is not None:
                actions.append(Finish(leg, "cancelled", _fail_fast(failed)))
            elif standing is not None or not (leg.max_parallel and busy >= leg.max_parallel):
                gate = leg_gate(job, leg, standings)
                if isinstance(gate, Reason):
                    actions.append(Finish(leg, "cancelled", gate))
                elif isinstance(gate, Take):
                    actions.append(gate)
                    busy += 1
                elif gate == "open" and running < limits.parallel:
                    actions.append(Start(path, leg))
                    running += 1
                    busy += standing is None
    return actions + (_of_scopes(plan, settled, state, standings) if standings else [])


def _of_scopes(plan: Plan, settled: Mapping[JobPath, Planned], state: RunState, standings: Standings) -> list[Action]:
    """What is due for groups that whole workflows are in."""
    actions: list[Action] = []
    for key in plan.claims:
        standing = standings.get(key)
        if standing is None:
            continue
        inside = [path for path, planned in plan.jobs.items() if key in scopes_of(plan, planned)]
        if all(path in settled and outcome(settled[path], state) for path in inside):
            actions.append(Release(key))
        elif standing.state == "holds" and standing.why is not None:
            actions.append(CallOff(key, standing.why))
    return actions


def outcome(job: Planned, state: RunState) -> Outcome | None:
    """What the job means to those that need it, None while one of its legs has no result.

    Legs write into one set of outputs: for each name the leg that finished last with a value wins. A failed leg with
    `continue-on-error` counts as a success."""
    assert isinstance(job.legs, tuple)
    legs = [state.legs.get(leg.path) for leg in job.legs]
    done = [leg for leg in legs if leg is not None and leg.result is not None]
    if len(done) < len(job.legs):
        return None
    outputs: dict[str, str] = {}
    for leg in sorted(done, key=lambda leg: leg.finished):
        outputs.update({name: value for name, value in leg.outputs.items() if value})
    return Outcome(combined([effective(leg) for leg in done]), outputs)


def effective(leg: LegState) -> Result:
    """A leg's result as others count it."""
    assert leg.result is not None
    return "success" if leg.result == "failure" and leg.continue_on_error and not leg.lost else leg.result


def combined(results: list[Result]) -> Result:
    """Several legs as one: the worst counts, and only legs that are all skipped make a skipped job.

    >>> combined(["success", "cancelled", "failure"]), combined(["skipped", "success"])
    ('failure', 'success')
    """
    order: tuple[Result, ...] = ("unsupported", "failure", "cancelled")
    for result in order:
        if result in results:
            return result
    return "skipped" if results and all(result == "skipped" for result in results) else "success"


def _result(state: RunState, leg: JobPath) -> Result | None:
    known = state.legs.get(leg)
    return known.result if known is not None else None


def _fails(leg: Leg, state: RunState) -> bool:
    return _result(state, leg.path) == "failure" and not leg.continue_on_error


def _fail_fast(failed: Leg) -> Reason:
    return Reason("fail-fast", facts={"leg": failed.name})


def _unstarted(leg: Leg) -> Result:
    return "unsupported" if leg.would == "unsupported" else "skipped"
