"""What lives while a leg runs: its status, environment, search path, outputs and what is left to do afterwards."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from headrace.runner.masking import Masker
from headrace.runner.matchers import MatcherSet
from headrace.workflow.model import Step

Status = Literal["success", "failure", "cancelled"]
_WORSE: dict[Status, int] = {"success": 0, "failure": 1, "cancelled": 2}


class Post(Struct):
    """A post step that is due: `state` holds what the main stage saved."""

    step: Step
    name: str
    condition: str
    state: dict[str, str]


class Progress:
    """One leg's, changed by its steps. `env` is workflow and job `env` plus every GITHUB_ENV write, `path` the GITHUB_PATH entries
    in the order in which they were added, `steps` the context of finished steps with an id."""

    def __init__(self, masker: Masker) -> None:
        self.masker = masker
        self.matchers = MatcherSet()
        self.status: Status = "success"
        self.env: dict[str, str] = {}
        self.path: list[str] = []
        self.steps: dict[str, Any] = {}
        self.posts: list[Post] = []
        self.number = 0
        self.cancelling = False
        self.forced = False

    def worsen(self, status: Status) -> None:
        """The status is the worst so far; it never improves."""
        if _WORSE[status] > _WORSE[self.status]:
            self.status = status

    def add_path(self, entry: str) -> None:
        """An entry that is there already moves to the end, which stands first on PATH."""
        if entry in self.path:
            self.path.remove(entry)
        self.path.append(entry)
