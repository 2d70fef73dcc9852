"""Containers of a run: which engine its jobs may use, and the keeper that minds what they make."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import structs, to_builtins

from headrace.base.errors import EngineError, Problem
from headrace.sandbox.containers import keeper, known, sweep
from headrace.sandbox.containers.keeper import Keeper
from headrace.sandbox.containers.model import Found, Place
from headrace.workflow.model import Job, Steps

if TYPE_CHECKING:
    from headrace.plan.model import Capabilities

FEATURES = ("container", "services", "docker-action")

_TOLD = re.compile(
    r"PATH|HOME|TMPDIR|USER|LOGNAME|LANG|LC_.*|XDG_.*|DOCKER_.*|BUILDKIT_.*|CONTAINERS?_.*|PODMAN_.*|BUILDAH_.*|STORAGE_.*"
    r"|REGISTRY_.*|REGISTRIES_.*|DBUS_SESSION_BUS_ADDRESS|SSL_CERT_.*|(?i:(https?|no|all)_proxy)"
)
"""Variables of the caller that the engine's program is given."""


def with_containers(here: Capabilities, asked: str, *, try_it: bool) -> Capabilities:
    """The capabilities with what an engine of this machine adds, or with why it adds nothing. Without `try_it` an engine that is
    there is believed to work."""
    found = known.answer(os.environ, asked) if try_it else known.forecast(os.environ, asked)
    if isinstance(found, Found):
        return structs.replace(here, features=here.features | frozenset(FEATURES))
    hint = f"{found.reason}; `{found.mend}`" if found.mend else found.reason
    return structs.replace(here, missing={**here.missing, **dict.fromkeys(FEATURES, hint)})


def found_engine(asked: str) -> Found | None:
    found = known.answer(os.environ, asked)
    return found if isinstance(found, Found) else None


class Minded:
    """What a run has for its containers while it goes on."""

    def __init__(self, found: Found) -> None:
        """Called before this process adopts orphans. Raises OSError."""
        self._mark = os.urandom(16).hex()
        self._env = {name: value for name, value in os.environ.items() if _TOLD.fullmatch(name)}
        self._found = found
        self._keeper: Keeper = keeper.start(found, self._env, self._mark, partial(sweep.forget, self._mark))

    def begin(self, run: str) -> None:
        """Leave a note for whoever comes after us. Raises EngineError."""
        try:
            sweep.note(run, self._mark, self._found, self._env)
        except OSError as error:
            raise EngineError(Problem(f"{error.filename}: {error.strerror}")) from None

    def place(self, inside: dict[str, str], port: int) -> dict[str, Any]:
        """What a leg is told."""
        found: Any = to_builtins(Place(self._found, self._keeper.name, self._mark, self._env, inside, port))
        return dict(found)

    def close(self) -> None:
        self._keeper.close()


def needs(job: Job, actions: Mapping[str, Any]) -> bool:
    """Whether a job has containers, or may come to have some by its actions: those of the workspace are not known before."""
    body = job.body
    if not isinstance(body, Steps):
        return False
    if body.container is not None or body.services is not None:
        return True
    return job.uses_actions
