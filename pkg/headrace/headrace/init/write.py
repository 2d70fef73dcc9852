"""Many files at once: all of them or none, and never over one that a person has made meanwhile.

Drafts are written beside their places, a journal in the git directory names them, then each draft gets its name. A call that is
killed leaves the journal; the next one finishes what had all its drafts, and clears away what had not.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from headrace.base.errors import HeadraceError, Problem
from headrace.base.files import write_atomic
from headrace.init.make import File

_JOURNAL = "headrace-init"
_DRAFT = ".headrace-init-draft"


class Move(Struct, frozen=True):
    """A draft that is to become a file; `replaces` where that one may be there (the record of what was written)."""

    path: str
    replaces: bool = False


class Journal(Struct, frozen=True):
    """`moving`: every draft is whole."""

    state: Literal["drafting", "moving"]
    moves: tuple[Move, ...]


class Taken(HeadraceError):
    """A file came into being while others were being written. It stays; so does all that was written."""

    status = 1


def write_all(root: str, git_dir: str, files: Sequence[File]) -> None:
    """Raises OSError with nothing written, Taken."""
    journal = os.path.join(git_dir, _JOURNAL)
    moves = tuple(Move(file.path, file.state == "base") for file in files)
    _note(journal, Journal("drafting", moves))
    try:
        for file in files:
            draft = _draft(root, file.path)
            os.makedirs(os.path.dirname(draft) or ".", exist_ok=True)
            write_atomic(draft, file.text.encode(), 0o755 if file.executable else 0o644)
    except OSError:
        _clear(root, journal, moves)
        raise
    _note(journal, Journal("moving", moves))
    _move(root, journal, moves)


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
    taken = []
    for move in moves:
        draft, place = _draft(root, move.path), os.path.join(root, move.path)
        if not os.path.lexists(draft):  # moved before this one was killed
            continue
        if move.replaces:
            os.replace(draft, place)
            continue
        try:
            os.link(draft, place)
        except FileExistsError:
            if not os.path.samefile(draft, place):
                taken.append(move.path)
        except OSError:  # a file system without links
            if os.path.lexists(place):
                taken.append(move.path)
            else:
                os.rename(draft, place)
                continue
        os.unlink(draft)
    os.unlink(journal)
    if taken:
        hint = "look at it, move it away, and call again"
        raise Taken(*(Problem(f"{path}: there is one now that was not there before, and it stays", hint=hint) for path in taken))
