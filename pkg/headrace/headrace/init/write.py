"""Many files at once: all of them or none, and never over what a person has made or changed meanwhile.

Drafts are written beside their places, a journal in the git directory names them, then each draft gets its name. A call that is
killed leaves the journal; the next one finishes what had all its drafts, and clears away what had not.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from headrace.base.errors import HeadraceError, Position, Problem, UsageError
from headrace.base.files import write_atomic
from headrace.init.make import File

_JOURNAL = "headrace-init"
_DRAFT = ".headrace-init-draft"


class Move(Struct, frozen=True):
    """A draft that is to become a file. `was`: the digest of the file whose place it takes; empty where there is none. `removes`:
    there is no draft, that file goes. `record`: it says what was written, which holds only where all was."""

    path: str
    was: str = ""
    removes: bool = False
    record: bool = False


class Journal(Struct, frozen=True):
    """`moving`: every draft is whole."""

    state: Literal["drafting", "moving"]
    moves: tuple[Move, ...]


class Taken(HeadraceError):
    """A file came into being, or was changed, while others were being written. It stays; so does all that was written."""

    status = 1


def write_all(root: str, git_dir: str, files: Sequence[File]) -> None:
    """Raises OSError with nothing written, Taken, UsageError where a folder leads out of the repository."""
    for file in files:
        _stays_within(root, file.path)
    journal = os.path.join(git_dir, _JOURNAL)
    moves = tuple(
        Move(file.path, _digest(file.was.encode()) if file.was else "", file.state == "gone", file.state == "base")
        for file in files
    )
    _note(journal, Journal("drafting", moves))
    try:
        for file in files:
            if file.state != "gone":
                draft = _draft(root, file.path)
                os.makedirs(os.path.dirname(draft) or ".", exist_ok=True)
                write_atomic(draft, file.text.encode(), _mode(root, file))
    except OSError:
        _clear(root, journal, moves)
        raise
    _note(journal, Journal("moving", moves))
    _move(root, journal, moves)


def hold(git_dir: str, wait: Callable[[], None]) -> int:
    """Keep other calls from writing here as long as the descriptor that is returned is open, at the latest until this process
    ends. `wait` is called once where another is at work."""
    fd = os.open(git_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        wait()
        fcntl.flock(fd, fcntl.LOCK_EX)
    return fd


def is_unfinished(git_dir: str) -> bool:
    """Whether a call was killed that none has finished since."""
    return os.path.lexists(os.path.join(git_dir, _JOURNAL))


def finish(root: str, git_dir: str) -> Literal["", "finished", "cleared"]:
    """Go on where a call ended before its time. Raises Taken, OSError."""
    journal = os.path.join(git_dir, _JOURNAL)
    try:
        with open(journal, "rb") as file:
            found = msgspec.json.decode(file.read(), type=Journal)
    except FileNotFoundError:
        return ""
    except msgspec.MsgspecError:
        os.unlink(journal)
        return ""
    if found.state == "drafting":
        _clear(root, journal, found.moves)
        return "cleared"
    _move(root, journal, found.moves)
    return "finished"


def _stays_within(root: str, path: str) -> None:
    """A folder may be a link to anywhere."""
    above = os.path.realpath(os.path.join(root, os.path.dirname(path)))
    if os.path.commonpath([above, os.path.realpath(root)]) != os.path.realpath(root):
        raise UsageError(Problem(f"{os.path.dirname(path)} is a link to {above}, outside of the repository", Position(path)))


def _mode(root: str, file: File) -> int:
    """That of the file which is there."""
    try:
        return os.stat(os.path.join(root, file.path)).st_mode & 0o777
    except OSError:
        return 0o755 if file.executable else 0o644


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _is(place: str, digest: str) -> bool:
    try:
        with open(place, "rb") as file:
            return _digest(file.read()) == digest
    except OSError:
        return False


def _note(path: str, journal: Journal) -> None:
    write_atomic(path, msgspec.json.encode(journal))


def _draft(root: str, path: str) -> str:
    return os.path.join(root, path + _DRAFT)


def _clear(root: str, journal: str, moves: Sequence[Move]) -> None:
    for move in moves:
        folder = os.path.dirname(_draft(root, move.path))
        names = os.listdir(folder) if os.path.isdir(folder) else []
        start = os.path.basename(_draft(root, move.path))
        for name in names:
            if name == start or (name.startswith(start + ".") and name.endswith(".new")):
                os.unlink(os.path.join(folder, name))
        _remove_empty(root, os.path.dirname(move.path))
    os.unlink(journal)


def _remove_empty(root: str, folder: str) -> None:
    while folder:
        try:
            os.rmdir(os.path.join(root, folder))
        except OSError:
            return
        folder = os.path.dirname(folder)


def _move(root: str, journal: str, moves: Sequence[Move]) -> None:
    taken: list[str] = []
    for move in moves:
        if move.record and taken:
            os.unlink(_draft(root, move.path))
        elif not _moved(root, move):
            taken.append(move.path)
    os.unlink(journal)
    if taken:
        hint = "look at it, and call again"
        raise Taken(*(Problem(f"{path}: it is another now than a moment ago, and stays", hint=hint) for path in taken))


def _moved(root: str, move: Move) -> bool:
    """Whether the file is what it is to be. A draft is gone when it has become the file."""
    draft, place = _draft(root, move.path), os.path.join(root, move.path)
    if move.removes:
        if not os.path.lexists(place):
            return True
        if not _is(place, move.was):
            return False
        os.unlink(place)
        _remove_empty(root, os.path.dirname(move.path))
        return True
    if not os.path.lexists(draft):
        return True
    if move.was:
        if not _is(place, move.was):
            os.unlink(draft)
            return False
        os.replace(draft, place)
        return True
    try:
        os.link(draft, place)
    except FileExistsError:
        same = os.path.samefile(draft, place)
        os.unlink(draft)
        return same
    except OSError:  # a file system without links
        if os.path.lexists(place):
            os.unlink(draft)
            return False
        os.rename(draft, place)
        return True
    os.unlink(draft)
    return True
