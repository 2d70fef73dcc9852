"""The journal: every record of every run, in SQLite, written before anything is shown.

A record that was reported is there after the engine's death at any moment. Logs stand in files beside it. A run is alive
while its engine holds the lock file in its folder; one that ended without a word is shown as interrupted.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from typing import Literal

from msgspec import Struct

from headrace.base.errors import EngineError, Problem, UsageError
from headrace.base.paths import state_dir
from headrace.record.codec import decode_body, encode_body, readable
from headrace.record.locks import is_alive
from headrace.record.records import Body, Record, RunFinished, RunStarted
from headrace.record.state import RunState, fold

_SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, repository TEXT NOT NULL, root TEXT NOT NULL,
  event TEXT NOT NULL, ref TEXT NOT NULL, sha TEXT NOT NULL, result TEXT, seconds REAL);
CREATE TABLE IF NOT EXISTS numbers (
  root TEXT NOT NULL, workflow TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (root, workflow)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
  run INTEGER NOT NULL, seq INTEGER NOT NULL, at REAL NOT NULL, body BLOB NOT NULL, PRIMARY KEY (run, seq)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS claims (
  number INTEGER PRIMARY KEY AUTOINCREMENT, repository TEXT NOT NULL, name TEXT NOT NULL, run INTEGER NOT NULL,
  state TEXT NOT NULL, canceller INTEGER);
CREATE INDEX IF NOT EXISTS claims_of_group ON claims (repository, name);
PRAGMA user_version = 2;
"""
"""Made anew or brought up to date by the same statements: versions only ever add tables. `claims` belongs to `groups`."""
_VERSION = 2
_PATIENCE = 30.0  # seconds that one waits for others who write


class RunSummary(Struct, frozen=True):
    """A line of `headrace ls`. `result` is None while the run goes on; `seconds` is 0 then."""

    run: str
    at: float
    repository: str
    root: str
    event: str
    ref: str
    sha: str
    result: Literal["success", "failure", "cancelled", "skipped", "interrupted"] | None
    seconds: float = 0.0


class Journal:
    """One open journal. Not shared between processes after a fork."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    @classmethod
    def open(cls) -> Journal:
        """Open the user's journal, made on first use. Raises EngineError where the disk refuses."""
        folder = state_dir()
        path = os.path.join(folder, "journal.db")
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
            if os.stat(folder).st_mode & 0o077:  # made on the way to a snapshot
                os.chmod(folder, 0o700)
            db = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
            if db.execute("PRAGMA user_version").fetchone()[0] < _VERSION:
                _set_up(db)
            db.execute("PRAGMA synchronous=NORMAL")
        except (OSError, sqlite3.Error) as error:
            raise _failed(path, error) from error
        return cls(db)

    def close(self) -> None:
        self._db.close()

    @property
    def connection(self) -> sqlite3.Connection:
        """For the rooms of the same file that have tables of their own. In no transaction between two calls of a method."""
        return self._db

    # -- writing --

    def create(self, started: RunStarted, workflows: Iterable[str]) -> tuple[str, dict[str, int]]:
        """A new run: its id, and for each workflow file its run number in this repository."""
        numbers: dict[str, int] = {}
        try:
            self._db.execute("BEGIN IMMEDIATE")
            cursor = self._db.execute(
                "INSERT INTO runs (at, repository, root, event, ref, sha) VALUES (?, ?, ?, ?, ?, ?)",
                (time.time(), *map(readable, (started.repository, started.root, started.event, started.ref, started.sha))),
            )
            for workflow in workflows:
                row = self._db.execute(
                    "INSERT INTO numbers VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET number = number + 1 RETURNING number",
                    (readable(started.root), readable(workflow)),
                ).fetchone()
                numbers[workflow] = row[0]
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self._rollback()
            raise _failed("the journal", error) from error
        return str(cursor.lastrowid), numbers

    def append(self, records: Iterable[Record]) -> None:
        """Write records, all or none. Raises EngineError (a full disk)."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            for record in records:
                run = int(record.run)
                row = (run, record.seq, record.at, encode_body(record.body))
                self._db.execute("INSERT INTO records VALUES (?, ?, ?, ?)", row)
                if isinstance(record.body, RunFinished):
                    self._db.execute(
                        "UPDATE runs SET result = ?, seconds = ? WHERE id = ?", (record.body.result, record.body.seconds, run)
                    )
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self._rollback()
            raise _failed("the journal", error) from error

    def _rollback(self) -> None:
        if self._db.in_transaction:
            try:
                self._db.execute("ROLLBACK")
            except sqlite3.Error:
                return

    # -- reading --

    def runs(self, limit: int = 20, root: str | None = None) -> list[RunSummary]:
        """The newest runs first, of one repository where `root` is given."""
        rows = self._db.execute(
            "SELECT id, at, repository, root, event, ref, sha, result, seconds FROM runs"
            " WHERE (?1 IS NULL OR root = ?1) ORDER BY id DESC LIMIT ?2",
            (root and readable(root), limit),
        ).fetchall()
        return [self._summary(row) for row in rows]

    def _summary(self, row: tuple[int, float, str, str, str, str, str, str | None, float | None]) -> RunSummary:
        run, at, repository, root, event, ref, sha, result, seconds = row
        shown = result or (None if is_alive(str(run)) else "interrupted")
        return RunSummary(str(run), at, repository, root, event, ref, sha, shown, seconds or 0.0)  # type: ignore[arg-type]

    def resolve(self, text: str = "", root: str | None = None) -> str:
        """The id of the run that `text` names: an id, or the newest run where empty. Raises UsageError where there is none."""
        if not text:
            row = self._db.execute(
                "SELECT max(id) FROM runs WHERE (?1 IS NULL OR root = ?1)", (root and readable(root),)
            ).fetchone()
            if row[0] is None:
                raise UsageError(Problem("there is no run yet", hint="`headrace run` makes one"))
            return str(row[0])
        if text.isdecimal() and self._db.execute("SELECT 1 FROM runs WHERE id = ?", (int(text),)).fetchone():
            return str(int(text))
        raise UsageError(Problem(f"there is no run {text}", hint="`headrace ls` lists them"))

    def records(self, run: str, after: int = 0) -> Iterator[Record]:
        """The records of a run in order, those behind number `after`."""
        rows = self._db.execute("SELECT seq, at, body FROM records WHERE run = ? AND seq > ? ORDER BY seq", (int(run), after))
        for seq, at, body in rows:
            yield Record(run, seq, at, decode_body(body))

    def state(self, run: str) -> RunState:
        """What the records of a run add up to; an engine that died makes `result` interrupted."""
        state = RunState(run)
        for record in self.records(run):
            fold(state, record)
        if state.result is None and not is_alive(run):
            state.result = "interrupted"
        return state


def _set_up(db: sqlite3.Connection) -> None:
    """Make the tables. The change to WAL wants the file for itself and does not wait for it, while others may be just as far."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            db.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.002)
    db.executescript("BEGIN IMMEDIATE;" + _SCHEMA + "COMMIT;")


def body_record(run: str, seq: int, body: Body) -> Record:
    return Record(run, seq, time.time(), body)


def _failed(path: str, error: Exception) -> EngineError:
    return EngineError(Problem(f"the journal cannot be used: {error}", hint=f"free some room or mend {path}, then run again"))
