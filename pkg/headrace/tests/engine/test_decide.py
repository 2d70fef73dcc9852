"""What comes next: from a plan and what has happened, without running anything."""

from __future__ import annotations

from typing import Any

import pytest
from headrace.engine.decide import Action, Cancel, Enter, Finish, Leave, Settle, Start, combined, decide, outcome
from headrace.engine.gates import Abandon, CallOff, Release, Take
from headrace.engine.options import Limits
from headrace.events.model import Event, Repository
from headrace.plan.model import CallScope, Claim, JobPath, Leg, Plan, Planned, Reason, Result, Would
from headrace.record.queueing import Standing
from headrace.record.state import LegState, RunState
from headrace.workflow.model import Call, Job, Steps
from headrace.workflow.tokens import Expression, Scalar
from msgspec import structs

EVENT = Event("push", Repository("o/r", "/r", "/r/.git"), "refs/heads/main", "a" * 40, "/r/.git")


def planned(id: str, needs: tuple[str, ...] = (), legs: int = 1, would: Would = "run", **more: Any) -> Planned:
    job = Job(id, needs, Expression("success()"), Steps((), Scalar("ubuntu-latest")))
    made = tuple(
        Leg(JobPath(f"w:{id}:{n}"), n, f"{id} ({n})", would, Reason("condition"), total=legs, **more) for n in range(legs)
    )
    return Planned(JobPath(f"w:{id}"), "w", job, tuple(JobPath(f"w:{need}") for need in needs), made)


def calling(id: str, needs: tuple[str, ...] = (), legs: int = 1, **more: Any) -> Planned:
    made = planned(id, needs, legs, **more)
    return structs.replace(made, job=structs.replace(made.job, body=Call("./x.yml")))


class World:
    """A run by hand: `results` are set, `next` says what the engine would do."""

    def __init__(self, *jobs: Planned, parallel: int = 10, claims: dict[str, Claim] | None = None) -> None:
        self.plan = Plan(EVENT, {}, {job.path: job for job in jobs}, claims=claims or {})
        self.standings: dict[str, Standing] = {}
        self.settled: dict[JobPath, Planned] = {}
        self.started: set[JobPath] = set()
        self.state = RunState("1")
        self.limits = Limits(parallel)
        self.left: dict[str, LegState] = {}
        self.count = 0

    def next(self) -> list[Action]:
        return decide(self.plan, self.settled, self.started, self.state, self.limits, self.left, self.standings)

    def go(self) -> list[Action]:
        """Do what is due: settle and start; what remains is returned."""
        actions = self.next()
        for action in actions:
            match action:
                case Settle(job=path):
                    self.settled[path] = job = self.plan.jobs[path]
                    assert isinstance(job.legs, tuple)
                    for leg in job.legs:
                        if not isinstance(job.job.body, Call):
                            self.state.legs[leg.path] = self.row(leg, job)
                case Start(leg=leg):
                    self.started.add(leg.path)
                case Enter(job=path, leg=leg):
                    self.started.add(leg.path)
                    inner = planned(f"{leg.path[2:]}/x")
                    self.plan.jobs[inner.path] = inner
                    self.plan.calls[leg.path] = CallScope(path, "w", ("c",), leg.name, "./x.yml", (inner.path,))
        return actions

    def row(self, leg: Leg, job: Planned) -> LegState:
        return LegState(leg.path, job.path, "w", "", leg.name, leg.index, leg.total, None, job.needs, leg.continue_on_error, "")

    def leave(self, leg: str, result: Result, **outputs: str) -> None:
        """What an engine does at the end of a call."""
        self.count += 1
        job = self.plan.jobs[JobPath(f"w:{leg.partition(':')[0]}")]
        assert isinstance(job.legs, tuple)
        row = self.left[f"w:{leg}"] = self.row(next(each for each in job.legs if each.path == f"w:{leg}"), job)
        row.result, row.outputs, row.finished = result, outputs, self.count

    def end(self, leg: str, result: Result, **outputs: str) -> None:
        self.count += 1
        state = self.state.legs[f"w:{leg}"]
        state.result, state.outputs, state.finished = result, outputs, self.count


def names(actions: list[Action]) -> list[str]:
    found = []
    for action in actions:
        match action:
            case Settle(job=path):
                found.append(f"settle {path}")
            case Start(leg=leg):
                found.append(f"start {leg.path}")
            case Enter(leg=leg):
                found.append(f"enter {leg.path}")
            case Leave(leg=leg):
                found.append(f"leave {leg.path}")
            case Finish(leg=leg, result=result):
                found.append(f"{result} {leg.path}")
            case Cancel(leg=path):
                found.append(f"cancel {path}")
            case Take(key=key):
                found.append(f"take {key}")
            case Release(key=key):
                found.append(f"release {key}")
            case Abandon(job=path):
                found.append(f"abandon {path}")
            case CallOff(key=key):
                found.append(f"call off {key}")
    return found


