"""The run's repository as jobs may read it: its refs written anew, its objects as they lie. Nothing else of the real one
(settings, hooks, stored credentials) is in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from headrace.base import git
from headrace.base.errors import EngineError, Problem
from headrace.base.paths import work_dir
from headrace.events.detect import common_dir
from headrace.events.model import Event
from headrace.events.snapshot import ObjectStore
from headrace.plan.contexts import RunInfo

PUBLISHED = ("refs/heads/", "refs/tags/", "refs/pull/")
"""What GitHub shows of a repository's refs."""


def make(
    event: Event, folder: str, place: Callable[[int, str], str] = lambda number, path: path, refs: tuple[str, ...] = ("refs/",)
) -> list[str]:
    """Make it at `folder`; the folders of objects that it borrows from. `place`: where whoever reads it finds the folder of that
    number. Its refs are the real ones that begin with one of `refs`, and the event's own stands where the event says. Raises
    OSError, GitError, EngineError."""
    store = ObjectStore(folder)
    store.prepare(event.repository, len(event.sha))
    common = common_dir(event.repository.git_dir)
    borrowed = list(
        dict.fromkeys([*_objects(os.path.join(event.objects, "objects")), *_objects(os.path.join(common, "objects"))])
    )
    with open(os.path.join(folder, "packed-refs"), "wb") as file:
        file.write(_refs(event, tuple(map(os.fsencode, refs))))
    with open(os.path.join(folder, "HEAD"), "w", encoding="utf-8") as text:
        text.write(f"ref: refs/heads/{event.repository.default_branch}\n")
    with open(os.path.join(folder, "objects", "info", "alternates"), "w", encoding="utf-8", errors="surrogateescape") as text:
        text.write("".join(f"{place(number, path)}\n" for number, path in enumerate(borrowed)))
    if os.path.exists(os.path.join(common, "shallow")):
        with open(os.path.join(common, "shallow"), "rb") as old, open(os.path.join(folder, "shallow"), "wb") as new:
            new.write(old.read())
    return borrowed


def _refs(event: Event, shown: tuple[bytes, ...]) -> bytes:
    """One a line, sorted, as git packs them. A tag that is there stays the tag: the event's commit is what it stands for."""
    listed = git.run(event.repository.root, "for-each-ref", "--format=%(objectname) %(refname)")
    known = {name: sha for sha, _, name in (line.partition(b" ") for line in listed.splitlines())}
    known = {name: sha for name, sha in known.items() if name.startswith(shown)}
    own = os.fsencode(event.ref)
    if own.startswith(b"refs/") and not (own.startswith(b"refs/tags/") and own in known):
        known[own] = event.sha.encode()
    return b"".join(b"%s %s\n" % (known[name], name) for name in sorted(known))


def _objects(folder: str) -> Iterator[str]:
    """The folder, and those that it borrows from."""
    seen: set[str] = set()
    pending = [folder]
    while pending:
        one = os.path.realpath(pending.pop())
        if one in seen or not os.path.isdir(one):
            continue
        seen.add(one)
        yield one
        try:
            with open(os.path.join(one, "info", "alternates"), encoding="utf-8", errors="surrogateescape") as file:
                pending += [
                    os.path.join(one, line.rstrip("\n")) for line in file if line.strip() and not line.startswith(("#", '"'))
                ]
        except OSError:
            continue


def served(event: Event, run_id: str) -> tuple[str, str, str]:
    """What the run's services hand out: the repository's name, where it lies, and the server that it is of. Made here, the first
    time that somebody asks for it. Raises EngineError."""
    folder = os.path.join(work_dir(run_id), "served.git")
    try:
        make(event, folder, refs=PUBLISHED)
    except OSError as error:
        raise EngineError(Problem(f"{folder}: {error.strerror}")) from None
    return event.repository.full_name, folder, RunInfo().server_url
