"""The two faces of every way to hold limits."""

from __future__ import annotations

from typing import Literal, Protocol

from msgspec import Struct

Resource = Literal["memory", "processes"]


class Bounds(Struct, frozen=True):
    """What one job may use, and what all jobs of a run together. Sizes in bytes. `memory` counts swap too; `ram` is how much
    there may be without it. `disk_left`: what jobs leave free on the disk."""

    processes: int
    memory: int
    ram: int
    disk: int
    disk_left: int
    all_processes: int
    all_memory: int


class Counts(Struct, frozen=True):
    """What has happened to a job since its beginning. `killed`: processes that were killed because memory was short. `full`: the
    job has used all that it may, so that it was its own limit that was met. `refused`: processes that could not be started."""

    killed: int = 0
    full: bool = False
    refused: int = 0


class Guard(Protocol):
    """Holds the limits of one job. Made outside of it."""

    @property
    def into(self) -> int:
        """A descriptor of the group that the first process of the job is to be forked into, -1 where there is none."""
        ...

    def join(self) -> None:
        """In the first process of the job, before it has namespaces: get there, if it is not there yet. Raises OSError."""
        ...

    def settle(self) -> None:
        """In process 1 of the job, before anything else runs there. Raises OSError."""
        ...

    def counts(self) -> Counts: ...

    def remove(self) -> None:
        """When no process of the job is left. What cannot be removed yet is removed at the end of the run."""
        ...


class Means(Protocol):
    """A way of this machine to hold limits, found by trying. Plain data."""

    @property
    def name(self) -> str: ...

    @property
    def holds(self) -> frozenset[Resource]: ...

    def begin(self, run: str, bounds: Bounds) -> None:
        """Make what all jobs of a run share, under the name `run`. Raises OSError."""
        ...

    def places(self, run: str) -> tuple[str, ...]:
        """The folders that hold whatever is made for the run: empty ones, which stay where nobody removes them."""
        ...

    def guard(self, run: str, leg: str, bounds: Bounds) -> Guard:
        """For one job of the run. Raises OSError."""
        ...
