"""The artifacts that a run has left, for people: which there are, and their files. Nothing is written but what is asked for."""

from __future__ import annotations

import os
import zipfile

from msgspec import Struct

from headrace.base.errors import EngineError, Problem, UsageError
from headrace.base.paths import run_dir
from headrace.store.artifacts import Artifact, Artifacts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

_ZIP = ("application/zip", "application/x-zip-compressed", "application/zip-compressed", "zip")


class Kept(Struct, frozen=True):
    """An artifact of a run. `leg` is the number of the leg that has uploaded it, as in the name of its log; -1 where unknown."""

    artifact: Artifact
    leg: int

    @property
    def archive(self) -> bool:
        """Whether its bytes are a zip archive of files; else they are one file."""
        return self.artifact.mime in _ZIP


class Packed(Struct, frozen=True):
    """A file in an artifact. `size` is in bytes, unpacked."""

    path: str
    size: int


class Shelf:
    """What one run has stored."""

    def __init__(self, run: str) -> None:
        self._run = run
        folder = os.path.join(run_dir(run), "artifacts")
        self._store = Artifacts(folder) if os.path.exists(os.path.join(folder, "artifacts.sqlite")) else None

    def all(self) -> list[Kept]:
        """In the order of their names."""
        found = self._store.listed(self._run) if self._store is not None else ()
        return sorted((_kept(one) for one in found), key=lambda one: one.artifact.name)

    def named(self, name: str) -> Kept:
        """Raises UsageError where the run has none of this name; names what it has."""
        known = self.all()
        for one in known:
            if one.artifact.name == name:
                return one
        from headrace.plan.nearest import hint

        raise UsageError(
            Problem(f"run {self._run} has no artifact '{name}'", hint=hint(name, [one.artifact.name for one in known]))
        )

    def files(self, kept: Kept) -> list[Packed]:
        """Raises EngineError where the bytes are gone, or cannot be read."""
        if not kept.archive:
            return [Packed(kept.artifact.name, kept.artifact.size)]
        with self._open(kept) as file:
            return [Packed(entry.filename, entry.file_size) for entry in _archive(file, kept) if not entry.is_dir()]

    def get(self, kept: Kept, folder: str, *, whole: bool) -> list[str]:
        """Put its files, or with `whole` its bytes as they were stored, into `folder`; the paths below it.

        Nothing that is there is overwritten. Raises UsageError for a folder that is none, for files that are there already, and
        for an archive that wants to write elsewhere or is broken; EngineError where the bytes are gone; OSError."""
        if os.path.lexists(folder) and not os.path.isdir(folder):
            raise UsageError(Problem(f"{folder} is no folder", hint="name another one: --into DIR"))
        name = kept.artifact.name + (".zip" if kept.archive and not kept.artifact.name.endswith(".zip") else "")
        single = whole or not kept.archive
        paths = [name] if single else [one.path for one in self.files(kept)]
        there = sorted(path for path in paths if os.path.lexists(os.path.join(folder, path)))
        if there:
            more = f" and {len(there) - 1} more" if len(there) > 1 else ""
            raise UsageError(
                Problem(f"{os.path.join(folder, there[0])}{more} would be overwritten", hint="name another folder: --into DIR")
            )
        made = not os.path.isdir(folder)
        os.makedirs(folder, exist_ok=True)
        try:
            if single:
                self._copy(kept, os.path.join(folder, name))
            else:
                self._unpack(kept, folder)
        except (UsageError, EngineError):
            if made:
                _drop(folder)
            raise
        return paths

    def _copy(self, kept: Kept, path: str) -> None:
        from shutil import copyfileobj

        with self._open(kept) as source, open(path, "xb") as target:
            copyfileobj(source, target, 1 << 20)

    def _unpack(self, kept: Kept, folder: str) -> None:
        from headrace.actions.builtin.unpack import Malformed, unpack

        with self._open(kept) as file:
            try:
                unpack(file.name, folder)
            except Malformed as error:
                text = f"artifact '{kept.artifact.name}' is not unpacked: {error}"
                raise UsageError(Problem(text, hint="--archive keeps it as it is")) from None

    def _open(self, kept: Kept) -> BinaryIO:
        file = self._store.blobs.open(kept.artifact.key) if self._store is not None else None
        if file is None:
            raise EngineError(Problem(f"the bytes of artifact '{kept.artifact.name}' are gone", hint="run the job again"))
        return file


def _kept(one: Artifact) -> Kept:
    number = one.owner.removeprefix("leg-")
    return Kept(one, int(number) if number.isdecimal() else -1)


def _archive(file: BinaryIO, kept: Kept) -> Sequence[zipfile.ZipInfo]:
    try:
        return zipfile.ZipFile(file).infolist()
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        text = f"artifact '{kept.artifact.name}' is no zip archive that can be read: {error}"
        raise UsageError(Problem(text, hint="`headrace artifacts get … --archive` keeps it as it is")) from None


def _drop(folder: str) -> None:
    """A folder that was made for nothing."""
    try:
        os.rmdir(folder)
    except OSError:
        return
