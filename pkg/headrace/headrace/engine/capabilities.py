"""What the runner on this machine can do, as a value for the planner."""

from __future__ import annotations

import os

from headrace.actions.builtin import FOR_MACHINE, LIMITS, NAMES, refs
from headrace.actions.nodes import find_node
from headrace.plan.labels import labels_of
from headrace.plan.model import Capabilities, Limit


def capabilities(*, native: bool = True) -> Capabilities:
    """The labels, native drop-ins (without `native`: none) and language features of this machine."""
    features = frozenset({"id-token"} | ({"node-action"} if find_node(os.environ.get("PATH", "")) else set()))
    labels = labels_of(os.uname().machine)
    if not native:
        return Capabilities(labels, features=features)
    return Capabilities(labels, NAMES, features, tuple(Limit(*limit) for limit in LIMITS), for_machine=FOR_MACHINE, refs=refs())


def runner_arch() -> str:
    """`runner.arch`."""
    return {"x86_64": "X64", "aarch64": "ARM64", "armv7l": "ARM", "i686": "X86"}.get(os.uname().machine, "X64")


def runner_os() -> str:
    """`runner.os`."""
    return {"Linux": "Linux", "Darwin": "macOS"}.get(os.uname().sysname, "Linux")
