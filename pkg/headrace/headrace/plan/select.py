"""Which workflows, jobs and legs a person asked for: `-W`, `-j`, `--no-needs`, `--matrix`. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from headrace.base.errors import Problem, UsageError
from headrace.expressions import to_text
from headrace.plan.model import Leg
from headrace.plan.nearest import hint
from headrace.workflow.model import Call, Workflow


class NoJob(UsageError):
    """`job`, as a person named it, is not among those that can start."""

    def __init__(self, job: str, problem: Problem) -> None:
        super().__init__(problem)
        self.job = job


class Selection(Struct, frozen=True):
    """`workflows` are paths, file names, names or folders; `jobs` are ids, `caller/job` inside a call, or either behind
    `workflow/`; all empty means everything. `needs`: what a selected job needs comes along. `matrix`: only legs with these
    values, compared as text."""

    workflows: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    needs: bool = True
    matrix: dict[str, str] = {}


def select_workflows(workflows: Sequence[Workflow], wanted: Sequence[str]) -> tuple[Workflow, ...]:
    """The workflows that any of `wanted` means, in their own order. Raises `UsageError` for one that means none."""
    if not wanted:
        return tuple(workflows)
    chosen: set[str] = set()
    for text in wanted:
        hits = [workflow.path for workflow in workflows if means_workflow(text, workflow)]
        if not hits:
            names = [name for workflow in workflows for name in (posixpath.basename(workflow.path), workflow.name)]
            raise UsageError(Problem(f"there is no workflow '{text}'", hint=hint(text, names)))
        chosen.update(hits)
    return tuple(workflow for workflow in workflows if workflow.path in chosen)


def means_workflow(text: str, workflow: Workflow) -> bool:
    """Whether a person means this workflow: by path, file name (with or without its ending), name or a folder above it."""
    path = posixpath.normpath(text) if text else text
    file = posixpath.basename(workflow.path)
    return (
        path in (workflow.path, file, posixpath.splitext(file)[0])
        or text == workflow.name
        or text.lower() == workflow.name.lower()
        or path == "."
        or workflow.path.startswith(f"{path}/")
    )


Chosen = dict[str, tuple[str, ...]]


def select_jobs(workflows: Iterable[Workflow], selection: Selection, refused: Mapping[str, str]) -> tuple[Chosen, Chosen]:
    """Workflow path → ids of the jobs to plan, in file order, those that the selected ones need included; and the same for calls
    of which only some jobs are wanted (`Plan.only`).

    `refused` says which workflows exist besides `workflows` (path) and hold which jobs (text for the message): a job of theirs is
    known but does not start. Raises `NoJob` for a job that does not exist or does not start.
    """
    known = tuple(workflows)
    if not selection.jobs:
        return {workflow.path: tuple(workflow.jobs) for workflow in known}, {}
    chosen: dict[str, set[_Chain]] = {}
    for text in selection.jobs:
        hits = [(workflow, chain) for workflow in known for chain in _meant(text, workflow)]
        if not hits:
            raise _no_job(text, known, refused)
        for workflow, chain in hits:
            chosen.setdefault(workflow.path, set()).add(chain)
    result: Chosen = {}
    only: Chosen = {}
    for workflow in known:
        if chains := chosen.get(workflow.path):
            result[workflow.path] = _choose(workflow, chains, f"{workflow.path}:", selection.needs, only)
    return result, only


_Chain = tuple[str, ...]
"""The ids of calling jobs and, last, of a job inside."""


def _meant(text: str, workflow: Workflow) -> Iterator[_Chain]:
    """The jobs of a workflow that a text means: the text is a chain of ids, or one behind the workflow's name."""
    parts = text.split("/")
    for number in range(len(parts)):
        if number == 0 or means_workflow("/".join(parts[:number]), workflow):
            chain = _follow(workflow, parts[number:])
            if chain:
                yield chain


