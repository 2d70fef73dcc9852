"""The trial: all that is done for a leg in namespaces, for one trivial program. What it says is so, whatever the settings of the
machine seem to say."""

from __future__ import annotations

import os
import select
import signal
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import msgspec
from msgspec import Struct, structs

from headrace.base.errors import HeadraceError
from headrace.base.paths import state_dir
from headrace.sandbox import enter, ids, layout, skeleton, slirp
from headrace.sandbox.channel import Closed
from headrace.sandbox.ids import Mode
from headrace.sandbox.limits.model import Guards
from headrace.sandbox.namespaces import KILLED, NamespaceSandbox, open_namespaces
from headrace.sandbox.places import WORK
from headrace.sandbox.removal import remove

Step = Literal["folders", "attributes", "namespaces", "ids", "clones", "layers", "mounts", "proc", "program"]
"""What can be refused, in the order in which it is done: the folders of a job, attributes of files (layers need them), the new
namespaces, the ids in them, id-mapped clones of the machine's folders (real root only), layers over those, all other mounts but
those of the kernel's own file systems, these, and at last a program."""

_SECONDS = 30.0  # for all of it; most machines need a twentieth of one
_OLD = 3600.0  # seconds after which what a trial has left is nobody's
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PREFIX = "probe-"


class Refused(Struct, frozen=True, tag=True):
    """The step that was refused first: the call or the path that it was about, and the kernel's answer. `errno` is 0 where it did
    not come to an answer."""

    step: Step
    errno: int
    what: str
    text: str


class Works(Struct, frozen=True, tag=True):
    """`slirp`: the program that gave the job's network its way out; empty where none was to be tried, or it did not. `instead`:
    what a better mode was refused with."""

    mode: Mode
    slirp: str = ""
    instead: Refused | None = None


Outcome = Works | Refused


def attempt(jobs: str, exposed: Iterable[str] = (), slirp: str = "") -> Outcome:
    """Try it, below the folder `jobs` (made where it is missing). `exposed`: further folders that jobs would see. `slirp`: the
    program whose way out is to be tried too. Leaves nothing behind. To be called in a process with one thread."""
    try:
        os.makedirs(jobs, mode=0o700, exist_ok=True)
        _sweep(jobs)
        folder = tempfile.mkdtemp(prefix=_PREFIX, dir=jobs)
    except OSError as error:
        return _refused("folders", error)
    try:
        return _in_child(lambda: _try(folder, jobs, tuple(exposed), slirp))
    except OSError as error:
        return _refused("program", error)
    finally:
        remove(folder)


def _sweep(jobs: str) -> None:
    """What a trial has left that was killed."""
    for entry in list(os.scandir(jobs)):
        if entry.name.startswith(_PREFIX) and time.time() - entry.stat(follow_symlinks=False).st_mtime > _OLD:
            remove(entry.path)


def _in_child(work: Callable[[], Outcome]) -> Outcome:
    """A sandbox ends all children of the process that opened it: so it is one of its own."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            null = os.open(os.devnull, os.O_RDWR)
            for fd in (0, 1, 2):  # what helpers have to say of a refusal, the explanation says better
                os.dup2(null, fd)
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            os.write(writing, msgspec.msgpack.encode(work()))
        except BaseException:
            from headrace.base.crash import write_crash

            write_crash("the trial of a sandbox")
        finally:
            os._exit(0)
    os.close(writing)
    try:
        data = os.read(reading, 1 << 16) if select.select([reading], [], [], _SECONDS)[0] else b""
        if not data:
            return Refused("program", 0, "the trial", "it did not come to its end")
        outcome: Outcome = msgspec.msgpack.decode(data, type=Outcome)
        return outcome
    finally:
        os.close(reading)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _try(folder: str, jobs: str, exposed: Sequence[str], program: str) -> Outcome:
    """With the most ids that can be had: newuidmap may be there, and fail."""
    try:
        mode = ids.mode()
    except OSError as error:
        return _refused("mounts", error)
    outcome = _try_as(mode, folder, jobs, exposed, program)
    if mode != "sub" or not isinstance(outcome, Refused) or outcome.step != "ids":
        return outcome
    second = f"{folder}/second"
    os.mkdir(second)
    lesser = _try_as("single", second, jobs, exposed, program)
    return structs.replace(lesser, instead=outcome) if isinstance(lesser, Works) else lesser


def _try_as(mode: Mode, folder: str, jobs: str, exposed: Sequence[str], program: str) -> Outcome:
    step: Step = "folders"
    try:
        os.chmod(folder, 0o711)
        bases = layout.bases([state_dir(), jobs])
        made = layout.Layout(mode, bases, f"{folder}/skeleton", layout.exposures(exposed, bases))
        os.mkdir(made.skeleton)
        skeleton.bare(made.skeleton, mode, bases)
        enter.job_folders(made, f"{folder}/job")
        step = "attributes"
        os.setxattr(folder, "user.overlay.opaque", b"y")
    except OSError as error:
        return _refused(step, error)
    try:
        sandbox = open_namespaces(made, f"{folder}/job", {}, Guards())
    except OSError as error:
        return _refused(step_of(error.filename or ""), error)
    try:
        attached = program if program and slirp.attach(program, sandbox.pid) else ""
        _run(sandbox)
    except OSError as error:
        return _refused("program", error)
    except (HeadraceError, Closed) as error:
        return Refused("program", 0, "sh", str(error))
    finally:
        sandbox.close()
    return Works(mode, attached)


def _run(sandbox: NamespaceSandbox) -> None:
    """Raises OSError or HeadraceError."""
    place = f"{WORK}/trial"
    sandbox.make_folders([place])
    sandbox.write([(f"{place}/file", b"")])
    shell = sandbox.find("sh", _PATH)
    if shell is None:
        raise FileNotFoundError(2, "No such file or directory", "sh")
    reading, writing = os.pipe2(os.O_CLOEXEC)
    try:
        process = sandbox.spawn([shell, "-c", "test -w file"], {"PATH": _PATH}, place, writing, writing)
        while process.status is None:
            sandbox.pump()
    finally:
        os.close(reading)
        os.close(writing)
    if process.status:
        raise OSError(0, f"it ended with exit code {process.status}", shell)


def _refused(step: Step, error: OSError) -> Refused:
    return Refused(step, error.errno or 0, str(error.filename or ""), error.strerror or str(error))


def step_of(what: str) -> Step:
    """Which step an OSError of `open_namespaces` is about, by its `filename`.

    >>> [step_of(what) for what in ("unshare", "/proc/7/uid_map", "", "id-mapped clone of /usr", "/var/x/up/_root")]
    ['namespaces', 'ids', 'ids', 'clones', 'folders']
    >>> [step_of(what) for what in ("mount overlay on /tmp/new", "mount proc on /tmp/new/proc", "pivot_root", "/tmp/new/dev")]
    ['layers', 'proc', 'mounts', 'mounts']
    """
    if what.startswith(("unshare", "setns", KILLED)):
        return "namespaces"
    if not what or what.startswith(("newuidmap", "newgidmap")) or what.endswith(("/uid_map", "/gid_map", "/setgroups")):
        return "ids"  # setresuid and the like say nothing of themselves
    if what.startswith(("open_tree", "id-mapped clone", "move_mount")):
        return "clones"
    if what.startswith("mount overlay"):
        return "layers"
    if what.startswith(("mount proc", "mount sysfs")):
        return "proc"
    if what.startswith(("mount ", "pivot_root", "umount", "sethostname", "/tmp/new")):
        return "mounts"
    return "folders"
