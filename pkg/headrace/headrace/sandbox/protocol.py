"""The two faces that every kind of sandbox has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from headrace.base.errors import HeadraceError


class SpawnError(HeadraceError):
    """The program could not be started: not found, folder missing. Carries the operating system's words."""


Function = Callable[..., Any]
"""What `Sandbox.call` calls. It raises nothing."""


class Process(Protocol):
    """A process that was started in the sandbox. `status` is None while it runs, then its exit code (128 + N for signal N).
    `alone`: it has ended, and nothing that it started lived on."""

    @property
    def status(self) -> int | None: ...

    @property
    def alone(self) -> bool: ...

    def signal(self, number: int) -> None:
        """Send a signal to this process alone. Does nothing once it has ended."""
        ...


class Programs(Protocol):
    """Where programs can be started. `fileno` becomes readable when `pump` has something to do (a process ended)."""

    def fileno(self) -> int: ...

    def pump(self) -> None:
        """Take in what init reports, if it does. Raises SandboxLost where init is gone."""
        ...

    def spawn(self, argv: Sequence[str], env: Mapping[str, str], cwd: str, out: int, err: int) -> Process:
        """Start `argv` (argv[0] absolute) with stdout and stderr to these descriptors, stdin empty. Raises SpawnError."""
        ...


class Sandbox(Programs, Protocol):
    """One leg's own place."""

    def find(self, name: str, path: str) -> str | None:
        """Where the program `name` is on the search path `path`, as the job sees it."""
        ...

    def read(self, path: str, limit: int) -> bytes:
        """At most `limit` bytes of a regular file that the job may have written. Raises OSError."""
        ...

    def write(self, new: Sequence[tuple[str, bytes]]) -> None:
        """Write files that are not there yet. Raises OSError."""
        ...

    def renew(self, names: Sequence[tuple[str, str]]) -> None:
        """Empty files under new names (old, new), the old one taken where it has stayed empty. Raises OSError."""
        ...

    def make_folders(self, paths: Sequence[str]) -> None:
        """Make folders that are missing, with those above them. Raises OSError."""
        ...

    def call(self, function: str, *arguments: Any) -> Any:
        """Call one of the functions that the sandbox was opened with, where the job's files are. Arguments and result are plain
        data. Raises SandboxLost."""
        ...

    def close(self) -> None:
        """End every process of the leg, `setsid` daemons too, and return when none is left."""
        ...


class SandboxLost(HeadraceError):
    """The sandbox's init died: what ran in it is gone too."""

    status = 3
