"""Projects, releases and files. A file's bytes are in the store before its record is written, so it is there as a whole or not at
all, and a name that was used once is never free again."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from typing import IO, Any

import msgspec
from msgspec import Struct
from packaging.utils import canonicalize_name, canonicalize_version
from packaging.version import InvalidVersion, Version

from headrace.base.errors import Problem, UsageError
from headrace.index import messages
from headrace.index.database import Database
from headrace.index.model import DEFAULT, GIB, MIB, File, Limits, Project, Refusal, Release
from headrace.index.rules import Judge
from headrace.store.blobs import Blobs

_ABANDONED_S = 24 * 3600
_PIECE = 1 << 20


class Upload(Struct, frozen=True):
    """A file that has come, and what is known of it. `metadata` are the bytes to serve beside it, empty for none; `info` is what
    its release says of itself where this is its first file."""

    filename: str
    project: str
    version: Version
    kind: str
    pyversion: str
    size: int
    sha256: str
    blake2_256: str
    requires_python: str
    metadata: bytes
    info: dict[str, Any]
    provenance: str


class Shelf:
    """Safe to use from several threads and processes."""

    def __init__(self, database: Database, limits: Limits = DEFAULT) -> None:
        self._database = database
        self._blobs = Blobs(database.folder)
        self.limits = limits
        self._sweep()

    def project(self, name: str) -> Project | None:
        """With its releases, the newest version last."""
        with self._database.reading() as database:
            row = database.execute(
                "SELECT normalized, name FROM projects WHERE normalized = ?", (canonicalize_name(name),)
            ).fetchone()
            if row is None:
                return None
            files: dict[str, list[File]] = {}
            for canonical, found in _files(database, row[0]):
                files.setdefault(canonical, []).append(found)
            rows = database.execute(
                "SELECT canonical, version, created, yanked, info FROM releases WHERE project = ?", (row[0],)
            ).fetchall()
        releases = [
            Release(version, created, yanked, msgspec.json.decode(info), tuple(files.get(canonical, ())))
            for canonical, version, created, yanked, info in rows
        ]
        return Project(row[0], row[1], tuple(sorted(releases, key=lambda each: Version(each.version))))

    def projects(self) -> list[Project]:
        """Without their releases, by name."""
        with closing(self._database.connect()) as database:
            rows = database.execute("SELECT normalized, name FROM projects ORDER BY normalized").fetchall()
        return [Project(*row) for row in rows]

    def shown_name(self, name: str) -> str | None:
        """As the project was last written, None where there is none."""
        with closing(self._database.connect()) as database:
            row = database.execute("SELECT name FROM projects WHERE normalized = ?", (canonicalize_name(name),)).fetchone()
        return None if row is None else str(row[0])

    def open(self, sha256: str, filename: str) -> IO[bytes] | None:
        """A file's bytes, None unless it is there under this name."""
        with closing(self._database.connect()) as database:
            known = database.execute("SELECT 1 FROM files WHERE filename = ? AND sha256 = ?", (filename, sha256)).fetchone()
        return self._blobs.open(_key(sha256)) if known else None

    def metadata(self, sha256: str, filename: str) -> bytes | None:
        """The core metadata beside a wheel."""
        content: bytes | None = self._column("metadata", "sha256 = ? AND filename = ?", (sha256, filename))
        return content

    def provenance(self, project: str, version: str, filename: str) -> str | None:
        try:
            values = (filename, canonicalize_name(project), _canonical(Version(version)))
        except InvalidVersion:
            return None
        text: str | None = self._column("provenance", "filename = ? AND project = ? AND canonical = ?", values)
        return text

    def _column(self, name: str, where: str, values: tuple[str, ...]) -> Any:
        with closing(self._database.connect()) as database:
            row = database.execute(f"SELECT {name} FROM files WHERE {where}", values).fetchone()
        return None if row is None else row[0]

    # An upload

    def check_size(self, project: str, size: int, judge: Judge) -> None:
        """Raises Refusal."""
        if size > self.limits.file:
            judge.refuse("file-size", messages.file_too_large(project, self.limits.file // MIB))
        with closing(self._database.connect()) as database:
            row = database.execute("SELECT COALESCE(SUM(size), 0) FROM files WHERE project = ?", (canonicalize_name(project),))
            total = row.fetchone()[0]
        if total + size > self.limits.project:
            judge.refuse("project-size", messages.project_too_large(project, self.limits.project // GIB))

    def is_there(self, upload: Upload, judge: Judge) -> bool:
        """Whether the very same file has been stored. Raises Refusal where it may not be added."""
        with self._database.reading() as database:  # a file and its name are stored together, and must be seen so
            return self._is_there(database, upload, judge)

    def add(self, upload: Upload, file: IO[bytes], judge: Judge) -> bool:
        """Store it: on the disk for good when this returns. False where the very same was stored meanwhile. Raises Refusal."""
        normalized, canonical, now = canonicalize_name(upload.project), _canonical(upload.version), time.time()
        self._write(upload.sha256, file)
        with self._database.writing() as database:
            if self._is_there(database, upload, judge):
                return False
            if self._blobs.path(_key(upload.sha256)) is None:  # they were an old upload's, and swept away just now
                self._write(upload.sha256, file)
            database.execute("UPDATE projects SET name = ? WHERE normalized = ?", (upload.project, normalized))
            database.execute(
                "INSERT OR IGNORE INTO releases (project, canonical, version, created, info) VALUES (?, ?, ?, ?, ?)",
                (normalized, canonical, str(upload.version), now, msgspec.json.encode(upload.info)),
            )
            metadata = upload.metadata or None
            database.execute(
                "INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    upload.filename, normalized, canonical, upload.kind, upload.pyversion, upload.size, upload.sha256,
                    upload.blake2_256, now, upload.requires_python, metadata, _sha256(metadata), upload.provenance or None,
                ),
            )  # fmt: skip
            database.execute("INSERT INTO filenames VALUES (?)", (upload.filename,))
        return True

    def _write(self, sha256: str, file: IO[bytes]) -> None:
        file.seek(0)
        with self._blobs.draft(_key(sha256)) as draft:
            while piece := file.read(_PIECE):
                draft.write(piece)
            draft.commit()

    def _is_there(self, database: sqlite3.Connection, upload: Upload, judge: Judge) -> bool:
        """The checks whose answer others may change meanwhile: once to tell early, and again where it is stored."""
        rows = database.execute(
            "SELECT filename, sha256 FROM files WHERE filename = ? OR blake2_256 = ?", (upload.filename, upload.blake2_256)
        ).fetchall()
        if (upload.filename, upload.sha256) in rows:
            return True
        if rows:
            raise Refusal("exists", messages.exists(upload.filename, upload.blake2_256))
        if database.execute("SELECT 1 FROM filenames WHERE filename = ?", (upload.filename,)).fetchone():
            raise Refusal("name-reuse", messages.NAME_REUSE)
        release = (canonicalize_name(upload.project), _canonical(upload.version))
        row = database.execute("SELECT created FROM releases WHERE project = ? AND canonical = ?", release).fetchone()
        if row is not None and row[0] < time.time() - self.limits.open_days * 24 * 3600:
            judge.refuse("release-closed", messages.closed(self.limits.open_days))
        if upload.kind == "sdist":
            one = "SELECT 1 FROM files WHERE project = ? AND canonical = ? AND kind = 'sdist'"
            if database.execute(one, release).fetchone():
                raise Refusal("one-sdist", messages.ONE_SDIST)
        return False

    # What owners do on PyPI's pages

    def yank(self, project: str, version: str, reason: str | None) -> Release:
        """Take the release out of what installers choose from by themselves; with None, put it back. Raises UsageError."""
        normalized, canonical = self._release(project, version)
        with self._database.writing() as database:
            where = "WHERE project = ? AND canonical = ?"
            database.execute(f"UPDATE releases SET yanked = ? {where}", (reason, normalized, canonical))
        found = self.project(project)
        assert found is not None
        return next(each for each in found.releases if _canonical(Version(each.version)) == canonical)

    def delete(self, project: str, version: str) -> list[str]:
        """Delete a release and its files, whose names nobody gets again; the names. Bytes go a day later. Raises UsageError."""
        normalized, canonical = self._release(project, version)
        with self._database.writing() as database:
            rows = database.execute(
                "SELECT filename, sha256 FROM files WHERE project = ? AND canonical = ?", (normalized, canonical)
            ).fetchall()
            database.execute("DELETE FROM files WHERE project = ? AND canonical = ?", (normalized, canonical))
            database.execute("DELETE FROM releases WHERE project = ? AND canonical = ?", (normalized, canonical))
        return sorted(name for name, _ in rows)

    def _release(self, project: str, version: str) -> tuple[str, str]:
        try:
            found = canonicalize_name(project), _canonical(Version(version))
        except InvalidVersion:
            raise UsageError(Problem(f"{version!r} is no version", hint="such as 1.2.3")) from None
        with closing(self._database.connect()) as database:
            known = database.execute("SELECT 1 FROM releases WHERE project = ? AND canonical = ?", found).fetchone()
        if known is None:
            raise UsageError(Problem(f"there is no release {version} of {project} on this index"))
        return found

    def _sweep(self) -> None:
        """What an end by force has left: bytes without a record, which nobody is about to write any more."""
        before = time.time() - _ABANDONED_S
        self._blobs.drop_drafts(before)
        # No record is written meanwhile, and who writes one looks first whether its bytes are there.
        with self._database.writing() as database:
            known = {sha256 for (sha256,) in database.execute("SELECT sha256 FROM files")}
            for name in self._blobs.names("files"):
                if name not in known and self._is_old(name, before):
                    self._blobs.delete(_key(name))

    def _is_old(self, name: str, before: float) -> bool:
        path = self._blobs.path(_key(name))
        try:
            return path is not None and os.stat(path).st_mtime < before
        except FileNotFoundError:
            return False


_FILE = (
    "SELECT files.canonical, filename, files.project, version, kind, pyversion, size, sha256, blake2_256, uploaded,"
    " requires_python, metadata_sha256, provenance IS NOT NULL, yanked FROM files"
    " JOIN releases ON releases.project = files.project AND releases.canonical = files.canonical"
)


def _files(database: sqlite3.Connection, project: str) -> list[tuple[str, File]]:
    rows = database.execute(f"{_FILE} WHERE files.project = ? ORDER BY uploaded, filename", (project,)).fetchall()
    return [(row[0], _file(row[1:])) for row in rows]


def _file(row: tuple[Any, ...]) -> File:
    """In the order of its fields."""
    filename, project, version, kind, pyversion, size, sha256, blake2, uploaded, python, metadata, attested, yanked = row
    return File(
        filename, project, version, kind, pyversion, size, sha256, blake2, uploaded, python, metadata, bool(attested), yanked
    )


def _canonical(version: Version) -> str:
    """1.0 and 1.0.0 are one release."""
    return canonicalize_version(version)


def _key(sha256: str) -> str:
    return f"files/{sha256}"


def _sha256(content: bytes | None) -> str:
    from hashlib import sha256

    return "" if content is None else sha256(content).hexdigest()
