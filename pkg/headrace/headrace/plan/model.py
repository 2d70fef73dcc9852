"""The nouns of a plan. A `Plan` is data: making one runs nothing and asks no machine."""

from __future__ import annotations

from typing import Any, Literal, NewType, Union

from msgspec import Struct

from headrace.base.errors import Position
from headrace.events.model import Event
from headrace.workflow.model import Job, Workflow

JobPath = NewType("JobPath", str)
"""`.github/workflows/ci.yml:test` for a job, `.github/workflows/ci.yml:test:0` for its first leg."""

Would = Literal["run", "skip", "undecided", "unsupported", "fail"]
"""`fail`: one of the job's own expressions cannot be evaluated, so that the leg ends as a failure before its first step."""

Result = Literal["success", "failure", "cancelled", "skipped", "unsupported"]


class Reason(Struct, frozen=True):
    """Why something is as it is. `rule` names it (`paths`, `condition`, `needs`, `unsupported.container`, …); `facts` are what it
    was decided from. Only `report/` puts it into words."""

    rule: str
    at: Position | None = None
    facts: dict[str, str] = {}


class Leg(Struct, frozen=True):
    """One run of a job: `matrix` is None without a matrix, `name` the display name. `concurrency` is the job's group, empty where
    it has none. `sources` says for each value of `matrix` where in the file it stands."""

    path: JobPath
    index: int
    name: str
    would: Would
    why: Reason
    matrix: dict[str, Any] | None = None
    total: int = 1
    labels: tuple[str, ...] = ()
    timeout_minutes: float = 360.0
    cancel_timeout_minutes: float = 5.0
    continue_on_error: bool = False
    fail_fast: bool = True
    max_parallel: int = 0  # 0: no bound
    concurrency: str = ""
    sources: dict[str, Position] = {}


class Deferred(Struct, frozen=True):
    """The legs hang on the result of another job; `settle` makes them when it is there."""

    why: Reason


class Planned(Struct, frozen=True):
    """A job of the plan. `workflow` is the path of its file, a key of `Plan.workflows`. A skipped job has one
    leg that says so."""

    path: JobPath
    workflow: str
    job: Job
    needs: tuple[JobPath, ...]
    legs: Union[tuple[Leg, ...], Deferred]


class Limit(Struct, frozen=True):
    """What a native drop-in cannot do: `action` (named as in `Capabilities.actions`) with an `input` one of whose lines matches
    `values` (a regular expression, ignoring case) does `what`, unless the value is that of the expression `but`."""

    action: str
    input: str
    values: str
    what: str
    but: str = ""


class Capabilities(Struct, frozen=True):
    """What this machine's runner can do: handed to the planner, which asks no machine. `labels` are those of `runs-on`, lower
    case, `*` at an end standing for any rest; `actions` the native drop-ins, lower-case `owner/name` or, in a folder,
    `owner/name/path`; `limits` what these cannot do; `features` the names of the language features that are on (see
    `plan/unsupported.py`)."""

    labels: frozenset[str]
    actions: frozenset[str] = frozenset()
    features: frozenset[str] = frozenset()
    limits: tuple[Limit, ...] = ()


class Plan(Struct, frozen=True):
    """`rejected` says for each workflow that the event does not start, why. `workflows` holds those that it starts.
    `inputs`: workflow path → typed dispatch inputs. `started`: workflow path → why the event starts it. The rest is what `settle`
    needs again at run time: what the runner can do, the variables, which legs are wanted (`--matrix`), the `concurrency` groups
    that several legs would contend for, and the workflows that end before any job, each with its reason."""

    event: Event
    workflows: dict[str, Workflow]
    jobs: dict[JobPath, Planned]
    rejected: tuple[Reason, ...] = ()
    inputs: dict[str, dict[str, Any]] = {}
    started: dict[str, Reason] = {}
    capabilities: Capabilities = Capabilities(frozenset())
    vars: dict[str, str] = {}
    matrix: dict[str, str] = {}
    contended: frozenset[str] = frozenset()
    broken: dict[str, Reason] = {}


class Outcome(Struct, frozen=True):
    """What became of a finished job (all its legs together), for those that need it."""

    result: Result
    outputs: dict[str, str] = {}
