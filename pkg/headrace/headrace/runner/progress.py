"""What lives while a leg runs: its status, environment, search path, outputs and what is left to do afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Union

from msgspec import Struct

from headrace.record.records import StepResult
from headrace.runner.contexts import JobStatus, worse
from headrace.runner.filecommands import add_paths
from headrace.runner.frame import Frame
from headrace.runner.masking import Masker
from headrace.runner.matchers import MatcherSet
from headrace.workflow.model import Step

if TYPE_CHECKING:
    from headrace.runner.inside import Inside


class Post(Struct):
    """A post step that is due: `state` holds what the main stage saved. `frame` is the composite action that the step stands
    in."""

    step: Step
    name: str
    condition: str
    state: dict[str, str]
    frame: Union[Frame, None] = None


class Progress:
    """One leg's, changed by its steps. `env` is workflow and job `env` plus every GITHUB_ENV write, `path` the GITHUB_PATH
    entries in the order in which they were added, `steps` the context of finished steps with an id. `spent`: command files
    (kind → path) that nobody will write to any more. `alone`: nothing that the last program started lived on. `job`: what of the
    `job` context came with the job's containers; `inside`: its own container, where it has one."""

    def __init__(self, masker: Masker) -> None:
        self.masker = masker
        self.matchers = MatcherSet()
        self.status: JobStatus = "success"
        self.env: dict[str, str] = {}
        self.path: list[str] = []
        self.steps: dict[str, Any] = {}
        self.posts: list[Post] = []
        self.spent: dict[str, str] = {}
        self.alone = True
        self.number = 0
        self.cancelling = False
        self.forced = False
        self.job: dict[str, Any] = {}
        self.inside: Inside | None = None

    def worsen(self, conclusion: StepResult) -> None:
        self.status = worse(self.status, conclusion)

    def add_path(self, entry: str) -> None:
        self.path = add_paths(self.path, [entry])
