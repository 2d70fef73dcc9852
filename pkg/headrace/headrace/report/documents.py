"""The JSON documents that headrace prints, as structs: their fields are the schema. docs/json.md is generated from them."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field

from headrace.plan.model import Result, Would
from headrace.record.records import Body

PLAN: Literal["headrace.plan/1"] = "headrace.plan/1"
RUN: Literal["headrace.run/1"] = "headrace.run/1"
RECORD: Literal["headrace.record/1"] = "headrace.record/1"
RUNS: Literal["headrace.runs/1"] = "headrace.runs/1"
SUMMARY: Literal["headrace.summary/1"] = "headrace.summary/1"
ARTIFACTS: Literal["headrace.artifacts/1"] = "headrace.artifacts/1"
DOCTOR: Literal["headrace.doctor/1"] = "headrace.doctor/1"
RELEASE: Literal["headrace.release/1"] = "headrace.release/1"
BUMP: Literal["headrace.release-bump/1"] = "headrace.release-bump/1"
RESUME: Literal["headrace.release-resume/1"] = "headrace.release-resume/1"
PUBLISHING: Literal["headrace.doctor-release/1"] = "headrace.doctor-release/1"
INIT: Literal["headrace.init/1"] = "headrace.init/1"
INIT_CHECK: Literal["headrace.init-check/1"] = "headrace.init-check/1"


class PlanEvent(Struct, frozen=True):
    """What happened. `sha` is the commit whose tree the jobs would get; with `snapshot` it is the working tree's."""

    name: str
    ref: str
    sha: str
    repository: str
    snapshot: bool


class Group(Struct, frozen=True):
    """A concurrency group, and how one that wants it goes about it: whether it cancels the holder, and how it queues."""

    group: str
    cancel_in_progress: bool
    queue: Literal["single", "max"]


class WorkflowGroup(Struct, frozen=True):
    """The group that a whole workflow takes before its first job starts. `workflow` is the path of the file."""

    workflow: str
    group: str
    cancel_in_progress: bool
    queue: Literal["single", "max"]


class PlanRow(Struct, frozen=True):
    """One leg; a skipped or deferred job has one row with `matrix` null. `workflow` is the path of the file that the event
    starts, `job` the job's id, `needs` the ids of the jobs it waits for, `name` what GitHub shows. A job of a called workflow has
    the id `caller/job`; what waits for `caller` waits for all of these, and `caller` has a row of its own only where it does not
    come to them. `reason` is for people, `rule` for programs; `at` is the `file:line:column` that decided, where one line did;
    `facts` are what it was decided from: the pattern and what it was held against, or the parts of a condition that made it
    false, each with the value it had. `from` says for each value of `matrix` where it stands. `runs_on` are the labels of the
    machine, as far as they are known. `concurrency` is the leg's own group, `environment` what it deploys to."""

    workflow: str
    job: str
    name: str
    matrix: dict[str, Any] | None
    needs: list[str]
    would: Would
    reason: str
    rule: str
    at: str | None
    facts: dict[str, str] = {}
    from_: dict[str, str] = field(default_factory=dict, name="from")
    runs_on: list[str] = []
    concurrency: Group | None = None
    environment: str = ""


class Rejected(Struct, frozen=True):
    """A workflow that the event does not start, and why."""

    workflow: str
    reason: str
    rule: str
    at: str | None
    facts: dict[str, str] = {}


class FileProblem(Struct, frozen=True):
    """Something wrong with a workflow file, which was left out. `line` and `column` count from 1; 0 means the whole file."""

    file: str
    line: int
    column: int
    message: str
    hint: str


class PlanDocument(Struct, frozen=True):
    """What `headrace plan --json` prints."""

    schema: Literal["headrace.plan/1"]
    event: PlanEvent
    jobs: list[PlanRow]
    rejected: list[Rejected]
    problems: list[FileProblem]
    concurrency: list[WorkflowGroup] = []


class RunRow(Struct, frozen=True):
    """One leg of a run, named as in a plan. `result` is null where the run ended before the leg did. `duration_s` is in seconds,
    0 for what never started. `reason` says why it did not run, or was cancelled. `log` is the absolute path of its log file, or
    empty."""

    workflow: str
    job: str
    name: str
    matrix: dict[str, Any] | None
    result: Result | None
    duration_s: float
    reason: str | None
    log: str


