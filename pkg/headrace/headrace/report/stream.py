"""One stream of records to several renderers: folds each record once, then shows it to all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from headrace.record.records import Record
from headrace.record.state import RunState, fold
from headrace.report.logs import Logs


class Renderer(Protocol):
    """Shows a run as it happens. `state` has the record in it already; times are seconds since the epoch."""

    def show(self, record: Record, state: RunState) -> None: ...

    def tick(self, at: float, state: RunState) -> None: ...

    def close(self, state: RunState) -> None: ...


class Observer:
    """What an engine is given: call it with every record, and `tick` it about once a second. `state` is what was seen so far.

    `logs` is what the renderers read from; its folder, `folder_of` the run's id, is known with the first record."""

    def __init__(self, renderers: Sequence[Renderer], logs: Logs, folder_of: Callable[[str], str]) -> None:
        self.state = RunState()
        self._logs = logs
        self._folder_of = folder_of
        self._renderers = tuple(renderers)

    def __call__(self, record: Record) -> None:
        if not self._logs.folder:
            self._logs.folder = self._folder_of(record.run)
        fold(self.state, record)
        for renderer in self._renderers:
            renderer.show(record, self.state)

    def tick(self, at: float) -> None:
        for renderer in self._renderers:
            renderer.tick(at, self.state)

    def close(self) -> None:
        """After the last record, or when the engine died: leave the screen in order."""
        for renderer in self._renderers:
            renderer.close(self.state)
        self._logs.close()
