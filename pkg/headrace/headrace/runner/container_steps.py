"""The steps that come with containers: what is pulled and built ahead, "Initialize containers" and "Stop containers"."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import structs

from headrace.base.errors import HeadraceError
from headrace.expressions import CaseSensitive
from headrace.record.records import StepFinished, StepResult, StepStarted
from headrace.runner import messages
from headrace.runner.containers import JobContainers
from headrace.runner.docker_images import SCHEME, Images
from headrace.runner.process import Supervision
from headrace.runner.progress import Progress
from headrace.runner.ready import Ready
from headrace.runner.says import StepVoice
from headrace.runner.ticket import JobTicket
from headrace.workflow.action import Composite, Docker
from headrace.workflow.model import Steps, Uses

ERRORS = (HeadraceError, OSError, ValueError)


def plain_folders(ticket: JobTicket) -> tuple[str, ...]:
    """Those that containers of a job share with it, where it has a file system of its own: none where it has services only."""
    body = ticket.job.body
    assert isinstance(body, Steps)
    work = os.path.dirname(ticket.folders.temp)
    if body.container is not None:
        return work, ticket.folders.tool_cache
    return (work,) if any(isinstance(step.body, Uses) and _may_contain(step.body.uses, ticket) for step in body.steps) else ()


def _may_contain(uses: str, ticket: JobTicket) -> bool:
    """Whether an action may run in a container. What is of the workspace can be anything by the time it is used."""
    if uses.startswith(("./", ".\\", SCHEME)):
        return True
    known = ticket.known.get(uses)
    if known is None or known.action is None:
        return False
    match known.action.runs:
        case Docker():
            return True
        case Composite() as composite:
            return any(inner != uses and _may_contain(inner, ticket) for inner in composite.references)
        case _:
            return False


class LegContainers:
    """Of one leg. `contexts` are those that stay the same for all steps."""

    def __init__(
        self,
        ticket: JobTicket,
        progress: Progress,
        watch: Supervision,
        ready: Ready,
        contexts: Mapping[str, Any],
        voice: Callable[[int], StepVoice],
    ) -> None:
        self._ticket = ticket
        self._progress = progress
        self._watch = watch
        self._contexts = contexts
        self._voice = voice
        self.job = JobContainers(ticket, progress, watch, ready)
        self.images = Images(self.job, ticket)

    def begin(self) -> Supervision:
        """Everything before the first step; how the programs of the steps are watched from then on."""
        body = self._ticket.job.body
        assert isinstance(body, Steps)
        for name, provide in self.images.ahead(step.body for step in body.steps if isinstance(step.body, Uses)):
            if self._progress.status == "success":
                self._step(name, "pre", provide)
        if body.container is None and body.services is None:
            return self._watch
        contexts = {**self._contexts, "env": CaseSensitive(self._progress.env), "steps": {}}
        contexts["job"] = self._ticket.job_context(self._progress.status)
        wanted = self.job.evaluate(contexts)
        if wanted and self._progress.status == "success":
            self._step(messages.INITIALIZE, "pre", self.job.initialize)
        placed = self.job.inside()
        if placed is None:
            return self._watch
        sandbox, self._progress.inside = placed
        return structs.replace(self._watch, sandbox=sandbox)

    def end(self) -> None:
        """Take them away, however the job went."""
        if self.job.made and not self._progress.forced:
            self._step(messages.STOP, "post", self.job.stop)

    def _step(self, name: str, stage: Any, work: Callable[[], None]) -> None:
        """A step with a record of its own."""
        leg, log, control = self._ticket.leg, self._watch.log, self._watch.control
        begun = time.monotonic()
        self._progress.number += 1
        log.flush()
        number = log.step = self._progress.number
        control.emit(StepStarted(leg, number, name, stage))
        result: StepResult = "success"
        try:
            work()
        except ERRORS as error:
            if isinstance(error, HeadraceError) and error.status == 3:
                raise
            result = "cancelled" if self._progress.cancelling else "failure"
            voice = self._voice(number)
            problems = [str(each) for each in error.problems] if isinstance(error, HeadraceError) else [str(error)]
            for problem in problems:
                log.write(voice.say("error", problem))
            self._progress.worsen(result)
        log.flush()
        control.emit(StepFinished(leg, number, result, result, time.monotonic() - begun))
