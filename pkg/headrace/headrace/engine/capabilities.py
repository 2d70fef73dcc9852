"""What the runner on this machine can do, as a value for the planner."""

from __future__ import annotations

import os
from collections.abc import Iterable

from headrace.actions.builtin import FOR_MACHINE, LIMITS, NAMES, refs
from headrace.actions.nodes import find_node
from headrace.plan.labels import labels_of
from headrace.plan.model import Capabilities, Limit

_UNAPPROVED = "--approve NAME lets its jobs run, as who looks after it would"


def capabilities(*, native: bool = True, approved: Iterable[str] = ()) -> Capabilities:
    """The labels, native drop-ins (without `native`: none) and language features of this machine. `approved`: names of
    environments."""
    features = frozenset({"id-token"} | ({"node-action"} if find_node(os.environ.get("PATH", "")) else set()))
    labels = labels_of(os.uname().machine)
    lacking, names = {"environment": _UNAPPROVED}, frozenset(map(str.lower, approved))
    if not native:
        return Capabilities(labels, features=features, missing=lacking, approved=names)
    limits = tuple(Limit(*limit) for limit in LIMITS)
    return Capabilities(labels, NAMES, features, limits, lacking, FOR_MACHINE, refs(), names)


def runner_arch() -> str:
    """`runner.arch`."""
    return {"x86_64": "X64", "aarch64": "ARM64", "armv7l": "ARM", "i686": "X86"}.get(os.uname().machine, "X64")


def runner_os() -> str:
    """`runner.os`."""
    return {"Linux": "Linux", "Darwin": "macOS"}.get(os.uname().sysname, "Linux")
