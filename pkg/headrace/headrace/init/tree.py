"""The files of a repository, as git knows them: what is ignored is no part of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence

from headrace.base import git
from headrace.base.errors import UsageError
from headrace.base.toml import parse_toml
from headrace.init.model import Doubt

_LARGEST = 1 << 20  # bytes; what is longer was not written by a person
_WHOLE = 1 << 26  # bytes; the record of a repository of many packages is longer


class Tree:
    """Paths below the root, and their texts. Each file is read once; what cannot be read is a doubt, and counts as empty."""

    def __init__(self, paths: Iterable[str], read: Callable[[str], bytes | None]) -> None:
        self.paths = sorted(paths)
        self.doubts: list[Doubt] = []
        self._read = read
        self._known = frozenset(self.paths)
        self._folders = frozenset(folder for path in self.paths for folder in _above(path))
        self._texts: dict[str, str] = {}
        self._tables: dict[str, dict[str, object]] = {}

    def without(self, paths: Iterable[str]) -> Tree:
        """The same tree, as if these files were not there."""
        return Tree(self._known - frozenset(paths), self._read)

    def has(self, path: str) -> bool:
        return path in self._known

    def has_folder(self, path: str) -> bool:
        return path == "." or path in self._folders

    def folders(self) -> Sequence[str]:
        """Every folder below the root."""
        return sorted(self._folders)

    def below(self, folder: str) -> list[str]:
        """The files in a folder and in those below it."""
        return [path for path in self.paths if folder == "." or path.startswith(folder + "/")]

    def text(self, path: str) -> str:
        """Of a file; empty where there is none."""
        if path not in self._texts:
            data = self._read(path) if path in self._known else None
            self._texts[path] = (data or b"")[:_LARGEST].decode("utf-8", "replace").replace("\r\n", "\n")
        return self._texts[path]

    def exact(self, path: str) -> str | None:
        """The whole text of a file with its ends of lines as they are; None where it is none that can be written again as it was:
        a link, too long, not UTF-8."""
        data = self._read(path) if path in self._known else None
        if data is None or len(data) >= _WHOLE:
            return None
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            return None

    def toml(self, path: str) -> dict[str, object]:
        """The tables of a TOML file; none where it is not there or is not TOML."""
        if path not in self._tables:
            self._tables[path] = {}
            if path in self._known:
                try:
                    self._tables[path] = parse_toml(self.text(path).encode(), path)
                except UsageError as error:
                    self.doubts += [Doubt(problem.message, problem.at) for problem in error.problems]
        return self._tables[path]


def _above(path: str) -> Iterable[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def tree_of(root: str) -> Tree:
    """The working tree at `root`: what git tracks or would. Links are not followed. Raises GitError."""
    listed = git.run(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    paths = {os.fsdecode(path) for path in listed.split(b"\0") if path}

    def read(path: str) -> bytes | None:
        full = os.path.join(root, path)
        try:
            if os.path.islink(full):
                return None
            with open(full, "rb") as file:
                return file.read(_WHOLE)
        except OSError:
            return None

    return Tree((path for path in paths if _is_file(os.path.join(root, path))), read)


def _is_file(path: str) -> bool:
    """A link to a file is one; a link to a folder is nothing that git has files in."""
    return os.path.lexists(path) and not os.path.isdir(path)


def join(folder: str, name: str) -> str:
    """
    >>> join(".", "a"), join("pkg/a", "tests")
    ('a', 'pkg/a/tests')
    """
    return name if folder == "." else f"{folder}/{name}"