@pytest.mark.covers("language:7.4")
def test_a_job_is_due_as_soon_as_its_own_needs_have_results_without_stages() -> None:
    world = World(planned("a"), planned("b"), planned("c", ("a",)))
    assert names(world.go()) == ["settle w:a", "settle w:b"]
    assert names(world.go()) == ["start w:a:0", "start w:b:0"]
    assert names(world.next()) == []
    world.end("a:0", "success")
    assert names(world.go()) == ["settle w:c"]  # b goes on
    assert names(world.go()) == ["start w:c:0"]


@pytest.mark.covers("language:7.4")
@pytest.mark.parametrize("result", ["success", "failure", "cancelled", "skipped", "unsupported"])
def test_any_result_of_a_need_makes_a_job_due(result: Result) -> None:
    world = World(planned("a"), planned("c", ("a",)))
    world.go()
    world.go()
    world.end("a:0", result)
    assert names(world.next()) == ["settle w:c"]


def test_legs_start_in_order_as_far_as_the_limits_go() -> None:
    world = World(planned("a", legs=4), planned("b"), parallel=3)
    world.go()
    assert names(world.go()) == ["start w:a:0", "start w:a:1", "start w:a:2"]
    world.end("a:1", "success")
    assert names(world.go()) == ["start w:a:3"]
    assert names(world.next()) == []


@pytest.mark.covers("language:6.5")
def test_max_parallel_bounds_the_legs_of_one_job_only() -> None:
    world = World(planned("a", legs=3, max_parallel=1), planned("b"))
    world.go()
    assert names(world.go()) == ["start w:a:0", "start w:b:0"]
    world.end("a:0", "success")
    assert names(world.go()) == ["start w:a:1"]


@pytest.mark.covers("language:6.5")
def test_fail_fast_cancels_the_running_and_queued_legs_of_the_same_job() -> None:
    world = World(planned("a", legs=4), planned("b"), parallel=3)
    world.go()
    world.go()
    world.end("a:1", "failure")
    assert names(world.next()) == ["cancel w:a:0", "cancel w:a:2", "cancelled w:a:3", "start w:b:0"]


@pytest.mark.covers("language:6.5")
@pytest.mark.parametrize("more", [{"fail_fast": False}, {"continue_on_error": True}])
def test_without_fail_fast_or_with_continue_on_error_the_others_run_on(more: dict[str, Any]) -> None:
    world = World(planned("a", legs=3, **more), parallel=2)
    world.go()
    world.go()
    world.end("a:0", "failure")
    assert names(world.next()) == ["start w:a:2"]


@pytest.mark.parametrize(("would", "result"), [("skip", "skipped"), ("unsupported", "unsupported"), ("fail", "failure")])
def test_a_leg_that_would_not_run_gets_its_result_without_being_started(would: Would, result: Result) -> None:
    world = World(planned("a", would=would))
    world.go()
    assert names(world.next()) == [f"{result} w:a:0"]


@pytest.mark.covers("language:7.5")
def test_of_several_legs_the_last_one_with_a_value_wins_an_output() -> None:
    job = planned("a", legs=3)
    world = World(job)
    world.go()
    world.go()
    world.end("a:2", "success", x="two", y="two")
    assert outcome(job, world.state) is None
    world.end("a:0", "success", x="zero", y="")
    world.end("a:1", "success")
    done = outcome(job, world.state)
    assert done is not None
    assert (done.result, done.outputs) == ("success", {"x": "zero", "y": "two"})


@pytest.mark.covers("language:7.3")
def test_a_failed_leg_with_continue_on_error_counts_as_success_unless_it_was_lost() -> None:
    job = planned("a", continue_on_error=True)
    world = World(job)
    world.go()
    world.go()
    world.end("a:0", "failure")
    done = outcome(job, world.state)
    assert done is not None
    assert done.result == "success"
    world.state.legs["w:a:0"].lost = "killed"
    done = outcome(job, world.state)
    assert done is not None
    assert done.result == "failure"


