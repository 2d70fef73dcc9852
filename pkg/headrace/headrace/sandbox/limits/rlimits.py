"""Limits held without control groups: a number of processes, and nothing else.

RLIMIT_NPROC counts the processes of one user within the job's user namespace: they are bounded even where a job starts them as
users of its own, each of whom has the same limit, by the highest process id of its pid namespace. RLIMIT_AS is no way to bound
memory: runtimes reserve far more addresses than they use (Go, Node, Java, sanitizers).
"""

from __future__ import annotations

import resource

from msgspec import Struct

from headrace.sandbox.limits.groups import get, put
from headrace.sandbox.limits.protocol import Bounds, Counts, Resource

_PID_MAX = "/proc/sys/kernel/pid_max"
_LEAST_PID_MAX = 32768  # what it was everywhere for decades: an id shall not be another process's soon after


class Rlimits(Struct, frozen=True, tag=True):
    @property
    def name(self) -> str:
        return "rlimits"

    @property
    def holds(self) -> frozenset[Resource]:
        return frozenset(("processes",))

    def places(self, run: str) -> tuple[str, ...]:
        return ()

    def begin(self, run: str, bounds: Bounds) -> None:
        pass

    def guard(self, run: str, leg: str, bounds: Bounds) -> RlimitsGuard:
        return RlimitsGuard(bounds.processes)


class RlimitsGuard:
    into = -1

    def __init__(self, processes: int) -> None:
        self._processes = processes

    def join(self) -> None:
        pass

    def settle(self) -> None:
        most = resource.getrlimit(resource.RLIMIT_NPROC)[1]
        limit = self._processes if most == resource.RLIM_INFINITY else min(self._processes, most)
        resource.setrlimit(resource.RLIMIT_NPROC, (limit, limit))
        highest = max(_LEAST_PID_MAX, 2 * self._processes)
        if int(get(_PID_MAX) or 0) > highest:
            try:
                put(_PID_MAX, highest)  # the job's own since Linux 6.14
            except OSError:
                return

    def counts(self) -> Counts:
        return Counts()  # the kernel does not count for these

    def remove(self) -> None:
        pass
