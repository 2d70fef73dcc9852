"""From a process of the machine to process 1 of a job: namespaces, ids, the job's view of the file system.

Two processes: the first makes the namespaces and builds the new root, its child becomes process 1. The order is the kernel's:
what is said here about an order was found out by trying the others.
"""

from __future__ import annotations

import errno
import os
import signal
import stat
from collections.abc import Callable, Mapping, Sequence

from headrace.sandbox import ids, kernel
from headrace.sandbox.channel import Channel
from headrace.sandbox.init import UMASK
from headrace.sandbox.layout import Layout

# Not fuse: a process that waits for a file system of the job's own making, and holds the other end of it too, cannot be killed,
# and the job would never end.
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty", "net/tun")
SCRATCH = "/run/scratch"
"""Where a job has a plain folder, for a headrace in it: layers cannot lie on layers."""

_TUN = "/dev/net/tun"
_SITE = "/tmp"  # where the new root is built; gone after the pivot


def job_folders(layout: Layout, folder: str) -> None:
    """The upper folders of a job's overlays and those that overlays work in, below `folder`. Raises OSError."""
    owner = ids.owner(layout.mode)
    for source, target in (("", "/_root"), *layout.overlays()):
        for made in (f"{folder}/up/{flat(target)}", f"{folder}/overlay/{flat(target)}"):
            os.makedirs(made, exist_ok=True)
            if layout.mode == "root":
                os.chown(made, owner, owner)
        os.chmod(f"{folder}/up/{flat(target)}", os.stat(source).st_mode & 0o7777 if source else 0o755)
    if layout.scratch:
        os.makedirs(f"{folder}/scratch", exist_ok=True)
        os.chmod(f"{folder}/scratch", 0o755)
        if layout.mode == "root":
            os.chown(f"{folder}/scratch", owner, owner)
            _make_tun(f"{folder}/tun")


def _make_tun(path: str) -> None:
    """A device for networks within the job (those of a headrace in it), where the machine's is root's alone. It gives no power
    over any network that whoever opens it does not have already."""
    try:
        status = os.stat(_TUN)
        if status.st_mode & 0o666 != 0o666:
            os.mknod(path, stat.S_IFCHR | 0o666, status.st_rdev)
            os.chmod(path, 0o666)
    except OSError:  # no such device, or real root may not make one: then there is none in the job
        return


def flat(target: str) -> str:
    """A folder's name for a path in the job: layers keep one folder for each overlay."""
    return target[1:].replace("%", "%25").replace("/", "%")


def enter(layout: Layout, folder: str, layers: Sequence[str], control: Channel, serve: Callable[[], None]) -> None:
    """In a child with one thread. Tells its parent over `control`: `{"maps": true}` and waits where somebody else has to write
    the id maps, at last, in any order, `{"init": pid}`, the pid as this process sees it, with a pidfd, and `{"first": true}` from
    process 1 once all is in its place. `serve` is what process 1 does then. Raises OSError, in either process. Returns in the
    first process only."""
    spaces = kernel.NEWNS | kernel.NEWPID | kernel.NEWIPC | kernel.NEWUTS | (0 if layout.host_network else kernel.NEWNET)
    os.umask(UMASK)
    kernel.forget_words()
    kernel.leave_session_keys()
    clones: dict[str, int] = {}
    if layout.mode == "root":
        users = _users()
        clones = {source: kernel.clone_mapped(source, users) for source, _ in layout.overlays()}
        kernel.join(users, kernel.NEWUSER)
        os.close(users)
        kernel.unshare(spaces)
    else:
        kernel.unshare(kernel.NEWUSER | spaces)
        control.send({"maps": True})
        control.receive()
    # Now: before the ids change, after which the way through private folders is closed, and in this mount namespace, whose mounts
    # are the only ones that may be used.
    held: list[int] = []

    def at(path: str, flags: int = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC) -> str:
        held.append(os.open(path, flags))
        return f"/proc/self/fd/{held[-1]}"

    def stack(target: str) -> list[str]:
        kept = [f"{layer}/{flat(target)}" for layer in layers] + [layout.skeleton + target]
        return [at(path) for path in kept if os.path.isdir(path)]

    stacks = [
        (
            source if source in clones else at(source),  # by its name it could not be found once something is mounted over /tmp
            target,
            stack(target),
            at(f"{folder}/up/{flat(target)}"),
            at(f"{folder}/overlay/{flat(target)}"),
        )
        for source, target in layout.overlays()
    ]
    root = (
        [at(f"{layer}/_root") for layer in layers] + [at(layout.skeleton)],
        at(f"{folder}/up/_root"),
        at(f"{folder}/overlay/_root"),
    )
    shared = [(at(source), target) for source, target in layout.shared]
    scratch = at(f"{folder}/scratch") if layout.scratch else ""
    devices = {_TUN: at(f"{folder}/tun", os.O_PATH | os.O_CLOEXEC)} if os.path.exists(f"{folder}/tun") else {}
    if layout.mode != "single":
        os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    kernel.mount("none", "/", None, kernel.REC | kernel.PRIVATE)
    kernel.mount("tmpfs", _SITE, "tmpfs", 0, "mode=755")
    new = f"{_SITE}/new"
    os.mkdir(new)
    _overlay(new, *root)
    for number, (source, target, lowers, upper, work) in enumerate(stacks):
        if source in clones:
            clone, source = clones[source], f"{_SITE}/{number}"
            os.mkdir(source)
            kernel.attach(clone, source)
            os.close(clone)
        os.makedirs(new + target, exist_ok=True)
        _overlay(new + target, [*lowers, source], upper, work)
    for held_folder, target in shared:
        os.makedirs(new + target, exist_ok=True)
        kernel.mount(held_folder, new + target, None, kernel.BIND)
    _devices(f"{new}/dev", devices, layout.shm)
    if scratch:
        kernel.mount(scratch, new + SCRATCH, None, kernel.BIND)
    for fd in held:
        os.close(fd)
    child = os.fork()
    if child:
        pidfd = os.pidfd_open(child)
        control.send({"init": child}, (pidfd,))
        os.close(pidfd)
        return
    _become_first(layout, new)
    control.send({"first": True})
    serve()
    os._exit(0)


