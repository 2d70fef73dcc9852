"""Refs of other repositories that mean another commit than in the last run that used them: a tag can be moved under those who
trust it."""

from __future__ import annotations

from collections.abc import Iterator

from headrace.plan.model import Plan
from headrace.sandbox import remembered

FILE = "refs.json"
"""Below the state directory: `owner/name@ref` → the commit that it was in the last run."""


def moved(plan: Plan) -> tuple[str, ...]:
    """What is to be said of the refs that this plan uses. What they mean now is what the next run compares with."""
    now = dict(_meanings(plan))
    before = remembered.read(FILE, dict[str, str]) or {}
    if any(before.get(name) != sha for name, sha in now.items()):
        remembered.keep(FILE, before | now)
    return tuple(
        f"{name} has moved since it was last used: from {before[name]} to {sha}"
        for name, sha in now.items()
        if before.get(name, sha) != sha
    )


def _meanings(plan: Plan) -> Iterator[tuple[str, str]]:
    for found in plan.actions.values():
        if found.sha and found.repository and found.ref not in ("", found.sha):
            yield f"{found.repository}@{found.ref}", found.sha
