"""The working tree as a commit, in a store of our own. The user's repository is read, never written to."""

from __future__ import annotations

import os
from collections.abc import Mapping

from headrace.base import git
from headrace.base.errors import EngineError, Problem, UsageError
from headrace.events.commits import EMPTY_TREES, Commit
from headrace.events.detect import common_dir
from headrace.events.model import Repository
from headrace.events.status import Status

MESSAGE = "Working tree, not committed"
"""Message of a snapshot: nothing of HEAD's own, whose `[skip ci]` does not speak for what comes after it."""

AUTHOR = "headrace"
EMAIL = "headrace@localhost"


class ObjectStore:
    """A bare repository at `path`, which borrows every object of the user's. One folder for each repository.

    Two processes may use it at once: everything in it is written under a name of its own and then renamed.
    """

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)

    def prepare(self, repository: Repository, oid_length: int) -> None:
        """Create what is missing and point the store at the repository's present place. Raises `EngineError` where it cannot
        be written."""
        borrowed = os.path.join(common_dir(repository.git_dir), "objects")
        if "\n" in borrowed:
            borrowed = '"' + borrowed.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
        config = (
            "[core]\n\trepositoryformatversion = 0\n\tbare = true\n[gc]\n\tauto = 0\n[uploadpack]\n\tallowAnySHA1InWant = true\n"
        )
        if oid_length == 64:
            config = config.replace("version = 0", "version = 1") + "[extensions]\n\tobjectFormat = sha256\n"
        try:
            for folder in ("objects/info", "objects/pack", "refs/heads"):
                os.makedirs(os.path.join(self.path, folder), exist_ok=True)
            self._write("objects/info/alternates", borrowed + "\n")
            self._write("config", config)
            self._write("HEAD", "ref: refs/heads/headrace\n")
        except OSError as error:
            raise EngineError(f"{self.path}: cannot keep the snapshot: {error.strerror}") from None

    def environment(self) -> dict[str, str]:
        """For git processes that look into the user's repository and write objects here."""
        return {"GIT_OBJECT_DIRECTORY": os.path.join(self.path, "objects")}

    def private(self, name: str) -> str:
        """A path in the store that no other process has."""
        return os.path.join(self.path, f"{name}.{os.getpid()}.{os.urandom(6).hex()}")

    def _write(self, name: str, text: str) -> None:
        path = os.path.join(self.path, name)
        data = os.fsencode(text)
        try:
            with open(path, "rb") as file:
                if file.read() == data:
                    return
        except FileNotFoundError:
            pass
        temporary = self.private(name)
        with open(temporary, "wb") as file:
            file.write(data)
        os.replace(temporary, path)


def take_snapshot(
    repository: Repository, store: ObjectStore, status: Status, head: Commit | None, *, sha256: bool = False
) -> str:
    """Commit the work tree on top of `head` (None: no commits yet) and return the commit's id.

    The same tree on the same HEAD gives the same id. The content is what `git add` would store, filters and line ends included.
    An object that the repository has already is not stored again; git then renews the time stamp of its file, the one trace.
    Raises `GitError` where git cannot read a file, `EngineError` where the store cannot be written.
    """
    oid_length = len(head.oid) if head else (64 if sha256 else 40)
    store.prepare(repository, oid_length)
    index = store.private("index")
    env = {**store.environment(), "GIT_INDEX_FILE": index}
    try:
        _copy(os.path.join(repository.git_dir, "index"), index)
        paths = status.paths
        if paths:
            listing = b"".join(os.fsencode(path) + b"\0" for path in paths)
            git.run(repository.root, "update-index", "-z", "--add", "--remove", "--replace", "--stdin", env=env, data=listing)
        tree = _tree(store, index) if paths or head else EMPTY_TREES[oid_length]
    finally:
        for leftover in (index, index + ".lock"):
            try:
                os.unlink(leftover)
            except OSError:
                pass
    if head and tree == head.tree:
        return head.oid
    return commit_tree(store, tree, (head.oid,) if head else (), MESSAGE, head)


def commit_tree(store: ObjectStore, tree: str, parents: tuple[str, ...], message: str, dated: Commit | None) -> str:
    """Write a commit into the (prepared) store, with the date of the commit `dated`, so that the same input gives the same id."""
    when = f"@{dated.committer.at} {dated.committer.zone}" if dated and dated.committer.at >= 0 else "@0 +0000"
    env = {
        "GIT_DIR": store.path,
        "GIT_AUTHOR_NAME": AUTHOR,
        "GIT_AUTHOR_EMAIL": EMAIL,
        "GIT_AUTHOR_DATE": when,
        "GIT_COMMITTER_NAME": AUTHOR,
        "GIT_COMMITTER_EMAIL": EMAIL,
        "GIT_COMMITTER_DATE": when,
    }
    options = [word for parent in parents for word in ("-p", parent)]
    return git.run(store.path, "commit-tree", tree, *options, env=env, data=(message + "\n").encode()).decode().strip()


def merge_commit(store: ObjectStore, base: Commit, head: Commit, *, ahead: bool, names: tuple[str, str]) -> str:
    """The test merge of a pull request: what the base branch would be after merging. `ahead` says that `head` descends from
    `base`, so that its tree is the merge's. `names` are those of base and head, for the messages.

    Raises `UsageError` for a conflict, where GitHub starts nothing.
    """
    tree = head.tree
    if not ahead:
        done = git.start(store.path, "merge-tree", "--write-tree", "-z", base.oid, head.oid, env={"GIT_DIR": store.path}).finish()
        if done.code == 1:
            raise UsageError(
                Problem(f"{names[1]} conflicts with {names[0]}, and GitHub starts nothing then", hint="merge or rebase first")
            )
        if done.code:
            raise UsageError(
                Problem(
                    f"{names[1]} and {names[0]} cannot be merged: git: {done.message}",
                    hint="needs git 2.38 or later, or a rebase",
                )
            )
        tree = done.out.split(b"\0", 1)[0].decode()
    message = f"Merge {head.oid} into {base.oid}"
    return commit_tree(store, tree, (base.oid, head.oid), message, head)


def _tree(store: ObjectStore, index: str) -> str:
    env: Mapping[str, str] = {"GIT_DIR": store.path, "GIT_INDEX_FILE": index}
    return git.run(store.path, "write-tree", env=env).decode().strip()


def _copy(source: str, target: str) -> None:
    """Copy the index, whose stat data spare git from reading every file. A repository without one starts from nothing.

    The copy keeps the time of the original: git trusts an entry only if its file is older than the index, so that with a younger
    index a change within the same tick of the clock would go unseen.
    """
    try:
        with open(source, "rb") as file:
            data, times = file.read(), os.fstat(file.fileno())
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(f"{source}: {error.strerror}") from None
    with open(target, "wb") as file:
        file.write(data)
    os.utime(target, ns=(times.st_atime_ns, times.st_mtime_ns))
