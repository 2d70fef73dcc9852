"""What runs have left of containers whose engine and keeper were killed: a file of the state names them, and the next run removes
them."""

from __future__ import annotations

import os

import msgspec
from msgspec import Struct

from headrace.base.files import write_atomic
from headrace.base.paths import state_dir
from headrace.record.locks import is_alive
from headrace.sandbox.containers.model import Found
from headrace.sandbox.containers.removal import remove_run

FOLDER = "containers"
"""Below the state directory: a file for each run that may have some."""


class _Note(Struct, frozen=True):
    run: str
    found: Found
    env: dict[str, str]


def note(run: str, mark: str, found: Found, env: dict[str, str]) -> None:
    """To be called before anything is made. Raises OSError."""
    os.makedirs(folder(), mode=0o700, exist_ok=True)
    write_atomic(os.path.join(folder(), mark), msgspec.json.encode(_Note(run, found, env)))


def forget(mark: str) -> None:
    """Nothing that has this mark is left."""
    try:
        os.unlink(os.path.join(folder(), mark))
        os.rmdir(folder())
    except OSError:
        return


def folder() -> str:
    return os.path.join(state_dir(), FOLDER)


def sweep() -> None:
    """Remove what dead runs have left."""
    try:
        names = os.listdir(folder())
    except OSError:
        return
    for name in names:
        try:
            with open(os.path.join(folder(), name), "rb") as file:
                left = msgspec.json.decode(file.read(), type=_Note)
        except (OSError, msgspec.MsgspecError):
            continue
        if not is_alive(left.run) and remove_run(left.found, left.env, name):
            forget(name)
