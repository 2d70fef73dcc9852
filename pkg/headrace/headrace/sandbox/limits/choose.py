"""Which of the means hold what on this machine: found out by trying each."""

from __future__ import annotations

from msgspec import Struct

from headrace.sandbox.limits import cgroup1, cgroup2
from headrace.sandbox.limits.cgroup1 import Cgroup1
from headrace.sandbox.limits.cgroup2 import Cgroup2
from headrace.sandbox.limits.protocol import Resource
from headrace.sandbox.limits.rlimits import Rlimits


class Choice(Struct, frozen=True):
    """`refusals`: why control groups hold one of the resources not."""

    means: tuple[Cgroup1 | Cgroup2 | Rlimits, ...]
    refusals: dict[Resource, str]


def choose() -> Choice:
    """Every resource is held by the first that can. A machine has each controller in one version only; what is in none of them is
    refused without a reason."""
    first, why_not_first = cgroup1.find()
    means: list[Cgroup1 | Cgroup2 | Rlimits] = [first] if first.holds else []
    refusals: dict[Resource, str] = dict(why_not_first)
    if len(first.holds) < 2:
        second, why_not_second = cgroup2.find()
        if second.holds:
            means.append(second)
        refusals |= why_not_second
    held = frozenset[Resource]().union(*(each.holds for each in means))
    if "processes" not in held:
        means.append(Rlimits())
    return Choice(tuple(means), {resource: why for resource, why in refusals.items() if resource not in held})
