"""How much a job may use where nobody says: much for a job, too little to take the machine down.

Processes  4096, or 256 a processor where those are more; all jobs together half of the ids that the machine has.
Memory     what the machine has but for a tenth of it (512 MiB at least, 4 GiB at most), for what else lives there. All jobs
           together have no more either. Swap is not for jobs: one that runs away would push everything else into it first.
Disk       14 GiB, as much as a hosted machine has free, but never the last GiB that is free, or the last half of what is free
           where that is less.

"The machine" is what this process may use of it, where it has a limit itself (in a container, say).
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from headrace.sandbox.limits import groups
from headrace.sandbox.limits.protocol import Bounds

_MIB, _GIB = 1 << 20, 1 << 30
_DISK = 14 * _GIB


def bounds(folder: str, memory: int = 0, processes: int = 0, disk: int = 0) -> Bounds:
    """`folder`: where the jobs' files lie, made or not. The others are what was asked for, 0 for the default."""
    has = total_memory()
    ram = max(has - min(max(has // 10, 512 * _MIB), 4 * _GIB), has // 2)
    free = free_disk(folder)
    left = min(_GIB, free // 2)
    ids = _ids()
    most = processes or min(max(4096, 256 * (os.cpu_count() or 1)), ids // 2)
    return Bounds(
        processes=most,
        memory=memory or ram,
        ram=ram,
        disk=disk or min(_DISK, free - left),
        disk_left=left,
        all_processes=max(ids // 2, most),
        all_memory=max(ram, memory),
    )


def total_memory() -> int:
    """Bytes."""
    text = groups.get("/proc/meminfo")
    total = next((int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("MemTotal:")), 0)
    return min([total, *_memory_limits()])


def _memory_limits() -> Iterator[int]:
    """Those of the groups that we are in."""
    own = groups.of_this_process()
    if "memory" in own:
        limit = groups.counted(groups.get(f"{own['memory']}/memory.stat"), "hierarchical_memory_limit")
        if limit:
            yield limit
    yield from _upwards(own.get(groups.V2, ""), "memory.max")


def _ids() -> int:
    """How many processes the machine can have, as far as we are concerned."""
    own = groups.of_this_process()
    known = [int(groups.get(f"/proc/sys/kernel/{name}") or 32768) for name in ("pid_max", "threads-max")]
    return min([*known, *_upwards(own.get("pids", ""), "pids.max"), *_upwards(own.get(groups.V2, ""), "pids.max")])


def _upwards(folder: str, setting: str) -> Iterator[int]:
    """The setting in a group and all above it, where it is a number."""
    while os.path.exists(f"{folder}/cgroup.procs"):
        text = groups.get(f"{folder}/{setting}").strip()
        if text.isdecimal():
            yield int(text)
        folder = os.path.dirname(folder)


def free_disk(folder: str) -> int:
    """Bytes that we may still write where a folder is, or would be."""
    while not os.path.exists(folder):
        folder = os.path.dirname(folder)
    there = os.statvfs(folder)
    return there.f_bavail * there.f_frsize
