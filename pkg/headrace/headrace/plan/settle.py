"""One job of a plan → its legs, each with its reason: at plan time with what is expected of the jobs before it, at run time with
what became of them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from msgspec import Struct, structs

from headrace.base.errors import NOWHERE, HeadraceError, Position, Problem
from headrace.expressions import ExpressionError, Value, evaluate, explain, is_truthy, parse, references, to_json, to_text
from headrace.plan import messages
from headrace.plan.around import STATUS_FUNCTIONS, Before, Undecided, look_back, needs_of, status_functions
from headrace.plan.contexts import NO_RUN, RunInfo, entry_of, github_context, strategy_context
from headrace.plan.failure import failed
from headrace.plan.model import Claim, Deferred, JobPath, Leg, Outcome, Plan, Planned, Reason, Would
from headrace.plan.select import wants_row
from headrace.plan.unsupported import UNKNOWN, Open, Subject, unsupported
from headrace.workflow import messages as fixed
from headrace.workflow import template
from headrace.workflow.lookup import fields
from headrace.workflow.matrix import Row, display_name, expand
from headrace.workflow.model import Call, Job, Step, Steps, Workflow
from headrace.workflow.provenance import sources_of
from headrace.workflow.tokens import Mapping as MappingToken
from headrace.workflow.tokens import Scalar, Token
from headrace.workflow.tokens import Sequence as SequenceToken

_T = TypeVar("_T")

_GUESSES = ("success", "skipped")
_ALL_GUESSES = ("success", "skipped", "failure")

_SETTLED = frozenset(("github", "inputs", "vars", "needs", "strategy", "matrix"))
_LATE_GITHUB = frozenset(
    (
        *("action", "action_path", "action_ref", "action_repository", "action_status", "env", "event_path", "job", "output"),
        *("path", "run_id", "run_number", "run_attempt", "state", "step_summary", "token", "workspace"),
    )
)


class _Place(Struct, frozen=True):
    """A job while it is being settled. `base` are the contexts that do not depend on other jobs."""

    plan: Plan
    planned: Planned
    before: tuple[Before, ...]
    base: dict[str, Any]
    cancelled: bool

    @property
    def job(self) -> Job:
        return self.planned.job

    def contexts(self, guess: str = "") -> dict[str, Any]:
        return self.base | {"needs": needs_of(self.before, self.job.needs, guess)}


def settle(
    plan: Plan,
    path: JobPath,
    outcomes: Mapping[JobPath, Outcome],
    *,
    cancelled: bool = False,
    vars: Mapping[str, str] | None = None,
    run: RunInfo = NO_RUN,
) -> Planned:
    """The job with its legs decided as far as `outcomes` allow.

    `outcomes` holds what became of finished jobs. A job without one is taken as the plan sees it: one that would run is expected
    to succeed, and whatever reads its result or outputs is undecided (a leg that says so, or `Deferred` where even the number of
    legs hangs on it). With every ancestor in `outcomes` nothing stays undecided, so the engine calls this once for each job when
    its needs have finished; what `plan` said before (`skip` for `if: failure()`, say) was only an expectation.

    `cancelled` says that the run is being cancelled. `vars` and `run` override the plan's variables and the numbers of the run.
    """
    planned = plan.jobs[path]
    entry = entry_of(plan, planned.workflow)
    base = {
        "github": github_context(plan.event, plan.workflows[entry], run, plan.inputs.get(entry, {})),
        "inputs": plan.inputs.get(planned.workflow, {}),
        "vars": dict(plan.vars if vars is None else vars),
    }
    place = _Place(plan, planned, look_back(plan, planned, outcomes), base, cancelled)
    legs = _legs(place)
    scope = plan.calls.get(planned.workflow)
    if scope is not None and not isinstance(legs, Deferred):
        legs = tuple(structs.replace(leg, name=f"{scope.name} / {leg.name}") for leg in legs)
    return structs.replace(planned, legs=legs)


# The condition -------------------------------------------------------------------------------------------------------


def _legs(place: _Place) -> tuple[Leg, ...] | Deferred:
    broken = place.plan.broken.get(place.planned.workflow)
    if broken is not None:
        return _single(place, "unsupported" if broken.rule.startswith("unsupported.") else "fail", broken)
    job, at = place.job, _at(place.job)
    blocked = next((b for b in place.before if b.unsupported), None)
    try:
        answers = _condition(place, blocked is not None)
    except Undecided as hang:
        if blocked is not None:
            return _single(place, "unsupported", _needs_unsupported(job, blocked))
        return _single(place, "undecided", _undecided(hang, at, "if"))
    except ExpressionError as error:
        where = f"{job.condition.at.file} (Line: {job.condition.at.line}, Col: {job.condition.at.column}): "
        text = messages.job_evaluation("if", job.id, [(where if job.condition.at.line else "") + error.message])
        return _single(place, "fail", Reason("evaluation", at, {"key": "if", "message": text}))
    if not any(answers.values()):
        return _single(place, "skip", _skipped(place, next(iter(answers))))
    if blocked is not None:
        return _single(place, "unsupported", _needs_unsupported(job, blocked))
    if not all(answers.values()):
        unknown = next(b for b in place.before if b.certainty == "unknown")
        return _single(place, "undecided", _undecided(Undecided(unknown.id), at, "if"))
    return _configurations(place)


def _condition(place: _Place, blocked: bool) -> dict[str, bool]:
    """What the job's `if` says for each guess about the jobs nobody can tell yet. Raises `Undecided`, `ExpressionError`."""
    node = parse(place.job.condition.source, functions=STATUS_FUNCTIONS)
    open_ends = blocked or any(b.certainty == "unknown" for b in place.before)
    guesses = _ALL_GUESSES if blocked else _GUESSES if open_ends else _GUESSES[:1]
    return {guess: is_truthy(evaluate(node, place.contexts(guess), _status(place, guess))) for guess in guesses}


