"""What a person wants otherwise than it would be chosen: `[tool.headrace.init]`, and options. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, structs

from headrace.base.errors import NOWHERE, Position

TABLE = "[tool.headrace.init]"
GATES = ("itest", "lint", "type-check", "utest")
JOBS = (*GATES, "build", "publish-pypi")


class Wanted(Struct, frozen=True):
    """Of one pyproject.toml. `at`: where each key stands, and those of its tables as `table.key`; what is not in there was not
    said. An option stands at no place. `timeouts` are minutes; all paths are from the root of the repository."""

    publish: Literal["described", "hardened"] = "described"
    release: Literal["make", "headrace"] = "make"
    all_versions: bool = False
    timeouts: Mapping[str, int] = {}
    env: Mapping[str, str] = {}
    manual: bool = True
    floors: bool = True
    environment: str = ""
    paths: tuple[str, ...] = ()
    artifacts: Mapping[str, tuple[str, ...]] = {}
    tests: Mapping[str, tuple[str, ...]] = {}
    commands: Mapping[str, tuple[str, ...]] = {}
    exclude: tuple[str, ...] = ()
    at: Mapping[str, Position] = {}

    def places(self, *keys: str) -> tuple[Position, ...]:
        """Where the first of these keys that was said stands; empty where none was, or by an option alone."""
        return next(((self.at[key],) for key in keys if key in self.at and self.at[key].file), ())


class Settings(Wanted, frozen=True):
    """What the root's file says for the whole repository, and `packages` what those of the packages say for each alone, by their
    folders. `branch` is the one whose pushes are tried."""

    branch: str = "main"
    packages: Mapping[str, Wanted] = {}

    def of(self, folder: str) -> Wanted:
        """What holds for a package: its own file wins; tables and lists are joined."""
        own = self.packages.get(folder, Wanted())
        first = own if "publish" in own.at and not self.by_option("publish") else self
        return Wanted(
            publish=first.publish,
            release=own.release if "release" in own.at else self.release,
            all_versions=own.all_versions
            if "all-versions" in own.at and not self.by_option("all-versions")
            else self.all_versions,
            timeouts={**self.timeouts, **own.timeouts},
            env={**self.env, **own.env},
            manual=own.manual if "manual" in own.at else self.manual,
            floors=own.floors if "floors" in own.at else self.floors,
            environment=own.environment if "environment" in own.at else self.environment,
            paths=tuple(dict.fromkeys((*self.paths, *own.paths))),
            artifacts=own.artifacts,
            tests=own.tests,
            commands=own.commands,
            at={**self.at, **own.at, **{key: at for key, at in self.at.items() if not at.file}},
        )

    def by_option(self, key: str) -> bool:
        """Whether an option of the call says it, which counts more than any file."""
        return self.at.get(key) == NOWHERE


def with_options(settings: Settings, *, publish: str, all_versions: bool) -> Settings:
    """The same, but for what the call itself says."""
    at = dict(settings.at)
    if publish:
        at["publish"] = NOWHERE
        settings = structs.replace(settings, publish="hardened" if publish == "hardened" else "described")
    if all_versions:
        at["all-versions"] = NOWHERE
        settings = structs.replace(settings, all_versions=True)
    return structs.replace(settings, at=at)
