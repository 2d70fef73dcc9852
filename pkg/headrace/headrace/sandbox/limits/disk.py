"""How much a job has written, watched from outside: file systems seldom have quotas.

Asked often is only how much is free on the disk, which costs nothing. The job's files are counted when that has shrunk by so much
that the job could be over its limit: a few times for each time the limit, however long it runs. So it is noticed late by up to a
thirtieth of the limit and what is written within a second, later where others free room meanwhile; and what the job has put where
we may not look (folders of other ids of an ordinary user's job) is not counted.
"""

from __future__ import annotations

import os
import stat
import time

from msgspec import Struct

from headrace.sandbox.limits.machine import free_disk
from headrace.sandbox.limits.protocol import Bounds

_OFTEN = 0.1  # seconds between two looks while the disk fills fast, and otherwise
_SELDOM = 1.0


class Excess(Struct, frozen=True):
    """The job is over its limit, or nearly nothing is free any more (`full`) and the job has much of it. Bytes."""

    used: int
    limit: int
    full: bool = False


class DiskWatch:
    """`due` is when to look next, in the monotonic clock's seconds."""

    def __init__(self, folder: str, bounds: Bounds) -> None:
        self._folder = folder
        self._limit = bounds.disk
        self._left = bounds.disk_left
        self._used = 0
        self._free = self._before = free_disk(folder)
        self.due = time.monotonic() + _SELDOM

    def look(self) -> Excess | None:
        """Whether the job has written too much. What goes on after that may write a little more: it may have to clean up."""
        free = free_disk(self._folder)
        fast = self._before - free > self._limit // 16
        self._before = free
        self.due = time.monotonic() + (_OFTEN if fast else _SELDOM)
        self._free = max(self._free, free)  # somebody has freed room
        shrunk = self._free - free
        full = free < self._left
        if shrunk < max((self._limit - self._used) // 2, self._limit // 32) and not (full and shrunk > self._left // 8):
            return None
        self._used, self._free = used(self._folder), free
        if self._used > self._limit:
            excess = Excess(self._used, self._limit)
            self._limit = self._used + self._limit // 16
            return excess
        if full and self._used >= self._left:
            excess = Excess(self._used, self._left, full=True)
            self._left = min(self._left, free) // 2
            return excess
        return None


def used(folder: str) -> int:
    """Bytes that a folder takes on its disk, as far as it can be read. A file of several names counts once."""
    total = 0
    seen: set[int] = set()
    pending = [folder]
    while pending:
        try:
            entries = list(os.scandir(pending.pop()))
        except OSError:  # gone meanwhile, or not ours to read
            continue
        for entry in entries:
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            if stat.S_ISDIR(status.st_mode):
                pending.append(entry.path)
            elif status.st_nlink > 1:
                if status.st_ino in seen:
                    continue
                seen.add(status.st_ino)
            total += status.st_blocks * 512
    return total
