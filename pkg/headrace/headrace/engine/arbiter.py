"""Performs what `decide` says about concurrency groups, and hears of what other runs do to them."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any

from headrace.base.errors import HeadraceError
from headrace.engine.gates import NOWHERE, Standings, Take
from headrace.events.model import Repository
from headrace.record.journal import Journal
from headrace.record.records import Body, GroupAwaited

if TYPE_CHECKING:
    from headrace.record.groups import Groups


class Arbiter:
    """The concurrency groups of one run. `standings` is where it stood when that was last asked for. `emit` is told what is
    waited for. Methods raise EngineError."""

    def __init__(self, journal: Journal, repository: Repository, run: str, emit: Callable[[Body], None]) -> None:
        self.standings: Standings = NOWHERE
        self._where = journal, repository, run
        self._emit = emit
        self._groups: Groups | None = None
        self._before: Any = None  # what the signal did
        self._called = False
        self._takes: dict[str, Take] = {}
        self._told: dict[str, str] = {}  # key → the holder that we have said we wait for

    @property
    def waits(self) -> bool:
        """Is there a group that is not ours yet?"""
        return any(standing.state == "waits" for standing in self.standings.values())

    def take(self, take: Take) -> None:
        if self._groups is None:
            from headrace.record.groups import WAKE, Groups

            self._before = signal.signal(WAKE, self._wake)  # the wakeup descriptor ends a wait of the engine's
            self._groups = Groups(*self._where)
        self._groups.take(take.key, take.claim)
        self._takes[take.key] = take
        self.look()

    def release(self, key: str) -> None:
        if self._groups is not None:
            self._groups.leave(key)
            self.look()

    def look_if_called(self) -> None:
        """Look where another run has said that something is new."""
        if self._called:
            self.look()

    def look(self) -> None:
        """See where we stand, and say what is waited for."""
        if self._groups is None:
            return
        self._called = False
        self.standings = self._groups.standings()
        for key, standing in self.standings.items():
            if standing.state == "waits" and standing.holder and self._told.get(key) != standing.holder:
                self._told[key] = standing.holder
                take = self._takes[key]
                self._emit(GroupAwaited(standing.group, take.workflow, take.leg, standing.holder))

    def close(self) -> None:
        """Leave every group."""
        if self._groups is not None:
            from headrace.record.groups import WAKE

            try:
                self._groups.close()
            except HeadraceError:  # what stays counts no more once our lock is gone
                pass
            finally:
                self._groups = None
                signal.signal(WAKE, self._before or signal.SIG_DFL)

    def _wake(self, number: int, frame: FrameType | None) -> None:
        self._called = True
