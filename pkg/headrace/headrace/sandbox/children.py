"""The processes below this one: become the one that orphans come to, find them all, end them all."""

from __future__ import annotations

import os
import signal

_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> bool:
    """Processes below us whose parent ends become our children, so that none can hide. Linux only; returns whether it works."""
    words = (_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        import _ctypes  # the half of ctypes that this takes: the other would cost every call two milliseconds

        program = _ctypes.dlopen(None, 0)  # type: ignore[arg-type]  # the stub knows only libraries with a name
        return bool(_ctypes.call_function(_ctypes.dlsym(program, "prctl"), words) == 0)
    except (ImportError, AttributeError, OSError):
        return _adopt_by_ctypes(words)


def _adopt_by_ctypes(words: tuple[int, ...]) -> bool:
    import ctypes

    try:
        return bool(ctypes.CDLL(None).prctl(*words) == 0)
    except (OSError, AttributeError):
        return False


def children(pid: int) -> list[int]:
    """Direct children of a process, now. Empty where the process is gone."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                found += map(int, file.read().split())
    except FileNotFoundError:
        if os.path.exists(f"/proc/{pid}/stat") and not os.path.exists(f"/proc/{pid}/task/{pid}/children"):
            return _children_by_scan(pid)
    except OSError:
        return found
    return found


def _children_by_scan(pid: int) -> list[int]:
    """For kernels without the `children` files."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdecimal():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == pid:
                found.append(int(name))
    return found


def descendants(pid: int) -> list[int]:
    """Everything below a process, parents before their children."""
    found = children(pid)
    for one in found:
        found += children(one)
    return found


def reap() -> list[tuple[int, int]]:
    """Collect every child that has ended: (pid, exit code; 128 + N for signal N)."""
    ended: list[tuple[int, int]] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended.append((pid, exit_code(status)))


def childless() -> bool:
    """Whether nothing is below us: every orphan would have come to us."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    return False


def exit_code(status: int) -> int:
    """A wait status as shells print it."""
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code


def kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def is_dying(pid: int) -> bool:
    """Whether a process has ended, or has been killed and not got round to it. What is below it comes to us only then.

    A child of ours that is not collected yet counts as ended. Linux only; elsewhere nothing is."""
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            return _says_dying(file.read())
    except (FileNotFoundError, ProcessLookupError):
        return os.path.exists("/proc/self/status")
    except OSError:
        return False


def _says_dying(status: bytes) -> bool:
    fields = dict(line.split(b":\t", 1) for line in status.splitlines() if b":\t" in line)
    if fields.get(b"State", b"")[:1] in (b"Z", b"X"):
        return True
    kill = 1 << (signal.SIGKILL - 1)
    return any(int(fields.get(name, b"0"), 16) & kill for name in (b"SigPnd", b"ShdPnd"))


def end_all(spare: frozenset[int] = frozenset()) -> None:
    """Kill everything below us but `spare` and what hangs below those, and wait until none is left.

    Needs `adopt_orphans`. Each round stops all first, so that none can fork away, and a process that appears meanwhile is
    met in the next round: its parent is gone then, and it has come to us."""
    me = os.getpid()
    while True:
        rest = [pid for pid in children(me) if pid not in spare]
        if not rest:
            return
        whole = rest + [below for pid in rest for below in descendants(pid)]
        for pid in whole:
            kill(pid, signal.SIGSTOP)
        for pid in whole:
            kill(pid, signal.SIGKILL)
        for pid in rest:
            try:
                os.waitpid(pid, 0)
            except ChildProcessError:
                continue
