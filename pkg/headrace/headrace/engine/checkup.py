"""What this machine allows and has: whether jobs can be parted from it, by trying, and the programs that help."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct

from headrace.actions.nodes import find_nodes
from headrace.base.paths import jobs_dir
from headrace.engine.parting import seen
from headrace.sandbox import programs
from headrace.sandbox.limits.explain import survey
from headrace.sandbox.probe import known
from headrace.sandbox.probe.explain import Aspect, explain
from headrace.sandbox.probe.machine import Machine, read
from headrace.sandbox.probe.mends import hand_out, install, open_tun
from headrace.sandbox.probe.trial import Outcome, Refused, Works

State = Literal["ok", "limited", "missing", "untried", "info"]
"""`limited`: it is there, and could do more. `untried`: something before it is missing."""


class Finding(Struct, frozen=True):
    """`text`: how it is; `mend`: the command that makes more of it, where one is known."""

    name: str
    state: State
    text: str
    mend: str = ""


class Checkup(Struct, frozen=True):
    """`outcome`: what the trial said; `sections`: title → what was looked at."""

    outcome: Outcome
    sections: dict[str, tuple[Finding, ...]]


def check_up(environ: Mapping[str, str]) -> Checkup:
    """Try it now, whatever is known; what comes of it is known to the next run."""
    outcome: Outcome = Refused("namespaces", 0, "", "")
    if sys.platform == "linux":
        outcome = known.renew(environ, seen)[0]
    machine = read(jobs_dir(), environ)
    sections = {
        "isolation": tuple(isolation(machine, outcome)),
        "network": (network(machine, outcome),),
        "limits": tuple(limits(outcome)),
        "containers": (containers(environ),),
        "programs": tuple(helpers(machine, environ)),
    }
    return Checkup(outcome, sections)


_NAMES: dict[Aspect, str] = {
    "kernel": "kernel", "folders": "folders of jobs", "namespaces": "namespaces", "ids": "users", "layers": "layers",
    "mounts": "proc and devices", "program": "trial job",
}  # fmt: skip


def isolation(machine: Machine, outcome: Outcome) -> Iterator[Finding]:
    """What it takes to part jobs from the machine, in the order in which it is met: as far as the trial came all is well."""
    missing = explain(machine, outcome) if isinstance(outcome, Refused) else None
    reached = True
    for aspect in _NAMES:
        if missing is not None and missing.aspect == aspect:
            reached = False
            yield Finding(_NAMES[aspect], "missing", missing.text, missing.mend)
        elif reached:
            yield _fine(machine, outcome, aspect)
        else:
            yield Finding(_NAMES[aspect], "untried", "")


def _fine(machine: Machine, outcome: Outcome, aspect: Aspect) -> Finding:
    match aspect:
        case "kernel":
            text = f"Linux {machine.release}"
        case "folders":
            text = f"{machine.jobs} on {machine.jobs_on}"
        case "namespaces":
            text = "jobs have processes, a file system and a network of their own"
        case "ids":
            return _users(machine, outcome)
        case "layers":
            text = "what a job writes to the system stays its own"
        case "mounts":
            text = "jobs have a /proc, a /sys and a /dev of their own"
        case "program":
            text = "has run"
    return Finding(_NAMES[aspect], "ok", text)


def _users(machine: Machine, outcome: Outcome) -> Finding:
    name = _NAMES["ids"]
    match outcome.mode if isinstance(outcome, Works) else machine.mode:
        case "root":
            return Finding(name, "ok", "mode root: users of a job are nobody on this machine, its root too")
        case "inner":
            return Finding(name, "ok", "mode inner: users of a job are those of the sandbox that this runs in")
        case "sub":
            return Finding(
                name, "ok", f"mode sub: the root of a job is {machine.user}, others are from {machine.user}'s range of ids"
            )
        case "single":
            text = f"mode single: the root of a job is {machine.user}, and no other user can be: su and chown fail in jobs"
            if isinstance(outcome, Works) and outcome.instead is not None:
                why = explain(machine, outcome.instead)
                return Finding(name, "limited", f"{text}. {why.text}", why.mend)
            return Finding(name, "limited", text, _more_users(machine))


def _more_users(machine: Machine) -> str:
    """As root of a namespace with one id there is nothing to be done: whoever made it has handed out no more."""
    if machine.uid == 0:
        return ""
    commands = [install(machine, "newuidmap")] if machine.mapper is None else []
    return " && ".join(commands if machine.ranges else [*commands, hand_out(machine)])


def network(machine: Machine, outcome: Outcome) -> Finding:
    """The way out of a job's own network."""
    name = "way out"
    if not isinstance(outcome, Works):
        return Finding(name, "untried", "")
    if outcome.slirp:
        return Finding(name, "ok", f"jobs reach the outside through {outcome.slirp}")
    if machine.upstream:
        return Finding(name, "ok", "programs of a job reach the outside through an HTTP proxy, as this machine does")
    proxy = "programs of a job reach the outside through an HTTP proxy, and nothing but HTTP: "
    if machine.tun == "missing":
        return Finding(name, "limited", f"{proxy}there is no /dev/net/tun", open_tun(machine))
    if machine.tun == "closed":
        return Finding(name, "limited", f"{proxy}/dev/net/tun is closed to users", open_tun(machine))
    if not machine.slirp:
        return Finding(name, "limited", f"{proxy}slirp4netns is not installed", install(machine, "slirp4netns"))
    return Finding(name, "limited", f"{proxy}{machine.slirp} does not work here", install(machine, "slirp4netns"))


