"""What a run is asked to do, beside its plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from headrace.sandbox.containers.model import Found as ContainerEngine
    from headrace.sandbox.ids import Mode
    from headrace.sandbox.limits.model import Limits as JobLimits


class Parting(Struct, frozen=True):
    """What parts jobs from the machine. `mode`: whose ids they have then. `slirp`: the program that gives a private network its
    way out; empty where that is an HTTP proxy. `why`: why jobs are on the machine as it is, in a few words, where they should
    have been parted from it."""

    parts: Literal["namespaces", "host"] = "host"
    mode: Mode | None = None
    slirp: str = ""
    why: str = ""


class RunOptions(Struct, frozen=True):
    """`max_parallel` 0: as many legs at once as the machine has processors. `env` is laid below everything else a step sees.
    `notes` are said once at the start of the run. `limits`: those of jobs that are parted from the machine; None for the
    defaults. `secrets_of`, `vars_of`: of each environment (lower case), and stronger there. `containers`: what jobs have their
    containers by, where some may want one."""

    parting: Parting = Parting()
    network: Literal["private", "host", "none"] = "private"
    expose: tuple[str, ...] = ()
    limits: JobLimits | None = None
    forward: tuple[str, ...] = ()  # names of USER_FILES or of variables (sandbox/inherit.py)
    native: bool = True
    max_parallel: int = 0
    share: bool = True
    keep: bool = False
    path_prepend: tuple[str, ...] = ()
    skip_unsupported: bool = False
    secrets: dict[str, str] = {}
    vars: dict[str, str] = {}
    secrets_of: dict[str, dict[str, str]] = {}
    vars_of: dict[str, dict[str, str]] = {}
    env: dict[str, str] = {}
    notes: tuple[str, ...] = ()
    argv: tuple[str, ...] = ()
    containers: ContainerEngine | None = None

    @property
    def parts(self) -> Literal["namespaces", "host"]:
        """What parts jobs from the machine."""
        return self.parting.parts


class Limits(Struct, frozen=True):
    """Legs at once, over all jobs."""

    parallel: int
