"""The zygote: a small process with one thread, forked before anything heavy is loaded; it forks a supervisor for each leg.

    engine ── socket ── zygote ─┬─ supervisor (leg 1) ── init ── steps
                                └─ supervisor (leg 2) ── init ── steps

When the engine's end closes, however it died, supervisors and inits see the same on their sockets and go; what a killed
supervisor left comes to the zygote, which kills it. Last, it clears the trash, in the background.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable

Entry = Callable[[socket.socket], None]


class Zygote:
    """The engine's side."""

    def __init__(self, sock: socket.socket, pid: int) -> None:
        from headrace.sandbox.channel import Channel

        self._channel = Channel(sock)
        self.pid = pid

    def fork(self, connection: socket.socket) -> None:
        """Start a supervisor that serves `connection`, which is closed here. Raises EngineError where the zygote is gone."""
        from headrace.base.errors import EngineError
        from headrace.sandbox.channel import Closed

        try:
            self._channel.send({}, (connection.fileno(),))
        except Closed:
            raise EngineError("the process that starts jobs was killed; run again") from None
        finally:
            connection.close()

    def remove(self, path: str) -> None:
        """Delete a folder, in the background and one at a time."""
        self._tell({"remove": path})

    def remove_at_end(self, path: str) -> None:
        """Delete a folder when the engine is gone, however it went."""
        self._tell({"last": path})

    def _tell(self, message: dict[str, str]) -> None:
        from headrace.sandbox.channel import Closed

        try:
            self._channel.send(message)
        except Closed:
            return  # the next call sweeps

    def close(self) -> None:
        self._channel.close()


def start(load: Callable[[], Entry]) -> tuple[socket.socket, int]:
    """Fork the zygote: its socket and pid, for `Zygote`. `load` runs in the child and returns what a supervisor does.

    Called first thing in a process that has one thread and has loaded nothing heavy."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    pid = os.fork()
    if pid:
        theirs.close()
        return ours, pid
    try:
        ours.close()
        os.setsid()  # a terminal's Ctrl-C reaches only the engine
        null = os.open("/dev/null", os.O_RDWR)
        for fd in (0, 1, 2):  # whoever reads the engine's output must not wait for us
            os.dup2(null, fd)
        _serve(theirs, load())
    except BaseException:
        from headrace.base.crash import write_crash

        write_crash("zygote")
    finally:
        os._exit(0)


def _serve(sock: socket.socket, entry: Entry) -> None:
    import gc
    import select

    from headrace.sandbox.channel import Channel, Closed
    from headrace.sandbox.children import adopt_orphans, end_all, reap

    gc.collect()
    gc.freeze()
    adopt_orphans()
    channel = Channel(sock)
    wake, alarm = os.pipe()
    os.set_blocking(alarm, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(alarm, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    known: set[int] = set()
    trash: list[str] = []
    last: list[str] = []
    cleaner = 0
    poll = select.poll()
    poll.register(channel.fileno(), select.POLLIN)
    poll.register(wake, select.POLLIN)
    try:
        while True:
            ready = [fd for fd, _ in poll.poll()]
            if wake in ready:
                try:
                    while os.read(wake, 512):
                        pass
                except BlockingIOError:
                    pass
                gone = {pid for pid, _ in reap()}
                if gone & known:  # a supervisor that was killed left its processes to us
                    known -= gone
                    end_all(frozenset(known | ({cleaner} if cleaner else set())))
                if cleaner in gone:
                    cleaner = 0
            if channel.fileno() in ready:
                message, fds = channel.receive()
                if fds:
                    known.add(_fork_supervisor(sock, fds[0], (wake, alarm), entry))
                    os.close(fds[0])
                match message:
                    case {"remove": str(path)}:
                        trash.append(path)
                    case {"last": str(path)}:
                        last.append(path)
            if trash and not cleaner:
                cleaner = _fork_cleaner(sock, trash)
                trash = []
    except Closed:
        pass
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _await(known)
    end_all(frozenset({cleaner} if cleaner else ()))
    _clean([*trash, *last])


def _await(supervisors: set[int]) -> None:
    """Give supervisors a moment to end their own; they have seen the engine go as well."""
    import time

    until = time.monotonic() + 0.5
    while supervisors and time.monotonic() < until:
        for pid in list(supervisors):
            try:
                if os.waitpid(pid, os.WNOHANG)[0]:
                    supervisors.discard(pid)
            except ChildProcessError:
                supervisors.discard(pid)
        if supervisors:
            time.sleep(0.005)  # at most half a second in all, after which they are killed


def _fork_supervisor(sock: socket.socket, fd: int, others: tuple[int, ...], entry: Entry) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        sock.close()
        for other in others:
            os.close(other)
        entry(socket.socket(fileno=fd))
    except BaseException:
        from headrace.base.crash import write_crash

        write_crash("supervisor")
    finally:
        os._exit(0)


def _fork_cleaner(sock: socket.socket, paths: list[str]) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        signal.set_wakeup_fd(-1)
        sock.close()
        os.nice(19)
        _clean(paths)
    finally:
        os._exit(0)


def _clean(paths: list[str]) -> None:
    from headrace.base.files import remove_tree

    for path in paths:
        remove_tree(path)
