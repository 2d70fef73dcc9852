"""The nouns of a release."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Union

from msgspec import Struct

from headrace.base.errors import NOWHERE, HeadraceError, Position, Problem


class Finding(Struct, frozen=True):
    """Something that forbids a release. `rule` names it for programs; `package` is empty where it is about the repository."""

    rule: str
    problem: Problem
    package: str = ""


class Refused(HeadraceError):
    """The release is refused, and nothing was changed."""

    status = 1

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__(*(finding.problem for finding in findings))


class Wanted(Struct, frozen=True):
    """What the call asks for: a package by its name, and the version, as written."""

    package: str
    version: str

    @property
    def tag(self) -> str:
        return f"{self.package}@{self.version}"


class Source(Struct, frozen=True):
    """A place that says which version a package has."""

    version: str
    at: Position


class Need(Struct, frozen=True):
    """A requirement of a package as its pyproject.toml writes it; `extra` where it is an optional one."""

    text: str
    at: Position
    extra: str = ""


class Package(Struct, frozen=True):
    """A package of the repository. `name` as `[project].name` spells it, `folder` below the root, `.` for the root itself.
    `version` is empty where none could be read: `unread` says why then."""

    name: str
    folder: str
    version: str
    declared: Position
    sources: tuple[Source, ...]
    needs: tuple[Need, ...]
    unread: str = ""

    def path(self, name: str) -> str:
        """Of one of its files, below the root."""
        return name if self.folder == "." else f"{self.folder}/{name}"


class Settings(Struct, frozen=True):
    """`[tool.headrace.release]` of the root pyproject.toml. `index` is the address of the simple API, empty for the one that the
    pipeline publishes to."""

    remote: str = "origin"
    branch: str = "main"
    index: str = ""


class Artifact(Struct, frozen=True):
    """A file that was built and tested."""

    name: str
    sha256: str
    size: int


class Gate(Struct, frozen=True):
    """A job that must be green before the publishing one begins. `run` is the run of the journal that has tried it on the tree
    of the release; `result` is empty where none has."""

    job: str
    name: str
    result: str = ""
    run: str = ""

    @property
    def green(self) -> bool:
        return self.result == "success"


class Pipeline(Struct, frozen=True):
    """What the tag starts: the job that publishes, whether it can be tried here, where it would publish to, and with which
    identity. `claims` are those of its token, without the times. `tried`: the newest rehearsal of that job for this very tag."""

    tag: str
    workflow: str = ""
    job: str = ""
    index: str = ""
    environment: str = ""
    unsupported: str = ""
    claims: dict[str, str] = {}
    gates: tuple[Gate, ...] = ()
    tried: Union[Gate, None] = None
    at: Position = NOWHERE
