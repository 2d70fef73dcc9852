"""The workflow files of the tree that runs: found, read, and chosen from by `-W`."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct, structs

from headrace.base import git
from headrace.base.errors import Position, Problem, UsageError
from headrace.cli.parsed import Parsed
from headrace.events.detect import common_dir
from headrace.events.model import Event
from headrace.plan.nearest import hint
from headrace.workflow.model import Workflow

if TYPE_CHECKING:
    from headrace.cli.called import Source
    from headrace.plan.model import Origin
    from headrace.workflow.reader import Loaded

FOLDER = ".github/workflows"
SUFFIXES = (".yml", ".yaml")


class Gathered(Struct, frozen=True):
    """`selected` are paths of `workflows`, empty for all of them. `origins` says what references to other repositories were
    found to mean, `used` which folders of `Elsewhere` were of use. `broken` holds the texts of files that no workflow came of."""

    workflows: tuple[Workflow, ...]
    problems: tuple[Problem, ...]
    selected: tuple[str, ...]
    origins: dict[str, Origin] = {}
    used: frozenset[str] = frozenset()
    broken: tuple[bytes, ...] = ()

    def may_hold(self, job: str) -> bool:
        """Whether a file that cannot be read looks as if a job that `-j` names stood in it."""
        import re

        keys = "|".join(re.escape(part) for part in job.split("/"))
        key = re.compile(rf"""(?:^[ \t]+|[{{,]\s*)["']?(?:{keys})["']?[ \t]*:""".encode(), re.MULTILINE | re.IGNORECASE)
        return any(key.search(text) for text in self.broken)


class Tree(Protocol):
    """The files of the tree that runs, by repository-relative path."""

    def names(self, folder: str) -> list[str]:
        """Workflow files directly in the folder, sorted."""
        ...

    def get(self, path: str) -> bytes | None:
        """The content of a file, None where there is none."""
        ...


class WorkTree:
    """The files as they lie in the working tree, and as git would have them: a link is its own text, and leads nowhere, least of
    all to a file that is not the repository's."""

    def __init__(self, root: str) -> None:
        self._root = os.path.realpath(root)

    def names(self, folder: str) -> list[str]:
        try:
            with os.scandir(self._place(folder)) as entries:
                found = [entry.name for entry in entries if entry.name.endswith(SUFFIXES) and not entry.is_symlink()]
        except OSError:
            return []
        return sorted(f"{folder}/{name}" if folder != "." else name for name in found)

    def get(self, path: str) -> bytes | None:
        folder, name = os.path.split(path)
        try:
            place = os.path.join(self._place(folder), name)
            return os.fsencode(os.readlink(place)) if os.path.islink(place) else read_regular(place)
        except OSError:
            return None

    def _place(self, folder: str) -> str:
        """Where a folder is. Raises OSError where the way there is no way to git."""
        place = os.path.normpath(os.path.join(self._root, folder))
        if os.path.realpath(place) != place:
            raise NotADirectoryError(folder)
        return place


class CommitTree:
    """The files of a commit, through one process of git."""

    def __init__(self, objects: git.Objects, sha: str) -> None:
        self._objects = objects
        self._sha = sha

    def names(self, folder: str) -> list[str]:
        found = self._objects.get(f"{self._sha}:{'' if folder == '.' else folder}")
        if found is None or found.kind != "tree":
            return []
        entries = tree_entries(found.data, len(self._sha) // 2)
        return sorted(f"{folder}/{name}" if folder != "." else name for name in entries if name.endswith(SUFFIXES))

    def get(self, path: str) -> bytes | None:
        found = self._objects.get(f"{self._sha}:{path}")
        return found.data if found is not None and found.kind == "blob" else None


def tree_entries(data: bytes, size: int) -> list[str]:
    """The names of files in a raw tree object, whose ids have `size` bytes.

    >>> tree_entries(b"100644 a.yml\\0" + bytes(20) + b"40000 sub.yml\\0" + bytes(20), 20)
    ['a.yml']
    """
    names, at = [], 0
    while at < len(data):
        end = data.index(0, at)
        mode, _, name = data[at:end].partition(b" ")
        if mode.startswith(b"100"):
            names.append(os.fsdecode(name))
        at = end + 1 + size
    return names


def read_regular(path: str) -> bytes | None:
    """A regular file's bytes; None for what is missing, no file, or not to be read. Opening a pipe must not hang."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        return None
    with open(fd, "rb") as file:
        return file.read()


class Elsewhere(Struct, frozen=True):
    """Where files of other repositories are: `mirrors`, folders of git repositories OWNER+NAME/repo, and folders that stand for
    one ref of one repository, by `OWNER/NAME@REF`."""

    mirrors: tuple[str, ...] = ()
    folders: dict[str, str] = {}


NOWHERE_ELSE = Elsewhere()


def gather(
    event: Event, wanted: tuple[str, ...], parsed: Parsed, elsewhere: Elsewhere = NOWHERE_ELSE, found: git.Objects | None = None
) -> Gathered:
    """All workflow files of the event's tree, or those that `-W` names. `elsewhere` says where called files of other repositories
    are; `parsed` knows files that were read before; `found` are the repository's own objects, where they are open already.
    Raises UsageError where `-W` names nothing."""
    with tree_of(event, found) as tree:
        return _gather(event, tree, wanted, parsed, elsewhere)


@contextlib.contextmanager
def tree_of(event: Event, found: git.Objects | None = None) -> Iterator[Tree]:
    """The tree that runs. `found` are the repository's own objects, where they are open already."""
    if not from_commit(event):
        yield WorkTree(event.repository.root)
        return
    own = event.objects == common_dir(event.repository.git_dir)
    with contextlib.nullcontext(found) if found and own else git.Objects(event.objects or event.repository.git_dir) as objects:
        known = objects.commit(event.sha) is not None  # else a commit that only a run would make
        yield CommitTree(objects, event.sha) if known else WorkTree(event.repository.root)


def from_commit(event: Event) -> bool:
    """Whether the tree that runs is a commit's: not where the working tree runs as it is, and for a pull request, whose tree is
    a merge, wherever that has been made."""
    return not event.snapshot or event.name.startswith("pull_request")


def _load(path: str, content: bytes, source: Source) -> Loaded:
    """Read a file with those it calls. What other repositories hold may not be at hand: that is no fault of the file, and such a
    call then stays unread, for the planner to say what that means."""
    from headrace.workflow.reader import Options, load

    loaded = load(path, content, source=source, options=Options(absent="unread"))
    placed = [problem if problem.at.file else _at_call(problem, path, loaded) for problem in loaded.problems]
    return structs.replace(loaded, problems=tuple(placed))


def _at_call(problem: Problem, path: str, loaded: Loaded) -> Problem:
    return structs.replace(problem, at=loaded.at if loaded.at.file == path else Position(path))


def _gather(event: Event, tree: Tree, wanted: tuple[str, ...], parsed: Parsed, elsewhere: Elsewhere) -> Gathered:
    source: Source | None = None
    root = event.repository.root
    chosen = [by_path(root, tree, each) for each in wanted]
    explicit = [path for paths in chosen for path in paths or ()]
    names = [] if wanted and all(chosen) else tree.names(FOLDER)
    workflows, problems, files, broken = [], {}, [], {}
    for path in dict.fromkeys([*names, *explicit]):
        content = tree.get(path)
        if content is None:
            continue
        files.append(path)
        known = parsed.get(path, content)
        if known is not None:
            workflows.append(known)
            continue
        if source is None:
            from headrace.cli.called import Source

            source = Source(tree, elsewhere.mirrors, elsewhere.folders)
        loaded = _load(path, content, source)
        if loaded.workflow is not None:
            workflows.append(loaded.workflow)
            if not loaded.problems:
                parsed.put(path, content, loaded.workflow)
        else:
            broken[path] = content
        if loaded.problems:
            problems[path] = tuple(loaded.problems)
    if source is not None:
        source.close()
    parsed.save()
    selected = _selected(wanted, chosen, workflows, files)
    # Who asked for some files need not hear about the others.
    heard = selected if wanted else tuple(problems)
    readable = {workflow.path for workflow in workflows}
    if wanted and not readable.intersection(selected):
        workflows = []  # what is wrong with the files is told; none of the others is meant
    selected = tuple(path for path in selected if path in readable)
    told = tuple(p for path in problems if path in heard for p in problems[path])
    unread = tuple(content for path, content in broken.items() if path in heard)
    if source is None:
        return Gathered(tuple(workflows), told, selected)
    return Gathered(tuple(workflows), told, selected, source.origins, frozenset(source.used), unread)


def by_path(root: str, tree: Tree, text: str) -> list[str] | None:
    """Repository-relative files that a `-W` names: a path or a folder, from here or from the root; None where it is neither."""
    for base in (os.getcwd(), root):
        full = os.path.normpath(os.path.join(base, text))
        path = os.path.relpath(os.path.realpath(full), os.path.realpath(root))
        if path.startswith(".."):
            continue
        if os.path.isdir(full) and (found := tree.names(path)):
            return found
        if path.endswith(SUFFIXES) and tree.get(path) is not None:
            return [path]
    return None


def _selected(
    wanted: tuple[str, ...], chosen: list[list[str] | None], workflows: list[Workflow], files: list[str]
) -> tuple[str, ...]:
    selected: dict[str, None] = {}
    for text, paths in zip(wanted, chosen, strict=True):
        for path in paths or by_name(text, workflows, files):
            selected[path] = None
    return tuple(selected)


def by_name(text: str, workflows: Iterable[Workflow], files: Iterable[str]) -> list[str]:
    """Paths of the workflows of that name, file name, or file name without its ending. Raises UsageError with the nearest."""
    named = {workflow.path: workflow.name for workflow in workflows}
    short = {path: path.rpartition("/")[2] for path in files}
    for names in (named, short, {path: name.rpartition(".")[0] for path, name in short.items()}):
        found = [path for path, name in names.items() if name == text]
        if found:
            return found
    known = [*short.values(), *(name for path, name in named.items() if name != path)]
    what = hint(text, known) if known else f"there are none in {FOLDER}"
    raise UsageError(Problem(f"there is no workflow '{text}'", hint=what))
