"""The sandbox of namespaces: a job's own file system, processes and network, without Docker and without root."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from headrace.base.errors import Problem
from headrace.base.sockets import Socket
from headrace.sandbox import files, ids
from headrace.sandbox.channel import Channel, Closed, close_all, pair
from headrace.sandbox.children import adopt_orphans, end_all
from headrace.sandbox.client import InitClient, SpawnedProcess
from headrace.sandbox.layout import Layout
from headrace.sandbox.limits.model import Guards
from headrace.sandbox.protocol import Function, SandboxLost

_PATIENCE = 5.0  # seconds that process 1 has to go before it is killed
KILLED = "the first process of the job"
"""What an OSError without a number is about: something ended it before it could say what was wrong."""


class NamespaceSandbox(InitClient):
    """`InitClient` over process 1 of the job's own pid namespace: its end is the end of everything in there."""

    def __init__(self, channel: Channel, pid: int, pidfd: int, layout: Layout, guard: Guards) -> None:
        super().__init__(channel, pid)
        self._pidfd = pidfd
        self._layout = layout
        self._guard = guard
        self._hidden = False

    @property
    def pid(self) -> int:
        """Process 1, as the machine counts."""
        return self._pid

    def spawn(self, argv: Sequence[str], env: Mapping[str, str], cwd: str, out: int, err: int) -> SpawnedProcess:
        if not self._hidden:  # only now: nobody could have given it a network after that
            self._hidden = True
            self.request({"hide": True})
        if self._layout.mode == "root":  # else `echo x >/dev/stdout` is denied: it opens the pipe anew
            owner = ids.owner("root")
            os.fchown(out, owner, owner)
            os.fchown(err, owner, owner)
        return super().spawn(argv, env, cwd, out, err)

    def read(self, path: str, limit: int) -> bytes:
        _, fds = self._ask({"read": path}, path)
        return files.read(fds[0], limit)

    def write(self, new: Sequence[tuple[str, bytes]]) -> None:
        self._ask({"write": list(new)}, new[0][0] if new else "")

    def renew(self, names: Sequence[tuple[str, str]]) -> None:
        self._ask({"renew": list(names)}, names[0][1] if names else "")

    def make_folders(self, paths: Sequence[str]) -> None:
        self._ask({"folders": list(paths)}, paths[0] if paths else "")

    def listen(self, port: int = 0) -> tuple[Socket, int]:
        """A socket that listens on the job's own 127.0.0.1, and its port. Raises OSError."""
        answer, fds = self._ask({"listen": port}, f"127.0.0.1:{port}")
        return Socket(fileno=fds[0]), int(answer["port"])

    def call(self, function: str, *arguments: Any) -> Any:
        import msgspec

        reading, writing = os.pipe2(os.O_CLOEXEC)
        try:
            self.request({"call": function, "arguments": list(arguments)}, (writing,))
        finally:
            os.close(writing)
        with open(reading, "rb") as file:
            data = file.read()
        if not data:
            raise SandboxLost(Problem(f"what should have done '{function}' in the job was killed"))
        return msgspec.msgpack.decode(data)

    def _ask(self, message: dict[str, Any], what: str) -> tuple[dict[str, Any], list[int]]:
        self.request(message)
        while True:
            try:
                answer, fds = self._channel.receive()
            except Closed:
                raise SandboxLost(Problem("the process that starts this job's steps was killed")) from None
            if "failed" in answer:
                raise OSError(answer["errno"], answer["text"], what)
            if "file" in answer:
                return answer, fds
            self._take(answer)

    def end_all(self) -> None:
        """Kill everything in the job but process 1."""
        self.request({"end": True})

    def close(self) -> None:
        self._channel.close()
        if self._pidfd < 0:
            return
        if not select.select([self._pidfd], [], [], _PATIENCE)[0]:
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            select.select([self._pidfd], [], [])
        os.close(self._pidfd)
        self._pidfd = -1
        end_all()  # what worked for the job outside of it
        self._guard.remove()


def open_namespaces(
    layout: Layout,
    folder: str,
    functions: Mapping[str, Function],
    guard: Guards,
    in_child: Callable[[], None] = lambda: None,
    layers: Sequence[str] = (),
) -> NamespaceSandbox:
    """Make the namespaces of a job whose layers lie in `folder` (to be made by `enter.job_folders`) over `layers`, the newest
    first. `guard` holds the limits of the job. Called in a process with one thread. `in_child` runs first in the fork: it closes
    what a job must not hold.

    Raises OSError with the step that the machine refuses."""
    from headrace.sandbox.enter import enter
    from headrace.sandbox.init import serve
    from headrace.sandbox.oom import OomScore

    adopt_orphans()
    ours, theirs = pair()

    def be_first() -> None:
        kept = theirs.fileno()
        os.closerange(3, kept)
        os.closerange(kept + 1, os.sysconf("SC_OPEN_MAX"))
        score = OomScore()
        guard.settle()
        serve(theirs, functions, score, lambda: None)  # all ends with process 1; what its /proc says may be of the job's making

    first = guard.fork()
    if first == 0:
        try:
            ours.close()
            in_child()
            guard.join()
            enter(layout, folder, layers, theirs, be_first)
        except OSError as error:
            theirs.send({"refused": error.errno or 0, "text": error.strerror or str(error), "what": error.filename or ""})
        except Closed:
            pass
        finally:
            os._exit(0)
    theirs.close()
    try:
        pid, pidfd = _hear(ours, first, layout.mode)
    except BaseException:
        ours.close()  # it may be waiting for an answer
        os.waitpid(first, 0)
        guard.remove()
        raise
    os.waitpid(first, 0)
    return NamespaceSandbox(ours, pid, pidfd, layout, guard)


def _hear(ours: Channel, first: int, mode: ids.Mode) -> tuple[int, int]:
    """Give the first process its ids where it asks for them, and wait until process 1 has all in its place: its pid, and a pidfd.
    Raises OSError with what was refused."""
    told: dict[str, Any] = {}
    fds: list[int] = []
    try:
        while not {"init", "first"} <= told.keys():
            message, more = ours.receive()
            told |= message
            fds += more
            if "maps" in message:
                ids.write_maps(first, mode)
                ours.send({})
            if "refused" in message:
                raise OSError(message["refused"], message["text"], message["what"])
    except Closed:
        close_all(fds)
        raise OSError(0, "it was killed", KILLED) from None
    except OSError:
        close_all(fds)
        raise
    return told["init"], fds[0]
