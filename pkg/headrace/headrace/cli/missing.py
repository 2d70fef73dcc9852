"""What jobs of a plan use and is not at hand, brought from its server."""

from __future__ import annotations

from collections.abc import Iterator

from headrace.cli import clones
from headrace.cli.ending import say_error
from headrace.plan.contexts import RunInfo
from headrace.plan.model import Deferred, FoundAction, Plan, Planned
from headrace.plan.unsupported import action_name, inner_reference, is_native
from headrace.workflow.action import Composite
from headrace.workflow.calls import parts
from headrace.workflow.model import Call, Steps
from headrace.workflow.references import of_steps


def fetch_missing(plan: Plan, tried: set[str]) -> bool:
    """Fetch what is missing, say so, and whether any of it is here now. `tried` grows by what was asked for."""
    new = False
    for repository, ref in dict.fromkeys(missing(plan)):
        name = f"{repository}@{ref}"
        if name in tried:
            continue
        tried.add(name)
        try:
            fetched = clones.fetch(repository, ref, RunInfo().server_url)
        except clones.NotFetched as error:
            say_error(str(error))
            continue
        say_error(f"{name} was fetched: {fetched.sha}")
        new = True
    return new


def missing(plan: Plan) -> Iterator[tuple[str, str]]:
    """Repository and ref of each action and each called workflow that is not at hand, of the jobs that would run with it."""
    for planned in plan.jobs.values():
        if not _lacks(planned):
            continue
        match planned.job.body:
            case Call(workflow=None, uses=uses) if (remote := parts(uses)) is not None:
                yield remote[0], remote[2]
            case Steps(steps=steps):
                for uses in of_steps(steps):
                    yield from _absent(uses, plan, set())
            case _:
                pass


def _lacks(planned: Planned) -> bool:
    if isinstance(planned.legs, Deferred):
        return True
    rules = ("unsupported.remote-action", "unsupported.reusable-workflow")
    return any(leg.why.rule in rules for leg in planned.legs)


def _absent(uses: str, plan: Plan, seen: set[str]) -> Iterator[tuple[str, str]]:
    """The action itself, or those inside it."""
    if uses in seen or is_native(uses, plan.capabilities):
        return
    seen.add(uses)
    found: FoundAction | None = plan.actions.get(uses)
    if found is None:
        if action_name(uses):
            name, _, ref = uses.partition("@")
            yield "/".join([part for part in name.replace("\\", "/").split("/") if part][:2]), ref
    elif found.action is not None and isinstance(found.action.runs, Composite):
        for inner in found.action.runs.references:
            yield from _absent(inner_reference(inner, found), plan, seen)
