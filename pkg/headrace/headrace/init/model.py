"""The nouns of what is found out about a repository. Every fact carries where it stands."""

from __future__ import annotations

from typing import Union

from msgspec import Struct

from headrace.base.errors import NOWHERE, Position


class Said(Struct, frozen=True):
    """A text that was found out, the places that say so, and how it follows from them where they do not say it plainly."""

    value: str
    at: tuple[Position, ...] = ()
    why: str = ""


class Doubt(Struct, frozen=True):
    """Something that a person should look at: two files that do not agree, or one that could not be read."""

    text: str
    at: Position = NOWHERE


class Requirement(Struct, frozen=True):
    """One that a project declares. `name` is normalised. `group` is empty for what every user gets; `extra:NAME`, or the name of
    a dependency group."""

    name: str
    text: str
    at: Position
    group: str = ""


class Project(Struct, frozen=True):
    """What the files of one folder declare, whichever of the formats they are in."""

    folder: str
    name: Union[Said, None] = None
    version: Union[Said, None] = None
    requires_python: Union[Said, None] = None
    classifiers: tuple[Said, ...] = ()
    backend: Union[Said, None] = None
    builds: tuple[str, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    files: tuple[str, ...] = ()
    private: Union[Said, None] = None
    dynamic: bool = False
    imports: tuple[Said, ...] = ()
    groups: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()


class Pythons(Struct, frozen=True):
    """The versions that a package supports, oldest first, and which of them are its matrix."""

    supported: tuple[Said, ...] = ()
    lowest: Union[Said, None] = None
    highest: Union[Said, None] = None


class Tools(Struct, frozen=True):
    """The tools that are really in use. None: no sign of any."""

    linter: Union[Said, None] = None
    formatter: Union[Said, None] = None
    typer: Union[Said, None] = None
    tester: Union[Said, None] = None
    sessions: tuple[Said, ...] = ()


class Package(Struct, frozen=True):
    """`folder` is `.` for the root of the repository. `private`: why it is not published, None where it may be. `code`: paths of
    what it installs, below the root. `groups` can be installed by name, `loose` are requirements of groups that
    cannot. `requires`: what comes with it and those groups. `types`: where its code has any."""

    folder: str
    name: Said
    found: Said
    imports: tuple[Said, ...]
    version: Union[Said, None]
    requires_python: Union[Said, None]
    pythons: Pythons
    backend: Union[Said, None]
    builds: tuple[str, ...]
    siblings: tuple[Said, ...]
    tools: Tools
    unit: tuple[Said, ...]
    integration: tuple[Said, ...]
    private: Union[Said, None] = None
    makefile: Union[Said, None] = None
    targets: tuple[Said, ...] = ()
    workflows: tuple[Said, ...] = ()
    groups: tuple[Said, ...] = ()
    code: tuple[str, ...] = ()
    loose: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    types: Union[Said, None] = None

    def path(self, name: str) -> str:
        """Of one of its files, below the root."""
        return name if self.folder == "." else f"{self.folder}/{name}"


class Found(Struct, frozen=True):
    """All that was found out about a repository. Nothing in it is a guess without a place. `shared` are groups of a root that is
    no package itself, `shared_needs` the packages that they name, `shared_requires` all that they require; `configs` the files at
    the root that tools read; `constrained` and `overridden` what its `[tool.uv]` says of versions, which uv minds everywhere;
    `in_use` the versions that hooks and locks name, as lines `name==version`."""

    layout: Said
    packages: tuple[Package, ...]
    left_out: tuple[Said, ...] = ()
    locks: tuple[Said, ...] = ()
    constraints: tuple[Said, ...] = ()
    workflows: tuple[Said, ...] = ()
    makefiles: tuple[Said, ...] = ()
    configs: tuple[str, ...] = ()
    shared: tuple[Said, ...] = ()
    shared_needs: tuple[str, ...] = ()
    shared_requires: tuple[str, ...] = ()
    constrained: tuple[str, ...] = ()
    overridden: tuple[str, ...] = ()
    in_use: tuple[str, ...] = ()
    doubts: tuple[Doubt, ...] = ()