def limits(outcome: Outcome) -> Iterator[Finding]:
    """What bounds a job."""
    if not isinstance(outcome, Works):
        yield Finding("limits", "untried", "")
        return
    for found in survey():
        if found.counted:
            yield Finding(found.resource, "ok", f"bounded by {found.by}")
        else:
            by = f"bounded by {found.by}, which a job that meets it is not told" if found.by else "not bounded"
            yield Finding(found.resource, "limited", f"{by}: {found.why}", found.mend)


def helpers(machine: Machine, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Programs that headrace calls, or jobs do."""
    path = environ.get("PATH", "")
    beside = os.path.dirname(sys.executable)
    yield _program("git", path, "repositories cannot be read", install(machine, "git"))
    yield _program(
        "uv", f"{beside}{os.pathsep}{path}", "a Python that is missing cannot be fetched", f"{sys.executable} -m pip install uv"
    )
    nodes = find_nodes(path)
    if nodes:
        yield Finding("node", "ok", ", ".join(f"{program} ({version})" for version, program in nodes.items()))
    else:
        yield Finding("node", "missing", "JavaScript actions have no node that could run them", install(machine, "node"))
    yield _program("slirp4netns", path, "only HTTP leaves a job's own network", install(machine, "slirp4netns"))
    if machine.uid:
        yield _program("newuidmap", path, "jobs have one user", install(machine, "newuidmap"))


def containers(environ: Mapping[str, str]) -> Finding:
    """What containers of jobs run by."""
    from headrace.sandbox.containers import known as engines
    from headrace.sandbox.containers import rootless
    from headrace.sandbox.containers.model import Found

    name = "container engine"
    found = engines.renew(environ)
    if not isinstance(found, Found):
        return Finding(name, "missing", f"jobs with containers are unsupported: {found.reason}", found.mend)
    ways = " ".join((*found.options, *found.limits))
    text = f"{found.program} has run a container" + (f" with {ways}" if ways else "")
    less = rootless.one_user(environ) if found.rootless else None
    return Finding(name, "limited", f"{text}; {less.reason}", less.mend) if less else Finding(name, "ok", text)


def _program(name: str, path: str, without: str, mend: str) -> Finding:
    found = programs.find(name, path)
    return Finding(name, "ok", found) if found else Finding(name, "missing", without, mend)