def _status(place: _Place, guess: str) -> dict[str, Callable[..., Value]]:
    return status_functions(place.before, guess, cancelled=place.cancelled)


def _at(job: Job) -> Position:
    return job.condition.at if job.condition.at != NOWHERE else job.at


def _skipped(place: _Place, guess: str) -> Reason:
    """Why a condition that does not hold does not: another job, or the parts of the expression that decided."""
    job = place.job
    node = parse(job.condition.source, functions=STATUS_FUNCTIONS)
    try:
        parts = explain(node, place.contexts(guess), _status(place, guess))
    except Undecided:
        parts = []
    if [text.lower() for text, _ in parts] == ["success()"]:
        if place.cancelled:
            return Reason("cancelled", _at(job))
        lost = [b for b in place.before if b.outcome.result != "success"]
        culprit = next((b for b in lost if not b.unsupported), None)  # an unsupported job alone decides nothing
        if culprit is not None:
            return Reason("needs", _at(job), {"job": culprit.id, "result": culprit.outcome.result})
    facts = {text: to_text(value) if isinstance(value, str) else to_json(value) for text, value in parts}
    asks = any(word in text.lower() for text, _ in parts for word in ("success(", "failure(", "needs"))
    if asks and any(b.certainty == "assumed" for b in place.before):
        facts["assumed"] = "every needed job succeeds"
    return Reason("condition", _at(job), {"if": job.condition.source} | facts)


def _needs_unsupported(job: Job, blocked: Before) -> Reason:
    return Reason(
        "unsupported.needs", job.at, {"feature": "needs", "what": "needs a job that is not supported", "subject": blocked.id}
    )


def _undecided(hang: Undecided, at: Position, key: str) -> Reason:
    return Reason("undecided", at, {"job": hang.job, "reads": hang.what, "key": key})


def _single(place: _Place, would: Would, why: Reason) -> tuple[Leg, ...]:
    """The one leg of a job that is decided as a whole."""
    path = JobPath(f"{place.planned.path}:0")
    return (Leg(path, 0, _job_name(place), would, why),)


