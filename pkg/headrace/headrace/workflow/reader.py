"""A workflow file with everything it calls: bytes → `Loaded`. The one entrance to this room for those who have a file."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, structs

from headrace.base.errors import NOWHERE, Position, Problem
from headrace.workflow import calls, graph, jobs, messages, permissions, triggers
from headrace.workflow.calls import WorkflowSource
from headrace.workflow.lookup import entries, fields, text
from headrace.workflow.model import Call, Job, Workflow
from headrace.workflow.problems import Problems, render
from headrace.workflow.schema import LENIENT_WORKFLOW, WORKFLOW
from headrace.workflow.tokens import Mapping, Token
from headrace.workflow.yaml_tokens import FILE_NAME, FileError, Limits, Used, check_length, fold, read

__all__ = ["Loaded", "Options", "WorkflowSource", "load"]


class Options(Struct, frozen=True):
    """How to read. `events`: "strict" (unknown events, filters and types are problems) or "lenient", as the service reads a file
    at run time. `absent`: whether a called file of another repository that the source does not have is a problem, or leaves its
    call unread. `call_levels` counts calls below the entry file, `files` all files of one load, `jobs` all jobs (0: no limit).
    `default_permissions` is the repository's setting and `owner` its owner, where known."""

    limits: Limits = Limits()
    events: Literal["strict", "lenient"] = "strict"
    calls: Literal["load", "skip"] = "load"
    absent: Literal["problem", "unread"] = "problem"
    call_levels: int = 9
    files: int = 51
    jobs: int = 0
    default_permissions: Literal["write", "read"] = "write"
    owner: str = ""


class Loaded(Struct, frozen=True):
    """`workflow` is None exactly where there are problems. `files` are the root tokens of all files that were read, by the name
    that positions use, the entry first. `at` is the call in the entry that was read last: problems of depth and number have no
    place of their own."""

    workflow: Workflow | None
    problems: tuple[Problem, ...] = ()
    files: dict[str, Mapping] = {}
    at: Position = NOWHERE


def load(
    path: str,
    content: bytes,
    *,
    source: WorkflowSource | None = None,
    options: Options = Options(),  # noqa: B008
) -> Loaded:
    """Reads the file at the repository-relative `path` and, through `source`, the files it calls (without a source, calls stay
    unread). Never raises, whatever the bytes are. At most ten problems are told."""
    reading = _Load(source, options)
    workflow = reading.entry(path, content)
    if reading.problems:
        return Loaded(None, tuple(reading.problems.kept), reading.roots, reading.at)
    return Loaded(workflow, (), reading.roots)


class _Stop(Exception):
    """Reading ends here; the reason is among the problems."""


class _File(Struct, frozen=True):
    """A file that was read once; further calls of it only count its size again."""

    workflow: Workflow | None
    root: Mapping
    size: int
    events: int
    problems: tuple[Problem, ...]


