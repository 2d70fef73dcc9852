"""The records. A run's records are numbered from 1 without gaps; times are seconds since the epoch.

`leg` is the `JobPath` of a leg (`.github/workflows/ci.yml:test:0`); `step` is the step's number in its leg, from 1 in the order
in which they started (set-up included).
"""

from __future__ import annotations

from typing import Any, Literal, Union

from msgspec import Struct

from headrace.plan.model import Reason, Result

Level = Literal["error", "warning", "notice"]
StepResult = Literal["success", "failure", "cancelled", "skipped"]


class RunStarted(Struct, frozen=True, tag="run-started"):
    """`jobs` lists the planned legs known so far, so that a reader can draw the whole before anything has run."""

    event: str
    ref: str
    sha: str
    repository: str
    root: str
    version: str
    snapshot: bool = False
    isolation: str = "host"
    argv: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()  # what is said once: isolation, configuration left out


class LegQueued(Struct, frozen=True, tag="leg-queued"):
    """A leg is known to be part of the run. `job` is the path of its job, `workflow` the file that the event started, `name` the
    display name. `within` holds the matrix values of the calls that the leg is inside of."""

    leg: str
    job: str
    workflow: str
    name: str
    index: int = 0
    total: int = 1
    matrix: dict[str, Any] | None = None
    needs: tuple[str, ...] = ()
    workflow_name: str = ""
    continue_on_error: bool = False
    log: str = ""  # path of the leg's log file, below the run's folder
    within: dict[str, Any] = {}


class GroupAwaited(Struct, frozen=True, tag="group-awaited"):
    """A leg, or where `leg` is empty a whole workflow, waits for its concurrency group, which run `holder` has. Told once, and
    again when another run gets the group first."""

    group: str
    workflow: str
    leg: str = ""
    holder: str = ""


class LegStarted(Struct, frozen=True, tag="leg-started"):
    leg: str


class StepStarted(Struct, frozen=True, tag="step-started"):
    """`stage`: setup, main, post or complete. `id` only where the file gives one."""

    leg: str
    step: int
    name: str
    stage: Literal["setup", "pre", "main", "post", "complete"] = "main"
    id: str = ""


class LogChunk(Struct, frozen=True, tag="log"):
    """Bytes `offset` to `offset + length` of the leg's log file belong to this step. Masked; whole lines."""

    leg: str
    step: int
    offset: int
    length: int


class Annotated(Struct, frozen=True, tag="annotated"):
    """A `::error`-style command, a problem matcher's find or a message of the runner itself. `file` is workspace-relative."""

    leg: str
    step: int
    level: Level
    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    end_line: int = 0
    end_column: int = 0
    title: str = ""


class StepFinished(Struct, frozen=True, tag="step-finished"):
    leg: str
    step: int
    outcome: StepResult
    conclusion: StepResult
    seconds: float = 0.0
    exit_code: int | None = None
    why: Reason | None = None  # of a skipped step


class LegFinished(Struct, frozen=True, tag="leg-finished"):
    """`result` is the leg's own; with `continue_on_error` a failure counts as success for others (see `LegQueued`)."""

    leg: str
    result: Result
    outputs: dict[str, str] = {}
    seconds: float = 0.0
    why: Reason | None = None


class RunFinished(Struct, frozen=True, tag="run-finished"):
    result: Literal["success", "failure", "cancelled", "skipped", "interrupted"]
    seconds: float = 0.0


class Lost(Struct, frozen=True, tag="lost"):
    """The supervisor of this leg vanished; its result is unknown and counts as failure."""

    leg: str
    why: str


Body = Union[
    RunStarted,
    LegQueued,
    GroupAwaited,
    LegStarted,
    StepStarted,
    LogChunk,
    Annotated,
    StepFinished,
    LegFinished,
    RunFinished,
    Lost,
]


class Record(Struct, frozen=True):
    run: str
    seq: int
    at: float
    body: Body
