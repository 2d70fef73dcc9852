"""The records of who may publish what. A pending publisher's first use creates its project."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import msgspec
from packaging.utils import canonicalize_name

from headrace.base.errors import Problem, UsageError
from headrace.index import matching
from headrace.index.database import Database
from headrace.index.model import GITHUB, Publisher

PENDING_S = 30 * 24 * 3600
"""How long a pending publisher waits for its first use."""

_NAME = re.compile(r"([A-Z0-9]|[A-Z0-9][A-Z0-9._-]*[A-Z0-9])", re.IGNORECASE | re.ASCII)
_OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_REPOSITORY = re.compile(r"[A-Za-z0-9._-]+")
_WORKFLOW = re.compile(r"[^/@\s]+\.ya?ml")


class Publishers:
    """All of one index. Safe to use from several threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, project: str, slug: str, workflow: str, owner_id: str, *, environment: str = "", issuer: str = GITHUB
    ) -> Publisher:
        """Let the file publish the project; pending where there is none of that name yet. `slug` is OWNER/NAME, `workflow` a file
        in .github/workflows. Raises UsageError."""
        owner, slash, repository = slug.partition("/")
        workflow = workflow.removeprefix(".github/workflows/")
        for text, form, what, hint in (
            (project, _NAME, "the name of a project", "letters, digits, '.', '_' and '-', with a letter or digit at both ends"),
            (owner if slash else "", _OWNER, "OWNER/NAME", "such as octo/demo"),
            (repository, _REPOSITORY, "OWNER/NAME", "such as octo/demo"),
            (workflow, _WORKFLOW, "a workflow file", "its name alone, such as release.yml"),
            (owner_id, re.compile(r"[0-9]+"), "the number of an owner", "https://api.github.com/users/OWNER says it as `id`"),
            (issuer, re.compile(r"https?://\S+"), "the URL of an issuer", f"such as {GITHUB}"),
        ):
            if not form.fullmatch(text):
                raise UsageError(Problem(f"this is not {what}: {text or slug!r}", hint=hint))
        environment = environment.lower()
        now = time.time()
        key = (issuer.rstrip("/"), owner, repository, workflow, environment)
        normalized = canonicalize_name(project)
        with self._database.writing() as database:
            _drop_unused(database, now)
            row = database.execute("SELECT name FROM projects WHERE normalized = ?", (normalized,)).fetchone()
            pending = "" if row else project
            same = database.execute(f"{_SELECT} WHERE {_SAME} AND (pending = '') = ?", (*key, not pending)).fetchone()
            if same is not None:
                number = same[0]
                if same[3] != owner_id or pending:
                    raise UsageError(_taken(_publisher(database, same)))
            else:
                cursor = database.execute(
                    "INSERT INTO publishers (issuer, owner, repository, workflow, environment, owner_id, pending, created)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (*key, owner_id, pending, now),
                )
                number = cursor.lastrowid
            if not pending:
                database.execute("INSERT OR IGNORE INTO publishes VALUES (?, ?)", (number, normalized))
            return _publisher(database, database.execute(f"{_SELECT} WHERE id = ?", (number,)).fetchone())

    def create(self, project: str) -> None:
        """Let there be a project, without a file yet, as after somebody else's first upload. Raises UsageError for its name."""
        if not _NAME.fullmatch(project):
            raise UsageError(Problem(f"this is not the name of a project: {project!r}"))
        with self._database.writing() as database:
            row = (canonicalize_name(project), project, time.time())
            database.execute("INSERT OR IGNORE INTO projects VALUES (?, ?, ?)", row)

    def all(self, project: str = "") -> tuple[Publisher, ...]:
        """In the order in which they came; of one project only where it is named."""
        with self._database.reading() as database:
            found = everyone(database)
        if not project:
            return found
        wanted = canonicalize_name(project)
        return tuple(each for each in found if wanted in (*each.projects, canonicalize_name(each.pending)))

    def remove(self, number: int) -> Publisher:
        """What tokens it was given end at once. Raises UsageError where there is none of that number."""
        with self._database.writing() as database:
            row = database.execute(f"{_SELECT} WHERE id = ?", (number,)).fetchone()
            if row is None:
                raise UsageError(Problem(f"there is no publisher {number}", hint="headrace index publisher ls"))
            gone = _publisher(database, row)
            database.execute("DELETE FROM publishers WHERE id = ?", (number,))
            database.execute("DELETE FROM publishes WHERE publisher = ?", (number,))
            database.execute("DELETE FROM tokens WHERE publisher = ?", (number,))
        return gone

    def events(self) -> list[tuple[float, str, dict[str, object]]]:
        """What has happened: when, what, and its facts; no token among them."""
        with closing(self._database.connect()) as database:
            rows = database.execute("SELECT at, kind, facts FROM events ORDER BY id").fetchall()
        return [(at, kind, msgspec.json.decode(facts)) for at, kind, facts in rows]

    def note(self, kind: str, facts: dict[str, object]) -> None:
        with closing(self._database.connect()) as database:
            note(database, kind, facts)