class _Load:
    def __init__(self, source: WorkflowSource | None, options: Options) -> None:
        self.source = source
        self.options = options
        self.problems = Problems()
        self.used = Used()
        self.roots: dict[str, Mapping] = {}
        self.files: dict[str, _File] = {}
        self.jobs = 0
        self.at = NOWHERE  # of the call in the entry file that is being read

    def entry(self, path: str, content: bytes) -> Workflow | None:
        file = self.read(path, content)
        self.problems.kept.extend(file.problems)
        if file.workflow is None:
            return None
        allowed = permissions.LIMITED_READ if self.options.default_permissions == "read" else None
        try:
            return self.with_calls(file.workflow, f"./{path}", allowed, 0)
        except _Stop:
            return None

    # One file -------------------------------------------------------------------------------------------------------

    def read(self, name: str, content: bytes) -> _File:
        problems = Problems()
        size, events = self.used.size, self.used.events
        root: Token = Mapping(())
        workflow = None
        options = self.options
        definition = WORKFLOW if options.events == "strict" else LENIENT_WORKFLOW
        try:
            check_length(content, options.limits.characters)
            self.used.size += FILE_NAME + 2 * len(name)
            root = read(name, content, definition, options.limits, self.used, problems)
        except FileError as error:
            problems.add(error.message, Position(name, error.line, error.column))
        except RecursionError:
            problems.add(messages.DEPTH_EXCEEDED, Position(name))
        if not problems:
            workflow = _workflow(name, root, options, problems)
        if problems:
            workflow = None
        tree = root if isinstance(root, Mapping) else Mapping(())
        self.roots[name] = tree
        return _File(workflow, tree, self.used.size - size, self.used.events - events, tuple(problems.kept))

    # Calls ----------------------------------------------------------------------------------------------------------

    def with_calls(self, workflow: Workflow, reference: str, allowed: dict[str, str] | None, level: int) -> Workflow:
        """The workflow with its calls loaded. `allowed` bounds the permissions of what it calls; None where the default is to
        write. Raises _Stop."""
        self.jobs += len(workflow.jobs)
        if self.options.jobs and self.jobs > self.options.jobs:
            self.problems.add(messages.too_many_jobs(self.options.jobs))
            raise _Stop
        if not any(isinstance(job.body, Call) for job in workflow.jobs.values()):
            return workflow
        made: dict[str, Job] = {}
        for name, job in workflow.jobs.items():
            if isinstance(job.body, Call):
                job = structs.replace(job, body=self.called(job, job.body, reference, allowed, level))
            made[name] = job
        return structs.replace(workflow, jobs=made)

    def called(self, job: Job, call: Call, caller: str, inherited: dict[str, str] | None, level: int) -> Call:
        reference = calls.resolve(call.uses, caller)
        if reference is None:
            self.problems.add(messages.bad_reference(call.uses), call.at)
            return call
        call = structs.replace(call, uses=reference)
        if self.source is None or self.options.calls == "skip":
            return call
        if level == 0:
            self.at = call.at
        if level >= self.options.call_levels:
            self.problems.add(messages.too_deep(self.options.call_levels))
            raise _Stop
        file = self.file(reference, call.at)
        if file is None or file.workflow is None:
            return call
        on_at = next((v.at for k, v in entries(file.root) if k.value == "on"), NOWHERE)
        call = calls.check_contract(call, file.workflow, on_at, self.problems)
        allowed = inherited if job.permissions is None else job.permissions
        if allowed is None:
            allowed = permissions.write_default(reference, self.options.owner)
        calls.check_permissions(reference, file.workflow, file.root, allowed, job.at, self.problems)
        workflow = file.workflow
        if job.permissions is not None and workflow.permissions is None:
            workflow = structs.replace(workflow, jobs=_granted(workflow.jobs, job.permissions))
        return structs.replace(call, workflow=self.with_calls(workflow, reference, allowed, level + 1))

    def file(self, reference: str, at: Position) -> _File | None:
        """The called file, its problems told from the caller's place; None where it cannot be read."""
        file = self.files.get(reference)
        if file is None:
            if len(self.files) + 1 >= self.options.files:
                self.problems.add(messages.too_many_files(self.options.files))
                raise _Stop
            content = self.source.read(reference) if self.source else None
            if content is None and self.options.absent == "unread" and not reference.startswith("./"):
                return None
            if content is None:
                self.problems.add(messages.not_found(reference), at)
                return None
            file = self.files[reference] = self.read(calls.file_of(reference), content)
        else:
            file = self.again(reference, file)
        for problem in file.problems:
            told = render(problem)
            if told.startswith(at.file):
                self.problems.add(problem.message, problem.at)
            else:
                self.problems.add(messages.CALLED + told, at)
        return file

    def again(self, reference: str, file: _File) -> _File:
        """Each call counts what it reads, also where the file is at hand: this is what bounds calls of calls."""
        self.used.size += file.size
        self.used.events += file.events
        if self.used.size > self.options.limits.size:
            exceeded = messages.SIZE_EXCEEDED
        elif self.used.events > self.options.limits.events:
            exceeded = messages.EVENTS_EXCEEDED
        else:
            return file
        return structs.replace(file, workflow=None, problems=(Problem(exceeded, Position(calls.file_of(reference))),))


def _granted(found: dict[str, Job], granted: dict[str, str]) -> dict[str, Job]:
    """The jobs of a called file: those that set no permissions have the caller's."""
    return {name: structs.replace(job, permissions=granted) if job.permissions is None else job for name, job in found.items()}


# Conversion ---------------------------------------------------------------------------------------------------------


def _workflow(name: str, root: Token, options: Options, problems: Problems) -> Workflow:
    """The tokens of one valid file as a workflow; what the schema cannot say is checked here, in the order of the file."""
    block = fields(root)
    on = block["on"]
    found = triggers.convert(on)
    granted = permissions.convert(block["permissions"]) if "permissions" in block else None
    made: dict[str, Job] = {}
    for key, value in entries(root):
        match key.value:
            case "on":
                if options.events == "strict":
                    triggers.check(on, found, problems)
                calls.check_defaults(on, problems)
            case "concurrency":
                jobs.check_concurrency(value, problems)
            case "jobs":
                made = jobs.convert(value, granted, problems)
    if not problems:
        graph.check(made, block["jobs"].at, problems)
    if (group := jobs.literal_group(block.get("concurrency"))) != "":
        for job in made.values():
            if fold(jobs.literal_group(job.concurrency)) == fold(group) and job.concurrency is not None:
                problems.add(messages.deadlock(group, job.id), job.concurrency.at)
    return Workflow(
        path=name,
        name=text(block.get("name")) or name,
        on=found,
        jobs=made,
        run_name=block.get("run-name"),
        env=block.get("env"),
        defaults=block.get("defaults"),
        concurrency=block.get("concurrency"),
        permissions=granted,
    )
