"""What concurrency groups add to what `decide` says: what is taken before a job or a leg goes on, and left when. Pure.

Loaded where there are any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from headrace.engine.decide import Finish, Left, outcome
from headrace.plan.contexts import entry_of
from headrace.plan.model import Claim, JobPath, Leg, Plan, Planned, Reason
from headrace.record.queueing import Standing
from headrace.record.state import RunState

if TYPE_CHECKING:
    from headrace.engine.decide import Action

Standings = Mapping[str, Standing]
"""Key → how the run stands in the group that was taken under it. Keys are those of `Plan.claims` and the paths of legs."""


class Take(Struct, frozen=True, tag=True):
    """Go into a group. `leg` is the path of the leg that wants it, empty where a whole workflow does."""

    key: str
    claim: Claim
    workflow: str
    leg: str = ""


class Release(Struct, frozen=True, tag=True):
    """Leave the group that was taken under this key."""

    key: str


class Abandon(Struct, frozen=True, tag=True):
    """This job is cancelled before anything of it was decided."""

    job: JobPath
    why: Reason


class CallOff(Struct, frozen=True, tag=True):
    """All jobs under this key of `Plan.claims` are to be cancelled in order, as a run is."""

    key: str
    why: Reason


def before_job(plan: Plan, planned: Planned, standings: Standings, *, due: bool) -> list[Action] | None:
    """What comes before a job that is not settled yet: the groups of what it is part of, outermost first. None where nothing is
    in its way. `due`: its needs have results."""
    for key in plan.scopes(planned):
        match standings.get(key):
            case None:
                return [Take(key, plan.claims[key], key)] if due else []
            case Standing(state="over", why=Reason() as why):
                return [Abandon(planned.path, why)]
            case Standing(state="waits"):
                return []
    return None


def claims_of(leg: Leg) -> list[tuple[str, Claim]]:
    """What a leg takes before it starts, in this order, and the keys for that. The first key is the leg's path."""
    return [(f"{leg.path}\n{number}" if number else leg.path, claim) for number, claim in enumerate(leg.claims)]


def before_leg(plan: Plan, planned: Planned, leg: Leg, standings: Standings) -> list[Action] | None:
    """What comes before a leg that is about to be queued starts. None where nothing is in its way."""
    for key, claim in claims_of(leg):
        match standings.get(key):
            case None:
                return [Take(key, claim, entry_of(plan, planned.workflow), leg.path)]
            case Standing(why=Reason() as why):  # holder or not: nothing has started that would have to end in order
                return [Finish(leg, "cancelled", why)]
            case Standing(state="waits"):
                return []
    return None


def outdone(leg: Leg, standings: Standings) -> Reason | None:
    """Why a leg that has started has to end: another run wants its group."""
    found = (standings.get(key) for key, _ in claims_of(leg))
    return next((standing.why for standing in found if standing is not None and standing.why is not None), None)


def afterwards(
    plan: Plan, settled: Mapping[JobPath, Planned], state: RunState, left: Left, standings: Standings
) -> Iterator[Action]:
    """The groups that are left with the last result of what is in them, and the workflows that another run has cancelled."""
    for key, standing in standings.items():
        if key not in plan.claims:
            path = key.partition("\n")[0]
            leg = left.get(path) or state.legs.get(path)
            if leg is not None and leg.result is not None:
                yield Release(key)
            continue
        inside = [path for path, planned in plan.jobs.items() if key in plan.scopes(planned)]
        if all(path in settled and outcome(settled[path], state, left) for path in inside):
            yield Release(key)
        elif standing.state == "holds" and standing.why is not None:
            yield CallOff(key, standing.why)
