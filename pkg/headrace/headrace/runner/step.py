"""One step after the other: the order in which a hosted runner evaluates, runs and concludes a step."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct, structs

from headrace.base.errors import HeadraceError, Problem
from headrace.expressions import ExpressionError
from headrace.plan.model import Reason
from headrace.record.records import StepFinished, StepResult, StepStarted
from headrace.runner import messages
from headrace.runner.execute import Workbench, run_drop_in, run_node, run_script
from headrace.runner.frame import Frame
from headrace.runner.hashing import HashError
from headrace.runner.process import Ended, Supervision
from headrace.runner.progress import Post, Progress
from headrace.runner.says import StepVoice
from headrace.runner.scope import Scope
from headrace.runner.shells import ShellError
from headrace.runner.takeup import Takeup
from headrace.runner.ticket import JobTicket
from headrace.runner.uses import DropIn, Published, look_up
from headrace.workflow import template
from headrace.workflow.action import Action, Composite, Docker, Node
from headrace.workflow.model import Run, Step, Uses

if TYPE_CHECKING:
    from headrace.runner.container_steps import LegContainers
    from headrace.runner.inside import Inside

ERRORS = (HeadraceError, ExpressionError, HashError, ShellError, OSError, ValueError)


Stage = Literal["pre", "main", "post"]


class Verdict(Struct, frozen=True):
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
        self.containers: LegContainers | None = None
        self.states: dict[str, dict[str, str]] = {}  # step id → what it saved for its later stages
        self.frames: dict[str, Frame] = {}  # step id → the composite action that it is

    def goes_on(self) -> bool:
        """Does the condition of the step under way hold now that the job is being cancelled?"""
        if self.running is None:
            return True
        scope, condition = self.running
        try:
            return scope.holds(condition)
        except ERRORS:
            return False

    def pre(self, step: Step) -> None:
        """Run what a step's action does before all main steps, if it does."""
        used = look_ahead(self, step)
        if used is None:
            return
        begun = time.monotonic()
        one = StepRun(self, step, "pre", self.states.setdefault(step.id, {}), condition=used)
        one.name = f"Pre {one.display_name()}"
        verdict = one.run()
        self.progress.worsen(verdict.result)
        one.finish(verdict, verdict.result, time.monotonic() - begun)

    def main(self, step: Step) -> None:
        """Run a main step. Raises what ends the leg: EngineGone, EngineError, SandboxLost."""
        begun = time.monotonic()
        one = StepRun(self, step, "main", self.states.setdefault(step.id, {}), condition=step.condition.source)
        verdict = one.run()
        conclusion = one.conclude(verdict)
        self.progress.worsen(conclusion)
        if step.named:
            self.progress.steps[step.id] = {"outputs": one.outputs, "outcome": verdict.result, "conclusion": conclusion}
        one.finish(verdict, conclusion, time.monotonic() - begun)

    def post(self, post: Post) -> None:
        """Run what a step has left to do."""
        frame = self.frames.get(post.step.id)
        if frame is not None and not frame.posts:  # a composite action none of whose steps has begun anything
            return
        begun = time.monotonic()
        one = StepRun(self, post.step, "post", post.state, condition=post.condition)
        one.name = f"Post {post.name}"
        verdict = one.run()
        self.progress.worsen(verdict.result)
        one.finish(verdict, verdict.result, time.monotonic() - begun)


