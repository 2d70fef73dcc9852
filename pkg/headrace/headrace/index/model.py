"""What the index keeps: projects, releases, files, publishers; and how a request is refused."""

from __future__ import annotations

from msgspec import Struct

GITHUB = "https://token.actions.githubusercontent.com"
"""The issuer of GitHub's identity tokens."""

MIB = 1 << 20
GIB = 1 << 30


class Publisher(Struct, frozen=True):
    """A workflow file that may publish. `pending` is the project that its first use creates, "" where all of its projects are
    there. `environment` is in small letters, "" where any will do; `created` counts seconds since the epoch."""

    id: int
    issuer: str
    owner: str
    owner_id: str
    repository: str
    workflow: str
    environment: str
    pending: str
    projects: tuple[str, ...]
    created: float

    @property
    def slug(self) -> str:
        return f"{self.owner}/{self.repository}"


class File(Struct, frozen=True):
    """A distribution file. `kind` is sdist or bdist_wheel; digests are hexadecimal; `metadata_sha256` is "" where the file has no
    core metadata of its own to serve; `yanked` is why its release is, None where it is not."""

    filename: str
    project: str
    version: str
    kind: str
    pyversion: str
    size: int
    sha256: str
    blake2_256: str
    uploaded: float
    requires_python: str
    metadata_sha256: str
    attested: bool
    yanked: str | None


class Release(Struct, frozen=True):
    """`version` as its first file said it; `info` is the metadata of that file."""

    version: str
    created: float
    yanked: str | None
    info: dict[str, object]
    files: tuple[File, ...]


class Project(Struct, frozen=True):
    """`name` as it was last written; `normalized` is what it is found by."""

    normalized: str
    name: str
    releases: tuple[Release, ...] = ()


class Limits(Struct, frozen=True):
    """Of PyPI, by default: bytes of a file and of a project, and for how many days a release takes new files."""

    file: int = 100 * MIB
    project: int = 10 * GIB
    open_days: float = 14


DEFAULT = Limits()


class Refusal(Exception):
    """A request is refused with this HTTP status and these words. `rule` names the rule that it breaks."""

    def __init__(self, rule: str, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.rule = rule
        self.text = text
        self.status = status
