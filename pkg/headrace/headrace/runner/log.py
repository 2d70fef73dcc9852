"""A leg's log file: masked whole lines, appended by the supervisor alone. Records name byte ranges of it, a few a second."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from headrace.base.errors import EngineError, Problem
from headrace.record.records import LogChunk

_INTERVAL = 0.1  # seconds between two records for the same step: often enough to read along, never one a line


class LegLog:
    """`write` puts bytes into the file at once; `emit` is told of the range a little later, at the latest by `flush`."""

    def __init__(self, path: str, leg: str, emit: Callable[[LogChunk], None]) -> None:
        self._path = path
        self._leg = leg
        self._emit = emit
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._end = os.fstat(self._fd).st_size
        self._start = self._end
        self._told = 0.0
        self.step = 0

    def write(self, data: bytes) -> None:
        """Whole lines. Raises EngineError on a full disk: a step whose output is lost has no result."""
        rest = memoryview(data)
        while rest:
            try:
                count = os.write(self._fd, rest)
            except OSError as error:
                problem = Problem(
                    f"the log {self._path} cannot be written: {error.strerror}", hint="free some room, then run again"
                )
                raise EngineError(problem) from error
            self._end += count
            rest = rest[count:]

    @property
    def due(self) -> float | None:
        """Seconds until the pending range should be told, None where nothing is pending."""
        if self._end == self._start:
            return None
        return max(0.0, self._told + _INTERVAL - time.monotonic())

    def tick(self) -> None:
        """Tell of the pending range if it is time."""
        if self.due == 0.0:
            self.flush()

    def flush(self) -> None:
        if self._end > self._start:
            self._emit(LogChunk(self._leg, self.step, self._start, self._end - self._start))
            self._start = self._end
        self._told = time.monotonic()

    def close(self) -> None:
        os.close(self._fd)
