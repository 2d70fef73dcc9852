"""The keeper: a process beside the process tree of the run. It runs the commands of the container engine, and removes what a leg
has made when the leg's supervisor is gone, however it went.

It is beside the tree since an engine leaves helpers of its own behind (what watches a container, the network of a user), which
are not the leg's alone, and must not end with it. Where the keeper is killed too, the next run sweeps (`sweep.py`).
"""

from __future__ import annotations

import os
import select
import signal
import socket
import struct
from collections.abc import Callable
from typing import Any

from headrace.base import bundle
from headrace.base.sockets import AF_UNIX, SOCK_STREAM, SOL_SOCKET, Socket, socketpair
from headrace.sandbox.channel import Channel, Closed
from headrace.sandbox.children import children, kill
from headrace.sandbox.client import InitClient
from headrace.sandbox.containers import removal
from headrace.sandbox.containers.model import Found
from headrace.sandbox.init import serve
from headrace.sandbox.protocol import SandboxLost

_PEER = 17  # SO_PEERCRED
_WRITING = 1  # SHUT_WR
_PATIENCE = 60.0  # seconds; what is not gone then is left to the next run


class Keeper:
    """The engine's side: it lives as long as the socket."""

    def __init__(self, name: str, sock: Socket) -> None:
        self.name = name
        self._sock = sock

    def close(self) -> None:
        """Let it remove what is left, and wait for that."""
        try:
            self._sock.shutdown(_WRITING)
            self._sock.settimeout(_PATIENCE)
            self._sock.recv(1)  # nothing comes but the end
        except OSError:
            pass
        self._sock.close()


def start(found: Found, env: dict[str, str], mark: str, done: Callable[[], None]) -> Keeper:
    """Fork it. `env` is what the engine's program is told, `mark` what stands on all that the run makes; `done` is called in the
    keeper when nothing of it is left. Called before this process adopts orphans."""
    name = f"\0headrace-{os.urandom(16).hex()}"
    listener = Socket(AF_UNIX, SOCK_STREAM)
    listener.bind(name)
    listener.listen(64)
    ours, theirs = socketpair(AF_UNIX, SOCK_STREAM)
    middle = os.fork()
    if middle == 0:
        try:
            os.setsid()
            if os.fork() == 0:
                _keep_only([listener.fileno(), theirs.fileno(), *bundle.OPEN])
                _serve(listener, theirs, found, env, mark, done)
        except BaseException:
            from headrace.base.crash import write_crash

            write_crash("the keeper of containers")
        finally:
            os._exit(0)
    os.waitpid(middle, 0)
    listener.close()
    theirs.close()
    return Keeper(name, ours)


def connect(name: str, leg: str) -> InitClient:
    """A supervisor's line to the keeper: it starts programs there. `leg` is the mark of what it makes. Raises SandboxLost."""
    from headrace.base.errors import Problem

    sock = Socket(AF_UNIX, SOCK_STREAM)
    try:
        sock.connect(name)
        channel = Channel(sock)
        channel.send({"leg": leg})
    except (OSError, Closed):
        raise SandboxLost(Problem("the process that minds this run's containers was killed")) from None
    return Client(channel, 0)


class Client(InitClient):
    def close(self) -> None:
        self._channel.close()


def _keep_only(fds: list[int]) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    start = 3
    for fd in sorted(fds):
        os.closerange(start, fd)
        start = fd + 1
    os.closerange(start, os.sysconf("SC_OPEN_MAX"))


def _serve(listener: Socket, engine: Socket, found: Found, env: dict[str, str], mark: str, done: Callable[[], None]) -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    poll = select.poll()
    poll.register(listener.fileno(), select.POLLIN)
    poll.register(engine.fileno(), select.POLLIN)
    accepting = socket.socket(fileno=os.dup(listener.fileno()))
    legs: set[int] = set()
    clean = True  # whether every leg has removed all that it had made
    while True:
        ready = {fd for fd, _ in poll.poll(1000 if legs else None)}
        for pid in tuple(legs):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                legs.discard(pid)
                clean = clean and status == 0
        if listener.fileno() in ready:
            sock, _ = accepting.accept()
            if _is_ours(sock):
                legs.add(_fork_leg(sock, (listener, accepting, engine), found, env))
            sock.close()
        if engine.fileno() in ready:  # it says nothing: this is its end
            break
    listener.close()
    accepting.close()
    for pid in legs:
        clean = os.waitpid(pid, 0)[1] == 0 and clean
    if clean or removal.remove_run(found, env, mark):
        done()


def _is_ours(sock: Socket) -> bool:
    """Whether the other end is the same user's: the name of the socket can be seen by everybody."""
    _, uid, _ = struct.unpack("3i", sock.getsockopt(SOL_SOCKET, _PEER, 12))
    return bool(uid == os.getuid())


def _fork_leg(sock: Socket, private: tuple[Socket, ...], found: Found, env: dict[str, str]) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        for each in private:
            each.close()
        status = 0 if _serve_leg(Channel(sock), found, env) else 1
    except BaseException:
        from headrace.base.crash import write_crash

        write_crash("the keeper of containers")
    finally:
        os._exit(status)


def _serve_leg(channel: Channel, found: Found, env: dict[str, str]) -> bool:
    """Whether nothing is left of it."""
    try:
        hello: Any = channel.receive()[0]
    except Closed:
        return True
    serve(channel, end=_end_commands, adopt=False)
    return removal.remove_leg(found, env, str(hello["leg"]))


def _end_commands() -> None:
    """Those that still run: what they have left behind is none of our children."""
    for pid in children(os.getpid()):
        kill(pid, signal.SIGKILL)
        try:
            os.waitpid(pid, 0)
        except ChildProcessError:
            continue