class StepRun:
    """A step in one of its stages. `name` is the display name where it is known already. `outer` is the step whose composite
    action this one is a part of: then it has no record of its own, and a condition that cannot be evaluated ends the action."""

    def __init__(
        self, runner: StepRunner, step: Step, stage: Stage, state: dict[str, str], *, condition: str,
        frame: Frame | None = None, outer: StepRun | None = None,
    ) -> None:  # fmt: skip
        self.runner = runner
        self.step = step
        self.stage: Stage = stage
        self.name = ""
        self.outer = outer
        self.broken = False  # whether its condition could not be evaluated
        self.limited = False  # whether a limit of the job has made it fail
        self.outputs: dict[str, str] = {}
        self.frame = frame
        self.condition = condition
        self.deadline: float | None = None
        watch = runner.watch
        self.log = watch.log
        if outer is None:
            runner.progress.number += 1
            self.log.flush()
            self.log.step = runner.progress.number
        self.number = runner.progress.number
        self.scope = Scope(runner.ticket, runner.progress, runner.contexts, step, state, watch.sandbox, frame, stage)
        self.voice = StepVoice(
            runner.ticket, self.number, runner.progress, self.scope.variable, watch.control.emit, watch.sandbox.read
        )
        if outer is not None:
            self.voice.kept, self.deadline = outer.voice.kept, outer.deadline

    def run(self) -> Verdict:
        laid = self._lay_env()
        self.name = self.name or self.scope.display_name()
        if self.frame is None:
            self._announce()
        try:
            if laid is not None and self.frame is None:
                return self.fail(laid)
            if not self.scope.holds(self.condition):
                self.runner.progress.spent = self.scope.files
                facts = {"condition": self.condition, "status": self.runner.progress.status}
                return Verdict("skipped", why=Reason("step-condition", self.step.condition.at, facts))
        except ERRORS as error:
            self.broken = True
            return self.fail(error)
        minutes = self._timeout()
        before, self.runner.running = self.runner.running, (self.scope, self.condition)
        try:
            verdict = self._execute(minutes)
        except ERRORS as error:
            return self._limit(self.fail(error, early=False))
        finally:
            self.runner.running = before
        verdict = self._limit(verdict)
        if laid is not None:
            self.say_error(words(laid))
            return Verdict("failure", verdict.exit_code)
        return verdict

    def _limit(self, verdict: Verdict) -> Verdict:
        """Say what the limits of the job have done to the step."""
        if self.runner.watch.limits is None:
            return verdict
        error, warning = self.runner.watch.limits.said()
        if warning:
            self.log.write(self.voice.say("warning", warning))
        if not error:
            return verdict
        self.say_error(error)
        step: StepRun | None = self
        while step is not None:
            step.limited, step = True, step.outer
        return structs.replace(verdict, result="failure") if verdict.result == "success" else verdict

    def display_name(self) -> str:
        return self.scope.display_name()

    def finish(self, verdict: Verdict, conclusion: StepResult, seconds: float) -> None:
        self.log.flush()
        leg = self.runner.ticket.leg
        self.runner.watch.control.emit(
            StepFinished(leg, self.number, verdict.result, conclusion, seconds, verdict.exit_code, verdict.why)
        )

    def conclude(self, verdict: Verdict) -> StepResult:
        """With `continue-on-error`, evaluated after the step has failed; where that fails, the failure stands. So does that of a
        limit: what a hosted machine would have made of it is not known."""
        token = self.step.continue_on_error
        if verdict.result != "failure" or verdict.early or self.limited or token is None:
            return verdict.result
        try:
            tolerated = template.boolean(token, self.scope.contexts(), self.scope.functions())
        except ERRORS as error:
            self.say_error(words(error))
            return verdict.result
        return "success" if tolerated else verdict.result

    def _announce(self) -> None:
        name = self.runner.progress.masker.mask_text(self.name)
        named = self.step.id if self.step.named and self.stage == "main" else ""
        self.runner.watch.control.emit(StepStarted(self.runner.ticket.leg, self.number, name, self.stage, named))

    def _lay_env(self) -> Exception | None:
        try:
            self.scope.make_files()
            self.scope.lay_env()
        except ERRORS as error:
            return error
        return None

    def fail(self, error: Exception, *, early: bool = True) -> Verdict:
        """A failure of the machine ends the leg, not the step."""
        if isinstance(error, HeadraceError) and error.status == 3:
            raise error
        self.say_error(words(error))
        return Verdict("failure", early=early)

    def say_error(self, message: str) -> None:
        self.log.write(self.voice.say("error", message))

    def _timeout(self) -> float:
        """Minutes, 0 for none, with the deadline set; an evaluation error is an error line, and the step runs without a
        timeout."""
        token = self.step.timeout_minutes
        if token is None or self.stage != "main":
            return 0.0
        try:
            minutes = template.number(token, self.scope.contexts(), self.scope.functions())
        except ERRORS as error:
            self.say_error(words(error))
            return 0.0
        if minutes >= 1:
            minutes = float(int(minutes))  # GitHub cuts the fraction off; what is less than a minute is of use here
        if minutes > 0:
            self.deadline = time.monotonic() + minutes * 60
        return max(minutes, 0.0)

    def _execute(self, minutes: float) -> Verdict:
        left = None if self.deadline is None else max(0.001, self.deadline - time.monotonic())
        bench = Workbench(self.runner.watch, self.voice, self.scope, left)
        body = self.step.body
        outside: Inside | None = None  # the job's container, for a program that has run outside of it
        match body:
            case Run():
                ended = run_script(bench, body, self.runner.defaults if self.frame is None else {})
            case Uses():
                used = look_up(self.runner.ticket, self.runner.watch.sandbox, body.uses, self.frame)
                match used:
                    case Published(action=Action(runs=Composite())):
                        from headrace.runner.composite import run_composite

                        return run_composite(self, bench, body, used, minutes)
                    case Published(action=Action(runs=Node() as node)):
                        if self.stage != "post" and node.post:
                            self._owe(node.post_if)
                        if self.stage == "main" and node.pre and used.local:
                            bench.warn(messages.LOCAL_PRE.format(path=body.uses))
                        ended = run_node(bench, body, used, node, self.stage)
                    case Published(action=Action(runs=Docker() as docker)):
                        if self.stage != "post" and docker.post:
                            self._owe(docker.post_if)
                        if self.stage == "main" and docker.pre and used.local:
                            bench.warn(messages.LOCAL_PRE.format(path=body.uses))
                        if self.runner.containers is None:
                            raise HeadraceError(Problem(messages.NO_ENGINE.format(uses=body.uses), hint="`headrace doctor`"))
                        from headrace.runner.docker_action import run_docker

                        ended = run_docker(bench, self.runner.containers, body, used, docker, self.stage)
                    case DropIn(manifest=manifest):
                        if self.stage == "main" and manifest.post:
                            self._owe(manifest.post_if)
                        ended = run_drop_in(bench, body, manifest, self.stage)
                        outside = self.runner.progress.inside
            case _:
                raise ValueError(f"this kind of step is not supported: {self.step.id}")
        wrong = self._take_in(ended, minutes, outside)
        if ended.because == "cancelled":
            return Verdict("cancelled", ended.status)
        return Verdict("failure" if wrong or ended.because or ended.status else "success", ended.status)

    def _owe(self, condition: str) -> None:
        """A post step, unless an earlier stage has registered it."""
        posts = self.runner.progress.posts if self.frame is None else self.frame.posts
        if all(post.step is not self.step for post in posts):
            posts.append(Post(self.step, self.name.removeprefix("Pre "), condition, self.scope.state, self.frame))

    def _take_in(self, ended: Ended, minutes: float, outside: Inside | None) -> bool:
        """Say how the program ended and take in what it wrote; whether a command or a command file was wrong."""
        if ended.because == "timeout":
            timed = messages.STEP_TIMEOUT.format(name=self.name, minutes=f"{minutes:g}") if minutes else messages.INNER_TIMEOUT
            self.say_error(timed)
        elif ended.because == "cancelled":
            self.say_error(messages.CANCELED)
        elif ended.status and not ended.because and isinstance(self.step.body, Run):
            self.say_error(messages.EXIT_CODE.format(code=ended.status))
        self.outputs.update(self.voice.outputs)
        self.scope.state.update(self.voice.state)
        takeup = Takeup(self.scope, self.voice, self.log, self.outputs, self.number)
        if outside is not None:
            takeup.translate = outside.mounts.all_inside
        wrong = takeup.take(self.runner.watch.sandbox)
        self.runner.progress.alone = ended.alone
        if ended.alone:  # else what goes on in the background could write into the files of a later step
            self.runner.progress.spent = self.scope.files
        return wrong or self.voice.failed


def look_ahead(runner: StepRunner, step: Step) -> str | None:
    """The condition under which a step has something to do before all main steps; None where it has not."""
    if not isinstance(step.body, Uses) or step.body.uses.startswith(("./", ".\\")) or not runner.ticket.known:
        return None
    try:
        used = look_up(runner.ticket, runner.watch.sandbox, step.body.uses, None)
    except HeadraceError:
        return None
    match used:
        case Published(action=Action(runs=Node(pre=pre, pre_if=condition) | Docker(pre=pre, pre_if=condition))) if pre:
            return condition
        case Published(action=Action(runs=Composite())):
            from headrace.runner.composite import has_pre

            return "always()" if has_pre(runner, used) else None
        case _:
            return None


def words(error: Exception) -> str:
    """An error as one text, a line for each problem."""
    if isinstance(error, HeadraceError):
        return "\n".join(str(problem) for problem in error.problems)
    return str(error)
