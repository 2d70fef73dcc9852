"""The journal of releases: what was to be done, written before each effect, so that `--resume` knows how far it came.

<state>/releases/KEY/NUMBER.json    one train of packages
<state>/releases/KEY/NUMBER/        the bytes that were built and tested
"""

from __future__ import annotations

import fcntl
import os
import time
from hashlib import sha256
from typing import Literal

import msgspec
from msgspec import Struct, structs

from headrace.base.errors import EngineError, HeadraceError, Problem
from headrace.base.files import write_atomic
from headrace.base.paths import state_dir
from headrace.release.model import Artifact

State = Literal["planned", "pushing", "pushed", "published"]


class Entry(Struct, frozen=True):
    """A package of a train. `object` is the tag object, written before it is pushed. `index` is the simple API of the index that
    the pipeline publishes to. `rehearsed` is the run that has tried the tag's pipeline."""

    package: str
    version: str
    tag: str
    commit: str
    tree: str
    object: str = ""
    state: State = "planned"
    index: str = ""
    artifacts: tuple[Artifact, ...] = ()
    rehearsed: str = ""


class Train(Struct, frozen=True):
    """The packages of one call, in the order of their release. `ready`: nothing forbids to push the tags any more."""

    number: int
    at: float
    root: str
    remote: str
    entries: tuple[Entry, ...]
    ready: bool = False

    @property
    def done(self) -> bool:
        return all(entry.state == "published" for entry in self.entries)

    def changed(self, tag: str, **fields: object) -> Train:
        entries = (structs.replace(entry, **fields) if entry.tag == tag else entry for entry in self.entries)
        return structs.replace(self, entries=tuple(entries))


class Busy(HeadraceError):
    """Another release of the repository goes on."""

    status = 1


class ReleaseJournal:
    """That of one repository, by its common git directory. Raises EngineError where the disk refuses, Busy where another process
    has it."""

    def __init__(self, git_dir: str) -> None:
        self.folder = os.path.join(state_dir(), "releases", sha256(os.fsencode(git_dir)).hexdigest()[:16])
        try:
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            self._lock = os.open(os.path.join(self.folder, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unusable(self.folder, error) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise Busy(Problem("another release of this repository goes on", hint="wait for its end")) from None

    def close(self) -> None:
        os.close(self._lock)

    def trains(self) -> list[Train]:
        """All of them, the newest first. What cannot be read is an error: it may speak of a tag that is out."""
        numbers = sorted(
            (int(name[:-5]) for name in os.listdir(self.folder) if name[:-5].isdecimal() and name.endswith(".json")), reverse=True
        )
        return [self._read(number) for number in numbers]

    def _read(self, number: int) -> Train:
        path = os.path.join(self.folder, f"{number}.json")
        try:
            with open(path, "rb") as file:
                return msgspec.json.decode(file.read(), type=Train)
        except (OSError, msgspec.MsgspecError) as error:
            raise _unusable(path, error) from error

    def begin(self, root: str, remote: str, entries: tuple[Entry, ...]) -> Train:
        """A new train, written down."""
        number = next((train.number for train in self.trains()), 0) + 1
        train = Train(number, time.time(), root, remote, entries)
        self.save(train)
        return train

    def save(self, train: Train) -> Train:
        path = os.path.join(self.folder, f"{train.number}.json")
        try:
            write_atomic(path, msgspec.json.format(msgspec.json.encode(train), indent=2))
        except OSError as error:
            raise _unusable(path, error) from error
        return train

    def kept(self, train: Train) -> str:
        """The folder of the bytes that were tested."""
        return os.path.join(self.folder, str(train.number))


def _unusable(path: str, error: Exception) -> EngineError:
    return EngineError(Problem(f"the journal of releases cannot be used: {error}", hint=f"free some room or mend {path}"))