def _follow(workflow: Workflow | None, parts: Sequence[str]) -> _Chain:
    """The ids as the files spell them; nothing where one of them is no job there."""
    found: list[str] = []
    for part in parts:
        job = next((job for name, job in workflow.jobs.items() if name.lower() == part.lower()), None) if workflow else None
        if job is None:
            return ()
        found.append(job.id)
        workflow = job.body.workflow if isinstance(job.body, Call) else None
    return tuple(found)


def _choose(workflow: Workflow, chains: set[_Chain], prefix: str, needs: bool, only: Chosen) -> tuple[str, ...]:
    """The jobs of one file that some chains of ids ask for. What is needed is wanted as a whole."""
    ids = {chain[0] for chain in chains}
    needed = {need for name in ids for need in _with_needs(workflow, {name}) - {name}} if needs else set()
    whole = needed | {chain[0] for chain in chains if len(chain) == 1}
    for name in ids - whole:
        body = workflow.jobs[name].body
        assert isinstance(body, Call) and body.workflow is not None
        inner = {chain[1:] for chain in chains if chain[0] == name}
        only[f"{prefix}{name}"] = _choose(body.workflow, inner, f"{prefix}{name}/", needs, only)
    return tuple(job for job in workflow.jobs if job in ids | needed)


def _with_needs(workflow: Workflow, ids: set[str]) -> set[str]:
    spelled = {job.lower(): job for job in workflow.jobs}
    found, pending = set(ids), list(ids)
    while pending:
        for need in workflow.jobs[pending.pop()].needs:
            name = spelled.get(need.lower(), need)
            if name in workflow.jobs and name not in found:
                found.add(name)
                pending.append(name)
    return found


def _no_job(text: str, workflows: Sequence[Workflow], refused: Mapping[str, str]) -> NoJob:
    job = text.rpartition("/")[2].lower()
    names = [name for workflow in workflows for name in _names(workflow, "")]
    inside = [name for name in names if name.lower().endswith(f"/{job}")]
    if inside and "/" not in text:
        return NoJob(text, Problem(f"there is no job '{text}' outside of calls", hint=f"did you mean {' or '.join(inside[:3])}?"))
    for path, jobs in refused.items():
        if job in jobs.lower().split():
            return NoJob(
                text, Problem(f"job '{text}' does not start: this event does not start {path}", hint="see `headrace plan`")
            )
    return NoJob(text, Problem(f"there is no job '{text}'", hint=hint(text, names)))


def _names(workflow: Workflow, prefix: str) -> Iterator[str]:
    for name, job in workflow.jobs.items():
        yield prefix + name
        if isinstance(job.body, Call) and job.body.workflow is not None:
            yield from _names(job.body.workflow, f"{prefix}{name}/")


def wants_row(values: Mapping[str, Any] | None, matrix: Mapping[str, str]) -> bool:
    """Whether a configuration is among the legs that `--matrix` names. A key that it does not have does not exclude it.

    >>> wants_row({"python": 3.1}, {"Python": "3.1"}), wants_row({"python": 3.1}, {"python": "3.13"}), wants_row(None, {"a": "b"})
    (True, False, True)
    """
    own = {key.lower(): value for key, value in (values or {}).items()}
    return all(key.lower() not in own or to_text(own[key.lower()]) == wanted for key, wanted in matrix.items())


def check_matrix(legs: Iterable[Leg], matrix: Mapping[str, str]) -> None:
    """Raise `UsageError` for a `--matrix K=V` that fits none of `legs`, which are all there are without it."""
    given = [leg.matrix for leg in legs if leg.matrix is not None]
    rows = [{name.lower(): value for name, value in row.items()} for row in given]
    for key, wanted in matrix.items():
        values = [to_text(row[key.lower()]) for row in rows if key.lower() in row]
        if not values:
            names = [name for row in given for name in row]
            raise UsageError(Problem(f"--matrix {key}={wanted}: no job has a matrix key '{key}'", hint=hint(key, names)))
        if wanted not in values:
            raise UsageError(Problem(f"--matrix {key}={wanted}: no leg has that value", hint=hint(wanted, values)))
