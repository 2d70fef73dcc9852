"""Workflow text and an event in, a plan out."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Any

import pytest
from headrace.events.kinds import KINDS
from headrace.events.model import Event, Repository
from headrace.plan.make import make_plan
from headrace.plan.model import Capabilities, Deferred, FoundAction, Leg, Plan
from headrace.plan.select import Selection
from headrace.workflow.model import Workflow
from headrace.workflow.reader import load

CAPABLE = Capabilities(
    labels=frozenset({"ubuntu-*", "linux", "self-hosted", "x64"}),
    actions=frozenset({"actions/checkout", "actions/setup-python", "pypa/gh-action-pypi-publish"}),
    features=frozenset(),
)

Read = Callable[..., Workflow]


@pytest.fixture
def read() -> Read:
    """A workflow from its text."""

    def make(text: str, path: str = ".github/workflows/ci.yml") -> Workflow:
        loaded = load(path, textwrap.dedent(text).encode())
        assert loaded.workflow is not None, [str(problem) for problem in loaded.problems]
        return loaded.workflow

    return make


@pytest.fixture
def event() -> Callable[..., Event]:
    """An event without a repository: a push to main of a.py, unless told otherwise."""

    def make(name: str = "push", **fields: Any) -> Event:
        defaults: dict[str, Any] = {
            "ref": "refs/heads/main",
            "sha": "1" * 40,
            "objects": "/repo/.git",
            "changed_files": ("a.py",),
            "action": KINDS[name].action,
            "actor": "ada",
        }
        return Event(name, Repository("octo/hello", "/repo", "/repo/.git"), **(defaults | fields))

    return make


@pytest.fixture
def plan(read: Read, event: Callable[..., Event]) -> Callable[..., Plan]:
    """The plan of one workflow or of several, by path."""

    def make(
        text: str | dict[str, str],
        happened: Event | None = None,
        capabilities: Capabilities = CAPABLE,
        vars: dict[str, str] | None = None,
        actions: dict[str, FoundAction] | None = None,
        **selection: Any,
    ) -> Plan:
        texts = {".github/workflows/ci.yml": text} if isinstance(text, str) else text
        workflows = [read(content, path) for path, content in texts.items()]
        return make_plan(workflows, happened or event(), capabilities, Selection(**selection), vars=vars, actions=actions)

    return make


@pytest.fixture
def legs() -> Callable[[Plan], dict[str, str]]:
    """What each leg would do, by job (and number, where there are several); `deferred` where that is open."""

    def show(made: Plan) -> dict[str, str]:
        found = {}
        for planned in made.jobs.values():
            if isinstance(planned.legs, Deferred):
                found[planned.job.id] = "deferred"
            else:
                for leg in planned.legs:
                    found[planned.job.id + (f":{leg.index}" if len(planned.legs) > 1 else "")] = leg.would
        return found

    return show


@pytest.fixture
def leg() -> Callable[..., Leg]:
    """One leg of a plan's job."""

    def pick(made: Plan, job: str, index: int = 0) -> Leg:
        planned = next(planned for planned in made.jobs.values() if planned.job.id == job)
        assert not isinstance(planned.legs, Deferred), planned.legs
        return planned.legs[index]

    return pick