def everyone(database: sqlite3.Connection) -> tuple[Publisher, ...]:
    oldest = time.time() - PENDING_S
    rows = database.execute(f"{_SELECT} WHERE pending = '' OR created >= ? ORDER BY id", (oldest,)).fetchall()
    return tuple(_publisher(database, row) for row in rows)


def create_pending(database: sqlite3.Connection, publisher: Publisher) -> None:
    """Create the project of a pending publisher and make that an ordinary one, together with one that names the same file."""
    normalized = canonicalize_name(publisher.pending)
    database.execute("INSERT INTO projects VALUES (?, ?, ?)", (normalized, publisher.pending, time.time()))
    key = (publisher.issuer, publisher.owner, publisher.repository, publisher.workflow, publisher.environment)
    row = database.execute(
        f"SELECT id FROM publishers WHERE {_SAME} AND pending = '' AND owner_id = ?", (*key, publisher.owner_id)
    )
    other = row.fetchone()
    if other is None:
        database.execute("UPDATE publishers SET pending = '' WHERE id = ?", (publisher.id,))
    else:
        database.execute("DELETE FROM publishers WHERE id = ?", (publisher.id,))
    database.execute("INSERT INTO publishes VALUES (?, ?)", (publisher.id if other is None else other[0], normalized))


def drop_stale(database: sqlite3.Connection, claims: Mapping[str, Any]) -> bool:
    """Whether these claims belong to a pending publisher whose project somebody else has created; that one goes."""
    try:
        pending = matching.find([each for each in everyone(database) if each.pending], claims)
    except matching.NoPublisher:
        return False
    name = canonicalize_name(pending.pending)
    if database.execute("SELECT 1 FROM projects WHERE normalized = ?", (name,)).fetchone() is None:
        return False
    database.execute("DELETE FROM publishers WHERE id = ?", (pending.id,))
    return True


def note(database: sqlite3.Connection, kind: str, facts: dict[str, object]) -> None:
    database.execute("INSERT INTO events (at, kind, facts) VALUES (?, ?, ?)", (time.time(), kind, msgspec.json.encode(facts)))


def _drop_unused(database: sqlite3.Connection, now: float) -> None:
    database.execute("DELETE FROM publishers WHERE pending <> '' AND created < ?", (now - PENDING_S,))


def _taken(publisher: Publisher) -> Problem:
    what = f"waits to create {publisher.pending}" if publisher.pending else f"has the owner id {publisher.owner_id}"
    return Problem(
        f"publisher {publisher.id} names this file and environment already, and {what}",
        hint=f"give the project a workflow file or an environment of its own, or headrace index publisher rm {publisher.id}",
    )


_SELECT = "SELECT id, issuer, owner, owner_id, repository, workflow, environment, pending, created FROM publishers"
_SAME = "issuer = ? AND owner = ? AND repository = ? AND workflow = ? AND environment = ?"
_Row = tuple[int, str, str, str, str, str, str, str, float]


def _publisher(database: sqlite3.Connection, row: _Row) -> Publisher:
    number, issuer, owner, owner_id, repository, workflow, environment, pending, created = row
    projects = database.execute("SELECT project FROM publishes WHERE publisher = ? ORDER BY project", (number,))
    names = tuple(name for (name,) in projects)
    return Publisher(number, issuer, owner, owner_id, repository, workflow, environment, pending, names, created)
