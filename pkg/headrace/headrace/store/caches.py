"""The index of caches: which scope of which repository has an entry under which key and version, and where its bytes are.

An entry is reserved, gets its bytes, and can be seen from the moment it is complete; it never changes after that. What is not
used goes after a week; where a repository has more than its share, what was not used for the longest time goes first.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import AbstractContextManager, closing
from fcntl import LOCK_EX, LOCK_NB, flock

from msgspec import Struct, structs

from headrace.base.sqlite import transaction
from headrace.store.artifacts import NotUploaded
from headrace.store.blobs import Blob, Blobs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LARGEST = 10 << 30
"""Bytes of all entries of a repository."""
UNUSED_S = 7 * 24 * 3600
RESERVED_S = 3600
"""How long an entry may take to become complete: the URL for its bytes is good for no longer."""

_TABLES = (
    """
CREATE TABLE IF NOT EXISTS caches (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    repository TEXT NOT NULL,
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    owner TEXT NOT NULL,
    holder TEXT NOT NULL,
    created REAL NOT NULL,
    used REAL NOT NULL,
    size INTEGER NOT NULL DEFAULT 0,
    digest TEXT NOT NULL DEFAULT '',
    complete INTEGER NOT NULL DEFAULT 0,
    UNIQUE (repository, scope, version, name)
)
""",
    """
