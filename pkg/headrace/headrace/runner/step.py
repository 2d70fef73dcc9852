"""One step after the other: the order in which a hosted runner evaluates, runs and concludes a step."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from headrace.base.errors import HeadraceError
from headrace.expressions import ExpressionError
from headrace.plan.model import Reason
from headrace.record.records import StepFinished, StepResult, StepStarted
from headrace.runner import messages
from headrace.runner.execute import Workbench, drop_in_of, run_drop_in, run_script
from headrace.runner.hashing import HashError
from headrace.runner.process import Ended, Supervision
from headrace.runner.progress import Post, Progress
from headrace.runner.says import StepVoice
from headrace.runner.scope import Scope
from headrace.runner.shells import ShellError
from headrace.runner.takeup import Takeup
from headrace.runner.ticket import JobTicket
from headrace.workflow import template
from headrace.workflow.model import Run, Step, Uses

_ERRORS = (HeadraceError, ExpressionError, HashError, ShellError, OSError, ValueError)


class _Verdict(Struct, frozen=True):
    """`early` failures (of `env` or `if`) are not softened by continue-on-error."""

    result: StepResult
    exit_code: int | None = None
    early: bool = False
    why: Reason | None = None


class StepRunner:
    """Runs the steps of one leg. `contexts` are those that stay the same for all steps; `defaults` is `defaults.run` in force."""

    def __init__(
        self,
        ticket: JobTicket,
        progress: Progress,
        defaults: Mapping[str, str],
        watch: Supervision,
        contexts: Mapping[str, Any],
    ) -> None:
        self.ticket = ticket
        self.progress = progress
        self.defaults = defaults
        self.watch = watch
        self.contexts = contexts
        self.running: tuple[Scope, str] | None = None

    def goes_on(self) -> bool:
        """Does the condition of the step under way hold now that the job is being cancelled?"""
        if self.running is None:
            return True
        scope, condition = self.running
        try:
            return scope.holds(condition)
        except _ERRORS:
            return False

    def main(self, step: Step) -> None:
        """Run a main step. Raises what ends the leg: EngineGone, EngineError, SandboxLost."""
        begun = time.monotonic()
        one = _One(self, step, "main", {}, "", step.condition.source)
        verdict = one.run()
        conclusion = verdict.result
        if verdict.result == "failure" and not verdict.early and one.tolerated():
            conclusion = "success"
        self.progress.worsen(conclusion)
        if step.named:
            self.progress.steps[step.id] = {"outputs": one.outputs, "outcome": verdict.result, "conclusion": conclusion}
        one.finish(verdict, conclusion, time.monotonic() - begun)

    def post(self, post: Post) -> None:
        """Run what a step has left to do."""
        begun = time.monotonic()
        one = _One(self, post.step, "post", post.state, f"Post {post.name}", post.condition)
        verdict = one.run()
        self.progress.worsen(verdict.result)
        one.finish(verdict, verdict.result, time.monotonic() - begun)


class _One:
    """A step in one of its stages. `name` is the display name where it is known already."""

    def __init__(
        self, runner: StepRunner, step: Step, stage: Literal["main", "post"], state: dict[str, str], name: str, condition: str
    ) -> None:
        self._r = runner
        self._step = step
        self._stage = stage
        self._name = name
        self._condition = condition
        self.outputs: dict[str, str] = {}
        runner.progress.number += 1
        self._number = runner.progress.number
        self._log = runner.watch.log
        self._log.flush()
        self._log.step = self._number
        self._scope = Scope(runner.ticket, runner.progress, runner.contexts, step, state, runner.watch.sandbox)
        watch = runner.watch
        self._voice = StepVoice(
            runner.ticket, self._number, runner.progress, self._scope.variable, watch.control.emit, watch.sandbox.read
        )

    def run(self) -> _Verdict:
        laid = self._lay_env()
        self._name = self._name or self._scope.display_name()
        self._announce()
        try:
            if laid is not None:
                return self._fail(laid)
            if not self._scope.holds(self._condition):
                self._r.progress.spent = self._scope.files
                facts = {"condition": self._condition, "status": self._r.progress.status}
                return _Verdict("skipped", why=Reason("step-condition", self._step.condition.at, facts))
        except _ERRORS as error:
            return self._fail(error)
        timeout, minutes = self._timeout()
        self._r.running = self._scope, self._condition
        try:
            return self._execute(timeout, minutes)
        except _ERRORS as error:
            return self._fail(error, early=False)
        finally:
            self._r.running = None

    def finish(self, verdict: _Verdict, conclusion: StepResult, seconds: float) -> None:
        self._log.flush()
        leg = self._r.ticket.leg
        self._r.watch.control.emit(
            StepFinished(leg, self._number, verdict.result, conclusion, seconds, verdict.exit_code, verdict.why)
        )

    def tolerated(self) -> bool:
        """`continue-on-error`, evaluated after the step has failed; where that fails, the failure stands."""
        token = self._step.continue_on_error
        if token is None:
            return False
        try:
            return template.boolean(token, self._scope.contexts(), self._scope.functions())
        except _ERRORS as error:
            self._say_error(words(error))
            return False

    def _announce(self) -> None:
        name = self._r.progress.masker.mask_text(self._name)
        named = self._step.id if self._step.named and self._stage == "main" else ""
        self._r.watch.control.emit(StepStarted(self._r.ticket.leg, self._number, name, self._stage, named))

    def _lay_env(self) -> Exception | None:
        try:
            self._scope.make_files()
            self._scope.lay_env()
        except _ERRORS as error:
            return error
        return None

    def _fail(self, error: Exception, *, early: bool = True) -> _Verdict:
        """A failure of the machine ends the leg, not the step."""
        if isinstance(error, HeadraceError) and error.status == 3:
            raise error
        self._say_error(words(error))
        return _Verdict("failure", early=early)

    def _say_error(self, message: str) -> None:
        self._log.write(self._voice.say("error", message))

    def _timeout(self) -> tuple[float | None, float]:
        """Seconds and minutes; an evaluation error is an error line, and the step runs without a timeout."""
        token = self._step.timeout_minutes
        if token is None or self._stage == "post":
            return None, 0.0
        try:
            minutes = template.number(token, self._scope.contexts(), self._scope.functions())
        except _ERRORS as error:
            self._say_error(words(error))
            return None, 0.0
        if minutes >= 1:
            minutes = float(int(minutes))  # GitHub cuts the fraction off; what is less than a minute is of use here
        return (minutes * 60, minutes) if minutes > 0 else (None, 0.0)

    def _execute(self, timeout: float | None, minutes: float) -> _Verdict:
        bench = Workbench(self._r.watch, self._voice, self._scope, timeout)
        body = self._step.body
        match body:
            case Run():
                ended = run_script(bench, body, self._r.defaults)
            case Uses():
                ended = self._drop_in(bench, body)
            case _:
                raise ValueError(f"this kind of step is not supported: {self._step.id}")
        wrong = self._conclude(ended, minutes)
        if ended.because == "cancelled":
            return _Verdict("cancelled", ended.status)
        return _Verdict("failure" if wrong or ended.because or ended.status else "success", ended.status)

    def _drop_in(self, bench: Workbench, uses: Uses) -> Ended:
        manifest = drop_in_of(self._scope)
        if manifest is None:
            raise ValueError(f"{uses.uses} is not supported: there is no drop-in for it")
        if self._stage == "main" and manifest.post:
            self._r.progress.posts.append(Post(self._step, self._name, manifest.post_if, self._scope.state))
        return run_drop_in(bench, uses, manifest, self._stage)

    def _conclude(self, ended: Ended, minutes: float) -> bool:
        """Say how the program ended and take in what it wrote; whether a command or a command file was wrong."""
        if ended.because == "timeout":
            self._say_error(messages.STEP_TIMEOUT.format(name=self._name, minutes=f"{minutes:g}"))
        elif ended.because == "cancelled":
            self._say_error(messages.CANCELED)
        elif ended.status and isinstance(self._step.body, Run):
            self._say_error(messages.EXIT_CODE.format(code=ended.status))
        self.outputs.update(self._voice.outputs)
        self._scope.state.update(self._voice.state)
        takeup = Takeup(self._scope, self._voice, self._log, self.outputs, self._number)
        wrong = takeup.take(self._r.watch.sandbox)
        self._r.progress.alone = ended.alone
        if ended.alone:  # else what goes on in the background could write into the files of a later step
            self._r.progress.spent = self._scope.files
        return wrong or self._voice.failed


def words(error: Exception) -> str:
    """An error as one text, a line for each problem."""
    if isinstance(error, HeadraceError):
        return "\n".join(str(problem) for problem in error.problems)
    return str(error)
