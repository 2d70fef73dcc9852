"""A calling leg → what is inside it: the jobs of the called file, what they may see, and what the caller sees of them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct, structs

from headrace.base.errors import HeadraceError, Problem
from headrace.plan.around import Pending, Undecided
from headrace.plan.contexts import NO_RUN, RunInfo, entry_of, github_context, needs_context, strategy_context
from headrace.plan.model import CallScope, Deferred, JobPath, Leg, Outcome, Plan, Planned, Reason
from headrace.workflow import messages as fixed
from headrace.workflow import template
from headrace.workflow.calls import trigger_of
from headrace.workflow.lookup import entries
from headrace.workflow.model import Call, Input, Job, Workflow
from headrace.workflow.tokens import Token
from headrace.workflow.yaml_tokens import fold

MOST_JOBS = 10_000
"""Jobs of a plan, those inside calls included: a matrix of calls of matrices of calls would fill any machine."""


# Inputs --------------------------------------------------------------------------------------------------------------


class PartlyKnown(dict[str, Any]):
    """Inputs of which some hang on a job that has not finished. Reading one of those raises `Undecided`; names ignore case."""

    def _name(self, key: object) -> object:
        folded = fold(key) if isinstance(key, str) else ""
        return next((name for name in super().__iter__() if fold(name) == folded), key)

    def __contains__(self, key: object) -> bool:
        return super().__contains__(self._name(key))

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(str(self._name(key)))
        if isinstance(value, Pending):
            value.get("outputs")  # raises
        return value

    def get(self, key: str, default: Any = None) -> Any:
        return self[key] if super().__contains__(self._name(key)) else default

    def _all(self) -> None:
        for name in super().__iter__():
            self[name]

    def items(self) -> Any:
        self._all()
        return super().items()

    def values(self) -> Any:
        self._all()
        return super().values()


def call_inputs(call: Call, contexts: Mapping[str, Any]) -> dict[str, Any]:
    """The typed inputs of a call, in the order in which the called file declares them. `contexts` are those of the calling leg.
    What hangs on a job that has not finished is `Pending` (and the whole `PartlyKnown`).

    Raises `TemplateError`: a value of the wrong type (only strings take booleans and numbers), an expression that fails."""
    trigger = trigger_of(call.workflow) if call.workflow is not None else None
    if trigger is None:
        return {}
    passed = {fold(str(key.value)): value for key, value in entries(call.inputs)}
    found: dict[str, Any] = {}
    hangs = False
    problems: list[Problem] = []
    for name, declared in trigger.inputs.items():
        token = passed.get(fold(name), declared.default)
        try:
            found[name] = _typed(declared, token, contexts)
        except Undecided as hang:
            found[name] = Pending(hang.job, hang.what)
            hangs = True
        except HeadraceError as error:
            problems += error.problems
    if problems:
        raise template.TemplateError(*problems)
    return PartlyKnown(found) if hangs else found


def _typed(declared: Input, token: Token | None, contexts: Mapping[str, Any]) -> bool | float | str:
    match declared.type:
        case "boolean":
            return template.boolean(token, contexts) if token is not None else False
        case "number":
            return template.number(token, contexts) if token is not None else 0.0
        case _:
            return template.text(token, contexts) if token is not None else ""


# The jobs inside ------------------------------------------------------------------------------------------------------


class Expansion(Struct, frozen=True):
    """What one calling leg adds to a plan. The legs of `jobs` are not decided yet: `settle` does that."""

    key: JobPath
    scope: CallScope
    workflow: Workflow
    inputs: dict[str, Any]
    why: Reason
    jobs: tuple[Planned, ...]


def is_entered(plan: Plan, leg: Leg) -> bool:
    """Whether the leg stands for the jobs of the file that it calls, which are part of the plan."""
    return leg.would == "run" and leg.path in plan.calls


def expand(plan: Plan, caller: Planned, leg: Leg) -> Expansion:
    """The jobs that a calling leg stands for. Raises HeadraceError where there would be too many."""
    from headrace.plan.make import in_order

    call = caller.job.body
    assert isinstance(call, Call)
    if call.workflow is None:
        raise HeadraceError(Problem(fixed.not_found(call.uses), call.at))
    outer = plan.calls.get(caller.workflow)
    entry = entry_of(plan, caller.workflow)
    chain = (*(outer.ids if outer else ()), caller.job.id)
    wanted = plan.only.get(f"{entry}:{'/'.join(chain)}", tuple(call.workflow.jobs))
    if len(plan.jobs) + len(wanted) > MOST_JOBS:
        raise HeadraceError(Problem(fixed.too_many_jobs(MOST_JOBS), call.at))
    key = leg.path
    jobs = tuple(_inner(key, job, wanted) for job in in_order(call.workflow, wanted))
    scope = CallScope(
        caller=caller.path,
        entry=entry,
        ids=chain,
        name=leg.name,
        reference=call.uses,
        jobs=tuple(job.path for job in jobs),
        matrix={**(outer.matrix if outer else {}), **(leg.matrix or {})},
        claims=(*(outer.claims if outer else ()), *leg.claims),
    )
    why = Reason("called", call.at, {"job": "/".join(chain), "uses": call.uses})
    return Expansion(key, scope, call.workflow, leg.inputs, why, jobs)


def _inner(key: JobPath, job: Job, wanted: tuple[str, ...]) -> Planned:
    spelled = {name.lower(): name for name in wanted}
    needs = [inner_path(key, spelled[need.lower()]) for need in job.needs if need.lower() in spelled]
    return Planned(inner_path(key, job.id), key, job, tuple(dict.fromkeys(needs)), ())


def inner_path(key: str, job: str) -> JobPath:
    return JobPath(f"{key}/{job}")


def add(plan: Plan, expansion: Expansion) -> None:
    """Put it into the plan's tables, but for the jobs: the caller gives them their places in `Plan.jobs`."""
    key = expansion.key
    plan.calls[key] = expansion.scope
    plan.workflows[key] = expansion.workflow
    plan.inputs[key] = expansion.inputs
    plan.started[key] = expansion.why


