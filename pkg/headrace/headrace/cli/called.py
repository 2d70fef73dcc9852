"""Where files of other repositories come from: folders of `--action`, mirrors below `--actions-root`, clones of our own. Called
workflow files of the repository itself come from the tree that runs."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from headrace.base import git
from headrace.base.lean import lazy_pattern
from headrace.plan.model import Origin
from headrace.workflow.calls import parts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.cli.workflows import Tree

_SHA = lazy_pattern(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", re.IGNORECASE)
_NO_REF = lazy_pattern(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{")
"""What git lets in no ref: with it a text means something else, such as an ancestor."""

TAG_BEFORE_BRANCH = ("refs/tags/", "refs/heads/", "refs/remotes/origin/")


class Source:
    """Reads called files, and remembers what references to other repositories were found to mean (`origins`) and which folders of
    `--action` were of use (`used`). `mirrors` are folders of git repositories OWNER+NAME/repo, the first that has one
    counts; `folders` maps `OWNER/NAME@REF` to a folder."""

    def __init__(self, tree: Tree, mirrors: Sequence[str], folders: Mapping[str, str]) -> None:
        self._tree = tree
        self._mirrors = tuple(root for root in mirrors if root)
        self._folders = {_ignoring_case(name): (name, folder) for name, folder in folders.items()}
        self._open: dict[str, list[tuple[str, git.Objects]]] = {}
        self.origins: dict[str, Origin] = {}
        self.used: set[str] = set()

    def read(self, reference: str) -> bytes | None:
        """The file, None where it is not at hand."""
        remote = parts(reference)
        if remote is None:
            path = reference.removeprefix("./")
            return self._tree.get(path) if _is_inside(path) else None
        repository, path, ref = remote
        if not _is_inside(path):
            return None
        named = self._folders.get(_ignoring_case(f"{repository}@{ref}"))
        if named is not None:
            return self._from_folder(reference, named[0], named[1], path, ref)
        try:
            return self._from_mirror(reference, repository, path, ref)
        except git.GitError:  # damaged, or not ours to read
            self._forget(repository)
            return None

    def _from_folder(self, reference: str, name: str, folder: str, path: str, ref: str) -> bytes | None:
        from headrace.cli.workflows import read_regular

        content = read_regular(os.path.join(folder, path))
        if content is not None:
            self.used.add(name)
            self.origins[reference] = Origin(ref)
        return content

    def _from_mirror(self, reference: str, repository: str, path: str, ref: str) -> bytes | None:
        found = self.commit(repository, ref)
        if found is None:
            return None
        file = found.objects.get(f"{found.origin.sha}:{path}")
        if file is None or file.kind != "blob":
            return None
        self.origins[reference] = found.origin
        return file.data

    def folder(self, repository: str, ref: str) -> str:
        """The folder of `--action` that stands for the ref, empty where there is none. It counts as used then."""
        name, folder = self._folders.get(_ignoring_case(f"{repository}@{ref}"), ("", ""))
        if name:
            self.used.add(name)
        return folder

    def commit(self, repository: str, ref: str) -> Mirrored | None:
        """What the ref stands for in the first mirror that has it. Raises GitError where a mirror is damaged."""
        for mirror, objects in self._objects(repository):
            for name in names_of(ref):
                commit = objects.commit(name)
                if commit is not None:
                    return Mirrored(Origin(name.replace("refs/remotes/origin/", "refs/heads/"), commit.oid), mirror, objects)
        return None

    def _objects(self, repository: str) -> list[tuple[str, git.Objects]]:
        """The mirrors and their objects, each through one process for all files of it."""
        key = _ignoring_case(repository)
        if key not in self._open:
            mirrors = [_mirror(root, repository.replace("/", "+")) for root in self._mirrors]
            self._open[key] = [
                (mirror, git.Objects(mirror, env={"GIT_CEILING_DIRECTORIES": _above(mirror)})) for mirror in mirrors if mirror
            ]
        return self._open[key]

    def _forget(self, repository: str) -> None:
        for _, objects in self._open.get(_ignoring_case(repository), ()):
            objects.__exit__()
        self._open[_ignoring_case(repository)] = []

    def close(self) -> None:
        """End the processes that were started to read."""
        for opened in self._open.values():
            for _, objects in opened:
                objects.__exit__()
        self._open.clear()


class Mirrored(NamedTuple):
    """A commit in a mirror."""

    origin: Origin
    git_dir: str
    objects: git.Objects


def _mirror(root: str, name: str) -> str:
    """The repository below a folder of mirrors. GitHub's names ignore case, and folders do not."""
    try:
        known = os.listdir(root)
    except OSError:
        return ""
    for each in (name, *known):
        found = os.path.join(root, each, "repo")
        if each.lower() == name.lower() and os.path.isdir(found):
            return found
    return ""


def names_of(ref: str) -> list[str]:
    """What a ref of a reference may stand for, the best first: a commit, a tag, a branch.

    >>> names_of("v1"), names_of("refs/heads/main"), names_of("main~1")
    (['refs/tags/v1', 'refs/heads/v1', 'refs/remotes/origin/v1'], ['refs/heads/main'], [])
    """
    if _NO_REF.search(ref):
        return []
    if _SHA.fullmatch(ref):
        return [ref.lower(), *(before + ref for before in TAG_BEFORE_BRANCH)]
    return [ref] if ref.startswith("refs/") else [before + ref for before in TAG_BEFORE_BRANCH]


def _above(folder: str) -> str:
    """Where git must not look for a repository: a folder that is none may lie in one."""
    return os.path.dirname(os.path.realpath(folder))


def _is_inside(path: str) -> bool:
    """Whether a path stays in its repository, as every path of a git tree does."""
    return not any(part in ("", ".", "..") for part in path.split("/"))


def _ignoring_case(name: str) -> str:
    """`OWNER/NAME@REF` with a name that ignores case and a ref that does not."""
    repository, at, ref = name.partition("@")
    return repository.lower() + at + ref