def _job_name(place: _Place) -> str:
    """The name of a job without its matrix; its id where the name cannot be told."""
    token, own = place.job.name, place.job.id
    if token is None:
        return own
    if isinstance(token, Scalar):
        return display_name(template.text(token, {}) or own, None)
    if any(path[0] in ("matrix", "strategy") for path in template.references(token)):
        return template.written(token)  # GitHub shows the text of the file where no row was made
    try:
        return template.text(token, place.contexts() | {"strategy": None, "matrix": None}) or own
    except (Undecided, HeadraceError):
        return own


# The matrix ----------------------------------------------------------------------------------------------------------


class _Strategy(Struct, frozen=True):
    rows: tuple[Row, ...] = ()
    fail_fast: bool = True
    max_parallel: int = 0


class _Failed(Exception):
    """A key of the job could not be evaluated."""

    def __init__(self, key: str, error: HeadraceError) -> None:
        super().__init__(key)
        self.key, self.error = key, error

    def reason(self, job: Job) -> Reason:
        return failed(job, self.key, self.error)


def _configurations(place: _Place) -> tuple[Leg, ...] | Deferred:
    try:
        strategy = _strategy(place)
    except Undecided as hang:
        at = place.job.strategy.at if place.job.strategy is not None else place.job.at
        return Deferred(_undecided(hang, at, "strategy"))
    except _Failed as failure:
        return _single(place, "fail", failure.reason(place.job))
    total = max(1, len(strategy.rows))
    legs = [
        _leg(place, strategy, row, index, total)
        for index, row in enumerate(strategy.rows or (None,))
        if wants_row(row.values if row else None, place.plan.matrix)
    ]
    if not legs:
        facts = {f"matrix.{key}": value for key, value in place.plan.matrix.items()}
        return _single(place, "skip", Reason("selection", place.job.at, facts))
    return tuple(legs)


def _strategy(place: _Place) -> _Strategy:
    token = place.job.strategy
    if token is None:
        return _Strategy()
    contexts = place.contexts()
    if isinstance(token, MappingToken) and all(isinstance(key, Scalar) for key, _ in token.pairs):
        given = fields(token)
        matrix = _try("strategy", template.value, given.get("matrix"), contexts)
        fast = _try("strategy", template.boolean, given.get("fail-fast"), contexts)
        most = _try("strategy", template.number, given.get("max-parallel"), contexts)
    else:
        whole = _try("strategy", template.value, token, contexts)
        block = {key.lower(): inner for key, inner in whole.items()} if isinstance(whole, dict) else {}
        matrix = block.get("matrix")
        fast = _try("strategy", template.boolean, _again(block.get("fail-fast"), token), contexts)
        most = _try("strategy", template.number, _again(block.get("max-parallel"), token), contexts)
    try:
        rows = expand(matrix, job=place.job.id) if matrix is not None else ()
    except HeadraceError as error:
        raise _Failed("strategy", error) from None
    return _Strategy(rows, fast is not False, max(0, int(most)) if most is not None else 0)


def _again(value: Value, token: Token) -> Token | None:
    """A value that an expression gave, as a token to be checked against what its place wants."""
    if value is None:
        return None
    return SequenceToken((), token.at) if isinstance(value, list | dict) else Scalar(value, token.at)


def _try(key: str, how: Callable[[Token, Mapping[str, Value]], _T], token: Token | None, contexts: dict[str, Any]) -> _T | None:
    """The evaluated token, None where the file has none. Raises `_Failed`, `Undecided`."""
    if token is None:
        return None
    try:
        return how(token, contexts)
    except HeadraceError as error:
        raise _Failed(key, error) from None


# One leg -------------------------------------------------------------------------------------------------------------


