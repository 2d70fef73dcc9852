"""The lock of a run: who holds it is alive, and can be reached by a signal. It goes with its process, however that ends."""

from __future__ import annotations

import fcntl
import os
import signal

from headrace.base.errors import Problem, UsageError
from headrace.base.paths import run_dir


def lock_run(run: str) -> int:
    """Make the run's folder and take its lock; the file descriptor holds it until the process ends. The file says who we are."""
    folder = run_dir(run)
    os.makedirs(os.path.join(folder, "logs"), mode=0o700, exist_ok=True)
    fd = os.open(os.path.join(folder, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(fd, fcntl.LOCK_EX)
    os.pwrite(fd, f"{os.getpid()} {_namespace()}\n".encode(), 0)
    return fd


def is_alive(run: str) -> bool:
    """Does an engine still hold the run's lock?"""
    fd = _open(run)
    if fd is None:
        return False
    try:
        return _is_held(fd)
    finally:
        os.close(fd)


def tell(run: str, number: signal.Signals) -> bool:
    """Send a signal to the engine of a run; False where none is left. It reaches that process or none at all: the lock is looked
    at again once the process is held by a descriptor, and one that has the lock then had it before.

    Raises UsageError where the engine cannot be reached: it runs in another container, or as another user."""
    fd = _open(run)
    if fd is None:
        return False
    try:
        words = os.pread(fd, 100, 0).decode("ascii", "replace").split() if _is_held(fd) else []
        if len(words) != 2:
            return False
        if words[1] != _namespace():
            raise UsageError(Problem(f"run {run} has process ids of its own, since it runs in another container"))
        pid = int(words[0])
        try:
            process = _hold(pid)
        except ProcessLookupError:
            return False
        try:
            if not _is_held(fd):
                return False
            if process is None:
                os.kill(pid, number)
            else:
                signal.pidfd_send_signal(process, number)
        except ProcessLookupError:
            return False
        except PermissionError as error:
            raise UsageError(Problem(f"run {run} cannot be reached: {error.strerror}")) from None
        finally:
            if process is not None:
                os.close(process)
        return True
    finally:
        os.close(fd)


def wait_for_end(run: str) -> None:
    """Until no engine holds the run's lock."""
    fd = _open(run)
    if fd is not None:
        try:
            fcntl.flock(fd, fcntl.LOCK_SH)
        finally:
            os.close(fd)


def _open(run: str) -> int | None:
    try:
        return os.open(os.path.join(run_dir(run), "lock"), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None


def _is_held(fd: int) -> bool:
    """Shared, so that two that ask at once do not take each other for an engine."""
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(fd, fcntl.LOCK_UN)
    return False


def _hold(pid: int) -> int | None:
    """A descriptor of the process; None where the system has no such thing. Raises ProcessLookupError."""
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        raise
    except (AttributeError, OSError):  # not Linux, or one before 5.3
        return None


def _namespace() -> str:
    """What the process id counts in."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return "-"
