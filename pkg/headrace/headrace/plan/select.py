"""Which workflows, jobs and legs a person asked for: `-W`, `-j`, `--no-needs`, `--matrix`. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from headrace.base.errors import Problem, UsageError
from headrace.expressions import to_text
from headrace.plan.model import Leg
from headrace.plan.nearest import hint
from headrace.workflow.model import Workflow


class Selection(Struct, frozen=True):
    """`workflows` are paths, file names, names or folders; `jobs` are ids or `workflow/job`; all empty means everything. `needs`:
    what a selected job needs comes along. `matrix`: only legs with these values, compared as text."""

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


def select_jobs(workflows: Iterable[Workflow], selection: Selection, refused: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Workflow path → ids of the jobs to plan, in file order, those that the selected ones need included.

    `refused` says which workflows exist besides `workflows` (path) and hold which jobs (text for the message): a job of theirs is
    known but does not start. Raises `UsageError` for a job that does not exist or does not start.
    """
    known = tuple(workflows)
    if not selection.jobs:
        return {workflow.path: tuple(workflow.jobs) for workflow in known}
    chosen: dict[str, set[str]] = {}
    for text in selection.jobs:
        hits = [(workflow, job) for workflow in known for job in workflow.jobs if _means_job(text, workflow, job)]
        if not hits:
            raise _no_job(text, known, refused)
        for workflow, job in hits:
            chosen.setdefault(workflow.path, set()).add(job)
    result = {}
    for workflow in known:
        ids = chosen.get(workflow.path)
        if ids:
            wanted = _with_needs(workflow, ids) if selection.needs else ids
            result[workflow.path] = tuple(job for job in workflow.jobs if job in wanted)
    return result


def _means_job(text: str, workflow: Workflow, job: str) -> bool:
    if text.lower() == job.lower():
        return True
    front, slash, back = text.rpartition("/")
    return bool(slash) and back.lower() == job.lower() and means_workflow(front, workflow)


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


def _no_job(text: str, workflows: Sequence[Workflow], refused: Mapping[str, str]) -> UsageError:
    job = text.rpartition("/")[2].lower()
    for path, jobs in refused.items():
        if job in jobs.lower().split():
            return UsageError(
                Problem(f"job '{text}' does not start: this event does not start {path}", hint="see `headrace plan`")
            )
    names = [job for workflow in workflows for job in workflow.jobs]
    return UsageError(Problem(f"there is no job '{text}'", hint=hint(text, names)))


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
