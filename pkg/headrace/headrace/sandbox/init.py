"""The init of a sandbox: the one process that spawns the steps, reaps what they leave and ends it all.

It is forked, never exec'd, and serves one socket. Requests: `find`, `spawn` (with two descriptors), `signal`, `end`. When the
socket ends, whatever the reason, it kills everything below itself and goes.
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from headrace.base.sockets import AF_INET, SOCK_STREAM, Socket
from headrace.sandbox import files
from headrace.sandbox.channel import Channel, Closed, close_all
from headrace.sandbox.children import adopt_orphans, childless, end_all, kill, reap
from headrace.sandbox.protocol import Function

if TYPE_CHECKING:
    from headrace.sandbox.oom import OomScore


UMASK = 0o022
"""Of all that a job makes, as on a hosted machine, whatever the caller's is."""

# Python ignores these, and an ignored signal stays ignored through exec: a step must get the defaults
_RESET = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD)


def serve(
    channel: Channel,
    functions: Mapping[str, Function] | None = None,
    score: OomScore | None = None,
    end: Callable[[], None] = end_all,
    adopt: bool = True,
) -> None:
    """Serve until the socket ends, then leave no process: `end` sees to that. Returns; the caller exits. `functions`: those that
    `call` knows. `score` makes steps the ones to be killed when memory is short. Without `adopt`, what is started may leave
    processes behind that are not ours."""
    os.umask(UMASK)
    if adopt:
        adopt_orphans()
    wake, alarm = os.pipe()
    os.set_blocking(alarm, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(alarm, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    running: dict[int, int] = {}  # pid → the request's number
    poll = select.poll()
    poll.register(channel.fileno(), select.POLLIN)
    poll.register(wake, select.POLLIN)
    try:
        while True:
            ready = [fd for fd, _ in poll.poll()]
            if wake in ready:
                _drain(wake)
                for pid, status in reap():
                    number = running.pop(pid, None)
                    if number is not None:
                        channel.send({"exited": number, "status": status, "alone": childless()})
            if channel.fileno() in ready:
                request, fds = channel.receive()
                if not answer_files(channel, request, fds, functions or {}):
                    _answer(channel, request, fds, running, score)
    except Closed:
        pass
    finally:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        end()


def answer_files(channel: Channel, request: dict[str, Any], fds: list[int], functions: Mapping[str, Function]) -> bool:
    """Requests about the job's files, from a client that does not see them; whether it was one."""
    try:
        match request:
            case {"read": str(path)}:
                fd = files.open_regular(path)
                channel.send({"file": True}, (fd,))
                os.close(fd)
            case {"write": list(new)}:
                files.write_new([(path, data) for path, data in new])
                channel.send({"file": True})
            case {"hide": True}:  # no step may read the memory of process 1, which is a copy of its supervisor's
                from headrace.sandbox.kernel import hide_from_peers

                hide_from_peers()
            case {"renew": list(names)}:
                files.renew([(old, new) for old, new in names])
                channel.send({"file": True})
            case {"folders": list(paths)}:
                files.make_folders(paths)
                channel.send({"file": True})
            case {"listen": int(port)}:
                _listen(channel, port)
            case {"call": str(name), "arguments": list(arguments)}:
                _call(functions[name], arguments, fds[0])
            case _:
                return False
    except OSError as error:
        channel.send({"failed": 0, "errno": error.errno or 0, "text": error.strerror or str(error)})
    finally:
        if "spawn" not in request:
            close_all(fds)
    return True


def _call(function: Function, arguments: list[Any], out: int) -> None:
    """In a process of its own: it may take its time, which process 1 must not. But where the job has as many as it may have."""
    try:
        child = os.fork()
    except BlockingIOError:
        child = -1
    if child <= 0:
        try:
            with open(out, "wb", closefd=False) as file:
                file.write(msgspec.msgpack.encode(function(*arguments)))
        finally:
            if child == 0:
                os._exit(0)


def _listen(channel: Channel, port: int) -> None:
    listener = Socket(AF_INET, SOCK_STREAM)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
        channel.send({"file": True, "port": listener.getsockname()[1]}, (listener.fileno(),))
    finally:
        listener.close()


def _drain(fd: int) -> None:
    try:
        while os.read(fd, 512):
            pass
    except BlockingIOError:
        return


def _answer(channel: Channel, request: dict[str, Any], fds: list[int], running: dict[int, int], score: OomScore | None) -> None:
    match request:
        case {"find": str(name), "path": str(path)}:
            channel.send({"found": find(name, path)})
        case {"spawn": int(number), "argv": list(argv), "env": dict(env), "cwd": str(cwd)}:
            try:
                pid = _spawn(argv, env, cwd, fds, score)
            except OSError as error:
                channel.send({"failed": number, "text": f"{error.strerror}: {error.filename or argv[0]}"})
            except ValueError as error:  # a NUL byte in the environment
                channel.send({"failed": number, "text": str(error)})
            else:
                running[pid] = number
                channel.send({"started": number, "pid": pid})
            finally:
                close_all(fds)
        case {"signal": int(signal_number), "to": int(number)}:
            for pid, known in running.items():
                if known == number:
                    kill(pid, signal_number)
        case {"end": True} if os.getpid() == 1:
            kill(-1, signal.SIGKILL)


def _spawn(argv: list[str], env: dict[str, str], cwd: str, fds: list[int], score: OomScore | None) -> int:
    os.chdir(cwd)  # posix_spawn has no folder of its own
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, fds[0], 1),
        (os.POSIX_SPAWN_DUP2, fds[1], 2),
    ]
    if score is not None:
        score.give_up()
    try:
        return os.posix_spawn(argv[0], argv, env, file_actions=actions, setsid=True, setsigmask=(), setsigdef=_RESET)
    finally:
        if score is not None:
            score.take_back()
        os.chdir("/")


def find(name: str, path: str) -> str | None:
    """Where an executable file `name` is on `path`; a name with a slash is looked at as it is."""
    if "/" in name:
        return name if _executable(name) else None
    for folder in path.split(":"):
        candidate = f"{folder or '.'}/{name}"
        if _executable(candidate):
            return candidate
    return None


def _executable(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)
