"""Runs one program of a step to its end: its two streams, its timeout, and the signals that end it early."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

from msgspec import Struct

from headrace.base.errors import Problem
from headrace.runner.control import Control
from headrace.runner.log import LegLog
from headrace.runner.ticket import CancelOrder
from headrace.sandbox.protocol import Process, Programs, Sandbox, SandboxLost

if TYPE_CHECKING:
    from headrace.runner.limits import LegLimits

# a hosted runner's grace: an interrupt, 7.5 s, a terminate, 2.5 s, then a kill; only the program itself is signalled
SIGNALS = ((signal.SIGINT, 7.5), (signal.SIGTERM, 2.5), (signal.SIGKILL, 5.0))
DRAIN = 5.0  # seconds that output is read after the program's end, where a child of it keeps the pipe open
_READ = 1 << 17


class Ended(Struct, frozen=True):
    """`status` as shells print it. `because`: why it was ended early, if it was. `alone`: nothing that it started lived on."""

    status: int
    because: Literal["", "timeout", "cancelled", "limit"] = ""
    alone: bool = False


class Reader(Protocol):
    """Reads one stream: what comes back is for the log."""

    def feed(self, data: bytes) -> bytes: ...

    def finish(self) -> bytes: ...


class Supervision(Struct):
    """What a program is watched with. `on_cancel` decides, at an order, whether the program is to be ended. `limits`: those of
    the job, where it has some."""

    sandbox: Sandbox
    control: Control
    log: LegLog
    on_cancel: Callable[[CancelOrder], bool]
    limits: LegLimits | None = None


class Watched(Protocol):
    """What of a `Supervision` it takes to watch a program."""

    @property
    def sandbox(self) -> Programs: ...

    @property
    def control(self) -> Control: ...

    @property
    def log(self) -> LegLog: ...

    @property
    def on_cancel(self) -> Callable[[CancelOrder], bool]: ...

    @property
    def limits(self) -> LegLimits | None: ...


def run_program(
    watch: Watched,
    argv: Sequence[str],
    env: Mapping[str, str],
    cwd: str,
    readers: tuple[Reader, Reader],
    timeout: float | None,
) -> Ended:
    """Start `argv` and stay until it has ended and its output is read. `timeout` in seconds, None for none.

    Raises SpawnError where it cannot start, SandboxLost, EngineGone, and EngineError on a full disk."""
    out, out_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    err, err_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    os.set_blocking(out_end, True)
    os.set_blocking(err_end, True)
    try:
        try:
            process = watch.sandbox.spawn(argv, env, cwd, out_end, err_end)
        finally:
            os.close(out_end)
            os.close(err_end)
        return _Watch(watch, process, {out: readers[0], err: readers[1]}, timeout).run()
    finally:
        os.close(out)
        os.close(err)


class _Watch:
    def __init__(self, watch: Watched, process: Process, readers: dict[int, Reader], timeout: float | None) -> None:
        self._w = watch
        self._process = process
        self._readers = dict(readers)
        self._deadline = time.monotonic() + timeout if timeout else None
        self._because: Literal["", "timeout", "cancelled", "limit"] = ""
        self._escalation = list(SIGNALS)
        self._next_signal: float | None = None
        self._forced = False
        self._poll = select.poll()
        for fd in (*readers, watch.sandbox.fileno(), watch.control.fileno()):
            self._poll.register(fd, select.POLLIN)

    def run(self) -> Ended:
        drained: float | None = None
        while True:
            if self._process.status is not None:
                if not self._readers:
                    break
                drained = drained or time.monotonic() + (0.0 if self._forced else DRAIN)
                if time.monotonic() >= drained:
                    break
            self._w.control.flush()
            for fd, _ in self._poll.poll(self._wait(drained)):
                if fd in self._readers:
                    self._read(fd)
                elif fd == self._w.sandbox.fileno():
                    self._w.sandbox.pump()
                elif self._obey():
                    drained = None
            self._signals()
            if self._w.limits is not None and self._process.status is None and self._w.limits.look():
                self._because = self._because or "limit"
                self._forced = True  # nothing of the job is left that could write
            self._w.log.tick()
        for reader in self._readers.values():
            self._w.log.write(reader.finish())
        assert self._process.status is not None
        return Ended(self._process.status, self._because, self._process.alone)

    def _wait(self, drained: float | None) -> int | None:
        """Milliseconds for poll."""
        now = time.monotonic()
        running = self._process.status is None  # a signal or a deadline of what has ended is nothing to wait for
        deadline = self._deadline if not self._because else None
        due = [at - now for at in ((self._next_signal, deadline) if running else (drained,)) if at is not None]
        if self._w.log.due is not None:
            due.append(self._w.log.due)
        if self._w.limits is not None and running:
            due.append(self._w.limits.wait())
        return max(0, int(min(due) * 1000) + 1) if due else None

    def _read(self, fd: int) -> None:
        try:
            data = os.read(fd, _READ)
        except BlockingIOError:
            return
        reader = self._readers[fd]
        if data:
            text = reader.feed(data)
        else:
            text = reader.finish()
            del self._readers[fd]
            self._poll.unregister(fd)
        if text:
            self._w.log.write(text)

    def _obey(self) -> bool:
        """Whether the order was to end it by force: then nobody waits for a child that keeps the pipe either."""
        forced = False
        while (order := self._w.control.order()) is not None:  # several may have come at once
            if not self._w.on_cancel(order):
                continue
            self._because = self._because or "cancelled"
            if order.force and not self._forced:
                self._forced = True
                self._escalation = [SIGNALS[-1]]
                self._next_signal = time.monotonic()
            elif self._next_signal is None:
                self._next_signal = time.monotonic()
            forced = forced or order.force
        return forced

    def _signals(self) -> None:
        now = time.monotonic()
        if self._deadline is not None and not self._because and now >= self._deadline and self._process.status is None:
            self._because = "timeout"
            self._next_signal = now
        if self._next_signal is None or now < self._next_signal or self._process.status is not None:
            return
        if not self._escalation:
            raise SandboxLost(Problem("a program could not be killed: the process that starts this job's steps does not answer"))
        number, grace = self._escalation.pop(0)
        self._process.signal(number)
        self._next_signal = now + grace