@pytest.mark.covers("language:7.3")
@pytest.mark.parametrize(
    ("legs", "whole"),
    [
        (["success", "failure", "cancelled"], "failure"),
        (["success", "cancelled", "skipped"], "cancelled"),
        (["skipped", "skipped"], "skipped"),
        (["skipped", "success"], "success"),
        (["unsupported", "failure"], "unsupported"),
    ],
)
def test_the_worst_leg_is_the_job(legs: list[Result], whole: Result) -> None:
    assert combined(legs) == whole


@pytest.mark.covers("language:9.1")
def test_a_calling_leg_is_entered_and_left_when_all_inside_has_results() -> None:
    world = World(calling("c"), planned("z", ("c",)), parallel=1)
    assert names(world.go()) == ["settle w:c"]
    assert names(world.go()) == ["enter w:c:0"]
    assert names(world.go()) == ["settle w:c:0/x"]
    assert names(world.go()) == ["start w:c:0/x:0"]
    assert names(world.next()) == []
    world.end("c:0/x:0", "failure")
    assert names(world.next()) == ["leave w:c:0"]
    world.leave("c:0", "failure")
    assert names(world.go()) == ["settle w:z"]


def test_a_call_takes_no_place_among_the_running_legs_but_what_is_inside_does() -> None:
    world = World(calling("c", legs=2), planned("a"), parallel=1)
    world.go()
    assert names(world.go()) == ["enter w:c:0", "enter w:c:1", "start w:a:0"]
    assert names(world.go()) == ["settle w:c:0/x", "settle w:c:1/x"]
    assert names(world.next()) == []
    world.end("a:0", "success")
    assert names(world.next()) == ["start w:c:0/x:0"]


@pytest.mark.covers("language:6.5")
def test_max_parallel_and_fail_fast_count_whole_calls() -> None:
    world = World(calling("c", legs=3, max_parallel=2))
    world.go()
    assert names(world.go()) == ["enter w:c:0", "enter w:c:1"]
    world.go()
    world.go()
    world.end("c:0/x:0", "failure")
    assert names(world.next()) == ["leave w:c:0"]  # what fails inside is not yet a failed row
    world.leave("c:0", "failure")
    assert names(world.next()) == ["cancel w:c:1", "cancelled w:c:2"]
    patient = World(calling("c", legs=3, max_parallel=2, fail_fast=False))
    for _ in range(4):
        patient.go()
    patient.end("c:0/x:0", "failure")
    patient.leave("c:0", "failure")
    assert names(patient.next()) == ["enter w:c:2"]


@pytest.mark.covers("language:9.4")
def test_of_several_calls_the_last_one_that_succeeded_wins_an_output_and_a_single_one_always_has_its_own() -> None:
    job = calling("c", legs=3, fail_fast=False)
    world = World(job)
    world.go()
    world.go()
    world.leave("c:1", "success", x="one")
    world.leave("c:0", "success", x="")
    assert outcome(job, world.state, world.left) is None
    world.leave("c:2", "failure", x="two")
    done = outcome(job, world.state, world.left)
    assert done is not None
    assert (done.result, done.outputs) == ("failure", {"x": "one"})
    single = calling("c")
    alone = World(single)
    alone.go()
    alone.leave("c:0", "failure", x="two")
    done = outcome(single, alone.state, alone.left)
    assert done is not None
    assert done.outputs == {"x": "two"}


# ---- concurrency groups ----

HOLDS, WAITS = Standing("holds", "g"), Standing("waits", "g", holder="9")
OVER = Standing("over", "g", why=Reason("concurrency"))
DOOMED = Standing("holds", "g", why=Reason("concurrency"))


@pytest.mark.covers("language:10.1")
def test_a_workflows_group_is_taken_before_its_first_job_and_left_with_its_last_result() -> None:
    world = World(planned("a"), planned("b", ("a",)), claims={"w": Claim("g")})
    assert names(world.next()) == ["take w"]
    world.standings["w"] = WAITS
    assert names(world.next()) == []
    world.standings["w"] = HOLDS
    assert names(world.go()) == ["settle w:a"]
    assert names(world.go()) == ["start w:a:0"]
    world.end("a:0", "success")
    assert names(world.go()) == ["settle w:b"]
    assert names(world.go()) == ["start w:b:0"]
    world.end("b:0", "failure")
    assert names(world.next()) == ["release w"]
    world.standings.clear()


@pytest.mark.covers("language:10.1")
def test_two_jobs_that_are_due_take_their_workflows_group_once() -> None:
    world = World(planned("a"), planned("b"), claims={"w": Claim("g")})
    assert names(world.next()) == ["take w"]


@pytest.mark.covers("language:10.1")
def test_nothing_of_a_workflow_that_was_cancelled_while_it_waited_is_decided() -> None:
    world = World(planned("a"), planned("b", ("a",)), claims={"w": Claim("g")})
    world.standings["w"] = OVER
    assert names(world.next()) == ["abandon w:a", "abandon w:b"]


