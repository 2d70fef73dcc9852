"""The zygote: a small process with one thread, forked before anything heavy is loaded; it forks a supervisor for each leg.

    engine ── socket ── zygote ─┬─ supervisor (leg 1) ── init ── steps
                                └─ supervisor (leg 2) ── init ── steps

When the engine's end closes, however it died, supervisors and inits see the same on their sockets and go; what a killed
supervisor left comes to the zygote, which kills it. Last, it clears the trash, in the background.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from headrace.base import bundle
from headrace.base.sockets import AF_UNIX, SOCK_STREAM, Socket, socketpair
from headrace.sandbox.children import is_dying

_IDLE = 100  # milliseconds without any request before the trash is looked at
_PATIENCE = 10.0  # seconds in which a process that has been killed lets go of its control group, whatever its disk does


class Entry(Protocol):
    """What a supervisor does: get ready, then serve. `run` is what `Zygote.ahead` has said, or `hint` before it."""

    def heed(self, run: dict[str, Any]) -> None:
        """In the zygote: load what supervisors of this run would otherwise load each for itself."""

    def stand_by(self, close_private: Callable[[], None], run: dict[str, Any]) -> Callable[[Socket], None]:
        """In the supervisor. `close_private` is for its own children and closes what they must not hold."""


class Zygote:
    """The engine's side."""

    def __init__(self, sock: Socket, pid: int) -> None:
        from headrace.sandbox.channel import Channel

        self._channel = Channel(sock)
        self.pid = pid

    def fork(self, connection: Socket) -> None:
        """Start a supervisor that serves `connection`, which is closed here. Raises EngineError where the zygote is gone."""
        from headrace.base.errors import EngineError
        from headrace.sandbox.channel import Closed

        try:
            self._channel.send({}, (connection.fileno(),))
        except Closed:
            raise EngineError("the process that starts jobs was killed; run again") from None
        finally:
            connection.close()

    def hint(self, run: dict[str, Any]) -> None:
        """What is known already of what `ahead` will say: it can load what that takes."""
        self._tell({"hint": run})

    def ahead(self, run: dict[str, Any], *, anew: bool) -> None:
        """What the next supervisors are told while they get ready. `anew`: the one that stands by does not know it, and will not
        do."""
        self._tell({"ahead": run, "anew": anew})

    def end(self, number: int) -> None:
        """Kill the supervisor of the `number`-th fork (from 0), and all below it."""
        self._tell({"end": number})

    def remove(self, path: str) -> None:
        """Delete a folder, in the background and one at a time."""
        self._tell({"remove": path})

    def remove_at_end(self, path: str) -> None:
        """Delete a folder when the engine is gone, however it went."""
        self._tell({"last": path})

    def remove_groups_at_end(self, paths: Sequence[str]) -> None:
        """Remove control groups when the engine is gone, however it went, and no process of its jobs is left."""
        self._tell({"groups": list(paths)})

    def _tell(self, message: dict[str, Any]) -> None:
        from headrace.sandbox.channel import Closed

        try:
            self._channel.send(message)
        except Closed:
            return  # the next call sweeps

    def kill(self) -> None:
        """For one that does not answer. Its children become orphans."""
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def close(self) -> None:
        """Where somebody has killed it, it has ended after this, and what was below it has come to us."""
        self._channel.close()
        if is_dying(self.pid):  # perhaps it has had no time for it yet, and holds on to its children
            try:
                os.waitpid(self.pid, 0)
            except ChildProcessError:
                pass
            return
        try:
            os.kill(self.pid, signal.SIGCONT)  # a job may have stopped it: then it would not see the end
        except ProcessLookupError:
            return


def start(load: Callable[[], Entry]) -> tuple[Socket, int]:
    """Fork the zygote: its socket and pid, for `Zygote`. `load` runs in the child and returns what a supervisor does.

    Called first thing in a process that has one thread and has loaded nothing heavy."""
    ours, theirs = socketpair(AF_UNIX, SOCK_STREAM)
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
        _close_all_but(theirs.fileno(), *bundle.OPEN)
        _serve(theirs, load())
    except BaseException:
        from headrace.base.crash import write_crash

        write_crash("zygote")
    finally:
        os._exit(0)


def _close_all_but(*kept: int) -> None:
    """What our caller had open besides the three streams is none of a job's business."""
    start = 3
    for fd in sorted(kept):
        os.closerange(start, fd)
        start = fd + 1
    os.closerange(start, os.sysconf("SC_OPEN_MAX"))


