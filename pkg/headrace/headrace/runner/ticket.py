"""What a supervisor is handed: everything that one leg needs, so that the leg can run here or on another machine."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from headrace.record.codec import encode
from headrace.runner.contexts import JobStatus, job_context
from headrace.runner.known import Known
from headrace.sandbox.places import HOME, TOOLS, WORK
from headrace.workflow.model import Job
from headrace.workflow.tokens import Token


class Folders(Struct, frozen=True):
    """Absolute paths. `root` holds all the others but `log`, and goes when the leg has ended."""

    root: str
    workspace: str
    home: str
    temp: str
    tool_cache: str
    log: str

    @classmethod
    def below(cls, root: str, repository: str, log: str) -> Folders:
        """The layout of a leg's folder: the workspace is `work/NAME/NAME`, as on a hosted machine."""
        work = f"{root}/work"
        return cls(root, f"{work}/{repository}/{repository}", f"{root}/home", f"{work}/_temp", f"{root}/tools", log)

    @classmethod
    def inside(cls, root: str, repository: str, log: str) -> Folders:
        """The layout of a leg that has a file system of its own: the places of a hosted machine. `root` and `log` are the
        machine's, all others the job's."""
        return cls(root, f"{WORK}/{repository}/{repository}", HOME, f"{WORK}/_temp", TOOLS, log)


class Definition(Struct, frozen=True):
    """The called workflow that a job stands in. `sha` is empty where it is not known."""

    repository: str
    path: str
    ref: str
    sha: str = ""


class JobTicket(Struct, frozen=True):
    """`github`, `inputs`, `vars`, `needs`, `strategy`, `matrix` are the contexts. `secrets` holds GITHUB_TOKEN too; `masks` are
    further values that no log may show. `base` is the weakest environment, `surroundings` names what of it a program gets under
    `sudo` too (of a job that has one of its own); `actions` goes to actions only (ACTIONS_…), `drop_ins` to native drop-ins only
    (HEADRACE_…), `identity` to every program (what asks for identity tokens). `called` is there in a called workflow only."""

    run: str
    leg: str
    name: str
    job: Job
    folders: Folders
    github: dict[str, Any]
    inputs: dict[str, Any] = {}
    vars: dict[str, str] = {}
    needs: dict[str, Any] = {}
    strategy: dict[str, Any] = {}
    matrix: dict[str, Any] | None = None
    secrets: dict[str, str] = {}
    masks: tuple[str, ...] = ()
    workflow_env: Token | None = None
    workflow_defaults: Token | None = None
    base: dict[str, str] = {}
    surroundings: tuple[str, ...] = ()
    files: tuple[tuple[str, bytes, int], ...] = ()  # copies of the caller's that are forwarded: where, what, and their mode
    actions: dict[str, str] = {}
    drop_ins: dict[str, str] = {}
    identity: dict[str, str] = {}
    isolation: str = "host"
    environment: str = "github-hosted"
    deploys_to: str = ""  # the name of the job's environment
    runner_name: str = "headrace"
    os: str = "Linux"
    arch: str = "X64"
    python: str = ""  # the interpreter that runs native drop-ins
    native: bool = True  # whether drop-ins stand in for the actions that have one
    known: dict[str, Known] = {}  # `uses` → the published action, those inside composite actions included
    nodes: dict[str, str] = {}  # major version → node's program, in the job
    setup_lines: tuple[str, ...] = ()  # what "Set up job" prints beside the usual
    called: Definition | None = None
    containers: dict[str, Any] = {}  # where it has or may need some: how (sandbox/containers/model.py, `Place`)

    @property
    def debugging(self) -> bool:
        """Step debugging is on: the secret, else the variable, ACTIONS_STEP_DEBUG."""
        return self.secrets.get("ACTIONS_STEP_DEBUG", self.vars.get("ACTIONS_STEP_DEBUG", "")).lower() == "true"

    def job_context(self, status: JobStatus) -> dict[str, Any]:
        """The `job` context: how the job does, and which file defines it."""
        if (own := self.called) is not None:
            ref = f"{own.repository}/{own.path}@{own.ref}"
            return job_context(
                status, workflow_ref=ref, workflow_sha=own.sha, workflow_repository=own.repository, workflow_file_path=own.path
            )
        ref = str(self.github.get("workflow_ref", ""))
        repository = str(self.github.get("repository", ""))
        path = ref.partition("@")[0].removeprefix(f"{repository}/")
        sha = str(self.github.get("workflow_sha", ""))
        return job_context(status, workflow_ref=ref, workflow_sha=sha, workflow_repository=repository, workflow_file_path=path)

    def download_lines(self) -> list[str]:
        """What "Set up job" says of the published actions of the job."""
        if not self.known:
            return []
        lines = ["Prepare all required actions", "Getting action download info"]
        repositories = {known.place: known for known in self.known.values()}.values()
        lines += [f"Download action repository '{one.repository}@{one.ref}' (SHA:{one.sha})" for one in repositories if one.sha]
        return lines

    def called_lines(self) -> list[str]:
        """What "Set up job" says of a called workflow: which file, and the inputs it was given."""
        if (own := self.called) is None:
            return []
        from headrace.expressions import to_text

        lines = [f"Uses: {own.repository}/{own.path}@{own.ref}" + (f" ({own.sha})" if own.sha else "")]
        if self.inputs:
            lines += ["##[group] Inputs", *(f"  {name}: {to_text(value)}" for name, value in self.inputs.items()), "##[endgroup]"]
        return lines


class CancelOrder(Struct, frozen=True):
    """From the engine to a running leg. `message` becomes an error annotation. `force` skips conditions and signals."""

    message: str = ""
    force: bool = False


def encode_ticket(ticket: JobTicket) -> bytes:
    return encode(ticket)


_ticket: msgspec.msgpack.Decoder[JobTicket] | None = None
_order: msgspec.msgpack.Decoder[CancelOrder] | None = None


def prepare_decoders() -> None:
    """Decoders take milliseconds to build: a zygote does it once, for all supervisors that it forks."""
    global _ticket, _order
    _ticket = _ticket or msgspec.msgpack.Decoder(JobTicket)
    _order = _order or msgspec.msgpack.Decoder(CancelOrder)


def decode_ticket(data: bytes) -> JobTicket:
    """Raises msgspec.DecodeError."""
    prepare_decoders()
    assert _ticket is not None
    return _ticket.decode(data)


def decode_order(data: bytes) -> CancelOrder:
    """Raises msgspec.DecodeError."""
    prepare_decoders()
    assert _order is not None
    return _order.decode(data)
