"""What the trial said the last time, as long as nothing has changed that it hangs on: a run reads a file and a few settings, and
tries nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from zlib import crc32

from msgspec import Struct

from headrace import __version__
from headrace.base.paths import jobs_dir, state_dir
from headrace.sandbox import remembered
from headrace.sandbox.ids import Mode
from headrace.sandbox.probe import WITHOUT
from headrace.sandbox.programs import find
from headrace.sandbox.slirp import usable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace.sandbox.probe.trial import Outcome

FILE = "isolation.json"
"""Below the state directory."""

_VALUES = (
    "/proc/sys/kernel/random/boot_id",
    "/proc/sys/user/max_user_namespaces",
    "/proc/sys/user/max_net_namespaces",
    "/proc/sys/kernel/unprivileged_userns_clone",
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
    "/proc/self/attr/apparmor/current",
    "/proc/self/uid_map",
)
_RANGES = ("/etc/subuid", "/etc/subgid")
"""Root hands out ids without them, so that an account made meanwhile is nothing new to it."""
_SPACES = ("/proc/self/ns/user", "/proc/self/ns/mnt")
_STATUS = ("NoNewPrivs:", "Seccomp:", "CapEff:")


class Answer(Struct, frozen=True):
    """`mode`: how jobs are parted from the machine; None where they cannot be, and then `short` says why in a few words, `reason`
    in a sentence, and `mend` is the command that changes it. `slirp`: the program that has given a job's network its way out."""

    mode: Mode | None
    slirp: str = ""
    short: str = ""
    reason: str = ""
    mend: str = ""


class _Kept(Struct, frozen=True):
    """`more`: further facts that a refusal hangs on, which are less cheap."""

    facts: list[str]
    answer: Answer
    more: int = 0


def answer(environ: Mapping[str, str], exposed: Callable[[], Iterable[str]]) -> Answer:
    """What is known, else what a trial says now. `exposed`: further folders that jobs see, asked for a trial only."""
    if sys.platform != "linux":
        return Answer(None, "", "only Linux has namespaces", "only Linux has namespaces", WITHOUT)
    kept = remembered.read(FILE, _Kept)
    if kept is not None and kept.facts == _facts(environ) and (kept.answer.mode is not None or kept.more == _more()):
        return kept.answer
    return renew(environ, exposed)[1]


def renew(environ: Mapping[str, str], exposed: Callable[[], Iterable[str]]) -> tuple[Outcome, Answer]:
    """Try it now, whatever is known, and keep the answer. Linux only."""
    from contextlib import suppress

    from headrace.sandbox.probe.trial import Refused, attempt

    jobs = jobs_dir()
    with suppress(OSError):  # the trial says what is wrong
        os.makedirs(jobs, mode=0o700, exist_ok=True)
    facts = _facts(environ)  # as they were before: what changes while it is tried is to be tried anew
    outcome = attempt(jobs, exposed(), usable(environ))
    if not isinstance(outcome, Refused):
        found = Answer(outcome.mode, outcome.slirp)
        remembered.keep(FILE, _Kept(facts, found))
        return outcome, found
    from headrace.sandbox.probe.explain import explain
    from headrace.sandbox.probe.machine import read

    why = explain(read(jobs, environ), outcome)
    found = Answer(None, "", why.short, why.text, why.mend)
    if why.passing:
        forget()
    else:
        remembered.keep(FILE, _Kept(facts, found, _more()))
    return outcome, found


def forget() -> None:
    """The next run is to try it anew: what was known has turned out to be otherwise."""
    remembered.forget(FILE)


def _facts(environ: Mapping[str, str]) -> list[str]:
    """All that can change the answer, as cheaply as it can be read."""
    jobs, program = jobs_dir(), usable(environ)
    ordinary = os.getuid() != 0
    mapper = find("newuidmap", environ.get("PATH", "")) if ordinary else ""
    return [
        __version__,
        os.uname().release,
        f"{os.getuid()} {os.getgid()}",
        sys.prefix,
        state_dir(),
        jobs,
        program,
        mapper,
        *(_value(path) for path in _VALUES),
        *(remembered.stamp(path) for path in (*(_RANGES if ordinary else ()), program, mapper)),
        *(_device(path) for path in (jobs, *_SPACES)),
        *(line for line in _value("/proc/self/status").splitlines() if line.startswith(_STATUS)),
    ]


def _more() -> int:
    return crc32((_value("/proc/self/mountinfo") + _value("/proc/filesystems")).encode("utf-8", "replace"))


def _value(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def _device(path: str) -> str:
    """Which file system, or which namespace."""
    try:
        status = os.stat(path)
    except OSError:
        return ""
    return f"{status.st_dev} {status.st_ino}"
