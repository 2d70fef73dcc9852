"""GitHub's fixed texts for what goes wrong between the event and a job's start."""

from __future__ import annotations

from collections.abc import Iterable


def job_evaluation(key: str, job: str, problems: Iterable[str]) -> str:
    """A key of a job that could not be evaluated before the job started."""
    return f"Error when evaluating '{key}' for job '{job}'. {','.join(problems)}"


def workflow_evaluation(key: str, problems: Iterable[str]) -> str:
    return f"Error when evaluating '{key}'. {','.join(problems)}"
