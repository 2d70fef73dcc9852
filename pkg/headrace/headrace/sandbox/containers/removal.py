"""Removing what a leg or a run has made with a container engine: all that has its label, in the order in which it can go."""

from __future__ import annotations

import os
import subprocess

from headrace.sandbox.containers.engines import engine
from headrace.sandbox.containers.model import LABEL_LEG, LABEL_RUN, Found

_SECONDS = 120.0
_ROUNDS = 5
"""Times that it is tried: what a killed command had just begun may come after we have looked."""


def remove_leg(found: Found, env: dict[str, str], mark: str) -> bool:
    """Whether nothing is left."""
    return _remove(found, env, f"{LABEL_LEG}={mark}")


def remove_run(found: Found, env: dict[str, str], mark: str) -> bool:
    """Whether nothing is left."""
    return _remove(found, env, f"{LABEL_RUN}={mark}")


def _remove(found: Found, env: dict[str, str], label: str) -> bool:
    by = engine(found)
    for _ in range(_ROUNDS):
        left = 0
        for what, away in (("container", by.remove), ("network", by.remove_network), ("image", by.remove_image)):
            names = lines(by.listed(what, label), env)
            if names is None:
                return False
            if names:
                left += len(names)
                lines(away(names), env)
        if not left:
            return True
    return False


def lines(argv: list[str], env: dict[str, str]) -> list[str] | None:
    """The words that a command prints; None where it fails. An empty `env` is this process's."""
    try:
        done = subprocess.run(
            argv, env=env or dict(os.environ), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            timeout=_SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace").split() if done.returncode == 0 else None
