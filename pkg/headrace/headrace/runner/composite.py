"""A composite action: steps within a step, with a scope of their own, and what they leave to do before and after."""

from __future__ import annotations

import time

from headrace.base.errors import HeadraceError, Problem
from headrace.runner import messages
from headrace.runner.contexts import JobStatus, worse
from headrace.runner.execute import Workbench, begin, of_manifest
from headrace.runner.frame import MOST, Frame
from headrace.runner.progress import Post
from headrace.runner.scope import Scope
from headrace.runner.step import ERRORS, Stage, StepRun, StepRunner, Verdict, words
from headrace.runner.uses import Published, look_up
from headrace.workflow import template
from headrace.workflow.action import Action, Composite, Docker, Node
from headrace.workflow.model import Step, Uses


def run_composite(run: StepRun, bench: Workbench, uses: Uses, used: Published, minutes: float) -> Verdict:
    """The stage of the action that `run` is in. Raises HeadraceError, TemplateError where nothing of it can begin."""
    frame = _frame(run, used)
    if frame.depth > MOST:
        raise HeadraceError(Problem(messages.TOO_DEEP))
    given = begin(bench, uses, *of_manifest(used.action), run.stage)
    frame.inputs = _named(given, used.action, uses)
    composite = used.action.runs
    assert isinstance(composite, Composite)
    match run.stage:
        case "pre":
            return _pre(run, frame, composite)
        case "post":
            return _post(run, frame)
    return _main(run, frame, composite, minutes)


def _frame(run: StepRun, used: Published) -> Frame:
    """The one of this use of the action: its stages share it. The `env` of the outer step is evaluated anew for each."""
    frames = run.runner.frames if run.frame is None else run.frame.frames
    overlay = {**(run.frame.overlay if run.frame is not None else {}), **run.scope.own}
    frame = frames.get(run.step.id)
    if frame is None:
        frame = frames[run.step.id] = Frame(run.step, used.folder, used.repository, used.ref, run.frame, overlay)
    frame.overlay = overlay
    return frame


def _named(variables: dict[str, str], action: Action, uses: Uses) -> dict[str, str]:
    """Inputs by their names, from the variables that other actions would get."""
    from headrace.runner.environment import input_variables
    from headrace.workflow.lookup import fields

    names = [*action.inputs, *(name for name in fields(uses.inputs) if action.input(name) is None)]
    return {name: variables[next(iter(input_variables({name: ""}, {})))] for name in names}


def _main(run: StepRun, frame: Frame, composite: Composite, minutes: float) -> Verdict:
    frame.begin()
    _owe(run)
    timed_out = False
    for step in composite.steps:
        if run.deadline is not None and time.monotonic() >= run.deadline:
            timed_out = True
            break
        inner = _inner(run, frame, step, "main", step.condition.source)
        verdict = inner.run()
        conclusion = inner.conclude(verdict)
        frame.worsen(conclusion)
        if step.named:
            frame.steps[step.id] = {"outputs": inner.outputs, "outcome": verdict.result, "conclusion": conclusion}
        if inner.broken:
            break
    _outputs(run, frame, composite)
    if timed_out or (run.deadline is not None and time.monotonic() >= run.deadline and frame.status == "failure"):
        if minutes:
            run.say_error(messages.STEP_TIMEOUT.format(name=run.name, minutes=f"{minutes:g}"))
        return Verdict("failure")
    return Verdict(frame.status)


def _inner(run: StepRun, frame: Frame, step: Step, stage: Stage, condition: str) -> StepRun:
    state = frame.states.setdefault(step.id, {})
    return StepRun(run.runner, step, stage, state, condition=condition, frame=frame, outer=run)


def _owe(run: StepRun) -> None:
    """What its steps leave to do is done in one post step, which stands where the action has begun."""
    posts = run.runner.progress.posts if run.frame is None else run.frame.posts
    if all(post.step is not run.step for post in posts):
        posts.append(Post(run.step, run.name.removeprefix("Pre "), "always()", run.scope.state, run.frame))


def _outputs(run: StepRun, frame: Frame, composite: Composite) -> None:
    """Evaluated once, at the end, also after a failure."""
    scope = Scope(run.runner.ticket, run.runner.progress, run.runner.contexts, run.step, {}, run.runner.watch.sandbox, frame)
    contexts = scope.contexts()
    for name, token in composite.outputs.items():
        try:
            run.outputs[name] = template.text(token, contexts, {"hashfiles": scope.functions()["hashfiles"]})
        except ERRORS as error:
            run.say_error(words(error))
            frame.worsen("failure")


def _post(run: StepRun, frame: Frame) -> Verdict:
    """The posts of the steps inside, the last first."""
    status: JobStatus = "success"
    while frame.posts:
        post = frame.posts.pop()
        inner = _inner(run, frame, post.step, "post", post.condition)
        inner.name = f"Post {post.name}"
        nested = frame.frames.get(post.step.id)
        if nested is not None and not nested.posts:
            continue
        verdict = inner.run()
        status = worse(status, verdict.result)
    return Verdict(status)


# Before the main steps ------------------------------------------------------------------------------------------------


def has_pre(runner: StepRunner, used: Published) -> bool:
    """Whether an action of another repository has, at any depth, a step with something to do before all main steps."""
    return any(True for _ in _early(runner, used, None, 1))


def _early(runner: StepRunner, used: Published, frame: Frame | None, depth: int) -> list[Step]:
    composite = used.action.runs
    found: list[Step] = []
    if not isinstance(composite, Composite) or depth > MOST:
        return found
    for step in composite.steps:
        if not isinstance(step.body, Uses) or step.body.uses.startswith(("./", ".\\", "$/")):
            continue
        try:
            inner = look_up(runner.ticket, runner.watch.sandbox, step.body.uses, frame)
        except HeadraceError:
            continue
        if isinstance(inner, Published):
            runs = inner.action.runs
            if (isinstance(runs, Node | Docker) and runs.pre) or _early(runner, inner, frame, depth + 1):
                found.append(step)
    return found


def _pre(run: StepRun, frame: Frame, composite: Composite) -> Verdict:
    _owe(run)
    status: JobStatus = "success"
    used = Published(Action("", {}, composite), frame.folder, frame.repository, frame.ref)
    for step in _early(run.runner, used, frame, frame.depth):
        assert isinstance(step.body, Uses)
        found = look_up(run.runner.ticket, run.runner.watch.sandbox, step.body.uses, frame)
        runs = found.action.runs if isinstance(found, Published) else None
        condition = runs.pre_if if isinstance(runs, Node | Docker) else "always()"
        verdict = _inner(run, frame, step, "pre", condition).run()
        status = worse(status, verdict.result)
    return Verdict(status)
