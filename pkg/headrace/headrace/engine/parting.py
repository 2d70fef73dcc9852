"""What parts the jobs of a run from the machine: what was asked for, and what this machine allows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Literal

from headrace.base.errors import Problem, UsageError
from headrace.engine.options import Parting
from headrace.sandbox.probe import WITHOUT, known


def settle(asked: Literal["auto", "namespaces"], network: Literal["private", "host", "none"]) -> Parting:
    """Raises UsageError where namespaces are asked for and cannot be had."""
    found = known.answer(os.environ, seen)
    if found.mode is not None:
        return Parting("namespaces", found.mode, found.slirp if network == "private" else "")
    if asked == "auto":
        return Parting(why=found.short)
    hint = f"`{found.mend}` {'does without' if found.mend == WITHOUT else 'mends that; `headrace doctor` says more'}"
    raise UsageError(Problem(f"--isolation namespaces: {found.reason}", hint=hint))


def seen() -> Iterator[str]:
    """Folders beside the system that every job sees."""
    from headrace.engine.isolation import interpreters

    return interpreters()
