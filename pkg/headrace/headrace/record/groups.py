"""The concurrency groups of a repository, over all runs of this user on this machine: a table beside the journal.

An entry belongs to a run and counts only while that run's engine lives, which its lock says: one that was killed is in nobody's
way. Whoever changes something for another run sends its engine `WAKE`; a lost signal costs that engine a second.
"""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable, Iterable
from typing import TypeVar

from headrace.base.errors import EngineError, HeadraceError, Problem
from headrace.events.detect import common_dir
from headrace.events.model import Repository
from headrace.plan.claims import group_key
from headrace.plan.model import Claim, Reason
from headrace.record import messages
from headrace.record.codec import readable
from headrace.record.journal import Journal
from headrace.record.locks import is_alive, tell
from headrace.record.queueing import Entry, Standing, State, admit, next_holder

WAKE = signal.SIGURG
"""Says that something has changed. A process that does not expect it ignores it."""

_T = TypeVar("_T")


class Groups:
    """The groups as one run sees them. Methods raise EngineError where the journal fails."""

    def __init__(self, journal: Journal, repository: Repository, run: str) -> None:
        self._db = journal.connection
        self._repository = readable(group_space(repository))
        self._run = int(run)
        self._own: dict[int, tuple[str, Claim]] = {}  # by number: the key and the claim

    def take(self, key: str, claim: Claim) -> None:
        """Go into a group: `standings` says what came of it. `key` is any name that is unique within the run."""
        name = readable(group_key(claim))

        def change() -> tuple[int, set[int]]:
            told = self._mend(name)
            entries = self._entries(name)
            admission = admit(entries, claim)
            for entry in admission.cancelled:
                told |= self._cancel(entry)
            state: State = "holds" if admission.holds else "over" if admission.refused else "waits"
            added = self._db.execute(
                "INSERT INTO claims (repository, name, run, state) VALUES (?, ?, ?, ?)",
                (self._repository, name, self._run, state),
            )
            assert added.lastrowid is not None
            return added.lastrowid, told

        number, told = self._change(change)
        self._own[number] = (key, claim)
        self._wake(told)

    def leave(self, *keys: str) -> None:
        """Go out of the groups that were entered under these keys. Whose turn it is holds them now."""
        gone = {number: claim for number, (key, claim) in self._own.items() if key in keys}

        def change() -> set[int]:
            self._db.executemany("DELETE FROM claims WHERE number = ?", [(number,) for number in gone])
            return set().union(*(self._mend(readable(group_key(claim))) for claim in gone.values()))

        if gone:
            told = self._change(change)
            for number in gone:
                del self._own[number]
            self._wake(told)

    def standings(self) -> dict[str, Standing]:
        """Key → how we stand. Where the one that we wait for is dead the queue moves up."""
        found = self._read()
        dead = {run for _, _, _, run in found if run is not None and run != self._run and not is_alive(str(run))}
        stuck = {number for number, state, _, run in found if state == "waits" and (run is None or run in dead)}
        if stuck:
            names = {readable(group_key(self._own[number][1])) for number in stuck}
            self._wake(self._change(lambda: set().union(*(self._mend(name) for name in names))))
            found = self._read()
        return {self._own[number][0]: self._standing(number, state, by, run) for number, state, by, run in found}

    def close(self) -> None:
        """Leave everything."""
        self.leave(*(key for key, _ in self._own.values()))

    # -- within a transaction: each gives the runs that have to know --

    def _mend(self, name: str) -> set[int]:
        """Take out what dead engines left, in every group, and let the next one hold this group where nobody does."""
        runs = [run for (run,) in self._db.execute("SELECT DISTINCT run FROM claims WHERE run != ?", (self._run,))]
        self._db.executemany("DELETE FROM claims WHERE run = ?", [(run,) for run in runs if not is_alive(str(run))])
        following = next_holder(self._entries(name))
        if following is None:
            return set()
        return self._set("state = 'holds'", following)

    def _cancel(self, entry: Entry) -> set[int]:
        state = "" if entry.holds else ", state = 'over'"
        return self._set(f"canceller = coalesce(canceller, {self._run}){state}", entry)

    def _set(self, what: str, entry: Entry) -> set[int]:
        rows = self._db.execute(f"UPDATE claims SET {what} WHERE number = ? RETURNING run", (entry.number,))
        return {run for (run,) in rows.fetchall()}

    def _entries(self, name: str) -> list[Entry]:
        rows = self._db.execute(
            "SELECT number, state FROM claims WHERE repository = ? AND name = ? AND state != 'over'", (self._repository, name)
        )
        return [Entry(number, state == "holds") for number, state in rows]

    # -- the rest --

    def _read(self) -> list[tuple[int, State, int | None, int | None]]:
        """Of each of our entries number, state, the run that had it cancelled, and the run that holds the group."""
        return self._guarded(
            lambda: self._db.execute(
                "SELECT mine.number, mine.state, mine.canceller, holder.run FROM claims AS mine LEFT JOIN claims AS holder"
                " ON holder.repository = mine.repository AND holder.name = mine.name AND holder.state = 'holds'"
                f" WHERE mine.number IN ({','.join(map(str, self._own))}) ORDER BY mine.number"
            ).fetchall()
        )

    def _standing(self, number: int, state: State, by: int | None, holder: int | None) -> Standing:
        group = self._own[number][1].group
        if by is not None:
            facts = {"group": group, "run": str(by), "message": messages.higher_priority(group)}
            return Standing(state, group, why=Reason("concurrency", facts=facts))
        if state == "over":
            return Standing(state, group, why=Reason("concurrency.full", facts={"group": group}))
        return Standing(state, group, str(holder) if state == "waits" and holder is not None else "")

    def _change(self, change: Callable[[], _T]) -> _T:
        def transaction() -> _T:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                made = change()
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
            return made

        return self._guarded(transaction)

    def _guarded(self, call: Callable[[], _T]) -> _T:
        try:
            return call()
        except sqlite3.Error as error:
            hint = "free some room, then run again"
            raise EngineError(Problem(f"the concurrency groups cannot be used: {error}", hint=hint)) from error

    def _wake(self, runs: Iterable[int]) -> None:
        for run in runs:
            if run != self._run:
                try:
                    tell(str(run), WAKE)
                except HeadraceError:  # it looks by itself after a while
                    continue


def group_space(repository: Repository) -> str:
    """What shares its groups: all clones of a repository, whose names ignore case. A repository without a remote has only a name
    that others may have too, so that its place is added; linked worktrees have the same.

    >>> group_space(Repository("Octo/Hello", "/a", "/a/.git"))
    'octo/hello'
    """
    name = repository.full_name.lower()
    return f"{name} {os.path.realpath(common_dir(repository.git_dir))}" if name.startswith("local/") else name
