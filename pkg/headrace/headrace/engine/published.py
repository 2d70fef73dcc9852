"""What the jobs of a run have published: to its own indexes, which stay with it. Nothing is written but what is asked for."""

from __future__ import annotations

import os

from msgspec import Struct

from headrace.base.errors import EngineError, Problem, UsageError
from headrace.base.paths import run_dir

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.index.shelf import Shelf

INDEXES = {"pypi": "PyPI", "testpypi": "TestPyPI"}
"""An index of a run → what it stands in for."""


class Published(Struct, frozen=True):
    """A release that an index of a run has taken. `index` is one of INDEXES."""

    index: str
    project: str
    version: str
    files: tuple[str, ...]


def of_run(run: str) -> list[Published]:
    return [
        Published(index, project.name, release.version, tuple(file.filename for file in release.files))
        for index, shelf in _shelves(run)
        for listed in shelf.projects()
        if (project := shelf.project(listed.normalized)) is not None
        for release in project.releases
    ]


def store(run: str, index: str) -> str:
    """The folder of an index of a run. Raises UsageError where nothing was asked of it."""
    folder = os.path.join(run_dir(run), "index", index)
    if not os.path.exists(os.path.join(folder, "index.sqlite")):
        raise UsageError(Problem(f"run {run} has published nothing to {INDEXES[index]}", hint="`headrace ls` lists the runs"))
    return folder


def lay_out(run: str, project: str) -> str:
    """Give the files of a project their names, in a folder of the run which is made anew; PyPI's, else TestPyPI's. Empty where
    none has any. Raises OSError, and EngineError where a file is missing: a release is never a part of what was published."""
    from headrace.base.files import remove_tree

    for index, shelf in _shelves(run):
        found = shelf.project(project)
        files = [file for release in found.releases for file in release.files] if found is not None else []
        if not files:
            continue
        folder = os.path.join(run_dir(run), "index", f"{index}-{found.normalized if found is not None else project}")
        remove_tree(folder)
        os.makedirs(folder, mode=0o700)
        for file in files:
            source = shelf.open(file.sha256, file.filename)
            if source is None:
                why = f"{file.filename}, which run {run} has published to {INDEXES[index]}, is no longer in its store"
                raise EngineError(Problem(why, hint="call again, and the pipeline is rehearsed anew"))
            with source, open(os.path.join(folder, file.filename), "xb") as target:
                target.write(source.read())
        return folder
    return ""


def _shelves(run: str) -> Iterator[tuple[str, Shelf]]:
    from headrace.index.database import Database
    from headrace.index.shelf import Shelf

    for index in INDEXES:
        folder = os.path.join(run_dir(run), "index", index)
        if os.path.exists(os.path.join(folder, "index.sqlite")):
            yield index, Shelf(Database(folder))