def _serve(sock: Socket, entry: Entry) -> None:
    import gc
    import select

    from headrace.sandbox.channel import Channel, Closed
    from headrace.sandbox.children import adopt_orphans, end_all, reap

    gc.collect()
    gc.freeze()
    gc.enable()
    adopt_orphans()
    channel = Channel(sock)
    wake, alarm = os.pipe()
    os.set_blocking(alarm, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(alarm, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    nursery = _Nursery((sock.fileno(), wake, alarm), entry)
    poll = select.poll()
    poll.register(channel.fileno(), select.POLLIN)
    poll.register(wake, select.POLLIN)
    last: list[str] = []
    groups: list[str] = []
    try:
        while True:
            ready = [fd for fd, _ in poll.poll(_IDLE if nursery.trash and not nursery.cleaner else None)]
            if not ready:  # nothing else to do: a leg that waits to start must not wait for this
                nursery.clean()
            if wake in ready:
                try:
                    while os.read(wake, 512):
                        pass
                except BlockingIOError:
                    pass
                nursery.mourn({pid for pid, _ in reap()})
            if channel.fileno() in ready:
                message, fds = channel.receive()
                for fd in fds:
                    nursery.give(fd)
                match message:
                    case {"end": int(which)}:
                        nursery.end(which)
                    case {"hint": dict(run)}:
                        entry.heed(run)
                    case {"ahead": dict(run), "anew": bool(anew)}:
                        nursery.ahead = run
                        entry.heed(run)
                        if anew:
                            nursery.restock()
                    case {"remove": str(path)}:
                        nursery.trash.append(path)
                    case {"last": str(path)}:
                        last.append(path)
                    case {"groups": list(paths)}:
                        groups += paths
    except Closed:
        pass
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nursery.dismiss()
    end_all(frozenset({nursery.cleaner} if nursery.cleaner else ()))
    gone = _remove_groups(groups)
    _clean([*nursery.trash, *(last if gone else ())])  # they say which groups there are: the next call tries again
    bundle.refresh()  # nobody waits for this process any more


class _Nursery:
    """The zygote's children: supervisors at work, one that waits for the next leg, and at most one that deletes.

    The one that waits is forked while the others work, so that no leg waits for a fork."""

    def __init__(self, private: tuple[int, ...], entry: Entry) -> None:
        self._private = private  # descriptors that no child may hold
        self._entry = entry
        self.known: set[int] = set()
        self.cleaner = 0
        self.trash: list[str] = []
        self.ahead: dict[str, Any] = {}
        self._given: list[int] = []
        self._spare: tuple[int, Socket] | None = None
        self._stock()

    def _stock(self) -> None:
        ours, theirs = socketpair(AF_UNIX, SOCK_STREAM)
        pid = self._fork(lambda: self._wait(ours, theirs))
        theirs.close()
        self.known.add(pid)
        self._spare = pid, ours

    def _wait(self, ours: Socket, theirs: Socket) -> None:
        """In the child: wait for the connection of a leg, then supervise it. The end of file means that there is none."""
        from headrace.sandbox.channel import Channel, Closed

        ours.close()
        serve = self._entry.stand_by(theirs.close, self.ahead)
        try:
            _, fds = Channel(theirs).receive()
        except Closed:
            return
        theirs.close()
        serve(Socket(fileno=fds[0]))

    def give(self, connection: int) -> None:
        """Hand a leg's connection to the one that waits, and fork the next."""
        from headrace.sandbox.channel import Channel, Closed

        if self._spare is None:
            self._stock()
        assert self._spare is not None
        pid, sock = self._spare
        self._given.append(pid)
        try:
            Channel(sock).send({}, (connection,))
        except Closed:  # it was killed while it waited: the leg is lost, which its engine sees
            pass
        os.close(connection)
        sock.close()
        self._spare = None
        self._stock()

    def restock(self) -> None:
        """Send away the one that waits, and fork another."""
        if self._spare is not None:
            self._spare[1].close()
        self._stock()

    def end(self, which: int) -> None:
        """Kill the supervisor of a leg that does not answer; `mourn` ends what it leaves."""
        if self._given[which] in self.known:
            os.kill(self._given[which], signal.SIGKILL)

    def mourn(self, gone: set[int]) -> None:
        """Children have ended. A supervisor that was killed has left its processes to us."""
        if self._spare is not None and self._spare[0] in gone:
            self._spare[1].close()
            self._spare = None
        if self.cleaner in gone:
            self.cleaner = 0
        if gone & self.known:
            from headrace.sandbox.children import end_all

            self.known -= gone
            end_all(frozenset(self.known | ({self.cleaner} if self.cleaner else set())))

    def clean(self) -> None:
        if self.trash and not self.cleaner:
            paths, self.trash = self.trash, []
            self.cleaner = self._fork(lambda: _clean_gently(paths))

    def dismiss(self) -> None:
        """The engine is gone: give supervisors, which have seen it too, half a second to end their own."""
        import time

        if self._spare is not None:
            self._spare[1].close()
        until = time.monotonic() + 0.5
        while self.known and time.monotonic() < until:
            for pid in list(self.known):
                try:
                    if os.waitpid(pid, os.WNOHANG)[0]:
                        self.known.discard(pid)
                except ChildProcessError:
                    self.known.discard(pid)
            if self.known:
                time.sleep(0.005)

    def _fork(self, work: Callable[[], None]) -> int:
        pid = os.fork()
        if pid:
            return pid
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for fd in self._private:
                os.close(fd)
            work()
        except BaseException:
            from headrace.base.crash import write_crash

            write_crash("a process of a job")
        finally:
            os._exit(0)


def _remove_groups(paths: list[str]) -> bool:
    if not paths:
        return True
    from headrace.sandbox.limits import groups

    gone = [groups.remove(path, _PATIENCE) for path in paths]
    return all(gone)


def _clean_gently(paths: list[str]) -> None:
    os.nice(19)
    _clean(paths)


def _clean(paths: list[str]) -> None:
    from headrace.sandbox.removal import remove

    for path in paths:
        remove(path)
