"""One leg from its first record to its last: set-up, the steps in order, what they left to do, the outputs."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headrace import __version__
from headrace.base.errors import HeadraceError, Problem
from headrace.expressions import CaseSensitive
from headrace.expressions.values import units
from headrace.plan.model import Result
from headrace.record.records import LegFinished, LegStarted, StepFinished, StepResult, StepStarted
from headrace.runner import folders, messages
from headrace.runner.contexts import runner_context
from headrace.runner.control import Control
from headrace.runner.environment import surroundings
from headrace.runner.log import LegLog
from headrace.runner.masking import Masker
from headrace.runner.process import Supervision
from headrace.runner.progress import Progress
from headrace.runner.ready import Ready
from headrace.runner.says import StepVoice
from headrace.runner.step import StepRunner, words
from headrace.runner.ticket import CancelOrder, JobTicket
from headrace.sandbox.places import SURROUNDINGS
from headrace.workflow import template
from headrace.workflow.lookup import fields
from headrace.workflow.model import Steps

if TYPE_CHECKING:
    from headrace.runner.container_steps import LegContainers
    from headrace.workflow.tokens import Token

OUTPUTS_LIMIT = 1 << 20
"""Bytes that all outputs of a job have together at most, counted as UTF-16: so GitHub does."""

NAMED = 5
"""Files that a warning names; it counts the others."""

COUNTED = 100
"""No more of them are looked for."""


def run_leg(ticket: JobTicket, control: Control, ready: Ready) -> None:
    """Run the leg and report it all. When the result is told nothing of the leg is left alive: the sandbox has been closed, or
    holds no process already.

    Raises EngineGone, and EngineError where the machine fails (the engine then finds the leg lost)."""
    begun = time.monotonic()
    control.emit(LegStarted(ticket.leg))
    control.flush()
    if ticket.containers and ready.again is not None:
        from headrace.runner.container_steps import plain_folders

        if plain := plain_folders(ticket):
            ready = ready.again(plain)
    leg = _Leg(ticket, control, ready)
    try:
        result, outputs = leg.run()
        if not leg.alone:
            ready.sandbox.close()
        control.emit(LegFinished(ticket.leg, result, outputs, time.monotonic() - begun))
        control.flush()  # the next job need not wait for the end of an empty sandbox
    finally:
        ready.sandbox.close()
        leg.log.close()


class _Leg:
    def __init__(self, ticket: JobTicket, control: Control, ready: Ready) -> None:
        self._ticket = ticket
        self._control = control
        self.log = LegLog(ticket.folders.log, ticket.leg, control.emit)
        self._progress = Progress(Masker())
        self._progress.spent = folders.command_files(ticket.folders.temp, folders.AHEAD)
        self._ready = ready
        self._sandbox = ready.sandbox
        self._steps: StepRunner | None = None
        self._defaults: dict[str, str] = {}

    def run(self) -> tuple[Result, dict[str, str]]:
        progress = self._progress
        if not self._set_up():
            return "failure", {}
        assert isinstance(self._ticket.job.body, Steps)
        watch = Supervision(self._sandbox, self._control, self.log, self._on_cancel, self._ready.limits)
        containers: LegContainers | None = None
        if self._ticket.containers:
            from headrace.runner.container_steps import LegContainers

            containers = LegContainers(self._ticket, progress, watch, self._ready, self._contexts(), self._voice)
            watch = containers.begin()
        steps = self._steps = StepRunner(self._ticket, progress, self._defaults, watch, self._contexts())
        steps.containers = containers
        if self._ticket.known:
            for step in self._ticket.job.body.steps:
                self._take_orders()
                steps.pre(step)
        for step in self._ticket.job.body.steps:
            self._take_orders()
            steps.main(step)
        while progress.posts:
            self._take_orders()
            steps.post(progress.posts.pop())
        if containers is not None:
            containers.end()
        outputs = self._complete()
        return progress.status, outputs

    @property
    def alone(self) -> bool:
        """Whether nothing that the steps started lives on."""
        return self._progress.alone

    # -- orders --

    def _take_orders(self) -> None:
        """Orders that came between two steps."""
        while (order := self._control.order()) is not None:
            self._on_cancel(order)

    def _on_cancel(self, order: CancelOrder) -> bool:
        """Mark the leg as cancelled; whether the running program is to be ended: its step's condition is asked again."""
        progress = self._progress
        first = not progress.cancelling
        progress.cancelling = True
        progress.forced = progress.forced or order.force
        progress.worsen("cancelled")
        if first and order.message:
            voice = self._voice(max(progress.number, 1))
            self.log.write(voice.say("error", order.message))
        return progress.forced or self._steps is None or not self._steps.goes_on()

    # -- set-up --

    def _set_up(self) -> bool:
        """The step "Set up job": folders, masks, environment, defaults. Any error fails the leg, and no step runs."""
        ticket, progress = self._ticket, self._progress
        begun = time.monotonic()
        progress.number = self.log.step = 1
        self._control.emit(StepStarted(ticket.leg, 1, "Set up job", "setup"))
        lines = [f"Current runner version: 'headrace {__version__}'", f"Runner name: '{ticket.runner_name}'"]
        lines += [f"Isolation: {ticket.isolation}", *ticket.setup_lines]
        lines += ["##[group]GITHUB_TOKEN Permissions"]
        lines += [f"{name}: {level}" for name, level in sorted((ticket.job.permissions or {}).items())]
        lines += ["##[endgroup]", "Prepare workflow directory", *ticket.download_lines()]
        lines += [*ticket.called_lines(), f"Complete job name: {ticket.name}"]
        ok = True
        voice = self._voice(1)
        try:
            self._mask()
            self._actions()
            self._folders()
            self._environment()
            self.log.write(progress.masker.mask("".join(f"{line}\n" for line in lines).encode()))
        except (HeadraceError, OSError) as error:
            ok = False
            self.log.write(voice.say("error", words(error)))
            progress.worsen("failure")
        self.log.flush()
        result: StepResult = "success" if ok else "failure"
        self._control.emit(StepFinished(ticket.leg, 1, result, result, time.monotonic() - begun))
        return ok

    def _mask(self) -> None:
        ticket, masker = self._ticket, self._progress.masker
        for name, value in ticket.secrets.items():
            if name not in ("ACTIONS_STEP_DEBUG", "ACTIONS_RUNNER_DEBUG", "GITHUB_TOKEN"):
                masker.add_secret(value)
        token = ticket.secrets.get("GITHUB_TOKEN", "")
        if token:
            masker.add_token(token)
        for value in ticket.masks:
            masker.add(value)

    def _actions(self) -> None:
        """An action that GitHub does not find fails the whole job, however far down it stands."""
        for known in self._ticket.known.values():
            if known.error:
                raise HeadraceError(Problem(known.error))

    def _folders(self) -> None:
        place = self._ticket.folders
        self._ticket = self._ready.take(self._ticket)
        if self._ticket.known and (self._ticket.isolation == "host" or self._ready.plain):  # else they are mounted
            from headrace.runner.uses import actions_folder, install

            install(self._ticket, self._ready.on_machine(actions_folder(self._ticket), place.root))
        event = json.dumps(self._ticket.github.get("event") or {}, indent=2, ensure_ascii=False)
        files = [(f"{place.temp}/{folders.WORKFLOW}/event.json", event.encode("utf-8", "surrogatepass"))]
        if self._ticket.isolation == "namespaces":
            text = surroundings(self._ticket.base, self._ticket.surroundings)
            files.append((SURROUNDINGS, text.encode("utf-8", "surrogateescape")))
        self._sandbox.write(files)
        if self._ticket.files and (wrong := self._sandbox.call("lay", list(self._ticket.files))):
            raise HeadraceError(Problem(f"what is forwarded cannot be put into the job: {wrong}"))

    def _environment(self) -> None:
        """Workflow `env`, then job `env`; neither sees itself or the other. `defaults.run` of the job replaces the workflow's."""
        ticket = self._ticket
        body = ticket.job.body
        assert isinstance(body, Steps)
        contexts = {**self._contexts(), "env": None}
        for block in (ticket.workflow_env, body.env):
            if block is not None:
                self._progress.env.update(template.string_map(block, contexts, {}))
        contexts["env"] = CaseSensitive(self._progress.env)
        for block in (ticket.workflow_defaults, body.defaults):
            if block is not None:
                run = template.value(block, contexts, {})
                chosen = run.get("run") if isinstance(run, dict) else None
                if isinstance(chosen, dict):
                    self._defaults = {str(key): str(value) for key, value in chosen.items() if value not in (None, "")}

    def _contexts(self) -> dict[str, Any]:
        """The contexts that stay the same for all steps; `env`, `steps` and `job` come with each step."""
        ticket, place = self._ticket, self._ticket.folders
        github = {
            **ticket.github,
            "job": ticket.job.id,
            "token": ticket.secrets.get("GITHUB_TOKEN", ""),
            "workspace": place.workspace,
            "event_path": f"{place.temp}/{folders.WORKFLOW}/event.json",
        }
        runner = runner_context(
            os=ticket.os, arch=ticket.arch, temp=place.temp, tool_cache=place.tool_cache, name=ticket.runner_name,
            workspace=os.path.dirname(place.workspace), environment=ticket.environment, debug=ticket.debugging,
        )  # fmt: skip
        return {
            "github": github, "inputs": ticket.inputs, "vars": dict(ticket.vars), "needs": ticket.needs,
            "strategy": ticket.strategy, "matrix": ticket.matrix, "secrets": dict(ticket.secrets), "runner": runner,
        }  # fmt: skip

    def _voice(self, number: int) -> StepVoice:
        progress = self._progress
        return StepVoice(self._ticket, number, progress, progress.env.get, self._control.emit, self._sandbox.read)

    # -- the end --

    def _complete(self) -> dict[str, str]:
        """The step "Complete job": the job's outputs, evaluated also when it failed."""
        ticket, progress = self._ticket, self._progress
        body = ticket.job.body
        assert isinstance(body, Steps)
        begun = time.monotonic()
        progress.number += 1
        number = self.log.step = progress.number
        self._control.emit(StepStarted(ticket.leg, number, "Complete job", "complete"))
        voice = self._voice(number)
        outputs: dict[str, str] = {}
        ok = True
        if body.outputs is not None:
            contexts = {**self._contexts(), **self._live()}
            try:
                given = template.string_map(body.outputs, contexts, {})
            except HeadraceError as error:
                ok = False
                self.log.write(voice.say("error", words(error)) + voice.say("error", messages.OUTPUTS_FAILED))
                progress.worsen("failure")
                given = {}
            for name, value in given.items():
                if progress.masker.holds_secret(value):
                    self.log.write(voice.say("warning", messages.SKIPPED_OUTPUT.format(name=name)))
                elif value:
                    outputs[name] = value
            if sum(2 * units(name + value) for name, value in outputs.items()) > OUTPUTS_LIMIT:
                ok = False
                self.log.write(voice.say("error", messages.OUTPUTS_TOO_LARGE.format(limit=OUTPUTS_LIMIT >> 20)))
                progress.worsen("failure")
                outputs = {}
        if ticket.deploys_to:
            ok = self._deployed(voice, fields(body.environment).get("url")) and ok
        if paths := self._ready.changes(ticket.folders.root, COUNTED, [path for path, _, _ in ticket.files]):
            self.log.write(voice.say("warning", messages.WITHOUT_SUDO.format(paths=_some(paths))))
        self.log.write(b"Cleaning up orphan processes\n")
        self.log.flush()
        result: StepResult = "success" if ok else "failure"
        self._control.emit(StepFinished(ticket.leg, number, result, result, time.monotonic() - begun))
        return outputs

    def _deployed(self, voice: StepVoice, url: Token | None) -> bool:
        """Say where the environment is to be found; whether that could be evaluated. Source: JobExtension.FinalizeJob."""
        if url is None:
            return True
        progress = self._progress
        self.log.write(messages.ENVIRONMENT_URL.encode())
        try:
            found = template.text(url, {**self._contexts(), **self._live()})
        except HeadraceError as error:
            self.log.write(voice.say("error", messages.URL_FAILED) + voice.say("error", words(error)))
            progress.worsen("failure")
            return False
        if progress.masker.holds_secret(found):
            self.log.write(voice.say("warning", messages.SKIPPED_URL.format(name=self._ticket.deploys_to)))
        else:
            self.log.write(messages.EVALUATED_URL.format(url=found).encode())
        return True

    def _live(self) -> Mapping[str, Any]:
        return {
            "env": CaseSensitive(self._progress.env),
            "steps": self._progress.steps,
            "job": {**self._ticket.job_context(self._progress.status), **self._progress.job},
        }


def _some(paths: Sequence[str]) -> str:
    """The first few, and how many there are.

    >>> _some(["/a"]), _some(["/a", "/b"]), _some([f"/{number}" for number in range(7)])
    ('/a', '/a and /b', '/0, /1, /2, /3, /4 and 2 more')
    """
    shown, more = list(paths[:NAMED]), len(paths) - NAMED
    last = shown.pop() if more < 1 else f"{more} more" if len(paths) < COUNTED else f"{more} more or so"
    return f"{', '.join(shown)} and {last}" if shown else last
