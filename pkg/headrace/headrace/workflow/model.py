"""The nouns of a workflow file. Fixed keys are typed; what may hold expressions is kept as a `Token` until it is evaluated."""

from __future__ import annotations

from typing import Any, Union

from msgspec import Struct

from headrace.base.errors import NOWHERE, Position
from headrace.workflow.tokens import Expression, Token


class Run(Struct, frozen=True, tag="run"):
    """`shell` is plain text: the schema of workflows allows no expressions there; that of actions does (`shell_token`)."""

    script: Token
    shell: str | None = None
    working_directory: Token | None = None
    shell_token: Token | None = None


class Uses(Struct, frozen=True, tag="uses"):
    uses: str
    inputs: Token | None = None
    at: Position = NOWHERE  # of the value of `uses`


class Wait(Struct, frozen=True, tag="wait"):
    steps: tuple[str, ...]


class WaitAll(Struct, frozen=True, tag="wait-all"):
    pass


class CancelStep(Struct, frozen=True, tag="cancel"):
    step: str


class Parallel(Struct, frozen=True, tag="parallel"):
    steps: tuple[Step, ...]


StepBody = Union[Run, Uses, Wait, WaitAll, CancelStep, Parallel]


class Step(Struct, frozen=True):
    """`id` is the given or generated id (`__run_2`); only `named` steps appear in the `steps` context.
    `condition` is finished: the implicit `success()` is in it."""

    id: str
    named: bool
    body: StepBody
    condition: Expression
    name: Token | None = None
    env: Token | None = None
    continue_on_error: Token | None = None
    timeout_minutes: Token | None = None
    background: bool = False
    at: Position = NOWHERE


class Steps(Struct, frozen=True, tag="steps"):
    """The body of a job that runs steps. Tokens as in the file; None where the key is missing."""

    steps: tuple[Step, ...]
    runs_on: Token
    env: Token | None = None
    defaults: Token | None = None
    outputs: Token | None = None
    environment: Token | None = None
    container: Token | None = None
    services: Token | None = None
    timeout_minutes: Token | None = None
    cancel_timeout_minutes: Token | None = None
    continue_on_error: Token | None = None
    snapshot: Token | None = None


class Call(Struct, frozen=True, tag="call"):
    """The body of a job that calls a workflow. `workflow` is None where called files were not loaded."""

    uses: str
    inputs: Token | None = None
    secrets: Token | None = None
    inherit_secrets: bool = False
    workflow: Workflow | None = None
    at: Position = NOWHERE


class Job(Struct, frozen=True):
    """`needs` holds job ids as the needed job spells them. `permissions` is name → level, the workflow's where the job sets none,
    None where neither does. `strategy` is the whole block as a token."""

    id: str
    needs: tuple[str, ...]
    condition: Expression
    body: Union[Steps, Call]
    name: Token | None = None
    strategy: Token | None = None
    concurrency: Token | None = None
    permissions: dict[str, str] | None = None
    at: Position = NOWHERE  # of the job's id
    needs_at: tuple[Position, ...] = ()  # of the entries of `needs`

    @property
    def uses_actions(self) -> bool:
        """Whether a step of its own runs an action."""
        return isinstance(self.body, Steps) and any(isinstance(step.body, Uses) for step in self.body.steps)

    @property
    def asks_for_identity(self) -> bool:
        """Whether it may ask for identity tokens, without which nothing is published. Of a call: whether a job of it may, which
        can say so itself where the caller says nothing."""
        if (self.permissions or {}).get("id-token") == "write":
            return True
        inner = self.body.workflow if isinstance(self.body, Call) else None
        return inner is not None and any(job.asks_for_identity for job in inner.jobs.values())


class Pattern(Struct, frozen=True):
    """One line of a filter, as written (a leading `!` included)."""

    text: str
    at: Position = NOWHERE


class Input(Struct, frozen=True):
    """An input of workflow_dispatch or workflow_call. `type`: string, boolean, number, choice or environment.
    `default` is a plain value for dispatch inputs, a token for call inputs, None where missing."""

    name: str
    type: str = "string"
    required: bool = False
    default: Token | None = None
    options: tuple[str, ...] = ()
    description: str = ""
    at: Position = NOWHERE


class Trigger(Struct, frozen=True):
    """One event under `on`. `filters` holds `branches`, `branches-ignore`, `tags`, `tags-ignore`, `paths`, `paths-ignore`,
    `workflows`, `names`, `versions`, `types`, as far as they are given."""

    event: str
    filters: dict[str, tuple[Pattern, ...]] = {}
    inputs: dict[str, Input] = {}  # workflow_dispatch and workflow_call
    secrets: dict[str, bool] = {}  # workflow_call: name → required
    outputs: dict[str, Token] = {}  # workflow_call: name → value
    cron: str = ""  # schedule: one Trigger an entry
    timezone: str = ""
    at: Position = NOWHERE


class Workflow(Struct, frozen=True):
    """A valid workflow file. `path` is repository-relative. `name` is the path where the file gives none."""

    path: str
    name: str
    on: tuple[Trigger, ...]
    jobs: dict[str, Job]
    run_name: Token | None = None
    env: Token | None = None
    defaults: Token | None = None
    concurrency: Token | None = None
    permissions: dict[str, str] | None = None
    extra: dict[str, Any] = {}
