"""The records of an index, in one SQLite file that several servers and commands may use at once."""

from __future__ import annotations

import os
import sqlite3
from contextlib import AbstractContextManager, closing, contextmanager
from fcntl import LOCK_EX, flock

from headrace.base.sqlite import transaction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_TABLES = (
    """CREATE TABLE IF NOT EXISTS projects (
    normalized TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    created REAL NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS releases (
    project TEXT NOT NULL,
    canonical TEXT NOT NULL,
    version TEXT NOT NULL,
    created REAL NOT NULL,
    yanked TEXT,
    info TEXT NOT NULL,
    PRIMARY KEY (project, canonical))""",
    """CREATE TABLE IF NOT EXISTS files (
    filename TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    canonical TEXT NOT NULL,
    kind TEXT NOT NULL,
    pyversion TEXT NOT NULL,
    size INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    blake2_256 TEXT NOT NULL UNIQUE,
    uploaded REAL NOT NULL,
    requires_python TEXT NOT NULL,
    metadata BLOB,
    metadata_sha256 TEXT NOT NULL,
    provenance TEXT)""",
    # Every name that a file ever had: it is never given again.
    "CREATE TABLE IF NOT EXISTS filenames (filename TEXT PRIMARY KEY)",
    """CREATE TABLE IF NOT EXISTS publishers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    issuer TEXT NOT NULL,
    owner TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    repository TEXT NOT NULL,
    workflow TEXT NOT NULL,
    environment TEXT NOT NULL,
    pending TEXT NOT NULL,
    created REAL NOT NULL)""",
    """CREATE UNIQUE INDEX IF NOT EXISTS one_publisher ON publishers (issuer, owner, repository, workflow, environment)
    WHERE pending = ''""",
    """CREATE UNIQUE INDEX IF NOT EXISTS one_pending ON publishers (issuer, owner, repository, workflow, environment)
    WHERE pending <> ''""",
    """CREATE TABLE IF NOT EXISTS publishes (
    publisher INTEGER NOT NULL,
    project TEXT NOT NULL,
    PRIMARY KEY (publisher, project))""",
    # Which identity tokens have been used, until nobody would take them any more.
    "CREATE TABLE IF NOT EXISTS used (issuer TEXT NOT NULL, jti TEXT NOT NULL, until REAL NOT NULL, PRIMARY KEY (issuer, jti))",
    """CREATE TABLE IF NOT EXISTS tokens (
    hash TEXT PRIMARY KEY,
    publisher INTEGER NOT NULL,
    projects TEXT NOT NULL,
    issued REAL NOT NULL,
    expires REAL NOT NULL,
    claims TEXT NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    facts TEXT NOT NULL)""",
)


class Database:
    """The records below `folder`, which is made where it is missing."""

    def __init__(self, folder: str) -> None:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self.folder = folder
        self._path = os.path.join(folder, "index.sqlite")
        # SQLite does not wait for others while it changes the journal's mode, so two servers that start at once would clash.
        with open(os.path.join(folder, "lock"), "a", encoding="ascii") as lock:
            flock(lock, LOCK_EX)
            with closing(self.connect()) as database:
                database.execute("PRAGMA journal_mode = WAL")
                for table in _TABLES:
                    database.execute(table)

    def connect(self) -> sqlite3.Connection:
        """In autocommit: each statement is a transaction, on the disk for good. Another writer is waited for."""
        database = sqlite3.connect(self._path, timeout=60, isolation_level=None)
        database.execute("PRAGMA synchronous = FULL")
        return database

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Several statements that see one state."""
        with closing(self.connect()) as database:
            database.execute("BEGIN")
            yield database

    def writing(self) -> AbstractContextManager[sqlite3.Connection]:
        """Several statements that nobody comes between; undone by an exception."""
        return transaction(self.connect())
