"""The nouns of a plan. A `Plan` is data: making one runs nothing and asks no machine."""

from __future__ import annotations

from typing import Any, Literal, NewType, Union

from msgspec import Struct

from headrace.base.errors import Position
from headrace.events.model import Event
from headrace.workflow.action import Action
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


class Claim(Struct, frozen=True):
    """What `concurrency` asks for. Names of groups that differ only in case are the same group; `owner` is the path of the
    workflow that has a group of this name for itself, empty where the whole repository shares it."""

    group: str
    cancel_in_progress: bool = False
    queue: Literal["single", "max"] = "single"
    owner: str = ""


class Leg(Struct, frozen=True):
    """One run of a job: `matrix` is None without a matrix, `name` the display name; `sources` says for each value of `matrix`
    where in the file it stands. A leg that calls a workflow has its typed `inputs`, and `embedded` is what the called file's own
    `concurrency` asks for. `environment` is the one that it deploys to."""

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
    concurrency: Union[Claim, None] = None
    inputs: dict[str, Any] = {}
    sources: dict[str, Position] = {}
    embedded: Union[Claim, None] = None
    environment: str = ""

    @property
    def claims(self) -> tuple[Claim, ...]:
        """The groups that it takes before it begins, in this order: its job's, and that of the file it calls."""
        return tuple(claim for claim in (self.concurrency, self.embedded) if claim is not None)


class Deferred(Struct, frozen=True):
    """The legs hang on the result of another job; `settle` makes them when it is there."""

    why: Reason


class Planned(Struct, frozen=True):
    """A job of the plan. `workflow` is the path of its file, a key of `Plan.workflows`; of a job inside a call it is the path of
    the calling leg. A skipped job has one leg that says so."""

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
    `plan/unsupported.py`), `missing` says of some others why they are not, and the command that changes it. `for_machine` are
    those of `actions` that set up this machine, and are of no use in a container. `refs`: lower-case `owner/name` → a regular
    expression of the refs for which the drop-in stands in (all, where there is none); others are looked up like any action's.
    `approved`: the environments, lower case, to which somebody lets jobs deploy."""

    labels: frozenset[str]
    actions: frozenset[str] = frozenset()
    features: frozenset[str] = frozenset()
    limits: tuple[Limit, ...] = ()
    missing: dict[str, str] = {}
    for_machine: frozenset[str] = frozenset()
    refs: dict[str, str] = {}
    approved: frozenset[str] = frozenset()


class CallScope(Struct, frozen=True):
    """One call of a workflow, known by the path of the calling leg: that is the key of the called file in `Plan.workflows` and of
    its inputs in `Plan.inputs`, and the `workflow` of its `jobs`. `caller` is the calling job, `entry` the file that the event
    starts, `ids` are the ids of the calling jobs from there on, `name` stands before the names of the jobs inside, `matrix` holds
    the values of the calling legs, `claims` what these hold, and `reference` says which file is called (`./path` or
    `owner/repo/path@ref`)."""

    caller: JobPath
    entry: str
    ids: tuple[str, ...]
    name: str
    reference: str
    jobs: tuple[JobPath, ...]
    matrix: dict[str, Any] = {}
    claims: tuple[Claim, ...] = ()


class Origin(Struct, frozen=True):
    """What a reference to another repository was found to mean: the whole `ref` (`refs/tags/v1`, or a commit) and the commit."""

    ref: str
    sha: str = ""


class FoundAction(Struct, frozen=True):
    """What `uses` of a step was found to mean: `action`, or what GitHub would say is wrong with it (`error`). Of an action of
    another repository: `repository`, `ref` as written, the commit `sha`, and where its files are: a folder, or the objects of a
    git repository (`git_dir`). The other fields are empty for an action of the workspace, which a job may change before it uses
    it."""

    action: Union[Action, None]
    error: str = ""
    repository: str = ""
    ref: str = ""
    sha: str = ""
    folder: str = ""
    git_dir: str = ""


class Plan(Struct, frozen=True):
    """`rejected` says for each workflow that the event does not start, why. `workflows` holds those that it starts.
    `inputs`: workflow path → typed dispatch inputs. `started`: workflow path → why the event starts it. `calls` are those that
    are known to take place; what is inside them stands in `jobs`, each job behind the one that calls. The rest is what `settle`
    needs again at run time: what the runner can do, the variables, which legs are wanted (`--matrix`), what whole workflows claim
    (workflow path → its `concurrency`), the workflows that end before any job, each with its reason, which jobs are wanted of a
    call (`FILE:caller/inner caller` → ids; all where nothing is said), where called files came from, and what is known of the
    actions that steps use (`uses` → it, those inside composite actions included; native drop-ins left out)."""

    event: Event
    workflows: dict[str, Workflow]
    jobs: dict[JobPath, Planned]
    rejected: tuple[Reason, ...] = ()
    inputs: dict[str, dict[str, Any]] = {}
    started: dict[str, Reason] = {}
    capabilities: Capabilities = Capabilities(frozenset())
    vars: dict[str, str] = {}
    matrix: dict[str, str] = {}
    claims: dict[str, Claim] = {}
    broken: dict[str, Reason] = {}
    calls: dict[str, CallScope] = {}
    only: dict[str, tuple[str, ...]] = {}
    origins: dict[str, Origin] = {}
    actions: dict[str, FoundAction] = {}

    def scopes(self, planned: Planned) -> tuple[str, ...]:
        """The keys of `claims` whose groups must be held before this job is looked at, the outermost first: that of the workflow
        which the event starts. One that ends before any job claims nothing. What calls hold they have taken before."""
        if not self.claims:
            return ()
        call = self.calls.get(planned.workflow)
        entry = planned.workflow if call is None else call.entry
        return (entry,) if entry in self.claims and entry not in self.broken else ()


class Outcome(Struct, frozen=True):
    """What became of a finished job (all its legs together), for those that need it."""

    result: Result
    outputs: dict[str, str] = {}
