"""The published actions of a run as its jobs get them: their files, laid out once for each commit, and node."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from headrace.base import git
from headrace.base.errors import EngineError, Problem
from headrace.base.paths import cache_dir
from headrace.plan.model import FoundAction, Plan
from headrace.plan.unsupported import inner_reference
from headrace.runner.known import Known
from headrace.workflow.action import Composite, Node
from headrace.workflow.model import Call, Job, Steps, Uses


def of_job(plan: Plan, job: Job) -> dict[str, Known]:
    """The actions of other repositories that a job's steps use at any depth, as its runner needs them. Raises EngineError where
    their files cannot be laid out."""
    found: dict[str, Known] = {}
    steps = job.body.steps if isinstance(job.body, Steps) else ()
    pending = [step.body.uses for step in steps if isinstance(step.body, Uses)]
    seen = set(pending)
    while pending:
        uses = pending.pop(0)
        one = plan.actions.get(uses)
        if one is None:
            continue
        if one.repository:
            found[uses] = Known(one.action, one.repository, one.ref, one.sha, _tree(one), one.error)
        if one.action is not None and isinstance(one.action.runs, Composite):
            inside = [inner_reference(inner, one) for inner in one.action.runs.references]
            pending += [inner for inner in inside if inner not in seen]
            seen.update(inside)
    return found


def trees(plan: Plan) -> dict[str, str]:
    """Of all published actions that jobs of the run may use: the place below the job's folder for actions → the files. Raises
    EngineError."""
    known = {one.place: one for job in _jobs(plan) for one in of_job(plan, job).values()}
    return {place: one.tree for place, one in known.items()}


def _jobs(plan: Plan) -> Iterator[Job]:
    """The jobs of a run, those inside calls too, of which nothing is settled yet: all of a file that may be called."""
    pending = [planned.job for planned in plan.jobs.values()]
    while pending:
        job = pending.pop()
        match job.body:
            case Call(workflow=called) if called is not None:
                pending += called.jobs.values()
            case _:
                yield job


def needs_node(actions: Iterable[FoundAction]) -> bool:
    return any(one.action is not None and isinstance(one.action.runs, Node) for one in actions)


def _tree(found: FoundAction) -> str:
    """The folder with the files of an action's repository: laid out where they are not yet, whole or not at all."""
    if found.folder:
        return found.folder
    folder = os.path.join(cache_dir(), "trees", found.sha)
    if os.path.isdir(folder):
        return folder
    import io
    import shutil
    import tarfile
    import tempfile

    try:
        os.makedirs(os.path.dirname(folder), mode=0o700, exist_ok=True)
        draft = tempfile.mkdtemp(prefix="new-", dir=os.path.dirname(folder))
        try:
            archive = git.run(found.git_dir, "archive", "--format=tar", found.sha)
            with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
                tar.extractall(draft, filter="tar") if hasattr(tarfile, "tar_filter") else tar.extractall(draft)
            os.chmod(draft, 0o755)
            os.rename(draft, folder)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            if not os.path.isdir(folder):
                raise
    except (OSError, tarfile.TarError, git.GitError) as error:
        raise EngineError(Problem(f"the files of {found.repository}@{found.ref} cannot be laid out: {error}")) from None
    return folder
