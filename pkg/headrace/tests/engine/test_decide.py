"""What comes next: from a plan and what has happened, without running anything."""

from __future__ import annotations

from typing import Any

import pytest
from headrace.engine.decide import Action, Cancel, Enter, Finish, Leave, Settle, Start, combined, decide, outcome
from headrace.engine.options import Limits
from headrace.events.model import Event, Repository
from headrace.plan.model import CallScope, JobPath, Leg, Plan, Planned, Reason, Result, Would
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

    def __init__(self, *jobs: Planned, parallel: int = 10) -> None:
        self.plan = Plan(EVENT, {}, {job.path: job for job in jobs})
        self.settled: dict[JobPath, Planned] = {}
        self.started: set[JobPath] = set()
        self.state = RunState("1")
        self.limits = Limits(parallel)
        self.left: dict[str, LegState] = {}
        self.count = 0

    def next(self) -> list[Action]:
        return decide(self.plan, self.settled, self.started, self.state, self.limits, self.left)

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
