"""What was found out about this machine by trying, kept in the state folder from run to run."""

from __future__ import annotations

import os
from typing import TypeVar

import msgspec

from headrace.base.files import write_atomic
from headrace.base.paths import state_dir

Kept = TypeVar("Kept")


def read(name: str, kind: type[Kept]) -> Kept | None:
    """None where nothing is there, or what was written by another version."""
    try:
        with open(os.path.join(state_dir(), name), "rb") as file:
            return msgspec.json.decode(file.read(), type=kind)
    except (OSError, msgspec.MsgspecError):
        return None


def keep(name: str, kept: object) -> None:
    """A memory that cannot be written is no fault: then the next run tries it too. Names of folders may be no text."""
    try:
        os.makedirs(state_dir(), mode=0o700, exist_ok=True)
        write_atomic(os.path.join(state_dir(), name), msgspec.json.encode(kept))
    except (OSError, UnicodeEncodeError):
        return


def forget(name: str) -> None:
    try:
        os.unlink(os.path.join(state_dir(), name))
    except OSError:
        return


def stamp(path: str) -> str:
    """Another one once a file is another, or was written to; empty where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return ""
    return f"{status.st_ctime_ns} {status.st_ino}"
