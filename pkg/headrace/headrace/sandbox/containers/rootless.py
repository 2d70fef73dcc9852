"""podman as an ordinary user: what its networks want of the machine. That is looked at before podman is asked: one that has once
failed to make a network goes on failing, also when the machine has been mended, until `podman system migrate`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from headrace.sandbox import remembered
from headrace.sandbox.containers.model import Lack
from headrace.sandbox.programs import find

if TYPE_CHECKING:
    from headrace.sandbox.probe.machine import Machine

_TUN = "/dev/net/tun"
_WAYS_OUT = ("slirp4netns", "pasta")
"""Programs that a network of an ordinary user reaches the outside by. Which of them is wanted is podman's affair."""

_ANEW = "podman system migrate"
"""It ends the process that keeps a user's namespaces, and the containers in it: the next command makes new ones."""

_STALE = re.compile(r"rootless netns|pause process")
_ABSENT = re.compile(r'exec: "(?P<program>[\w.-]+)": executable file not found|could not find "?(?P<named>slirp4netns|pasta)')


def concerns(environ: Mapping[str, str]) -> bool:
    """Whether podman's containers would be an ordinary user's of this machine."""
    return os.getuid() != 0 and not environ.get("CONTAINER_HOST")


def lack(environ: Mapping[str, str]) -> Lack | None:
    """What keeps podman's networks from working, as far as that can be seen."""
    if not any(find(name, environ.get("PATH", "")) for name in _WAYS_OUT):
        reason = "networks of an ordinary user want slirp4netns or pasta, and neither is installed"
        return Lack(reason, _install("slirp4netns", environ))
    if os.access(_TUN, os.R_OK | os.W_OK):
        return None
    from headrace.sandbox.probe.mends import open_tun

    machine = _machine(environ)
    how = "which is closed to users" if machine.tun == "closed" else "which is not there"
    return Lack(f"networks of an ordinary user want {_TUN}, {how}", open_tun(machine))


def mend(said: str, environ: Mapping[str, str]) -> str:
    """The command that helps against what podman has said; empty where none is known."""
    absent = _ABSENT.search(said)
    commands = [_install(absent["program"] or absent["named"], environ)] if absent else []
    return " && ".join([*commands, _ANEW]) if absent or _STALE.search(said) else ""


def one_user(environ: Mapping[str, str]) -> Lack | None:
    """Whether containers have a single user, as this one has no range of ids to hand out."""
    from headrace.sandbox.probe.mends import hand_out

    machine = _machine(environ)
    if machine.ranges:
        return None
    return Lack("containers have one user, and images with files of others cannot be had", f"{hand_out(machine)} && {_ANEW}")


def facts(environ: Mapping[str, str]) -> list[str]:
    """All that hangs on the machine."""
    path = environ.get("PATH", "")
    programs = [find(name, path) for name in (*_WAYS_OUT, "newuidmap", "newgidmap")]
    ids = [remembered.stamp(f"/etc/{name}") for name in ("subuid", "subgid")]
    return [*programs, *(remembered.stamp(program) for program in programs), *ids, str(os.access(_TUN, os.R_OK | os.W_OK))]


def _machine(environ: Mapping[str, str]) -> Machine:
    from headrace.base.paths import jobs_dir
    from headrace.sandbox.probe.machine import read

    return read(jobs_dir(), environ)


def _install(program: str, environ: Mapping[str, str]) -> str:
    from headrace.sandbox.probe.mends import install

    return install(_machine(environ), program)