class RunDocument(Struct, frozen=True):
    """What `headrace run --json` prints at the end. `result` is null, and `run` empty, where nothing was run. `rejected` and
    `problems` are as for plan."""

    schema: Literal["headrace.run/1"]
    run: str
    result: Literal["success", "failure", "cancelled", "skipped", "interrupted"] | None
    duration_s: float
    event: PlanEvent | None
    jobs: list[RunRow]
    rejected: list[Rejected]
    problems: list[FileProblem]


class RecordLine(Struct, frozen=True):
    """One line of `headrace run --json-stream`. `seq` counts from 1 without gaps; `at` is in seconds since the epoch; `body.type`
    names the kind of record. A `log` record names a byte range of the leg's log file, the `log` of its `leg-queued` record below
    `folder`."""

    schema: Literal["headrace.record/1"]
    run: str
    folder: str
    seq: int
    at: float
    body: Body


class RunsRow(Struct, frozen=True):
    """One run. `at` is in seconds since the epoch; `result` is null while it goes on; `duration_s` is 0 then."""

    run: str
    at: float
    repository: str
    root: str
    event: str
    ref: str
    sha: str
    result: Literal["success", "failure", "cancelled", "skipped", "interrupted"] | None
    duration_s: float


class RunsDocument(Struct, frozen=True):
    """What `headrace ls --json` prints, the newest run first."""

    schema: Literal["headrace.runs/1"]
    runs: list[RunsRow]


class Refusal(Struct, frozen=True):
    """What the machine refused first when a job was tried: the step, and the call or the path that it was about. `errno` is the
    kernel's answer, 0 where it did not come to one, and `text` puts it into words."""

    step: str
    errno: int
    what: str
    text: str


class StepSummary(Struct, frozen=True):
    """What one step wrote, as Markdown with secrets masked. Steps inside a composite action have the number of the outer step."""

    step: int
    name: str
    markdown: str


class SummaryRow(Struct, frozen=True):
    """The job summary of one leg, named as in a run."""

    workflow: str
    job: str
    name: str
    matrix: dict[str, Any] | None
    summaries: list[StepSummary]


class SummaryDocument(Struct, frozen=True):
    """What `headrace summary --json` prints: the jobs that have written a summary. GitHub shows 20 a job, this has all."""

    schema: Literal["headrace.summary/1"]
    run: str
    jobs: list[SummaryRow]


class PackedFile(Struct, frozen=True):
    """A file in an artifact; `size` is in bytes, unpacked."""

    path: str
    size: int


class ArtifactRow(Struct, frozen=True):
    """One artifact. `size` is in bytes, as stored; `digest` is `sha256:…` over them; `created` is in seconds since the epoch.
    `job` is the id of the job that has uploaded it, `leg` what GitHub calls its leg. `archive`: it is a zip archive of files,
    not one file as it was. `files` is null unless the artifact was named in the call."""

    name: str
    id: int
    size: int
    digest: str
    created: float
    workflow: str
    job: str
    leg: str
    archive: bool
    files: list[PackedFile] | None = None


class ArtifactsDocument(Struct, frozen=True):
    """What `headrace artifacts --json` prints."""

    schema: Literal["headrace.artifacts/1"]
    run: str
    artifacts: list[ArtifactRow]


class DoctorRow(Struct, frozen=True):
    """One thing that was looked at. `limited`: it is there, and could do more; `untried`: something before it is missing. `mend`
    is the command that makes more of it, or empty."""

    section: str
    name: str
    state: Literal["ok", "limited", "missing", "untried", "info"]
    text: str
    mend: str


class DoctorDocument(Struct, frozen=True):
    """What `headrace doctor --json` prints. `isolation`: what can part jobs from this machine; `mode`: whose ids they have then,
    null for `host`; `refused` is null where nothing was."""

    schema: Literal["headrace.doctor/1"]
    isolation: Literal["namespaces", "host"]
    mode: Literal["root", "sub", "single", "inner"] | None
    refused: Refusal | None
    findings: list[DoctorRow]


class ReleaseGate(Struct, frozen=True):
    """A job that the publishing one needs. `result` is null where no run has tried it on this very tree; `run` is that run."""

    job: str
    name: str
    result: str | None
    run: str | None


class ReleaseFile(Struct, frozen=True):
    """A file that was built and tested; of a resumed release, `state` says what the index has: `confirmed` (these bytes),
    `missing`, `uploaded` (just now) or `unknown`."""

    name: str
    sha256: str
    size: int = 0
    state: str = "tested"