def _users() -> int:
    """A user namespace, held open by a process that lives for a moment (real root only)."""
    asks, tells = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            kernel.unshare(kernel.NEWUSER)
            os.write(tells, b"0")
            signal.pause()
        except OSError as error:
            os.write(tells, str(error.errno).encode())
        finally:
            os._exit(1)
    os.close(tells)
    try:
        code = int(os.read(asks, 16) or errno.ECHILD)
        if code:
            raise OSError(code, os.strerror(code), "unshare")
        ids.write_maps(child, "root")
        return os.open(f"/proc/{child}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(asks)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _overlay(target: str, lowers: list[str], upper: str, work: str) -> None:
    # volatile: else the unmount at the end writes everything to the disk
    options = f"lowerdir={':'.join(lowers)},upperdir={upper},workdir={work},userxattr,volatile"
    kernel.mount("overlay", target, "overlay", 0, options)


def _devices(folder: str, others: Mapping[str, str], shm: int) -> None:
    """`others`: what stands in for devices of the machine, by their path. `shm`: see `Layout`."""
    flags = kernel.NOSUID | kernel.NOEXEC
    kernel.mount("tmpfs", folder, "tmpfs", flags, "mode=755,size=64k")
    for name in _DEVICES:
        source = others.get(f"/dev/{name}", f"/dev/{name}")
        if os.path.exists(source):
            os.makedirs(os.path.dirname(f"{folder}/{name}"), exist_ok=True)
            os.close(os.open(f"{folder}/{name}", os.O_CREAT | os.O_CLOEXEC))
            kernel.mount(source, f"{folder}/{name}", None, kernel.BIND)
    for name in ("pts", "shm"):
        os.mkdir(f"{folder}/{name}")
    kernel.mount("tmpfs", f"{folder}/shm", "tmpfs", kernel.NOSUID | kernel.NODEV, f"mode=1777,size={shm or '50%'}")
    links = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2", "ptmx": "pts/ptmx"}
    for name, to in links.items():
        os.symlink(to, f"{folder}/{name}")


def _become_first(layout: Layout, new: str) -> None:
    """While the old root is still there: a fresh proc or sysfs may only be mounted where one is visible as a whole."""
    quiet = kernel.NOSUID | kernel.NODEV | kernel.NOEXEC
    kernel.mount("proc", f"{new}/proc", "proc", quiet)
    group = "" if layout.mode == "single" else ",gid=5"
    options = f"newinstance,ptmxmode=0666,mode=0620{group}"
    kernel.mount("devpts", f"{new}/dev/pts", "devpts", kernel.NOSUID | kernel.NOEXEC, options)
    if not layout.host_network:
        kernel.mount("sysfs", f"{new}/sys", "sysfs", kernel.RDONLY | quiet)
        kernel.loopback_up()
    os.chdir(new)
    kernel.pivot_here()
    os.chdir("/")
    kernel.set_host_name("runner")
    os.setsid()
