"""The index of artifacts: which scope has which artifact under which name, and where its bytes are.

A name belongs to one artifact of its scope (a run) from the moment it is created. An artifact can be seen once it is complete.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from typing import Union

from msgspec import Struct

from headrace.store.blobs import Blob, Blobs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_TABLE = """
CREATE TABLE IF NOT EXISTS artifacts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    scope TEXT NOT NULL,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    mime TEXT NOT NULL,
    created REAL NOT NULL,
    expires REAL,
    size INTEGER,
    digest TEXT,
    complete INTEGER NOT NULL DEFAULT 0,
    UNIQUE (scope, name)
)
"""
_SELECT = "SELECT id, scope, owner, name, mime, created, expires, size, digest, complete FROM artifacts"


class Artifact(Struct, frozen=True):
    """`created` and `expires` (None: never) are seconds since the epoch. `digest` is `sha256:<hex>`, "" while there are none."""

    id: int
    scope: str
    owner: str
    name: str
    mime: str
    created: float
    expires: float | None
    size: int
    digest: str
    complete: bool

    @property
    def key(self) -> str:
        """The key of its bytes."""
        return f"artifacts/{self.id}"


class NameTaken(Exception):
    """The scope has an artifact of this name, complete or not."""


class NotUploaded(Exception):
    """Bytes are missing, or are not what was announced; says which."""


class Artifacts:
    """All artifacts below one folder. Safe to use from several threads and processes: each call is a transaction of its own."""

    def __init__(self, folder: str) -> None:
        self.blobs = Blobs(folder)
        self._path = os.path.join(folder, "artifacts.sqlite")
        with closing(self._connect()) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute(_TABLE)

    def create(self, scope: str, owner: str, name: str, mime: str = "application/zip", expires: float | None = None) -> Artifact:
        """Reserve the name. Raises NameTaken."""
        now = time.time()
        with closing(self._connect()) as database:
            try:
                cursor = database.execute(
                    "INSERT INTO artifacts (scope, owner, name, mime, created, expires) VALUES (?, ?, ?, ?, ?, ?)",
                    (scope, owner, name, mime, now, expires),
                )
            except sqlite3.IntegrityError:
                raise NameTaken(name) from None
        return Artifact(cursor.lastrowid or 0, scope, owner, name, mime, now, expires, 0, "", False)

    def uploaded(self, artifact: Artifact, blob: Blob) -> None:
        """Its bytes are in the store, under its key."""
        with closing(self._connect()) as database:
            database.execute(
                "UPDATE artifacts SET size = ?, digest = ? WHERE id = ? AND complete = 0", (blob.size, blob.digest, artifact.id)
            )

    def complete(self, scope: str, owner: str, name: str, size: int, digest: str = "") -> Artifact:
        """From now on it can be seen. Raises KeyError for an unknown name, NotUploaded where the bytes stored are not `size`
        many or not those of `digest` (not compared where it is empty)."""
        with closing(self._connect()) as database:
            row = database.execute(f"{_SELECT} WHERE scope = ? AND name = ? AND owner = ?", (scope, name, owner)).fetchone()
            if row is None:
                raise KeyError(name)
            found = _artifact(row)
            if not found.digest:
                raise NotUploaded(f"no bytes of artifact {name} have been stored")
            if found.size != size:
                raise NotUploaded(f"{found.size} bytes of artifact {name} are stored, {size} were announced")
            if digest and digest != found.digest:
                raise NotUploaded(f"the bytes stored of artifact {name} have the digest {found.digest}, announced was {digest}")
            database.execute("UPDATE artifacts SET complete = 1 WHERE id = ?", (found.id,))
        return _artifact((*row[:-1], 1))

    def listed(self, scope: str, name: str | None = None, id: int | None = None) -> tuple[Artifact, ...]:
        """The complete artifacts of a scope in the order of their ids."""
        with closing(self._connect()) as database:
            rows = database.execute(
                f"{_SELECT} WHERE scope = ? AND complete = 1 AND (? IS NULL OR name = ?) AND (? IS NULL OR id = ?) ORDER BY id",
                (scope, name, name, id, id),
            ).fetchall()
        return tuple(map(_artifact, rows))

    def by_id(self, id: int) -> Artifact | None:
        """Complete or not."""
        with closing(self._connect()) as database:
            row = database.execute(f"{_SELECT} WHERE id = ?", (id,)).fetchone()
        return None if row is None else _artifact(row)

    def delete(self, scope: str, name: str) -> Artifact:
        """Free the name and drop the bytes. Raises KeyError for an unknown name."""
        with closing(self._connect()) as database:
            row = database.execute(f"{_SELECT} WHERE scope = ? AND name = ?", (scope, name)).fetchone()
            if row is None or not database.execute("DELETE FROM artifacts WHERE id = ?", (row[0],)).rowcount:
                raise KeyError(name)
        gone = _artifact(row)
        self.blobs.delete(gone.key)
        self.blobs.drop_blocks(gone.key)
        return gone

    def read(self, artifact: Artifact) -> Iterator[bytes]:
        """The bytes, in pieces. Raises KeyError where they are gone."""
        file = self.blobs.open(artifact.key)
        if file is None:
            raise KeyError(artifact.name)
        with file:
            while piece := file.read(1 << 20):
                yield piece

    def _connect(self) -> sqlite3.Connection:
        """In autocommit: each statement is a transaction. Another writer is waited for."""
        database = sqlite3.connect(self._path, timeout=30, isolation_level=None)
        database.execute("PRAGMA synchronous = NORMAL")
        return database


_Row = tuple[int, str, str, str, str, float, Union[float, None], Union[int, None], Union[str, None], int]


def _artifact(row: _Row) -> Artifact:
    number, scope, owner, name, mime, created, expires, size, digest, complete = row
    return Artifact(number, scope, owner, name, mime, created, expires, size or 0, digest or "", bool(complete))