class ReleaseRow(Struct, frozen=True):
    """A package, in the order of the release. `group` counts the pushes from 1: tags of one group go together. `index` is the
    simple API of the index that the pipeline publishes to; `claims` are those that its identity token will carry, without the
    times and without what GitHub alone knows. `unsupported`: why the publishing job cannot be tried here; `rehearsed`: the run
    that has tried it for this tag and tree. `state`: planned, pushing, pushed or published."""

    package: str
    version: str
    tag: str
    group: int
    folder: str
    workflow: str
    job: str
    index: str
    environment: str
    claims: dict[str, str]
    gates: list[ReleaseGate]
    rehearsed: ReleaseGate | None
    unsupported: str | None
    state: str
    files: list[ReleaseFile]


class ReleaseRefusal(Struct, frozen=True):
    """What forbids the release. `rule` is for programs; `package` is empty where it is about the whole repository."""

    rule: str
    package: str
    message: str
    at: str | None
    hint: str


class ReleaseDocument(Struct, frozen=True):
    """What `headrace release --json` prints. `released`: the tags are at the remote. With `dry_run` nothing was changed."""

    schema: Literal["headrace.release/1"]
    dry_run: bool
    released: bool
    remote: str
    branch: str
    commit: str
    tree: str
    packages: list[ReleaseRow]
    refusals: list[ReleaseRefusal]
    notes: list[str]


class BumpRow(Struct, frozen=True):
    """The version of a package that was written, and in which files."""

    package: str
    old: str
    new: str
    files: list[str]


class BumpDocument(Struct, frozen=True):
    """What `headrace release PACKAGE --bump PART --json` prints. `commit` is null with `--dry-run`."""

    schema: Literal["headrace.release-bump/1"]
    commit: str | None
    packages: list[BumpRow]


class ResumedRow(Struct, frozen=True):
    """A package of a release that was begun, and how far it came."""

    package: str
    version: str
    tag: str
    state: str
    files: list[ReleaseFile]


class ResumeDocument(Struct, frozen=True):
    """What `headrace release --resume --json` prints. `done`: all that was begun is on its index, with the bytes that were
    tested."""

    schema: Literal["headrace.release-resume/1"]
    done: bool
    packages: list[ResumedRow]
    notes: list[str]


class PublisherDifference(Struct, frozen=True):
    """A field in which the registered publisher that comes closest is not what the token says."""

    field: str
    registered: str
    claimed: str


class PublishingRow(Struct, frozen=True):
    """A package, and with which identity the pipeline of its tag publishes it. `form` are the values for PyPI's form. `fits`:
    whether a registered publisher takes the token, null where none was named; `differences` are those of the closest one."""

    package: str
    tag: str
    workflow: str
    job: str
    index: str
    claims: dict[str, str]
    form: dict[str, str]
    fits: bool | None
    differences: list[PublisherDifference]
    problems: list[str]


class PublishingDocument(Struct, frozen=True):
    """What `headrace doctor --release --json` prints."""

    schema: Literal["headrace.doctor-release/1"]
    repository: str
    packages: list[PublishingRow]


class InitFact(Struct, frozen=True):
    """Something that was found out, or chosen. `evidence`: `file:line` of what says so; `why`: how it follows from that."""

    fact: str
    value: str
    evidence: list[str]
    why: str


class InitPackage(Struct, frozen=True):
    """A package of the repository; `folder` is `.` for the root."""

    name: str
    folder: str
    facts: list[InitFact]
    choices: list[InitFact]


class InitDoubt(Struct, frozen=True):
    """What a person should look at."""

    message: str
    at: str | None


class InitDocument(Struct, frozen=True):
    """What `headrace init --explain --json` prints. `facts` and `choices` are those of the repository as a whole."""

    schema: Literal["headrace.init/1"]
    packages: list[InitPackage]
    facts: list[InitFact]
    choices: list[InitFact]
    doubts: list[InitDoubt]


class InitDrift(Struct, frozen=True):
    """A file that `headrace init --update` would write (`new`, `changed`, `gone`), or in which somebody has to settle a conflict
    first (`conflict`; `lines` from 1)."""

    path: str
    what: Literal["new", "changed", "gone", "conflict"]
    why: str
    lines: list[int]


class InitCheckDocument(Struct, frozen=True):
    """What `headrace init --check --json` prints; without drift its status is 0, else 1. `edited` are files that people have
    changed since they were written, which is no drift."""

    schema: Literal["headrace.init-check/1"]
    drift: list[InitDrift]
    edited: list[str]
