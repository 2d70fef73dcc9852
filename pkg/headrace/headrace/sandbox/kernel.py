"""The system calls that Python does not have: mounts, namespaces, id-mapped clones of mounts. Linux only."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import signal
import struct

from headrace.base.sockets import AF_INET, SOCK_STREAM, Socket

NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
RDONLY, NOSUID, NODEV, NOEXEC, BIND, REC, PRIVATE = 1, 2, 4, 8, 4096, 16384, 1 << 18

_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_KEYCTL = {"x86_64": 250, "aarch64": 219}
_JOIN_SESSION_KEYRING = 1
_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442
_AT_FDCWD, _AT_EMPTY_PATH = -100, 0x1000
_CLONE_TREE, _CLOEXEC = 1, 0o2000000
_ATTR_IDMAP = 0x100000
_FROM_EMPTY_PATH = 4
_DETACH = 2
_GET_DUMPABLE, _SET_DUMPABLE = 3, 4

_CLONE3, _INTO_CGROUP = 435, 0x200000000

_libc = ctypes.CDLL(None, use_errno=True)
_holding = ctypes.PyDLL(None, use_errno=True)  # keeps the interpreter's lock, which a child must have


def _check(result: int, what: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), what)
    return result


def mount(source: str, target: str, kind: str | None = None, flags: int = 0, options: str | None = None) -> None:
    """Raises OSError, whose `filename` says which mount it was."""
    raw = [os.fsencode(each) if each is not None else None for each in (source, target, kind, options)]
    _check(_libc.mount(raw[0], raw[1], raw[2], flags, raw[3]), f"mount {kind or source} on {target}")


def unshare(flags: int) -> None:
    _check(_libc.unshare(flags), "unshare")


def fork_into(group: int) -> int:
    """Fork like `os.fork`, with the child in the group of cgroup v2 that `group` is open on: putting it there later makes the
    kernel wait for all processors, ten milliseconds and more. The child is to do no more than system calls and forks. Raises
    OSError."""
    arguments = struct.pack("11Q", _INTO_CGROUP, 0, 0, 0, signal.SIGCHLD, 0, 0, 0, 0, 0, group)
    return _check(_holding.syscall(_CLONE3, arguments, len(arguments)), "clone3")


def join(fd: int, kind: int) -> None:
    """Enter the namespace that `fd` is open on."""
    _check(_libc.setns(fd, kind), "setns")


def clone_mapped(path: str, users: int) -> int:
    """A detached clone of the mount at `path` whose ids are those of the user namespace `users`: host id 0 is its id 0. Real root
    only; EINVAL where another mount lies below, or the file system does not take part."""
    fd = _check(_libc.syscall(_OPEN_TREE, _AT_FDCWD, os.fsencode(path), _CLONE_TREE | _CLOEXEC), f"open_tree {path}")
    try:
        attributes = struct.pack("QQQQ", _ATTR_IDMAP, 0, 0, users)
        _check(_libc.syscall(_MOUNT_SETATTR, fd, b"", _AT_EMPTY_PATH, attributes, len(attributes)), f"id-mapped clone of {path}")
    except OSError:
        os.close(fd)
        raise
    return fd


def attach(clone: int, target: str) -> None:
    """Put a detached mount at `target`."""
    _check(_libc.syscall(_MOVE_MOUNT, clone, b"", _AT_FDCWD, os.fsencode(target), _FROM_EMPTY_PATH), f"move_mount to {target}")


def pivot_here() -> None:
    """Make the present folder, which is a mount, the root; the old root is gone."""
    _check(_libc.syscall(_PIVOT_ROOT[os.uname().machine], b".", b"."), "pivot_root")
    _check(_libc.umount2(b".", _DETACH), "umount")


def set_host_name(name: str) -> None:
    raw = name.encode()
    _check(_libc.sethostname(raw, len(raw)), "sethostname")


def is_hidden_from_peers() -> bool:
    """A process that has changed its user is, from then on."""
    return _check(_libc.prctl(_GET_DUMPABLE, 0, 0, 0, 0), "prctl") != 1


def show_to_peers() -> None:
    """The opposite of `hide_from_peers`."""
    _check(_libc.prctl(_SET_DUMPABLE, 1, 0, 0, 0), "prctl")


def hide_from_peers() -> None:
    """No process of the same user may read this one's memory, environment or namespaces from now on."""
    _check(_libc.prctl(_SET_DUMPABLE, 0, 0, 0, 0), "prctl")


def leave_session_keys() -> None:
    """Have an empty keyring instead of that of the caller's session, from which namespaces do not part: what a login has put into
    it (tickets, passwords of disks) is for whoever has it. Where keys are switched off there are none."""
    if _libc.syscall(_KEYCTL[os.uname().machine], _JOIN_SESSION_KEYRING, None) < 0:
        code = ctypes.get_errno()
        if code not in (errno.ENOSYS, errno.EPERM, errno.EACCES):
            raise OSError(code, os.strerror(code), "keyctl")


def forget_words() -> None:
    """Wipe this process's command line, which everybody who sees a process may read: it may hold secrets. Needs /proc."""
    with open("/proc/self/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    start, end = int(fields[45]), int(fields[46])
    ctypes.memset(start, 0, end - start)


def loopback_up() -> None:
    one = Socket(AF_INET, SOCK_STREAM)
    try:
        fcntl.ioctl(one.fileno(), 0x8914, struct.pack("16sH14s", b"lo", 1 | 64, b""))  # SIOCSIFFLAGS: UP, RUNNING
    finally:
        one.close()
