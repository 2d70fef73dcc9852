"""What a run is asked to do, beside its plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from headrace.sandbox.limits.model import Limits as JobLimits


class RunOptions(Struct, frozen=True):
    """`max_parallel` 0: as many legs at once as the machine has processors. `env` is laid below everything else a step sees.
    `notes` are said once at the start of the run. `limits`: those of jobs that are parted from the machine; None for the
    defaults."""

    isolation: Literal["auto", "namespaces", "host"] = "auto"
    network: Literal["private", "host", "none"] = "private"
    slirp: str = ""  # the program that gives a private network its way out; empty where that is an HTTP proxy
    expose: tuple[str, ...] = ()
    limits: JobLimits | None = None
    native: bool = True
    max_parallel: int = 0
    share: bool = True
    keep: bool = False
    path_prepend: tuple[str, ...] = ()
    skip_unsupported: bool = False
    secrets: dict[str, str] = {}
    vars: dict[str, str] = {}
    env: dict[str, str] = {}
    notes: tuple[str, ...] = ()
    argv: tuple[str, ...] = ()

    @property
    def parts(self) -> Literal["namespaces", "host"]:
        """What parts jobs from the machine in the end."""
        return "namespaces" if self.isolation == "namespaces" else "host"


class Limits(Struct, frozen=True):
    """Legs at once, over all jobs."""

    parallel: int
