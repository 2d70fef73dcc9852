"""Limits held by cgroup v2: groups below the nearest one that hands its controllers on.

That is our own group where it was delegated to us (`systemd-run --user --scope -p Delegate=yes`): its processes go into a group
below it then, since one that hands controllers on may hold none. Or it is the root of all, which may. Else it is one further up:
`app.slice` of the user's own systemd, say, for a terminal on a desktop. Settings of groups that are not ours are never changed,
and jobs never leave a group that has settings which would not hold for them any more.
"""

from __future__ import annotations

import os

from msgspec import Struct

from headrace.sandbox.children import descendants
from headrace.sandbox.limits import groups
from headrace.sandbox.limits.groups import get, put
from headrace.sandbox.limits.protocol import Bounds, Counts, Resource

_CONTROLLERS: dict[Resource, str] = {"memory": "memory", "processes": "pids"}
_MAIN = "headrace-main"
_TRIES = 5  # a process may fork while its group is being emptied


class Cgroup2(Struct, frozen=True, tag=True):
    """`folder`: the group below which ours go; `resources`: which of its controllers are to be had there."""

    folder: str = ""
    resources: tuple[Resource, ...] = ()

    @property
    def name(self) -> str:
        return "cgroup v2"

    @property
    def holds(self) -> frozenset[Resource]:
        return frozenset(self.resources)

    def places(self, run: str) -> tuple[str, ...]:
        return (f"{self.folder}/{run}",)

    def begin(self, run: str, bounds: Bounds) -> None:
        made = f"{self.folder}/{run}"
        os.mkdir(made)
        _hand_on(made, self.resources)
        _limit(made, self.resources, bounds.ram, bounds.all_memory, bounds.all_processes)

    def guard(self, run: str, leg: str, bounds: Bounds) -> Cgroup2Guard:
        return Cgroup2Guard(f"{self.folder}/{run}/{leg}", self.resources, bounds)


class Cgroup2Guard:
    """`memory.oom.group` stays off: it would kill process 1 of the job too, and with it who can say what has happened."""

    def __init__(self, folder: str, resources: tuple[Resource, ...], bounds: Bounds) -> None:
        self._folder = folder
        os.mkdir(folder)
        _limit(folder, resources, bounds.ram, bounds.memory, bounds.processes)
        self._memory = groups.Counter(f"{folder}/memory.events" if "memory" in resources else "")
        self._refused = groups.Counter(f"{folder}/pids.events" if "processes" in resources else "")
        self.into = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def join(self) -> None:
        leg = "/".join(self._folder.split("/")[-2:])
        if not any(line.startswith("0::") and line.endswith(f"/{leg}") for line in get("/proc/self/cgroup").splitlines()):
            put(f"{self._folder}/cgroup.procs", 0)

    def settle(self) -> None:
        pass

    def counts(self) -> Counts:
        return Counts(self._memory.get("oom_kill"), self._memory.get("oom") > 0, self._refused.get("max"))

    def remove(self) -> None:
        self._memory.close()
        self._refused.close()
        if self.into >= 0:
            os.close(self.into)
        self.into = -1
        groups.remove(self._folder)


def _limit(folder: str, resources: tuple[Resource, ...], ram: int, memory: int, processes: int) -> None:
    if "memory" in resources:
        put(f"{folder}/memory.max", min(ram, memory))
        if os.path.exists(f"{folder}/memory.swap.max"):  # not where the kernel does not count swap
            put(f"{folder}/memory.swap.max", max(0, memory - ram))
    if "processes" in resources:
        put(f"{folder}/pids.max", processes)


def _hand_on(folder: str, resources: tuple[Resource, ...]) -> None:
    put(f"{folder}/cgroup.subtree_control", " ".join(f"+{_CONTROLLERS[resource]}" for resource in resources))


def find() -> tuple[Cgroup2, dict[Resource, str]]:
    """What this machine lets us do, and of the rest why not: by making groups, limiting them and putting a process into one."""
    own = groups.of_this_process().get(groups.V2, "")
    refusals: dict[Resource, str] = {}
    if not own:
        return Cgroup2(), refusals
    best = Cgroup2()
    _take_over(own)
    reached, bound = reach(own)
    for folder in reached:
        handed = get(f"{folder}/cgroup.subtree_control").split()
        resources = tuple(resource for resource, controller in _CONTROLLERS.items() if controller in handed)
        if len(resources) <= len(best.resources):
            continue
        why = _try(folder, resources)
        if not why:
            best = Cgroup2(folder, resources)
        else:
            refusals = {**dict.fromkeys(resources, why), **refusals}
        if len(best.resources) == len(_CONTROLLERS):
            break
    if bound:
        refusals = {**dict.fromkeys(_CONTROLLERS, f"jobs would escape from {bound}"), **refusals}
    return best, {resource: why for resource, why in refusals.items() if resource not in best.resources}


def reach(own: str) -> tuple[list[str], str]:
    """The group and those above it below which jobs may be: the way ends at one with a setting that would not hold for them any
    more, whose file is told. Settings of memory and processes do not count: what jobs may use is reckoned from them."""
    found = []
    while os.path.exists(f"{own}/cgroup.controllers"):
        found.append(own)
        for name in ("cpu.max", "memory.high", "cpuset.cpus", "io.max"):
            if get(f"{own}/{name}").split()[:1] not in ([], ["max"]):
                return found, f"{own}/{name}"
        own = os.path.dirname(own)
    return found, ""


def _try(folder: str, resources: tuple[Resource, ...]) -> str:
    """Why it is not possible there; empty where it is."""
    made = f"{folder}/{groups.new_name('try')}"
    try:
        os.mkdir(made)
        _hand_on(made, resources)
        os.mkdir(f"{made}/leg")
        _limit(f"{made}/leg", resources, 1 << 30, 1 << 30, 100)
        groups.have_joined(f"{made}/leg/cgroup.procs")
    except OSError as error:
        return f"{folder}: {error.strerror}"
    finally:
        groups.remove(made)
    return ""


def _take_over(own: str) -> None:
    """Hand on the controllers of our own group, if that is ours to do. Whether it has worked is found out by trying."""
    there = get(f"{own}/cgroup.controllers").split()
    wanted = tuple(resource for resource, controller in _CONTROLLERS.items() if controller in there)
    if not wanted or not os.access(f"{own}/cgroup.subtree_control", os.W_OK):
        return
    try:
        if not os.path.exists(f"{own}/cgroup.type"):  # the root of all, which may hold processes as well
            _hand_on(own, wanted)
        if not os.path.exists(f"{own}/cgroup.type") or not _is_ours(own):
            return
        os.makedirs(f"{own}/{_MAIN}", exist_ok=True)
        for _ in range(_TRIES):
            for pid in _members(own):
                _move(pid, f"{own}/{_MAIN}")
            if not _members(own):
                _hand_on(own, wanted)
                return
    except OSError:
        return


def _is_ours(own: str) -> bool:
    """Whether the group was delegated: systemd marks it so, or nobody else is in it."""
    for mark in ("user.delegate", "trusted.delegate"):
        try:
            if os.getxattr(own, mark) == b"1":
                return True
        except OSError:
            continue
    return set(_members(own)) <= {os.getpid(), *descendants(os.getpid())}


def _members(folder: str) -> list[int]:
    return [int(line) for line in get(f"{folder}/cgroup.procs").split()]


def _move(pid: int, folder: str) -> None:
    try:
        put(f"{folder}/cgroup.procs", pid)
    except ProcessLookupError:  # it has ended
        return
