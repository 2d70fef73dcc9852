"""What comes next. Pure: from a plan, what is settled of it and what has happened so far to the steps an engine takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import TYPE_CHECKING, Union

from msgspec import Struct

from headrace.engine.options import Limits
from headrace.plan.model import JobPath, Leg, Outcome, Plan, Planned, Reason, Result
from headrace.record.state import LegState, RunState
from headrace.workflow.model import Call

if TYPE_CHECKING:
    from headrace.engine.gates import Abandon, CallOff, Release, Standings, Take


class Settle(Struct, frozen=True, tag=True):
    """Everything this job needs has a result: decide its condition and its legs."""

    job: JobPath


class Start(Struct, frozen=True, tag=True):
    job: JobPath
    leg: Leg


class Enter(Struct, frozen=True, tag=True):
    """A leg that calls a workflow is due: the jobs inside take its place."""

    job: JobPath
    leg: Leg


class Leave(Struct, frozen=True, tag=True):
    """All jobs inside a call have results: put them together."""

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


Action = Union[Settle, Start, Enter, Leave, Finish, Cancel, "Abandon", "CallOff", "Release", "Take"]

Left = Mapping[str, LegState]
"""The calling legs whose calls have come to an end. They have no records of their own: what is inside has."""

_NONE_LEFT: Left = {}
_NOWHERE: Standings = {}


def decide(
    plan: Plan,
    settled: Mapping[JobPath, Planned],
    started: Set[JobPath],
    state: RunState,
    limits: Limits,
    left: Left = _NONE_LEFT,
    standings: Standings = _NOWHERE,
) -> list[Action]:
    """The actions that are due now, in the order of the plan.

    `settled` holds the jobs whose legs are known for good, `started` the legs handed to an executor and the calling legs that
    were entered, `left` those of them that have ended, `standings` where the run stands in concurrency groups. There are no
    stages: a job is due when its own needs have results. A workflow's group is taken before its first job, a leg's when only a
    free place is missing; each is left with the last result of what is in it."""
    actions: list[Action] = []
    running = sum(1 for leg in started if leg not in plan.calls and not _result(state, left, leg))
    for path, planned in plan.jobs.items():
        job = settled.get(path)
        if job is None:
            due = all(need in settled and outcome(settled[need], state, left) for need in planned.needs)
            first = None
            if plan.claims:
                from headrace.engine.gates import before_job  # most plans have no use for it

                first = before_job(plan, planned, standings, due=due)
            if first is not None:
                actions += [action for action in first if action not in actions]
            elif due:
                actions.append(Settle(path))
            continue
        assert isinstance(job.legs, tuple)
        calls = isinstance(job.job.body, Call)
        failed = next((leg for leg in job.legs if leg.fail_fast and _fails(leg, state, left)), None)
        under_way = [leg.path for leg in job.legs if leg.path in started or leg.path in standings]
        busy = sum(1 for leg in under_way if not _result(state, left, leg))
        for leg in job.legs:
            if _result(state, left, leg.path):
                continue
            queued = leg.path in standings
            if leg.path in started:
                if calls and _all_done(plan.calls[leg.path].jobs, settled, state, left):
                    actions.append(Leave(path, leg))
                elif failed is not None:
                    actions.append(Cancel(leg.path, _fail_fast(failed)))
                elif queued:
                    from headrace.engine.gates import outdone

                    if (why := outdone(leg, standings)) is not None:
                        actions.append(Cancel(leg.path, why))
            elif leg.would != "run":
                actions.append(Finish(leg, "failure" if leg.would == "fail" else _unstarted(leg), leg.why))
            elif failed is not None:
                actions.append(Finish(leg, "cancelled", _fail_fast(failed)))
            elif queued or not (leg.max_parallel and busy >= leg.max_parallel):
                first = None
                if leg.claims:
                    from headrace.engine.gates import before_leg

                    first = before_leg(plan, job, leg, standings)
                if first is not None:
                    actions += first
                    busy += not queued
                elif calls:
                    actions.append(Enter(path, leg))
                    busy += not queued
                elif running < limits.parallel:
                    actions.append(Start(path, leg))
                    running += 1
                    busy += not queued
    if standings:
        from headrace.engine.gates import afterwards

        actions += afterwards(plan, settled, state, left, standings)
    return actions


def _all_done(jobs: Iterable[JobPath], settled: Mapping[JobPath, Planned], state: RunState, left: Left) -> bool:
    return all(path in settled and outcome(settled[path], state, left) for path in jobs)


def outcome(job: Planned, state: RunState, left: Left = _NONE_LEFT) -> Outcome | None:
    """What the job means to those that need it, None while one of its legs has no result.

    Legs write into one set of outputs: for each name the leg that finished last with a value wins. A failed leg with
    `continue-on-error` counts as a success. Of several calls only those that succeeded give outputs."""
    assert isinstance(job.legs, tuple)
    legs = [state.legs.get(leg.path) or left.get(leg.path) for leg in job.legs]
    done = [leg for leg in legs if leg is not None and leg.result is not None]
    if len(done) < len(job.legs):
        return None
    outputs: dict[str, str] = {}
    several_calls = len(done) > 1 and isinstance(job.job.body, Call)
    for leg in sorted(done, key=lambda leg: leg.finished):
        if several_calls and leg.result != "success":
            continue
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


def _result(state: RunState, left: Left, leg: JobPath) -> Result | None:
    known = state.legs.get(leg) or left.get(leg)
    return known.result if known is not None else None


def _fails(leg: Leg, state: RunState, left: Left) -> bool:
    return _result(state, left, leg.path) == "failure" and not leg.continue_on_error


def _fail_fast(failed: Leg) -> Reason:
    return Reason("fail-fast", facts={"leg": failed.name})


def _unstarted(leg: Leg) -> Result:
    return "unsupported" if leg.would == "unsupported" else "skipped"
