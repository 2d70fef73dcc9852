"""Unpacking of zip archives that others have made: nothing lands outside the folder, and nothing is larger than it says."""

from __future__ import annotations

import os
import zipfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from zipfile import ZipFile, ZipInfo

_PIECE = 1 << 20
_MOST = 1_000_000  # entries


class Malformed(Exception):
    """Says what is wrong with the archive."""


def unpack(archive: str, folder: str) -> None:
    """Every entry of the archive into `folder`, which exists; files that are there are overwritten.

    Raises Malformed before anything is written where an entry would land outside, be too large for the disk or be no file, and
    where a link that is there already leads outside; OSError.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = opened.infolist()
            _check(entries, folder)
            for entry in entries:
                _write(opened, entry, folder)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise Malformed(f"the archive cannot be read: {error}") from None


def _check(entries: list[ZipInfo], folder: str) -> None:
    if len(entries) > _MOST:
        raise Malformed(f"the archive has {len(entries)} entries, more than {_MOST}")
    for entry in entries:
        parts = entry.filename.split("/")
        if entry.filename.startswith("/") or ".." in parts or "\0" in entry.filename or not entry.filename.strip("/"):
            raise Malformed(f"Malformed extraction path: {os.path.normpath(os.path.join(folder, entry.filename))}")
    room = os.statvfs(folder)
    size = sum(entry.file_size for entry in entries)
    if size > room.f_bavail * room.f_frsize:
        raise Malformed(f"the archive would need {size} bytes, more than the disk of {folder} has left")


def _write(archive: ZipFile, entry: ZipInfo, folder: str) -> None:
    """One entry. What it says is a link becomes a plain file, as it does on GitHub, so that no entry can lead another astray."""
    path = os.path.join(folder, entry.filename)
    parent = path.rstrip("/") if entry.is_dir() else os.path.dirname(path)
    root, real = os.path.realpath(folder), os.path.realpath(parent)
    if real != root and not real.startswith(root.rstrip("/") + "/"):
        raise Malformed(f"{parent} leads out of {folder}: {real}")
    os.makedirs(parent, exist_ok=True)
    if entry.is_dir():
        return
    if os.path.islink(path):
        os.unlink(path)
    left = entry.file_size
    target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    with archive.open(entry) as source, open(target, "wb") as file:
        while piece := source.read(_PIECE):
            left -= len(piece)
            if left < 0:
                raise Malformed(f"{entry.filename} is larger than the {entry.file_size} bytes that it says")
            file.write(piece)
