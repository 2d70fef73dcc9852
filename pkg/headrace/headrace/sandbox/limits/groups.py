"""Control groups as folders: where this process's own are, how a process gets into one, how one is removed. The same in both
versions of the kernel's interface."""

from __future__ import annotations

import errno
import os
import time

from headrace.sandbox.layout import plain

V2 = ""
"""The key of cgroup v2 among the controllers of v1."""

PATIENCE = 0.1  # seconds that a group whose last process has just ended may take until it can be removed


def own(groups: str, mounts: str) -> dict[str, str]:
    """The folders of the groups that a process is in: controller of v1, or `V2` → folder. `groups` is its /proc/PID/cgroup,
    `mounts` its /proc/PID/mountinfo. What is not mounted, or lies outside of what is, is left out.

    >>> own("4:memory:/a/b\\n0::/\\n", "31 23 0:27 /a /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\\n")
    {'memory': '/sys/fs/cgroup/memory/b'}
    """
    mounted: dict[str, tuple[str, str]] = {}
    for line in mounts.splitlines():
        fields, _, kinds = line.partition(" - ")
        kind, _, options = kinds.split(" ", 2)
        root, point = (plain(field) for field in fields.split(" ")[3:5])
        if kind == "cgroup2":
            mounted.setdefault(V2, (root, point))
        elif kind == "cgroup":
            for controller in options.split(","):
                mounted.setdefault(controller, (root, point))
    found = {}
    for line in groups.splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            root, point = mounted.get(controller, ("", ""))
            below = f"{path.rstrip('/')}/".startswith(f"{root.rstrip('/')}/")
            if point and below and ".." not in path.split("/"):
                found[controller] = f"{point}/{path[len(root) :].strip('/')}".rstrip("/")
    return found


def of_this_process() -> dict[str, str]:
    """`own` of ours; empty where the system knows no groups."""
    try:
        with open("/proc/self/cgroup", encoding="utf-8", errors="surrogateescape") as file:
            groups = file.read()
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            return own(groups, file.read())
    except OSError:
        return {}


def put(path: str, value: object) -> None:
    """Write a setting. Raises OSError."""
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, str(value).encode())
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None
    finally:
        os.close(fd)


def get(path: str) -> str:
    """Read a setting; empty where there is none."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(fd, 1 << 16).decode()
    except OSError:
        return ""
    finally:
        os.close(fd)


def counted(text: str, key: str) -> int:
    """One of the numbers in a file of counters.

    >>> counted("low 0\\noom_kill 3\\n", "oom_kill")
    3
    """
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith(f"{key} ")), 0)


class Counter:
    """A file of counters that is read often. `path` is empty where there is none."""

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC) if path else -1

    def get(self, key: str) -> int:
        """Zero where there is no such number."""
        try:
            return counted(os.pread(self._fd, 4096, 0).decode(), key)
        except OSError:
            return 0

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1


def new_name(what: str = "") -> str:
    """A name for a group that nobody else has."""
    return "-".join(filter(None, ("headrace", what, str(os.getpid()), os.urandom(4).hex())))


def have_joined(file: str) -> None:
    """Have a process of no other use join a group: write 0 into one of its files. Raises OSError where it cannot."""
    reads, writes = os.pipe2(os.O_CLOEXEC)
    actions = [(os.POSIX_SPAWN_DUP2, writes, 2)]
    try:
        pid = os.posix_spawn("/bin/sh", ["sh", "-c", 'echo 0 >"$0"', file], {"LC_ALL": "C"}, file_actions=actions)
    finally:
        os.close(writes)
    with open(reads, "rb") as said:
        why = said.read().decode("utf-8", "replace").strip().rpartition(": ")[2]
    if os.waitpid(pid, 0)[1]:
        raise OSError(errno.EPERM, why or "no process could join", file)


def remove(path: str, patience: float = PATIENCE) -> bool:
    """Remove a group and those below it; whether it is gone. One in which a process lives stays, after so many seconds each."""
    try:
        with os.scandir(path) as entries:
            below = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return not os.path.exists(path)
    gone = [remove(each, patience) for each in below]
    until = time.monotonic() + patience
    while all(gone):
        try:
            os.rmdir(path)
        except FileNotFoundError:
            return True
        except OSError:
            if time.monotonic() > until:
                return False
            time.sleep(0.002)
        else:
            return True
    return False
