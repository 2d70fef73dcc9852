"""Concurrency groups in the eyes of `decide`: what must be held before a job or a leg goes on. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Union

from msgspec import Struct

from headrace.plan.claims import scopes_of
from headrace.plan.model import Claim, Leg, Plan, Planned, Reason
from headrace.record.queueing import Standing

Standings = Mapping[str, Standing]
"""Key → how the run stands in the group that was taken under it. Keys are those of `Plan.claims` and the paths of legs."""

NOWHERE: Standings = {}


class Take(Struct, frozen=True, tag=True):
    """Go into a group. `leg` is the path of the leg that wants it, empty where a whole workflow does."""

    key: str
    claim: Claim
    workflow: str
    leg: str = ""


Gate = Union[Literal["open", "shut"], Take, Reason]
"""Go on, wait, take this first; or the reason why it never goes on."""


def scope_gate(plan: Plan, planned: Planned, standings: Standings) -> Gate:
    """Whether a job may be looked at: what it is part of must hold its groups, outermost first."""
    for key in scopes_of(plan, planned):
        gate = _gate(standings.get(key), Take(key, plan.claims[key], planned.workflow))
        if gate != "open":
            return gate
    return "open"


def leg_gate(planned: Planned, leg: Leg, standings: Standings) -> Gate:
    """Whether a leg that is about to be queued may be."""
    if leg.concurrency is None:
        return "open"
    standing = standings.get(leg.path)
    if standing is not None and standing.why is not None:
        return standing.why  # it has not started: there is nothing to end in order
    return _gate(standing, Take(leg.path, leg.concurrency, planned.workflow, leg.path))


def _gate(standing: Standing | None, take: Take) -> Gate:
    match standing:
        case None:
            return take
        case Standing(state="holds"):
            return "open"
        case Standing(state="over", why=Reason() as why):
            return why
        case _:
            return "shut"
