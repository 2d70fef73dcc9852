"""Log text of a run, read from the legs' log files by byte range. Writes nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from headrace.base.lean import lazy_pattern
from headrace.record.state import LegState, StepState
from headrace.report.text import only_colours, without_escapes

BLOCK = 1 << 18
TAIL = 40
_MARK = lazy_pattern(rb"^##\[(group|endgroup|error|warning|notice|debug|command|section)\]", re.M)
_SPOKEN = {b"error": b"Error: ", b"warning": b"Warning: ", b"notice": b"Notice: ", b"debug": b"Debug: ", b"command": b"[command]"}


class Logs:
    """The log files below one run's folder. Files stay open, so that a chunk costs one read. `folder` may be set later: a run
    has none before it has begun."""

    def __init__(self, folder: str = "") -> None:
        self.folder = folder
        self._open: dict[str, int] = {}

    def path(self, log: str) -> str:
        return os.path.join(self.folder, log)

    def read(self, log: str, offset: int, length: int) -> bytes:
        """At most `length` bytes; fewer, or none, where the file has gone or is shorter."""
        if not log:
            return b""
        fd = self._open.get(log)
        if fd is None:
            try:
                fd = self._open[log] = os.open(self.path(log), os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                return b""
        return os.pread(fd, length, offset)

    def blocks(self, log: str, ranges: list[tuple[int, int]]) -> Iterator[bytes]:
        """The bytes of the ranges in order, never more than `BLOCK` at once, each block ending with a whole line."""
        rest = b""
        for offset, length in joined(ranges):
            end = offset + length
            while offset < end:
                data = self.read(log, offset, min(BLOCK, end - offset))
                if not data:
                    break
                offset += len(data)
                cut = data.rfind(b"\n") + 1
                if cut:
                    yield rest + data[:cut]
                    rest = data[cut:]
                else:
                    rest += data
        if rest:
            yield rest

    def tail(self, log: str, ranges: list[tuple[int, int]], lines: int = TAIL) -> list[bytes]:
        """The last lines of what a step printed, without the heading that the runner puts before it (unless that is all), markers
        put into words. Reads from the end, at most a few blocks."""
        data = b""
        for offset, length in reversed(joined(ranges)):
            while length > 0 and data.count(b"\n") <= lines + 8 and len(data) < 8 * BLOCK:
                take = min(length, BLOCK)
                length -= take
                data = self.read(log, offset + length, take) + data
        return spoken(without_heading(data)).splitlines()[-lines:]

    def close(self) -> None:
        for fd in self._open.values():
            os.close(fd)
        self._open.clear()


def joined(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Neighbouring ranges as one.

    >>> joined([(0, 5), (5, 5), (20, 1)])
    [(0, 10), (20, 1)]
    """
    out: list[tuple[int, int]] = []
    for offset, length in ranges:
        if out and out[-1][0] + out[-1][1] == offset:
            out[-1] = (out[-1][0], out[-1][1] + length)
        else:
            out.append((offset, length))
    return out


def without_heading(data: bytes) -> bytes:
    """A step's log without its first group, the runner's own account of what it starts.

    >>> without_heading(b"##[group]Run make\\nmake\\n##[endgroup]\\nhello\\n")
    b'hello\\n'
    """
    if not data.startswith(b"##[group]"):
        return data
    _, found, rest = data.partition(b"\n##[endgroup]\n")
    return rest if found and rest else data


def spoken(data: bytes) -> bytes:
    """The runner's markers as words: viewers read `##[error]` and `##[group]`, people do not.

    >>> spoken(b"##[group]Run make\\nmake\\n##[endgroup]\\n##[error]it broke\\n")
    b'Run make\\nmake\\nError: it broke\\n'
    """
    if b"##[" not in data:
        return data
    return _MARK.sub(lambda m: _SPOKEN.get(m[1], b""), data.replace(b"##[endgroup]\n", b""))


def readable(line: bytes, colour: bool) -> str:
    """A line of a log as text. Bytes that are not UTF-8 show as `\\xNN`; of escape sequences only colours may stay."""
    line = only_colours(line) if colour else without_escapes(line)
    text = line.decode("utf-8", "backslashreplace")
    return text + "\x1b[0m" if colour and "\x1b" in text else text


def step_ranges(leg: LegState, step: StepState | None = None) -> list[tuple[int, int]]:
    """Ranges of one step, or of the whole leg in the order of the file."""
    if step is not None:
        return step.log
    return sorted(part for each in leg.steps.values() for part in each.log)
