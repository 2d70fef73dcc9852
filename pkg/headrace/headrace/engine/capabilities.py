"""What the runner on this machine can do, as a value for the planner."""

from __future__ import annotations

import os

from headrace.actions.builtin import NAMES
from headrace.plan.model import Capabilities

# `*` stands for any version; everything else is the label's own text, lower case
_ANYWHERE = frozenset({"ubuntu-*", "linux", "self-hosted"})
_MACHINES = {"x86_64": ("x64", "amd64"), "aarch64": ("arm64", "aarch64")}


def capabilities() -> Capabilities:
    """The labels, native drop-ins and language features of this machine."""
    machine, _ = _MACHINES.get(os.uname().machine, ("", ""))
    labels = _ANYWHERE | ({machine} if machine else set())
    return Capabilities(labels=frozenset(labels | ({"ubuntu-*-arm"} if machine == "arm64" else set())), actions=NAMES)


def runner_arch() -> str:
    """`runner.arch`."""
    return {"x86_64": "X64", "aarch64": "ARM64", "armv7l": "ARM", "i686": "X86"}.get(os.uname().machine, "X64")


def runner_os() -> str:
    """`runner.os`."""
    return {"Linux": "Linux", "Darwin": "macOS"}.get(os.uname().sysname, "Linux")
