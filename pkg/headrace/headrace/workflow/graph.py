"""`needs`: whether every job can be reached."""

from __future__ import annotations

from collections.abc import Mapping

from headrace.base.errors import Position
from headrace.workflow import messages
from headrace.workflow.model import Job
from headrace.workflow.problems import Problems
from headrace.workflow.yaml_tokens import fold


def check(jobs: Mapping[str, Job], at: Position, problems: Problems) -> None:
    """Reports jobs that need unknown jobs or, directly or not, themselves; a job that waits for one of those is told as well."""
    if not any(not job.needs for job in jobs.values()):
        problems.add(messages.NO_START, at)
        return
    ids = {fold(job_id): job_id for job_id in jobs}
    needs = {fold(job_id): {fold(need) for need in job.needs} for job_id, job in jobs.items()}
    dependants: dict[str, list[str]] = {}
    for job_id, needed in needs.items():
        for need in needed:
            dependants.setdefault(need, []).append(job_id)
    missing = {job_id: len(needed) for job_id, needed in needs.items()}
    ready = [job_id for job_id, count in missing.items() if not count]
    done: set[str] = set()
    while ready:
        job_id = ready.pop()
        done.add(job_id)
        for dependant in dependants.get(job_id, ()):
            missing[dependant] -= 1
            if not missing[dependant]:
                ready.append(dependant)
    for job_id, job in jobs.items():
        if fold(job_id) in done:
            continue
        for need, place in zip(job.needs, job.needs_at, strict=True):
            folded = fold(need)
            if folded not in ids:
                problems.add(messages.needs_unknown(job_id, need), place)
            elif folded not in done:
                problems.add(messages.needs_cycle(job_id, need), place)
