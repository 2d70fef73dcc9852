"""Where called workflow files come from: the tree that runs, folders of `--action`, mirrors below `--actions-root`."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from headrace.base import git
from headrace.base.lean import lazy_pattern
from headrace.plan.model import Origin
from headrace.workflow.calls import parts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.cli.workflows import Tree

_SHA = lazy_pattern(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", re.IGNORECASE)
_NO_REF = lazy_pattern(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{")
"""What git lets in no ref: with it a text means something else, such as an ancestor."""

TAG_BEFORE_BRANCH = ("refs/tags/", "refs/heads/", "refs/remotes/origin/")


class Source:
    """Reads called files, and remembers what references to other repositories were found to mean (`origins`) and which folders of
    `--action` were of use (`used`). `mirrors` is a folder of git repositories OWNER+NAME/repo, bare or not; `folders` maps
    `OWNER/NAME@REF` to a folder."""

    def __init__(self, tree: Tree, mirrors: str, folders: Mapping[str, str]) -> None:
        self._tree = tree
        self._mirrors = mirrors
        self._folders = {_ignoring_case(name): (name, folder) for name, folder in folders.items()}
        self._open: dict[str, git.Objects | None] = {}
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
        objects = self._objects(repository)
        if objects is None:
            return None
        for name in names_of(ref):
            commit = objects.commit(name)
            if commit is None:
                continue
            found = objects.get(f"{commit.oid}:{path}")
            if found is None or found.kind != "blob":
                return None
            self.origins[reference] = Origin(name.replace("refs/remotes/origin/", "refs/heads/"), commit.oid)
            return found.data
        return None

    def _objects(self, repository: str) -> git.Objects | None:
        """The mirror's objects, through one process for all files of it."""
        key = _ignoring_case(repository)
        if key not in self._open:
            mirror = self._mirror(repository.replace("/", "+"))
            self._open[key] = git.Objects(mirror, env={"GIT_CEILING_DIRECTORIES": _above(mirror)}) if mirror else None
        return self._open[key]

    def _mirror(self, name: str) -> str:
        """GitHub's names ignore case, and folders do not."""
        if not self._mirrors:
            return ""
        try:
            known = os.listdir(self._mirrors)
        except OSError:
            return ""
        for each in (name, *known):
            found = os.path.join(self._mirrors, each, "repo")
            if each.lower() == name.lower() and os.path.isdir(found):
                return found
        return ""

    def _forget(self, repository: str) -> None:
        objects = self._open.get(_ignoring_case(repository))
        self._open[_ignoring_case(repository)] = None
        if objects is not None:
            objects.__exit__()

    def close(self) -> None:
        """End the processes that were started to read."""
        for objects in self._open.values():
            if objects is not None:
                objects.__exit__()
        self._open.clear()


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