def _leg(place: _Place, strategy: _Strategy, row: Row | None, index: int, total: int) -> Leg:
    """One configuration: its name and settings, and whether this machine can run it."""
    job = place.job
    why = _why_run(place)
    leg = Leg(
        path=JobPath(f"{place.planned.path}:{index}"),
        index=index,
        name=display_name(job.id, row),
        would="run",
        why=why,
        matrix=row.values if row else None,
        sources=sources_of(job.strategy, row) if row else {},
        total=total,
        fail_fast=strategy.fail_fast,
        max_parallel=strategy.max_parallel,
    )
    contexts = place.contexts() | {"strategy": strategy_context(leg), "matrix": leg.matrix}
    hang: tuple[Undecided, str] | None = None
    found: dict[str, Any] = {}
    group = ""
    labels: tuple[str, ...] | None = None
    for key, field, read in _keys(job, row, entry_of(place.plan, place.planned.workflow)):
        try:
            found[field] = read(contexts)
        except Undecided as error:
            hang = hang or (error, key)
        except HeadraceError as error:
            return structs.replace(leg, name=found.get("name", leg.name), would="fail", why=failed(job, key, error))
    if "runs_on" in found:
        labels, group = found.pop("runs_on")
        found["labels"] = labels
    leg = structs.replace(leg, **found)
    if leg.claims:
        from headrace.plan.claims import deadlock

        stuck = deadlock(place.plan, place.planned, leg)
        if stuck is not None:
            return structs.replace(leg, would="fail", why=stuck)
    lacking: Reason | None = None
    try:
        lacking = unsupported(_subject(place, labels, group, contexts))
    except Open as error:
        hang = hang or (error.hang, error.feature.name)
    if lacking is not None:
        return structs.replace(leg, would="unsupported", why=lacking)
    if hang is not None:
        return structs.replace(leg, would="undecided", why=_undecided(hang[0], job.at, hang[1]))
    return leg


_Reader = Callable[[dict[str, Any]], Any]


def _keys(job: Job, row: Row | None, entry: str) -> list[tuple[str, str, _Reader]]:
    """The keys that are evaluated for each configuration before it is queued: key, field of `Leg`, how to read it."""

    def reader(how: Callable[[Token, Mapping[str, Value]], Any], token: Token) -> _Reader:
        return lambda contexts: how(token, contexts)

    keys: list[tuple[str, str, _Reader]] = []
    if job.name is not None:
        name = job.name
        keys.append(("name", "name", lambda contexts: _name(name, job.id, row, contexts)))
    if job.concurrency is not None:
        from headrace.plan.claims import claim_of

        token = job.concurrency
        keys.append(("concurrency", "concurrency", lambda contexts: claim_of(token, contexts, entry)))
    body = job.body
    if isinstance(body, Steps):
        keys.append(("runs-on", "runs_on", reader(_runs_on, body.runs_on)))
        if body.timeout_minutes is not None:
            keys.append(("timeout-minutes", "timeout_minutes", reader(_whole_minutes, body.timeout_minutes)))
        if body.cancel_timeout_minutes is not None:
            keys.append(("cancel-timeout-minutes", "cancel_timeout_minutes", reader(_whole_minutes, body.cancel_timeout_minutes)))
        if body.continue_on_error is not None:
            keys.append(("continue-on-error", "continue_on_error", reader(template.boolean, body.continue_on_error)))
        if body.environment is not None:
            keys.append(("environment", "environment", reader(_environment, body.environment)))
    elif body.workflow is not None:
        keys += _call_keys(body, body.workflow, entry)
    return keys


def _call_keys(call: Call, called: Workflow, entry: str) -> list[tuple[str, str, _Reader]]:
    """The inputs, and the called file's own group: it may read them."""
    from headrace.plan.calls import call_inputs

    keys: list[tuple[str, str, _Reader]] = [("with", "inputs", lambda contexts: call_inputs(call, contexts))]
    if called.concurrency is not None:
        token = called.concurrency

        def group(contexts: dict[str, Any]) -> Claim:
            from headrace.plan.claims import claim_of

            own = {"github": contexts["github"], "inputs": call_inputs(call, contexts), "vars": contexts["vars"]}
            return claim_of(token, own, entry)

        keys.append(("concurrency", "embedded", group))
    return keys


