"""A container as the steps that run in it see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from headrace.runner.environment import default_variables, step_environment
from headrace.sandbox.containers.paths import Mounts


class Inside(Struct, frozen=True):
    """`mounts`: where it has the job's folders. `base`: what every process is told, the weakest of all. `path`: the image's own
    PATH. `home` is its HOME as those outside see it."""

    mounts: Mounts
    base: dict[str, str]
    path: str = ""
    home: str = ""

    def environment(
        self,
        env: Mapping[str, str],
        github: Mapping[str, Any],
        runner: Mapping[str, Any],
        actions: Mapping[str, str],
        inputs: Mapping[str, str] | None = None,
        state: Mapping[str, str] | None = None,
        path_entries: Sequence[str] = (),
    ) -> dict[str, str]:
        """What the engine is told of a step's environment: nothing of the machine's is in it, and paths are the container's. The
        rest stands in the container already."""
        base = {**self.base, **({"PATH": self.path} if path_entries and self.path else {})}
        defaults = {name: self.mounts.inside(value) for name, value in default_variables(github, runner).items()}
        return step_environment(
            base=base, env=env, defaults=defaults, actions=actions, inputs=inputs, state=state, path_entries=path_entries
        )
