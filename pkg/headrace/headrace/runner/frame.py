"""What a composite action's steps see that other steps do not, and what it has left to do. One for each use of such an action."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headrace.runner.contexts import JobStatus, worse

if TYPE_CHECKING:
    from headrace.record.records import StepResult
    from headrace.runner.progress import Post
    from headrace.workflow.model import Step

MOST = 10
"""Composite actions in one another, the outermost counted."""


class Frame:
    """`folder` is that of the manifest, `repository` and `ref` are empty for a local action. `outer` is the frame that the use
    stands in, None for a step of the job. `status`: how the action does so far. `states`: what each inner step has saved for its
    later stages. `overlay`: the `env` of the outer steps, which lies over what inner steps write to GITHUB_ENV."""

    def __init__(
        self, step: Step, folder: str, repository: str, ref: str, outer: Frame | None, overlay: Mapping[str, str]
    ) -> None:
        self.step = step
        self.folder = folder
        self.repository = repository
        self.ref = ref
        self.outer = outer
        self.overlay = dict(overlay)
        self.inputs: dict[str, str] = {}
        self.steps: dict[str, Any] = {}
        self.status: JobStatus = "success"
        self.states: dict[str, dict[str, str]] = {}
        self.frames: dict[str, Frame] = {}
        self.posts: list[Post] = []

    @property
    def depth(self) -> int:
        return 1 if self.outer is None else self.outer.depth + 1

    @property
    def top(self) -> Step:
        """The job's own step that all of this is a part of."""
        return self.step if self.outer is None else self.outer.top

    def begin(self) -> None:
        """The main stage: nothing has failed yet."""
        self.status = "success"
        self.steps.clear()

    def worsen(self, conclusion: StepResult) -> None:
        self.status = worse(self.status, conclusion)