def _name(token: Token, id: str, row: Row | None, contexts: dict[str, Any]) -> str:
    """A literal name gets the row's values behind it; an evaluated one is used as it is."""
    text = template.text(token, contexts)
    if isinstance(token, Scalar):
        return display_name(text or id, row)
    return text or display_name(id, row)


def _whole_minutes(token: Token, contexts: Mapping[str, Value]) -> float:
    """GitHub cuts the fraction off. What is less than a minute stays: 0 would mean nothing there, and is of use here."""
    minutes = template.number(token, contexts)
    return float(int(minutes)) if abs(minutes) >= 1 else minutes


def _environment(token: Token, contexts: Mapping[str, Value]) -> str:
    """The name; empty for none. Its address is evaluated at the end of the job."""
    value = template.value(fields(token).get("name", token), contexts)
    return to_text(value.get("name") if isinstance(value, dict) else value)


def _runs_on(token: Token, contexts: Mapping[str, Value]) -> tuple[tuple[str, ...], str]:
    """The labels and the runner group."""
    value = template.value(token, contexts)
    group = ""
    if isinstance(value, dict):
        block = {key.lower(): inner for key, inner in value.items()}
        group, value = to_text(block.get("group")), block.get("labels", [])
    labels = tuple(to_text(label) for label in (value if isinstance(value, list) else [value]))
    if "" in labels or not (labels or group):
        raise template.TemplateError(Problem(fixed.unexpected_value(""), token.at))
    return labels, group


def _why_run(place: _Place) -> Reason:
    """A job that asks for something runs because that holds; any other because the event starts the workflow."""
    condition = place.job.condition
    if condition.source != "success()":
        return Reason("condition", _at(place.job), {"if": condition.source})
    return place.plan.started.get(place.planned.workflow) or Reason("event", place.job.at)


# What the machine must have ------------------------------------------------------------------------------------------


def _subject(place: _Place, labels: tuple[str, ...] | None, group: str, contexts: dict[str, Any]) -> Subject:
    def value(token: Token) -> Any:
        try:
            return UNKNOWN if any(map(_late, template.references(token))) else template.value(token, contexts)
        except HeadraceError:
            return UNKNOWN

    plan = place.plan
    home = _at_home(plan, place.planned.workflow)
    return Subject(place.job, labels, group, plan.capabilities, value, lambda step: _never(step, contexts), plan.actions, home)


def _at_home(plan: Plan, workflow: str) -> bool:
    """Whether the file stands in the repository of the run: all calls on the way to it are of files beside their own."""
    while (scope := plan.calls.get(workflow)) is not None:
        if not scope.reference.startswith("./"):
            return False
        workflow = plan.jobs[scope.caller].workflow
    return True


def _never(step: Step, contexts: dict[str, Any]) -> bool:
    """Whether the step's `if` is false whatever becomes of the steps before it. What only the runner knows may hold."""
    source = step.condition.source
    if source == "success()":
        return False
    try:
        node = parse(source, functions=STATUS_FUNCTIONS)
        if any(map(_late, references(node))):
            return False
        return not any(
            is_truthy(evaluate(node, contexts, _step_status(status))) for status in ("success", "failure", "cancelled")
        )
    except (Undecided, ExpressionError):
        return False


def _late(path: tuple[str, ...]) -> bool:
    """Whether only the runner knows what an expression refers to."""
    return path[0] not in _SETTLED or (path[0] == "github" and (len(path) < 2 or path[1].lower() in _LATE_GITHUB))


def _step_status(status: str) -> dict[str, Callable[..., Value]]:
    return {
        "always": lambda _: True,
        "cancelled": lambda _: status == "cancelled",
        "success": lambda _: status == "success",
        "failure": lambda _: status == "failure",
    }
