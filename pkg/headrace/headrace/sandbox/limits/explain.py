"""What bounds jobs on this machine, in words: for the note at a run's start, and for `headrace doctor`."""

from __future__ import annotations

import os

from msgspec import Struct

from headrace.sandbox.limits import groups
from headrace.sandbox.limits.choose import choose
from headrace.sandbox.limits.model import Limits
from headrace.sandbox.limits.protocol import Resource
from headrace.sandbox.limits.sizes import show

_RESOURCES: tuple[Resource, ...] = ("memory", "processes")


class Finding(Struct, frozen=True):
    """What bounds one of the resources here: `by` is empty where nothing does, `counted` says whether a job that meets the
    limit is told so. `why`: what keeps control groups from it; `mend`: the command that changes that, where one is known. Both
    are empty where control groups do it."""

    resource: Resource
    by: str
    counted: bool
    why: str = ""
    mend: str = ""


def survey() -> tuple[Finding, ...]:
    """Tries everything: a few milliseconds. The disk is always watched, which needs nothing."""
    choice = choose()
    found = []
    for resource in _RESOURCES:
        by = next((means.name for means in choice.means if resource in means.holds), "")
        if by.startswith("cgroup"):
            found.append(Finding(resource, by, counted=True))
        else:
            why = choice.refusals.get(resource) or "this machine has no control groups for it, or none that we may use"
            found.append(Finding(resource, by, counted=False, why=why, mend=mend()))
    return tuple(found)


def mend() -> str:
    """What lets control groups bound the jobs of whoever asks; empty where it is not known."""
    own = groups.of_this_process()
    ordinary = os.getuid() != 0
    if "memory" in own or "pids" in own:
        folders = [f"{own[controller]}/headrace-{os.getuid()}" for controller in ("memory", "pids") if controller in own]
        script = 'for g in "$@"; do mkdir -p $g && chown -R $SUDO_UID $g && echo $0 >$g/cgroup.procs; done'
        return f"sudo sh -c '{script}' $$ {' '.join(folders)}" if ordinary else ""
    if os.path.isdir("/run/systemd/system"):
        return f"systemd-run {'--user ' if ordinary else ''}--scope -p Delegate=yes headrace run"
    return ""


def note(limits: Limits) -> str:
    """One line."""
    memory, processes = limits.holder("memory"), limits.holder("processes")
    parts = [f"{limits.bounds.processes} processes"]
    if memory is not None:
        parts.append(f"{show(limits.bounds.memory)} memory")
    names = sorted({means.name for means in (memory, processes) if means is not None})
    parts[-1] += f" ({', '.join(names)})"
    parts.append(f"{show(limits.bounds.disk)} disk")
    missing = "" if memory is not None else ". Nothing bounds its memory here: headrace doctor says what could"
    return f"limits: {', '.join(parts)} a job{missing}"
