"""The better way out of a job's own network: slirp4netns, all protocols and names, where it is installed and may be used."""

from __future__ import annotations

import os
import select
from collections.abc import Mapping

from headrace.sandbox.outlet import upstreams
from headrace.sandbox.programs import find

_SECONDS = 5.0
_GUARDS = (("--enable-sandbox", "--enable-seccomp"), ("--enable-sandbox",))
"""What keeps the program from doing harm, should a job's packets take it over: it sees no file of the machine's, has no powers,
and may do few system calls; the latter is not in every build."""

_TUN = "/dev/net/tun"


def usable(environ: Mapping[str, str]) -> str:
    """The program, found on PATH; empty where there is none, where it could not open what it needs, and where this machine itself
    reaches the outside through a proxy, which may lie on its loopback."""
    if upstreams(environ) or not os.access(_TUN, os.R_OK | os.W_OK):
        return ""
    return find("slirp4netns", environ.get("PATH", ""))


def attach(program: str, pid: int) -> bool:
    """Give the network of process `pid` a way out; whether that has worked. The helper is a child of this process and ends with
    it. The machine's own loopback stays out of reach."""
    return any(_attach(program, pid, guards) for guards in _GUARDS)


def _attach(program: str, pid: int, guards: tuple[str, ...]) -> bool:
    ready, tell = os.pipe2(os.O_CLOEXEC)
    watched, held = os.pipe2(os.O_CLOEXEC)
    words = [program, "--configure", "--mtu=65520", "--disable-host-loopback", *guards, "-r", "3", "-e", "4", str(pid), "tap0"]
    high = [_above(tell), _above(watched)]
    try:
        _start(program, words, high)
    except OSError:
        os.close(ready)
        os.close(held)
        return False
    finally:
        for fd in (*high, tell, watched):
            os.close(fd)
    works = False
    try:
        works = bool(select.select([ready], [], [], _SECONDS)[0]) and os.read(ready, 1) == b"1"
    finally:
        os.close(ready)
        if not works:
            os.close(held)  # that ends it
    return works


def _start(program: str, words: list[str], given: list[int]) -> None:
    """`given` are its descriptors 3 and 4. As root it gets a view of the mounts of its own, which tells nobody of what it
    unmounts: its sandbox takes the old root away, and where mounts of the machine are shared, they would go there too (the
    networks of podman's containers are such). Raises OSError."""
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    if os.geteuid() == 0:
        _fork(program, words, env, given)
        return
    os.posix_spawn(
        program, words, env,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_DUP2, given[0], 3),
            (os.POSIX_SPAWN_DUP2, given[1], 4),
        ],
        setsid=True,
    )  # fmt: skip


def _fork(program: str, words: list[str], env: dict[str, str], given: list[int]) -> None:
    from headrace.sandbox import kernel

    if os.fork():
        return
    try:
        os.setsid()
        kernel.unshare(kernel.NEWNS)
        kernel.mount("none", "/", None, kernel.REC | kernel.PRIVATE)
        null = os.open(os.devnull, os.O_RDWR)
        for fd, number in ((null, 0), (null, 1), (null, 2), (given[0], 3), (given[1], 4)):
            os.dup2(fd, number)
        os.execve(program, words, env)
    finally:
        os._exit(127)


def _above(fd: int) -> int:
    """The same descriptor, at a number that no other is moved to."""
    import fcntl

    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10)
