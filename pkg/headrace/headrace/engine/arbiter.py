"""Performs what `decide` says about concurrency groups, and hears of what other runs do to them. Loaded where there are any."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterable
from types import FrameType
from typing import TYPE_CHECKING

from headrace.base.errors import HeadraceError
from headrace.engine.gates import Abandon, CallOff, Release, Standings, Take
from headrace.events.model import Repository
from headrace.plan.model import JobPath, Reason
from headrace.record.groups import WAKE, Groups
from headrace.record.journal import Journal
from headrace.record.records import Body, GroupAwaited

if TYPE_CHECKING:
    from headrace.engine.decide import Action

_PATROL = 1.0  # seconds after which one looks uncalled: an engine that was killed calls nobody


class Arbiter:
    """The concurrency groups of one run. `standings` is where it stood when that was last looked at. `emit` is told what it waits
    for; `abandon` and `call_off` do as the actions of that name say. Methods raise EngineError."""

    def __init__(
        self, journal: Journal, repository: Repository, run: str, emit: Callable[[Body], None],
        abandon: Callable[[JobPath, Reason], None], call_off: Callable[[str, Reason], bool],
    ) -> None:  # fmt: skip
        self.standings: Standings = {}
        self._emit = emit
        self._abandon = abandon
        self._call_off = call_off
        self._called = False
        self._looked = 0.0
        self._takes: dict[str, Take] = {}
        self._told: dict[str, str] = {}  # key → the holder that we have said we wait for
        self._before = signal.signal(WAKE, self._wake)  # ends a wait of the engine's too, by its wakeup descriptor
        self._groups = Groups(journal, repository, run)

    @property
    def waits(self) -> bool:
        """Is there a group that is not ours yet?"""
        return self.waits_for(self.standings)

    def waits_for(self, keys: Iterable[str]) -> bool:
        """Is one of these not ours yet?"""
        found = map(self.standings.get, keys)
        return any(standing is not None and standing.state == "waits" for standing in found)

    def perform(self, action: Action) -> bool:
        """Whether it changed anything."""
        match action:
            case Take(key=key, claim=claim):
                self._takes[key] = action
                self._groups.take(key, claim)
                self._look()
            case Release(key=key):
                self._groups.leave(key)
                self._look()
            case Abandon(job=path, why=why):
                self._abandon(path, why)
            case CallOff(key=key, why=why):
                return self._call_off(key, why)
            case _:
                return False
        return True

    def look_again(self) -> None:
        """Look where we stand, if another run has called or it is time to."""
        if self._called or time.monotonic() - self._looked >= _PATROL:
            self._look()

    def _look(self) -> None:
        """See where we stand, and say what is waited for."""
        self._called = False
        self._looked = time.monotonic()
        self.standings = self._groups.standings()
        for key, standing in self.standings.items():
            if standing.state == "waits" and standing.holder and self._told.get(key) != standing.holder:
                self._told[key] = standing.holder
                take = self._takes[key]
                self._emit(GroupAwaited(standing.group, take.workflow, take.leg, standing.holder))

    def close(self) -> None:
        """Leave every group."""
        try:
            self._groups.close()
        except HeadraceError:  # what stays counts no more once our lock is gone
            pass
        finally:
            signal.signal(WAKE, self._before or signal.SIG_DFL)

    def _wake(self, number: int, frame: FrameType | None) -> None:
        self._called = True