@pytest.mark.covers("language:10.1")
def test_a_workflow_that_holds_its_group_and_is_cancelled_is_called_off() -> None:
    world = World(planned("a"), claims={"w": Claim("g")})
    world.standings["w"] = HOLDS
    world.go()
    world.go()
    world.standings["w"] = DOOMED
    assert names(world.next()) == ["call off w"]
    world.end("a:0", "cancelled")
    assert names(world.next()) == ["release w"]


@pytest.mark.covers("language:10.1")
def test_a_legs_group_is_taken_when_its_needs_are_done_and_before_there_is_a_place() -> None:
    world = World(planned("a"), planned("b", ("a",), concurrency=Claim("g")), planned("c"), parallel=1)
    world.go()
    assert names(world.go()) == ["start w:a:0"]
    world.end("a:0", "success")
    assert names(world.go()) == ["settle w:b", "start w:c:0"]
    assert names(world.next()) == ["take w:b:0"]
    world.standings["w:b:0"] = HOLDS
    assert names(world.next()) == []
    world.end("c:0", "success")
    assert names(world.go()) == ["start w:b:0"]
    world.end("b:0", "success")
    assert names(world.next()) == ["release w:b:0"]


@pytest.mark.covers("language:10.1")
def test_what_does_not_run_takes_no_group() -> None:
    world = World(planned("a", would="skip", concurrency=Claim("g")))
    world.go()
    assert names(world.next()) == ["skipped w:a:0"]


@pytest.mark.covers("language:10.1")
@pytest.mark.parametrize("standing", [OVER, DOOMED], ids=["waits", "holds"])
def test_a_leg_that_is_cancelled_before_it_starts_never_does(standing: Standing) -> None:
    world = World(planned("a", concurrency=Claim("g")), parallel=1)
    world.go()
    world.standings["w:a:0"] = standing
    assert names(world.next()) == ["cancelled w:a:0"]
    world.end("a:0", "cancelled")
    assert names(world.next()) == ["release w:a:0"]


@pytest.mark.covers("language:10.1")
def test_a_leg_that_runs_and_loses_its_group_is_cancelled_in_order() -> None:
    world = World(planned("a", concurrency=Claim("g")))
    world.go()
    world.standings["w:a:0"] = HOLDS
    assert names(world.go()) == ["start w:a:0"]
    world.standings["w:a:0"] = DOOMED
    assert names(world.next()) == ["cancel w:a:0"]


@pytest.mark.covers("language:10.1")
def test_legs_beyond_max_parallel_are_not_queued_and_do_not_compete() -> None:
    world = World(planned("m", legs=3, max_parallel=1, concurrency=Claim("g")))
    world.go()
    for number in range(3):
        assert names(world.next()) == [f"take w:m:{number}"]
        world.standings[f"w:m:{number}"] = HOLDS
        assert names(world.go()) == [f"start w:m:{number}"]
        assert names(world.next()) == []
        world.end(f"m:{number}", "success")
        del world.standings[f"w:m:{number}"]


@pytest.mark.covers("language:10.1")
def test_all_legs_of_a_matrix_compete_at_once() -> None:
    world = World(planned("m", legs=3, concurrency=Claim("g")))
    world.go()
    assert names(world.next()) == ["take w:m:0", "take w:m:1", "take w:m:2"]
    world.standings.update({"w:m:0": HOLDS, "w:m:1": OVER, "w:m:2": WAITS})
    assert names(world.next()) == ["start w:m:0", "cancelled w:m:1"]


@pytest.mark.covers("language:10.1")
def test_a_leg_that_wants_two_groups_takes_one_after_the_other_and_leaves_both() -> None:
    """A leg that calls a file: its own, and that of the file."""
    world = World(planned("a", concurrency=Claim("g"), embedded=Claim("h")))
    world.go()
    assert names(world.next()) == ["take w:a:0"]
    world.standings["w:a:0"] = HOLDS
    assert names(world.next()) == ["take w:a:0\n1"]
    world.standings["w:a:0\n1"] = WAITS
    assert names(world.next()) == []
    world.standings["w:a:0\n1"] = HOLDS
    assert names(world.go()) == ["start w:a:0"]
    world.standings["w:a:0\n1"] = DOOMED
    assert names(world.next()) == ["cancel w:a:0"]
    world.end("a:0", "cancelled")
    assert names(world.next()) == ["release w:a:0", "release w:a:0\n1"]
