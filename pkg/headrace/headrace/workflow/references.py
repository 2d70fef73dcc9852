"""The actions that workflows use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from headrace.workflow.model import Call, Job, Parallel, Step, Steps, Uses, Workflow


def references(workflows: Iterable[Workflow]) -> Iterator[str]:
    """What the steps of all jobs use, those of called workflows too, as it is written."""
    pending: list[Job] = [job for workflow in workflows for job in workflow.jobs.values()]
    while pending:
        match pending.pop().body:
            case Call(workflow=called) if called is not None:
                pending += called.jobs.values()
            case Steps(steps=steps):
                yield from of_steps(steps)


def of_steps(steps: Iterable[Step]) -> Iterator[str]:
    for step in steps:
        if isinstance(step.body, Uses):
            yield step.body.uses
        elif isinstance(step.body, Parallel):
            yield from of_steps(step.body.steps)
