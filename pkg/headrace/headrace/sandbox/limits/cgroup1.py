"""Limits held by cgroup v1: its memory and pids controllers, each with folders of its own. Those are root's, unless somebody was
given a group.

A process gets into a group by writing 0 into its file `tasks`, which moves that one thread. `cgroup.procs` moves whole processes,
and the kernel waits for all processors then, ten milliseconds and more.
"""

from __future__ import annotations

import os

from msgspec import Struct

from headrace.sandbox.limits import groups
from headrace.sandbox.limits.groups import put
from headrace.sandbox.limits.protocol import Bounds, Counts, Resource

_SLACK = 4 << 20  # bytes: processors take memory from a group's account in lots, so that the last of it may stay unused
_TRIED: dict[Resource, tuple[str, str, int]] = {
    "memory": ("memory", "memory.limit_in_bytes", 1 << 30),
    "processes": ("pids", "pids.max", 100),
}
"""Resource → its controller, the setting that is the limit, and a value to try."""


class Cgroup1(Struct, frozen=True, tag=True):
    """`memory`, `pids`: the group of each controller below which ours go; empty where it is not to be had."""

    memory: str = ""
    pids: str = ""

    @property
    def name(self) -> str:
        return "cgroup v1"

    @property
    def holds(self) -> frozenset[Resource]:
        pairs: tuple[tuple[Resource, str], ...] = (("memory", self.memory), ("processes", self.pids))
        return frozenset(resource for resource, folder in pairs if folder)

    def places(self, run: str) -> tuple[str, ...]:
        return tuple(f"{folder}/{run}" for folder in (self.memory, self.pids) if folder)

    def begin(self, run: str, bounds: Bounds) -> None:
        if self.memory:
            os.mkdir(f"{self.memory}/{run}")
            _limit_memory(f"{self.memory}/{run}", bounds.ram, bounds.all_memory)
        if self.pids:
            os.mkdir(f"{self.pids}/{run}")
            put(f"{self.pids}/{run}/pids.max", bounds.all_processes)

    def guard(self, run: str, leg: str, bounds: Bounds) -> Cgroup1Guard:
        memory = f"{self.memory}/{run}/{leg}" if self.memory else ""
        return Cgroup1Guard(memory, f"{self.pids}/{run}/{leg}" if self.pids else "", bounds)


class Cgroup1Guard:
    into = -1

    def __init__(self, memory: str, pids: str, bounds: Bounds) -> None:
        self._folders = [folder for folder in (memory, pids) if folder]
        self._limit = bounds.memory
        for folder in self._folders:
            os.mkdir(folder)
        if memory:
            _limit_memory(memory, bounds.ram, bounds.memory)
        if pids:
            put(f"{pids}/pids.max", bounds.processes)
        self._killed = groups.Counter(f"{memory}/memory.oom_control" if memory else "")
        self._refused = groups.Counter(f"{pids}/pids.events" if pids else "")
        self._memory = memory

    def join(self) -> None:
        for folder in self._folders:
            put(f"{folder}/tasks", 0)

    def settle(self) -> None:
        pass

    def counts(self) -> Counts:
        killed = self._killed.get("oom_kill")
        return Counts(killed, killed > 0 and self._has_been_full(), self._refused.get("max"))

    def _has_been_full(self) -> bool:
        peaks = ("memory.max_usage_in_bytes", "memory.memsw.max_usage_in_bytes")
        return any(int(groups.get(f"{self._memory}/{peak}") or 0) + _SLACK >= self._limit for peak in peaks)

    def remove(self) -> None:
        self._killed.close()
        self._refused.close()
        for folder in self._folders:
            groups.remove(folder)


def _limit_memory(folder: str, ram: int, memory: int) -> None:
    put(f"{folder}/memory.limit_in_bytes", min(ram, memory))
    if os.path.exists(f"{folder}/memory.memsw.limit_in_bytes"):  # not where the kernel does not count swap
        put(f"{folder}/memory.memsw.limit_in_bytes", memory)


def find() -> tuple[Cgroup1, dict[Resource, str]]:
    """What this machine lets us do, and of the rest why not: by making a group, limiting it and having a process join it."""
    own = groups.of_this_process()
    found: dict[str, str] = {}
    refusals: dict[Resource, str] = {}
    for resource, (controller, setting, value) in _TRIED.items():
        if controller not in own:
            continue
        probe = f"{own[controller]}/{groups.new_name('try')}"
        try:
            os.mkdir(probe)
            put(f"{probe}/{setting}", value)
            groups.have_joined(f"{probe}/tasks")
            found[controller] = own[controller]
        except OSError as error:
            refusals[resource] = f"{own[controller]}: {error.strerror}"
        finally:
            groups.remove(probe)
    return Cgroup1(**found), refusals
