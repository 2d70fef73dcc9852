"""Why a job fails one of whose keys cannot be evaluated: in GitHub's words, at the place in the file."""

from __future__ import annotations

from headrace.base.errors import NOWHERE, HeadraceError
from headrace.plan import messages
from headrace.plan.model import Reason
from headrace.workflow.model import Job
from headrace.workflow.problems import render


def failed(job: Job, key: str, error: HeadraceError) -> Reason:
    """`key` is the key of the job, `error` what its evaluation raised."""
    problems = error.problems
    text = messages.job_evaluation(key, job.id, [render(problem) for problem in problems])
    at = problems[0].at if problems and problems[0].at != NOWHERE else job.at
    return Reason("evaluation", at, {"key": key, "message": text})
