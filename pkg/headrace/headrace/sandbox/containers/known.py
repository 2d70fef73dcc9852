"""Which container engine works here, by trying: what it needs on this machine is remembered, as long as nothing has changed that
it hangs on. What does not work is tried anew by every run that wants a container."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping

import msgspec
from msgspec import Struct

from headrace import __version__
from headrace.sandbox import remembered
from headrace.sandbox.containers import docker, pause, rootless
from headrace.sandbox.containers.commands import SETTINGS
from headrace.sandbox.containers.engines import KINDS, engine
from headrace.sandbox.containers.model import LABEL_RUN, Found, Kind, Lack
from headrace.sandbox.containers.protocol import ContainerEngine
from headrace.sandbox.containers.removal import lines, remove_run
from headrace.sandbox.programs import find

FILE = "containers.json"
"""Below the state directory."""

_SECONDS = 60.0  # for one command
_TRIAL = "headrace_trial_"  # and when it began, in seconds since the epoch
_OLD = 3600.0  # seconds after which no trial is under way
_RUNTIMES = ("crun", "runc")
_WARNS = re.compile(r"\blevel=(?:warning|info|debug)\b")
_LOGGED = re.compile(r'time="[^"]*" level=\w+ msg="(.*)"')
_SMALL = 1024
"""Files and processes that a container may have where nothing else is granted."""


class _Kept(Struct, frozen=True):
    facts: list[str]
    found: Found


_told: dict[str, Found | Lack] = {}


def answer(environ: Mapping[str, str], asked: str = "auto") -> Found | Lack:
    """What is known, else what trying says now. `asked`: `podman` or `docker` where it must be that one, `none` for neither."""
    if asked not in _told:
        _told[asked] = _answer(environ, asked)
    return _told[asked]


def _answer(environ: Mapping[str, str], asked: str) -> Found | Lack:
    kept = remembered.read(FILE, _Kept)
    if kept is not None and kept.found.kind in _kinds(asked) and kept.facts == _facts(environ):
        return kept.found
    return renew(environ, asked)


def renew(environ: Mapping[str, str], asked: str = "auto") -> Found | Lack:
    """Try it now, whatever is known; what comes of it is known to the next run."""
    found = attempt(environ, asked)
    if isinstance(found, Found):
        remembered.keep(FILE, _Kept(_facts(environ), found))
    else:
        forget()
    return found


def forecast(environ: Mapping[str, str], asked: str = "auto") -> Found | Lack:
    """The same without trying anything: an engine that is there is believed to work."""
    lack = _without(environ, asked)
    if lack is not None:
        return lack
    lacks: dict[Kind, Lack] = {}
    for kind, program in _programs(environ, asked):
        barred = _barred(kind, environ)
        if barred is None:
            return Found(kind, program)
        lacks[kind] = barred
    return _all_of(lacks)


def forget() -> None:
    """The next run is to try it anew."""
    remembered.forget(FILE)


def _kinds(asked: str) -> tuple[Kind, ...]:
    return tuple(kind for kind in KINDS if asked in ("auto", kind))


def _programs(environ: Mapping[str, str], asked: str) -> Iterator[tuple[Kind, str]]:
    for kind in _kinds(asked):
        if program := find(kind, environ.get("PATH", "")):
            yield kind, program


def _without(environ: Mapping[str, str], asked: str) -> Lack | None:
    if sys.platform != "linux":
        return Lack("containers of jobs want Linux")
    if asked == "none":
        return Lack("no container engine is to be used", "--containers auto")
    if not any(_programs(environ, asked)):
        wanted = "podman" if asked == "auto" else asked
        return Lack("no container engine is installed" if asked == "auto" else f"{asked} is not installed", install(wanted))
    if not pause.programs(os.uname().machine):
        return Lack(f"containers are not tried on a machine of the kind {os.uname().machine}")
    return None


def install(kind: str) -> str:
    """The command that installs an engine."""
    sudo = "" if os.getuid() == 0 else "sudo "
    for installer in ("apt-get", "dnf", "zypper"):
        if find(installer, os.environ.get("PATH", "")):
            package = "docker.io" if kind == "docker" and installer == "apt-get" else kind
            return f"{sudo}{installer} install {package}"
    if find("pacman", os.environ.get("PATH", "")):
        return f"{sudo}pacman -S {kind}"
    if find("apk", os.environ.get("PATH", "")):
        return f"{sudo}apk add {kind}"
    return f"{sudo}apt-get install {kind}"


# Trying ---------------------------------------------------------------------------------------------------------------


def attempt(environ: Mapping[str, str], asked: str = "auto") -> Found | Lack:
    """Run a container in a network of its own, with each engine until one does, and in each way until one works."""
    lack = _without(environ, asked)
    if lack is not None:
        return lack
    lacks: dict[Kind, Lack] = {}
    for kind, program in _programs(environ, asked):
        barred = _barred(kind, environ)
        if barred is None:
            found = _attempt(kind, program, environ)
            if isinstance(found, Found):
                return found
            barred = Lack(found, _mend(kind, found, environ))
        lacks[kind] = barred
    return _all_of(lacks)


def _all_of(lacks: Mapping[Kind, Lack]) -> Lack:
    reason = "; ".join(f"{kind} runs none: {lack.reason}" for kind, lack in lacks.items())
    return Lack(reason, next((lack.mend for lack in lacks.values() if lack.mend), ""))


def _mend(kind: Kind, said: str, environ: Mapping[str, str]) -> str:
    if kind == "docker":
        return docker.mend(said, environ.get("USER", "$USER"), systemd=os.path.isdir("/run/systemd/system"))
    return rootless.mend(said, environ) if _is_rootless(kind, environ) else ""


def _is_rootless(kind: Kind, environ: Mapping[str, str]) -> bool:
    return kind == "podman" and rootless.concerns(environ)


def _barred(kind: Kind, environ: Mapping[str, str]) -> Lack | None:
    """What can be seen without asking the engine, and must be, before it is asked."""
    return rootless.lack(environ) if _is_rootless(kind, environ) else None


def _attempt(kind: Kind, program: str, environ: Mapping[str, str]) -> Found | str:
    plain = engine(Found(kind, program, rootless=kind == "podman" and os.getuid() != 0))
    if why := _call(plain.version()):
        return why
    if why := provide_pause(plain):
        return why
    _sweep(plain)
    name = f"{_TRIAL}{int(time.time())}_{os.urandom(6).hex()}"
    labels = {LABEL_RUN: name}
    why = _call(plain.create_network(name, labels))
    if why:
        return why
    first = ""
    try:
        passed: list[Found] = []
        for found in _ways(plain, environ):
            if "rlimit" in why and found.limits == passed[-1].limits:  # another runtime would be refused the same
                continue
            argv = [
                found.program,
                *found.options,
                "run",
                "--rm",
                "--label",
                f"{LABEL_RUN}={name}",
                "--network",
                name,
                *found.limits,
                pause.IMAGE,
                pause.TRUE,
            ]
            why = _call(argv)
            if not why:
                return found
            passed.append(found)
            first = first or why
    finally:
        if _call(plain.remove_network([name])):  # a command that was killed has left its container
            remove_run(plain.found, {}, name)
    return first


def _sweep(by: ContainerEngine) -> None:
    """Remove what trials have left that were killed."""
    for name in lines(by.listed("network", LABEL_RUN), {}) or []:
        made = re.fullmatch(rf"{_TRIAL}(\d+)_[0-9a-f]+", name)
        if made and abs(time.time() - int(made[1])) > _OLD:
            remove_run(by.found, {}, name)


def _ways(plain: ContainerEngine, environ: Mapping[str, str]) -> Iterator[Found]:
    """As the engine does it by itself first. Where it raises limits of processes it may not be allowed to, so with our own; and
    podman can have more than one runtime."""
    base = plain.found
    runtimes: list[tuple[str, ...]] = [()]
    if base.kind == "podman":
        runtimes += [("--runtime", each) for each in _RUNTIMES if find(each, environ.get("PATH", ""))]
    for limits in _limits():
        for runtime in runtimes:
            yield msgspec.structs.replace(base, options=runtime, limits=limits)


def _limits() -> Iterator[tuple[str, ...]]:
    yield ()
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    processes = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    most = _pid_max()
    processes = most if processes == resource.RLIM_INFINITY else min(processes, most)
    if files != resource.RLIM_INFINITY:
        yield _ulimits(files, processes)
    yield _ulimits(_SMALL, _SMALL)


def _ulimits(files: int, processes: int) -> tuple[str, ...]:
    return ("--ulimit", f"nofile={files}:{files}", "--ulimit", f"nproc={processes}:{processes}")


def _pid_max() -> int:
    try:
        with open("/proc/sys/kernel/pid_max") as file:
            return int(file.read())
    except (OSError, ValueError):
        return 32768


def provide_pause(by: ContainerEngine) -> str:
    """Make our own image where it is not there; what went wrong, or an empty text."""
    if not _call(by.has_image(pause.IMAGE)):
        return ""
    with tempfile.NamedTemporaryFile(suffix=".tar") as file:
        file.write(pause.archive())
        file.flush()
        return _call(by.load(file.name, pause.IMAGE))


def _call(argv: list[str]) -> str:
    """What went wrong, in the engine's own last line; an empty text where nothing did."""
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"`{argv[1]}` has not ended after {_SECONDS:g} seconds"
    except OSError as error:
        return f"{argv[0]}: {error.strerror}"
    if done.returncode == 0:
        return ""
    lines = [line.strip() for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    said = [line for line in lines if line.startswith("Error")]
    said = said or [_plain(line) for line in lines if not _WARNS.search(line)] or lines
    return said[0].removeprefix("Error: ") if said else f"it ended with exit code {done.returncode}"


def _plain(line: str) -> str:
    """What a line of podman's log says.

    >>> _plain('time="2026-11-28T21:18:12Z" level=error msg="no \\\\"x\\\\" here"'), _plain("it fails")
    ('no "x" here', 'it fails')
    """
    logged = _LOGGED.fullmatch(line)
    return logged[1].replace('\\"', '"') if logged else line


# Remembering ----------------------------------------------------------------------------------------------------------


def _facts(environ: Mapping[str, str]) -> list[str]:
    path = environ.get("PATH", "")
    programs = [find(name, path) for name in (*KINDS, *_RUNTIMES)]
    return [
        __version__,
        os.uname().release,
        f"{os.getuid()} {os.getgid()}",
        _boot(),
        *programs,
        *(remembered.stamp(program) for program in programs),
        *(environ.get(name, "") for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "CONTAINER_HOST", "CONTAINERS_CONF")),
        *(str(resource.getrlimit(which)) for which in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC)),
        remembered.stamp(f"{docker.config_folder(environ)}/{SETTINGS}"),
        *(rootless.facts(environ) if rootless.concerns(environ) else ()),
    ]


def _boot() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return ""
