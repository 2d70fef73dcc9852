"""Ids of jobs and steps: the check of given ones, and the internal ids of steps that have none."""

from __future__ import annotations

import re
from functools import lru_cache

from headrace.workflow import messages
from headrace.workflow.yaml_tokens import fold

LONGEST = 100  # for generated ids; given ones are shorter
_shape = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,98}").fullmatch
_foreign = re.compile(r"[^A-Za-z0-9_-]").sub


def complaint(name: str) -> str:
    """What is wrong with an id that a person chose; empty if nothing is."""
    if not _shape(name):
        return messages.bad_identifier(name)
    return messages.reserved_identifier(name) if name.startswith("__") else ""


class StepIds:
    """The ids within one job."""

    __slots__ = ("_count", "_taken")

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._count: dict[str, int] = {}

    def claim(self, name: str) -> bool:
        """Whether the given id is new in this job, ignoring case."""
        folded = fold(name)
        if folded in self._taken:
            return False
        self._taken.add(folded)
        return True

    def generate(self, text: str) -> str:
        """An id for a step without one, from what it runs.

        >>> ids = StepIds()
        >>> [ids.generate("actions/checkout"), ids.generate("run"), ids.generate("run")]
        ['__actions_checkout', '__run', '__run_2']
        """
        base = "__" + _foreign("_", text)
        key = fold(base[:LONGEST])
        while True:
            count = self._count[key] = self._count.get(key, 0) + 1
            suffix = f"_{count}" if count > 1 else ""
            name = base[: LONGEST - len(suffix)] + suffix
            if self.claim(name):
                return name


@lru_cache(maxsize=1024)
def step_text(uses: str) -> str:
    """The text from which the id of a `uses` step is made.

    >>> [step_text(u) for u in ("actions/checkout@v4", "a/b/c@main", "docker://alpine:3.8", "./x", "$/x")]
    ['actions/checkout', 'a/b', 'alpine:3.8', 'self', 'selfRepository']
    """
    if uses.startswith("docker://"):
        return uses[len("docker://") :]
    if uses.startswith(("./", ".\\")):
        return "self"
    if uses.startswith("$/"):
        return "selfRepository"
    parts = [part for part in re.split(r"[/\\]", uses.partition("@")[0]) if part]
    return "/".join(parts[:2])


@lru_cache(maxsize=1024)
def is_action_reference(uses: str) -> bool:
    """Whether `uses` of a step names a local action, an image, or `{org}/{repo}[/path]@ref`."""
    if uses.startswith(("docker://", "./", ".\\")):
        return True
    if uses.startswith("$/"):
        return uses[2:].strip("/\\") != ""
    parts = uses.split("@")
    return len(parts) == 2 and parts[1] != "" and len([p for p in re.split(r"[/\\]", parts[0]) if p]) >= 2
