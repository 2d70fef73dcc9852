"""What the runner on this machine can do, as a value for the planner."""

from __future__ import annotations

import os

from headrace.actions.builtin import LIMITS, NAMES
from headrace.plan.labels import labels_of
from headrace.plan.model import Capabilities, Limit


def capabilities() -> Capabilities:
    """The labels, native drop-ins and language features of this machine."""
    limits = tuple(Limit(*limit) for limit in LIMITS)
    return Capabilities(labels=labels_of(os.uname().machine), actions=NAMES, limits=limits)


def runner_arch() -> str:
    """`runner.arch`."""
    return {"x86_64": "X64", "aarch64": "ARM64", "armv7l": "ARM", "i686": "X86"}.get(os.uname().machine, "X64")


def runner_os() -> str:
    """`runner.os`."""
    return {"Linux": "Linux", "Darwin": "macOS"}.get(os.uname().sysname, "Linux")
