"""From the words of a call to a plan: repository, event, workflow files, selection. What `run` and `plan` do first."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from headrace.base import git
from headrace.base.errors import Problem, UsageError
from headrace.base.paths import cache_dir
from headrace.cli.config import settle
from headrace.cli.declared import Call, Option
from headrace.cli.options import Asked, asked
from headrace.events.model import Event, Repository
from headrace.events.snapshot import ObjectStore
from headrace.plan.model import Deferred, FoundAction, Plan
from headrace.workflow.references import references

_ABSENT = ("unsupported.remote-action", "unsupported.reusable-workflow")


class Prepared(Struct, frozen=True):
    """`problems` are those of workflow files that were left out, `used` the folders of `--action` that were of use so far."""

    plan: Plan
    problems: tuple[Problem, ...]
    used: frozenset[str] = frozenset()


def settled(call: Call, options: Sequence[Option]) -> tuple[Repository, Asked, dict[str, Any]]:
    """The repository, and what is asked for with every default in it. Raises HeadraceError."""
    from headrace.events.detect import open_repository

    folder = call.values.get("repo") or os.environ.get("HEADRACE_REPO") or "."
    git.while_waiting(_load_planner)
    repository = open_repository(folder)
    values = settle(call, options, None if repository.root == repository.git_dir else repository.root)
    return repository, asked(values), values


def _load_planner() -> None:
    import headrace.cli.parsed
    import headrace.cli.workflows
    import headrace.engine.capabilities
    import headrace.plan.make  # noqa: F401


def prepare(repository: Repository, call: Asked, objects: ObjectStore | None) -> Prepared:
    """Plan what is asked for. `objects` is where a snapshot may be stored, None where nothing may be written.

    What is wrong with workflow files is said on stderr and comes back in `problems`; the others are planned without them. Raises
    HeadraceError where the call is wrong."""
    from headrace.cli.ending import say_problems
    from headrace.cli.parsed import Parsed, name_of
    from headrace.cli.workflows import Elsewhere, gather
    from headrace.engine.capabilities import capabilities
    from headrace.events.build import build_event
    from headrace.events.request import EventRequest
    from headrace.plan.make import make_plan
    from headrace.plan.select import NoJob, Selection
    from headrace.plan.unsupported import is_native, wants_containers

    request = EventRequest(call.ref, call.sha, call.base, call.head, call.payload, call.actor, call.inputs)
    parsed = Parsed(name_of(repository.git_dir), keeps=objects is not None)
    elsewhere = Elsewhere((call.actions_root, os.path.join(cache_dir(), "actions")), call.actions)
    here = capabilities(native=call.native, approved=call.approved)
    with git.Objects(repository.root) as found:
        event: Event = build_event(repository, call.event, request, objects, found)
        tried: set[str] = set()
        told: set[Problem] = set()
        known_engine = False  # whether it is known what containers could run by
        while True:
            gathered = gather(event, call.workflows, parsed, elsewhere, found)
            say_problems([problem for problem in gathered.problems if problem not in told])
            told.update(gathered.problems)
            wanted = [uses for uses in references(gathered.workflows) if not is_native(uses, here)]
            actions: dict[str, FoundAction] = {}
            used = gathered.used
            if wanted:
                from functools import partial

                from headrace.cli.manifests import gather_actions

                actions, more = gather_actions(wanted, event, elsewhere, partial(is_native, here=here), found)
                used |= more
            if not known_engine and wants_containers(gathered.workflows, actions):
                from headrace.engine.containers import with_containers

                known_engine = True
                here = with_containers(here, call.containers, try_it=objects is not None)
            selection = Selection(gathered.selected, call.jobs, call.needs, call.matrix)
            try:
                plan = make_plan(
                    gathered.workflows, event, here, selection, vars=call.vars, origins=gathered.origins, actions=actions
                )  # fmt: skip
            except NoJob as error:
                if gathered.may_hold(error.job):
                    raise UsageError from None  # what is wrong with its file has been told, and is all that is wrong
                raise
            if objects is None or not _fetch(plan, tried):
                break
    return Prepared(plan, gathered.problems, used)


def _fetch(plan: Plan, tried: set[str]) -> bool:
    """Bring here what jobs of the plan lack, as a runner would download it; whether there is anything new. `tried`: what need not
    be asked for again."""
    if not any(
        isinstance(planned.legs, Deferred) or any(leg.why.rule in _ABSENT for leg in planned.legs)
        for planned in plan.jobs.values()
    ):
        return False
    from headrace.cli.missing import fetch_missing

    return fetch_missing(plan, tried)


def exit_status(problems: Iterable[Problem], otherwise: int) -> int:
    """A broken workflow file makes the status 2, whatever came of the others; a lost engine or an interruption counts more."""
    return 2 if any(problems) and otherwise in (0, 1) else otherwise
