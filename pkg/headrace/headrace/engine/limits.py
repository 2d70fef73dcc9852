"""The limits of the jobs of a run: settled from what was asked for and what this machine can hold, then begun for the run."""

from __future__ import annotations

import os
from typing import Any

import msgspec

from headrace.base.errors import EngineError, Problem, UsageError
from headrace.base.paths import work_dir
from headrace.engine.sweep import GROUPS
from headrace.sandbox.limits import groups, machine
from headrace.sandbox.limits.choose import choose
from headrace.sandbox.limits.explain import mend
from headrace.sandbox.limits.model import Limits
from headrace.sandbox.limits.sizes import show

_LEAST = {"memory": 64 << 20, "processes": 16, "disk": 16 << 20}
"""With less no job comes to its first step."""


def settle(memory: int = 0, processes: int = 0, disk: int = 0) -> Limits:
    """What was asked for (0: nothing), and defaults for the rest. Raises UsageError where it makes no sense, or where this
    machine cannot hold it."""
    for name, asked in (("memory", memory), ("processes", processes), ("disk", disk)):
        least = _LEAST[name]
        if 0 < asked < least:
            shown = f"{least}" if name == "processes" else show(least)
            raise UsageError(Problem(f"--{name}: no job can do with less than {shown}"))
    choice = choose()
    limits = Limits(machine.bounds(work_dir(""), memory, processes, disk), choice.means)
    if memory and limits.holder("memory") is None:
        why = choice.refusals.get("memory", "this machine has no control groups for it")
        raise UsageError(Problem(f"--memory: nothing here can bound the memory of a job ({why})", hint=mend() or "leave it out"))
    return limits


def begin(limits: Limits | None, run: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Make what the jobs of the run share. Returns what supervisors are told, and the control groups that are to be removed when
    the run has ended. Raises EngineError."""
    limits = msgspec.structs.replace(limits or settle(), run=groups.new_name())
    places = tuple(place for means in limits.means for place in means.places(limits.run))
    try:
        if places:  # before they are there: whatever happens, the next call finds them
            os.makedirs(work_dir(run), mode=0o700, exist_ok=True)
            with open(os.path.join(work_dir(run), GROUPS), "wb") as file:
                file.write(os.fsencode("\n".join(places)))
        for means in limits.means:
            means.begin(limits.run, limits.bounds)
    except OSError as error:
        what = f"{error.filename}: " if error.filename else ""
        raise EngineError(Problem(f"the limits of jobs cannot be set up: {what}{error.strerror}")) from None
    return msgspec.to_builtins(limits), places
