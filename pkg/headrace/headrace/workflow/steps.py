"""The steps of a job: tokens → `Step`s with their ids, finished conditions and the checks of background steps."""

from __future__ import annotations

from headrace.expressions import calls, parse
from headrace.expressions.condition import STATUS_FUNCTIONS
from headrace.workflow import messages
from headrace.workflow.definitions import Scope
from headrace.workflow.embedded import EmbeddedError, check
from headrace.workflow.identifiers import StepIds, complaint, is_action_reference, step_text
from headrace.workflow.lookup import entries, fields, flag, items, text
from headrace.workflow.model import CancelStep, Parallel, Run, Step, StepBody, Uses, Wait, WaitAll
from headrace.workflow.problems import Problems
from headrace.workflow.schema import STEP_IF
from headrace.workflow.tokens import Expression, Mapping, Scalar, Token
from headrace.workflow.yaml_tokens import fold

_ALWAYS = Expression("always()")
_SUCCESS = Expression("success()")
_NAMES = {"wait": "Wait", "wait-all": "Wait for all", "cancel": "Cancel", "parallel": "Parallel group"}


def condition(token: Token | None, scope: Scope, problems: Problems) -> Expression:
    """The finished condition of an `if`: blank is `success()`, and what asks for no status is tied to it."""
    source = token.source if isinstance(token, Expression) else text(token)
    if token is None or not source.strip():
        return _SUCCESS
    try:
        check(source, scope)
    except EmbeddedError as error:
        problems.add(str(error), token.at)
        return _SUCCESS
    node = parse(source, contexts=scope.contexts, functions=scope.functions)  # at hand since the check
    return Expression(source if STATUS_FUNCTIONS & calls(node) else f"success() && ({source})", token.at)


def convert(token: Token | None, problems: Problems, scope: Scope = STEP_IF) -> tuple[Step, ...]:
    """All steps of a job, or of a composite action, in order. `scope`: what their conditions may use."""
    job = _JobSteps(problems, scope)
    return tuple(job.step(item, fields(item)) for item in items(token) if isinstance(item, Mapping))


class _JobSteps:
    def __init__(self, problems: Problems, scope: Scope) -> None:
        self.problems = problems
        self.scope = scope
        self.ids = StepIds()
        self.earlier: set[str] = set()

    def given_id(self, token: Token | None) -> str:
        """The id that a person chose, empty if none. It cannot meet a generated one, which starts with `__`."""
        name = text(token)
        if token is None or not name:
            return ""
        if message := complaint(name):
            self.problems.add(message, token.at)
        elif not self.ids.claim(name):
            self.problems.add(messages.identifier_used_twice(name), token.at)
        return name

    def step(self, token: Mapping, step: dict[str, Token]) -> Step:
        given = self.given_id(step.get("id"))
        body, source = self.body(token, step, given)
        name = step.get("name")
        waiting = not isinstance(body, (Run, Uses))
        if name is None and waiting:
            name = Scalar(_NAMES[source])
        made = Step(
            id=given or self.ids.generate(source),
            named=bool(given),
            body=body,
            condition=_ALWAYS if waiting else condition(step.get("if"), self.scope, self.problems),
            name=name,
            env=step.get("env"),
            continue_on_error=step.get("continue-on-error"),
            timeout_minutes=step.get("timeout-minutes"),
            background=flag(step.get("background")),
            at=token.at,
        )
        if given:
            self.earlier.add(fold(given))
        return made

    def body(self, token: Mapping, step: dict[str, Token], given: str) -> tuple[StepBody, str]:
        """What the step does, and the text for a generated id."""
        if (script := step.get("run")) is not None:
            shell = step.get("shell")
            computed = shell if isinstance(shell, Expression) else None
            return Run(script, text(shell) or None, step.get("working-directory"), computed), "run"
        if (uses := step.get("uses")) is not None:
            reference = text(uses)
            if not is_action_reference(reference):
                self.problems.add(messages.uses_format(reference), uses.at)
            return Uses(reference, step.get("with"), uses.at), step_text(reference)
        if "wait" in step:
            waited = items(step["wait"])
            for item in waited:
                self.refer(item, given)
            return Wait(tuple(text(item) for item in waited)), "wait"
        if "cancel" in step:
            self.refer(step["cancel"], given)
            return CancelStep(text(step["cancel"])), "cancel"
        if "parallel" in step:
            return Parallel(self.parallel(step["parallel"])), "parallel"
        value = step.get("wait-all")
        if isinstance(value, Scalar) and value.value is False:
            self.problems.add(messages.WAIT_ALL_VALUE, value.at)
        return WaitAll(), "wait-all"

    def refer(self, token: Token, given: str) -> None:
        name = text(token)
        if name.startswith("__"):
            self.problems.add(messages.reserved_identifier(name), token.at)
        elif given and fold(name) == fold(given):
            self.problems.add(messages.step_of_itself(name), token.at)
        elif fold(name) not in self.earlier:
            self.problems.add(messages.unknown_step(name), token.at)

    def parallel(self, token: Token) -> tuple[Step, ...]:
        made: list[Step] = []
        for item in items(token):
            if not isinstance(item, Mapping):
                continue
            allowed = True
            for key, _ in entries(item):
                if key.value == "parallel":
                    self.problems.add(messages.NESTED_PARALLEL, key.at)
                    allowed = False
                elif key.value in ("background", "wait", "wait-all", "cancel"):
                    self.problems.add(messages.inside_parallel(str(key.value)), key.at)
                    allowed = False
            if allowed:
                made.append(self.step(item, fields(item)))
        return tuple(made)
