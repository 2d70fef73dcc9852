"""The limits of the jobs of a run, and what holds them: chosen once, handed to supervisors as data."""

from __future__ import annotations

import os
from typing import Any

from msgspec import Struct

from headrace.sandbox.limits.cgroup1 import Cgroup1
from headrace.sandbox.limits.cgroup2 import Cgroup2
from headrace.sandbox.limits.protocol import Bounds, Counts, Guard, Means, Resource
from headrace.sandbox.limits.rlimits import Rlimits


class Limits(Struct, frozen=True):
    """`run`: the name of what the means have made for the run, empty until then."""

    bounds: Bounds
    means: tuple[Cgroup1 | Cgroup2 | Rlimits, ...]
    run: str = ""

    def holder(self, resource: Resource) -> Means | None:
        """What bounds this, if anything does."""
        return next((means for means in self.means if resource in means.holds), None)

    def guard(self, leg: str) -> Guards:
        """For one job, of a name that no other has. Raises OSError."""
        guards = Guards()
        try:
            for means in self.means:
                guards.add(means.guard(self.run, leg, self.bounds))
        except OSError:
            guards.remove()
            raise
        return guards


class Guards:
    """A `Guard` made of others."""

    def __init__(self) -> None:
        self._guards: list[Guard] = []

    def add(self, guard: Guard) -> None:
        self._guards.append(guard)

    @property
    def into(self) -> int:
        return max((guard.into for guard in self._guards), default=-1)

    def fork(self) -> int:
        """Like `os.fork`. The child calls `join` at once."""
        if self.into >= 0:
            from headrace.sandbox import kernel

            try:
                return kernel.fork_into(self.into)
            except OSError:  # the call is kept from us, by a container, say
                pass
        return os.fork()

    def join(self) -> None:
        for guard in self._guards:
            guard.join()

    def settle(self) -> None:
        for guard in self._guards:
            guard.settle()

    def counts(self) -> Counts:
        each = [guard.counts() for guard in self._guards]
        return Counts(sum(one.killed for one in each), any(one.full for one in each), sum(one.refused for one in each))

    def remove(self) -> None:
        for guard in self._guards:
            guard.remove()


def decode(data: Any) -> Limits:
    import msgspec

    return msgspec.convert(data, Limits)
