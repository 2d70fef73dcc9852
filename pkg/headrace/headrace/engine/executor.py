"""The two faces of whatever runs legs: here, or on other machines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from headrace.plan.model import Reason
from headrace.record.records import Body
from headrace.runner.ticket import JobTicket


class Attempt(Protocol):
    """A leg that was started. `fileno` is readable when `records` has something; at its end `records` raises EOFError."""

    def fileno(self) -> int: ...

    def records(self) -> Iterable[Body]:
        """What has been reported since the last call, in order. Raises EOFError once the supervisor is gone."""
        ...

    def cancel(self, why: Reason, force: bool) -> None: ...

    def kill(self) -> None:
        """End the leg from above: it does not answer."""
        ...

    def close(self) -> None: ...


class Executor(Protocol):
    def start(self, ticket: JobTicket) -> Attempt: ...
