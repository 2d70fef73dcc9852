"""Which jobs were green for a tree: read from the journal of runs. A run names the commit that it ran on, a snapshot of the
working tree included; what counts is the commit's tree, which holds the workflow files too."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from headrace.base import git
from headrace.engine.decide import effective
from headrace.plan.model import JobPath, Leg, Result
from headrace.record.journal import Journal
from headrace.record.state import LegState, RunState

MOST = 500
"""Runs that are looked at, from the newest on."""

_OTHERWISE = ("--env", "--env-file", "--path-prepend", "--action")
"""Options with which a run tries something else than what GitHub would run."""


class Ledger:
    """`root` is the repository, `snapshots` the git directory that holds snapshots of its working trees."""

    def __init__(self, journal: Journal, root: str, snapshots: str) -> None:
        self._journal, self._root, self._snapshots = journal, root, snapshots
        self._states: dict[str, RunState] = {}

    def runs(self, tree: str) -> list[RunState]:
        """The runs on this very tree, the newest first."""
        runs = [run for run in self._journal.runs(MOST) if _is_id(run.sha)]
        trees = self._trees([run.sha for run in runs])
        found = []
        for run in runs:
            if tree and trees.get(run.sha) == tree:
                state = self._states.get(run.run) or self._journal.state(run.run)
                if state.result is not None:
                    self._states[run.run] = state
                if _tells(state):
                    found.append(state)
        return found

    def _trees(self, commits: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for folder in (self._root, self._snapshots):
            if not os.path.isdir(folder):
                continue
            with git.Objects(folder) as objects:
                for commit in dict.fromkeys(commits):
                    if commit not in found and (known := objects.get(f"{commit}^{{tree}}")) is not None:
                        found[commit] = known.oid
        return found


def _is_id(text: str) -> bool:
    return len(text) in (40, 64) and all(letter in "0123456789abcdef" for letter in text) and text.strip("0") != ""


def _tells(state: RunState) -> bool:
    """Whether it ran what the tree says."""
    argv = state.started.argv if state.started is not None else ()
    return not any(word.partition("=")[0] in _OTHERWISE for word in argv)


def legs_of(state: RunState, job: JobPath) -> Iterator[LegState]:
    return (leg for leg in state.legs.values() if leg.job == job)


def verdict(runs: Sequence[RunState], leg: Leg, job: JobPath) -> tuple[Result | None, str]:
    """The newest result of a leg that says something, and its run: a leg that was skipped or cancelled says nothing."""
    for state in runs:
        for tried in legs_of(state, job):
            if tried.leg == leg.path and tried.matrix == leg.matrix and tried.result in ("success", "failure"):
                return effective(tried), state.run
    return None, ""


def verdict_of_all(runs: Sequence[RunState], job: JobPath) -> tuple[Result | None, str]:
    """The same for a job whose legs hang on the results of others: all legs of one run."""
    for state in runs:
        results = [effective(tried) for tried in legs_of(state, job) if tried.result is not None]
        if state.result is not None and results and not {"skipped", "cancelled", "unsupported"} & set(results):
            return ("failure" if "failure" in results else "success"), state.run
    return None, ""
