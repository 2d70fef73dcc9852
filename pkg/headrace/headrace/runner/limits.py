"""What the runner has to do with the limits of a leg: look at its disk while a program runs, and say what limits have done to a
step."""

from __future__ import annotations

import time
from collections.abc import Callable

from headrace.runner import messages
from headrace.sandbox.limits.disk import DiskWatch, Excess
from headrace.sandbox.limits.model import Limits
from headrace.sandbox.limits.protocol import Counts, Guard
from headrace.sandbox.limits.sizes import show


class LegLimits:
    """`end` kills everything in the job. Asked are `wait` and `look` while a program runs, and `said` when it has ended."""

    def __init__(self, limits: Limits, guard: Guard, folder: str, end: Callable[[], None]) -> None:
        self._bounds = limits.bounds
        self._guard = guard
        self._end = end
        self._disk = DiskWatch(folder, limits.bounds)
        self._before = Counts()
        self._excess: Excess | None = None

    def wait(self) -> float:
        """Seconds until the next look is due."""
        return self._disk.due - time.monotonic()

    def look(self) -> bool:
        """Look at the disk if that is due; whether the job is over its limit, and has been ended."""
        return self.wait() <= 0 and self._over()

    def _over(self) -> bool:
        self._excess = self._disk.look()
        if self._excess is not None:
            self._end()
        return self._excess is not None

    def said(self) -> tuple[str, str]:
        """An error for a step that a limit has made fail, and a warning for one that it may have disturbed; each may be empty."""
        if self._excess is None:
            self._over()  # what has filled the disk in less time than there is between two looks
        excess, self._excess = self._excess, None
        before, self._before = self._before, self._guard.counts()
        killed, refused = self._before.killed - before.killed, self._before.refused - before.refused
        errors = [_of_disk(excess)] if excess else []
        if killed > 0:
            text = messages.MEMORY_LIMIT if self._before.full else messages.MEMORY_SHORT
            errors.append(text.format(limit=show(self._bounds.memory), processes=_many(killed, "process", "processes")))
        limit = self._bounds.processes
        warning = messages.PROCESS_LIMIT.format(limit=limit, times=_many(refused, "time", "times")) if refused > 0 else ""
        return "\n".join(errors), warning


def _of_disk(excess: Excess) -> str:
    text = messages.DISK_FULL if excess.full else messages.DISK_LIMIT
    return text.format(used=show(excess.used), limit=show(excess.limit))


def _many(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"