CREATE TABLE IF NOT EXISTS pieces (
    cache INTEGER NOT NULL,
    start INTEGER NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (cache, start)
)
""",
)
_SELECT = "SELECT id, repository, scope, name, version, owner, created, used, size, digest, complete FROM caches"
_SAME = "WHERE repository = ? AND scope = ? AND version = ? AND name = ?"


class Cache(Struct, frozen=True):
    """`name` is what users call the key. `created` and `used` are seconds since the epoch; `digest` is `sha256:<hex>`, "" while
    there are no bytes."""

    id: int
    repository: str
    scope: str
    name: str
    version: str
    owner: str
    created: float
    used: float
    size: int
    digest: str
    complete: bool

    @property
    def key(self) -> str:
        """The key of its bytes."""
        return f"caches/{self.id}"


class KeyTaken(Exception):
    """The scope has this entry already, or somebody is making it."""


class Caches:
    """All caches below one folder. Safe to use from several threads and processes: each call is a transaction of its own. What a
    process has reserved and not completed is free again when the process has ended, however it ended."""

    def __init__(self, folder: str) -> None:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self.blobs = Blobs(folder)
        self._path = os.path.join(folder, "caches.sqlite")
        with closing(self._connect()) as database:
            database.execute("PRAGMA journal_mode = WAL")
            for table in _TABLES:
                database.execute(table)
        self._holders = os.path.join(folder, "holders")
        os.makedirs(self._holders, exist_ok=True)
        self._holder, self._lock = self._hold()

    def close(self) -> None:
        """Give up what is reserved."""
        os.close(self._lock)

    def reserve(self, repository: str, scope: str, name: str, version: str, owner: str = "") -> Cache:
        """Begin an entry. Raises KeyTaken."""
        now = time.time()
        with self._transaction() as database:
            row = database.execute(
                f"SELECT id, complete, used, created, holder FROM caches {_SAME}", (repository, scope, version, name)
            ).fetchone()
            if row is not None:
                number, complete, used, created, holder = row
                gone = used < now - UNUSED_S if complete else created < now - RESERVED_S or self._is_dead(holder)
                if not gone:
                    raise KeyTaken(name)
                _delete(database, number)
            cursor = database.execute(
                "INSERT INTO caches (repository, scope, name, version, owner, holder, created, used)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (repository, scope, name, version, owner, self._holder, now, now),
            )
        if row is not None:
            self._drop(row[0])
        return Cache(cursor.lastrowid or 0, repository, scope, name, version, owner, now, now, 0, "", False)

    def uploaded(self, cache: Cache, blob: Blob) -> None:
        """Its bytes are in the store, under its key."""
        with closing(self._connect()) as database:
            database.execute(
                "UPDATE caches SET size = ?, digest = ? WHERE id = ? AND complete = 0", (blob.size, blob.digest, cache.id)
            )

    def reserved(self, repository: str, scope: str, name: str, version: str, owner: str = "") -> Cache:
        """The entry that `owner` has begun. Raises KeyError."""
        with closing(self._connect()) as database:
            values = (repository, scope, version, name, owner)
            row = database.execute(f"{_SELECT} {_SAME} AND owner = ? AND complete = 0", values).fetchone()
        if row is None:
            raise KeyError(name)
        return _cache(row)

    def complete(self, cache: Cache, size: int) -> Cache:
        """From now on it can be seen; others go where there is no room for all. Raises KeyError where it has been given up,
        NotUploaded where the bytes stored are not `size` many or are more than a repository may have."""
        now = time.time()
        with self._transaction() as database:
            row = database.execute(f"{_SELECT} WHERE id = ? AND complete = 0", (cache.id,)).fetchone()
            if row is None:
                raise KeyError(cache.name)
            found = _cache(row)
            if not found.digest:
                raise NotUploaded(f"no bytes of cache {found.name} have been stored")
            if found.size != size:
                raise NotUploaded(f"{found.size} bytes of cache {found.name} are stored, {size} were announced")
            if size > LARGEST:
                raise NotUploaded(f"cache {found.name} has {size} bytes, a repository has room for {LARGEST}")
            database.execute("UPDATE caches SET complete = 1, created = ?, used = ? WHERE id = ?", (now, now, found.id))
            gone = self._evict(database, found.repository, now)
        for number in gone:
            self._drop(number)
        self._sweep(now)
        return structs.replace(found, created=now, used=now, complete=True)

    def find(self, repository: str, scopes: Iterable[str], names: Sequence[str], version: str) -> Cache | None:
        """The first scope that has something counts: for each name in turn the entry of that name, else the newest whose name
        begins with it. What is found counts as used now."""
        now = time.time()
        with closing(self._connect()) as database:
            for scope in scopes:
                for name in names:
                    row = database.execute(
                        f"{_SELECT} WHERE repository = ? AND scope = ? AND version = ? AND complete = 1 AND used >= ?"
                        " AND substr(name, 1, length(?)) = ? ORDER BY name = ? DESC, created DESC, id DESC LIMIT 1",
                        (repository, scope, version, now - UNUSED_S, name, name, name),
                    ).fetchone()
                    if row is not None:
                        database.execute("UPDATE caches SET used = ? WHERE id = ?", (now, row[0]))
                        return _cache(row)
        return None

    def listed(self, repository: str, scopes: Sequence[str], beginning: str = "") -> tuple[Cache, ...]:
        """The complete entries whose names begin so, the newest first, of any version."""
        marks = ", ".join("?" * len(scopes))
        with closing(self._connect()) as database:
            rows = database.execute(
                f"{_SELECT} WHERE repository = ? AND complete = 1 AND substr(name, 1, length(?)) = ? AND scope IN ({marks})"
                " ORDER BY created DESC, id DESC",
                (repository, beginning, beginning, *scopes),
            ).fetchall()
        return tuple(map(_cache, rows))

    def by_id(self, id: int) -> Cache | None:
        """Complete or not."""
        with closing(self._connect()) as database:
            row = database.execute(f"{_SELECT} WHERE id = ?", (id,)).fetchone()
        return None if row is None else _cache(row)

    # Bytes that come in pieces of a file, by where they begin

    def piece(self, cache: Cache, start: int, size: int) -> None:
        """The piece is in the store, under the name `piece_name(start)`."""
        with closing(self._connect()) as database:
            database.execute("INSERT OR REPLACE INTO pieces VALUES (?, ?, ?)", (cache.id, start, size))

    def join(self, cache: Cache, size: int) -> None:
        """Make the bytes of the pieces. Raises NotUploaded where they are not `size` bytes without a gap."""
        with closing(self._connect()) as database:
            pieces = database.execute("SELECT start, size FROM pieces WHERE cache = ? ORDER BY start", (cache.id,)).fetchall()
        end = 0
        for start, length in pieces:
            if start != end:
                raise NotUploaded(f"of cache {cache.name}, the bytes from {end} are missing or have come twice")
            end += length
        if end != size:
            raise NotUploaded(f"{end} bytes of cache {cache.name} are stored, {size} were announced")
        try:
            blob = self.blobs.join(cache.key, [piece_name(start) for start, _ in pieces])
        except KeyError:
            raise NotUploaded(f"bytes of cache {cache.name} are missing") from None
        self.uploaded(cache, blob)

    # What goes

    def _evict(self, database: sqlite3.Connection, repository: str, now: float) -> list[int]:
        """Take entries out of the index; their numbers."""
        gone = [number for (number,) in database.execute("SELECT id FROM caches WHERE used < ?", (now - UNUSED_S,))]
        rows = database.execute(
            "SELECT id, size FROM caches WHERE repository = ? AND complete = 1 AND used >= ? ORDER BY used DESC, id DESC",
            (repository, now - UNUSED_S),
        )
        total = 0
        for number, size in rows:
            total += size
            if total > LARGEST:
                gone.append(number)
        for number, holder, created in database.execute("SELECT id, holder, created FROM caches WHERE complete = 0").fetchall():
            if created < now - RESERVED_S or self._is_dead(holder):
                gone.append(number)
        for number in gone:
            _delete(database, number)
        return gone

    def _drop(self, number: int) -> None:
        key = f"caches/{number}"
        self.blobs.delete(key)
        self.blobs.drop_blocks(key)

    def _sweep(self, now: float) -> None:
        """What an end by force has left: bytes that no entry knows, drafts that nobody writes to."""
        stored = self.blobs.names("caches")
        with closing(self._connect()) as database:
            known = {str(number) for (number,) in database.execute("SELECT id FROM caches")}
        for name in stored:
            if name not in known and name.isdecimal():
                self._drop(int(name))
        self.blobs.drop_drafts(now - RESERVED_S)
        for name in os.listdir(self._holders):
            self._is_dead(name, bury=True)

    # Who has reserved: a file for each process, locked for as long as it lives

    def _hold(self) -> tuple[str, int]:
        while True:
            name = os.urandom(8).hex()
            path = os.path.join(self._holders, name)
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            flock(lock, LOCK_EX)
            if os.fstat(lock).st_nlink:  # else it was swept away before it was locked
                return name, lock
            os.close(lock)

    def _is_dead(self, holder: str, *, bury: bool = False) -> bool:
        """`bury`: its file goes, under the lock, so that nobody has locked it meanwhile."""
        if holder == self._holder:
            return False
        path = os.path.join(self._holders, holder)
        try:
            lock = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return True
        try:
            flock(lock, LOCK_EX | LOCK_NB)
            if bury:
                _unlink(path)
        except BlockingIOError:
            return False
        finally:
            os.close(lock)
        return True

    # The database

    def _connect(self) -> sqlite3.Connection:
        """In autocommit: each statement is a transaction. Another writer is waited for."""
        database = sqlite3.connect(self._path, timeout=30, isolation_level=None)
        database.execute("PRAGMA synchronous = NORMAL")
        return database

    def _transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        return transaction(self._connect())


def piece_name(start: int) -> str:
    return f"{start:020d}"


def _delete(database: sqlite3.Connection, number: int) -> None:
    database.execute("DELETE FROM caches WHERE id = ?", (number,))
    database.execute("DELETE FROM pieces WHERE cache = ?", (number,))


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


_Row = tuple[int, str, str, str, str, str, float, float, int, str, int]


def _cache(row: _Row) -> Cache:
    number, repository, scope, name, version, owner, created, used, size, digest, complete = row
    return Cache(number, repository, scope, name, version, owner, created, used, size, digest, bool(complete))