def unexpanded(plan: Plan) -> Plan:
    """The plan with tables of its own, in which no call has taken place yet."""
    inside = plan.calls
    return structs.replace(
        plan,
        jobs={path: job for path, job in plan.jobs.items() if job.workflow not in inside},
        workflows={key: workflow for key, workflow in plan.workflows.items() if key not in inside},
        inputs={key: inputs for key, inputs in plan.inputs.items() if key not in inside},
        started={key: why for key, why in plan.started.items() if key not in inside},
        calls={},
    )


# Seen from outside ----------------------------------------------------------------------------------------------------


def expected(plan: Plan, leg: Leg) -> Iterator[str]:
    """What the jobs inside a calling leg are expected to come to, as `Leg.would` has it; `undecided` for what is deferred. For a
    leg that was not entered, what it would itself."""
    if not is_entered(plan, leg):
        yield leg.would
        return
    for path in plan.calls[leg.path].jobs:
        inner = plan.jobs[path]
        if isinstance(inner.legs, Deferred):
            yield "undecided"
            continue
        for each in inner.legs:
            if each.would == "fail" and each.continue_on_error:
                yield "run"
            else:
                yield from expected(plan, each)


def call_outputs(
    plan: Plan, key: str, outcomes: Mapping[JobPath, Outcome], vars: Mapping[str, str], run: RunInfo = NO_RUN
) -> dict[str, str]:
    """The outputs of a call whose jobs have all ended. Raises `TemplateError`."""
    workflow = plan.workflows[key]
    trigger = trigger_of(workflow)
    if trigger is None or not trigger.outputs:
        return {}
    contexts = _base(plan, key, vars, run)
    contexts["jobs"] = {name: _seen(outcomes.get(inner_path(key, name))) for name in workflow.jobs}
    return {name: template.text(token, contexts) for name, token in trigger.outputs.items()}


def _seen(outcome: Outcome | None) -> dict[str, Any]:
    """A job in the `jobs` context. One that was deselected counts as a success without outputs."""
    if outcome is None:
        return {"result": "success", "outputs": {}}
    kept = {name: value for name, value in outcome.outputs.items() if value != ""}
    return {"result": outcome.result, "outputs": {} if outcome.result == "skipped" else kept}


def _base(plan: Plan, key: str, vars: Mapping[str, str], run: RunInfo) -> dict[str, Any]:
    entry = entry_of(plan, key)
    return {
        "github": github_context(plan.event, plan.workflows[entry], run, plan.inputs.get(entry)),
        "inputs": plan.inputs.get(key, {}),
        "vars": dict(vars),
    }


def call_secrets(
    plan: Plan,
    caller: Planned,
    leg: Leg,
    own: Mapping[str, str],
    outcomes: Mapping[JobPath, Outcome],
    vars: Mapping[str, str],
    run: RunInfo = NO_RUN,
) -> dict[str, str]:
    """The secrets that a call hands on: all of `own`, those of the caller, or what it passes of them; empty ones are dropped.
    Raises `TemplateError`."""
    call = caller.job.body
    assert isinstance(call, Call)
    if call.inherit_secrets:
        return dict(own)
    if call.secrets is None:
        return {}
    contexts = _base(plan, caller.workflow, vars, run) | {
        "needs": needs_context(plan, caller, outcomes),
        "strategy": strategy_context(leg),
        "matrix": leg.matrix,
        "secrets": dict(own),
    }
    return {name: value for name, value in template.string_map(call.secrets, contexts).items() if value != ""}
