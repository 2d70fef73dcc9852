"""Workflow files that were read before: what is the same to the byte need not be read, and its reader not loaded, again.

`run` keeps them in the cache folder; `plan`, which writes nothing, uses what is there.
"""

from __future__ import annotations

import os

import msgspec
from msgspec import Struct

from headrace import __version__
from headrace.base.paths import cache_dir
from headrace.workflow.model import Call, Workflow


class _Kept(Struct, frozen=True):
    """`made` says by which headrace."""

    made: str
    files: dict[str, tuple[bytes, Workflow]]


class Parsed:
    """The files of one repository; `name` is its file in the cache folder. `keeps`: whether `save` writes."""

    def __init__(self, name: str, *, keeps: bool) -> None:
        self._path = os.path.join(cache_dir(), "workflows", name)
        self._keeps = keeps
        self._made = f"{__version__} {_fingerprint()}"
        self._before = self._load()
        self._now: dict[str, tuple[bytes, Workflow]] = {}

    def _load(self) -> dict[str, tuple[bytes, Workflow]]:
        try:
            with open(self._path, "rb") as file:
                kept = msgspec.msgpack.decode(file.read(), type=_Kept)
        except (OSError, msgspec.MsgspecError):  # nothing there, or written by another version
            return {}
        return kept.files if kept.made == self._made else {}

    def get(self, path: str, content: bytes) -> Workflow | None:
        known = self._before.get(path)
        if known is None or known[0] != content:
            return None
        self._now[path] = known
        return known[1]

    def put(self, path: str, content: bytes, workflow: Workflow) -> None:
        """A file that was read without a problem. One that calls others depends on them, and is not kept."""
        if not any(isinstance(job.body, Call) for job in workflow.jobs.values()):
            self._now[path] = (content, workflow)

    def save(self) -> None:
        """A cache that cannot be written is no fault."""
        if not self._keeps or (
            not self._now.keys() - self._before.keys()
            and all(self._before[path][0] == content for path, (content, _) in self._now.items())
        ):
            return
        draft = f"{self._path}.{os.getpid()}"
        try:
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
            with open(draft, "wb") as file:
                file.write(msgspec.msgpack.encode(_Kept(self._made, {**self._before, **self._now})))
            os.replace(draft, self._path)
        except OSError:
            return


def name_of(path: str) -> str:
    """A file name that stands for a path.

    >>> name_of("/home/ada/a%b/.git")
    '%home%ada%a%25b%.git'
    """
    name = path.replace("%", "%25").replace("/", "%")
    if len(os.fsencode(name)) > 200:
        from hashlib import sha256

        return sha256(os.fsencode(path)).hexdigest()
    return name


def _fingerprint() -> str:
    """Of the code that reads: a changed reader reads everything anew."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    newest, size, count = 0, 0, 0
    for room in ("workflow", "expressions"):
        for entry in os.scandir(os.path.join(package, room)):
            if entry.name.endswith(".py"):
                stat = entry.stat()
                newest, size, count = max(newest, stat.st_mtime_ns), size + stat.st_size, count + 1
    return f"{newest} {size} {count}"
