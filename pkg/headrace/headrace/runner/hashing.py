"""hashFiles: one hash over the contents of files, in the order in which GitHub's runner finds them.

It reads below the root with plain system calls, so it belongs where the job's files are, inside its sandbox.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from headrace.runner import messages
from headrace.runner.globs import Glob, GlobError, is_matched, parse_globs, search_paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MAX_ENTRIES = 2_000_000
"""Files and directories looked at: more than GitHub's runner reads in the 120 seconds that it gives itself."""

SECONDS = 120.0
"""For one call of `hashFiles()`, as GitHub's runner has it: a file may be as large as a job likes."""

_BLOCK = 1 << 20


class HashError(Exception):
    """The step fails: a pattern is wrong, or a file cannot be read."""


def parse_arguments(arguments: Sequence[str]) -> tuple[bool, list[str]]:
    """The arguments of `hashFiles()`: whether links are followed, and the patterns. Raises HashError.

    >>> parse_arguments(["--Follow-symbolic-links", "a", "b"])
    (True, ['a', 'b'])
    """
    if arguments and arguments[0].startswith("--"):
        if arguments[0].lower() != "--follow-symbolic-links":
            raise HashError(messages.HASH_OPTION.format(option=arguments[0]))
        return True, list(arguments[1:])
    return False, list(arguments)


def hash_files(
    root: str,
    patterns: Sequence[str],
    follow_links: bool = False,
    *,
    home: str = "/",
    max_entries: int = MAX_ENTRIES,
    seconds: float = SECONDS,
) -> str:
    """SHA-256, in hex, of the SHA-256 digests of the matched files below `root` (absolute); empty where there is none.

    `patterns` are texts of one pattern a line; `home` is what `~` stands for. Names do not enter the hash, order does.
    Raises HashError.
    """
    import hashlib
    import time

    root = os.path.normpath(root)
    total = hashlib.sha256()
    found = False
    deadline = time.monotonic() + seconds

    def check() -> None:
        if time.monotonic() > deadline:
            raise HashError(messages.HASH_SLOW.format(patterns=_quoted(patterns), seconds=f"{seconds:g}"))

    try:
        for path in matched_files(root, patterns, follow_links, home=home, max_entries=max_entries, check=check):
            total.update(_digest(path, check))
            found = True
    except OSError as e:
        raise HashError(_failed(patterns, root, e)) from None
    return total.hexdigest() if found else ""


def hash_inside(root: str, patterns: Sequence[str], follow_links: bool, home: str) -> tuple[str, str]:
    """`hash_files` where the job's files are: what is wrong, empty where nothing is, and the hash."""
    try:
        return "", hash_files(root, patterns, follow_links, home=home)
    except HashError as error:
        return str(error), ""


def matched_files(
    root: str,
    patterns: Sequence[str],
    follow_links: bool = False,
    *,
    home: str = "/",
    max_entries: int = MAX_ENTRIES,
    check: Callable[[], None] = lambda: None,
) -> Iterator[str]:
    """The regular files that count, in order. `check` is called for each directory. Raises HashError, what `check` raises, and
    OSError for a directory that cannot be read."""
    try:
        globs = parse_globs(patterns, root, home)
    except GlobError as e:
        raise HashError(_failed(patterns, root, e)) from None
    walk = _Walk(root, globs, follow_links, max_entries, check)
    for path in search_paths(globs):
        if f"{root}/".startswith(path.rstrip("/") + "/"):
            path = root  # what is outside is not looked at
        elif not path.startswith(root.rstrip("/") + "/"):
            continue
        yield from walk.visit(path)


class _Walk:
    def __init__(self, root: str, globs: Sequence[Glob], follow_links: bool, max_entries: int, check: Callable[[], None]) -> None:
        self.check = check
        self.globs = globs
        self.positive = [glob for glob in globs if not glob.negated]
        self.root = root
        self.follow_links = follow_links
        self.left = max_entries
        self.max_entries = max_entries

    def visit(self, start: str) -> Iterator[str]:
        """The files of interest from `start` on, depth first. Each entry of the stack comes with device and inode of the
        directories above it, so that cycles of links are cut."""
        stack: list[tuple[str, tuple[tuple[int, int], ...]]] = [(start, ())]
        while stack:
            path, above = stack.pop()
            try:
                info = os.stat(path) if self.follow_links else os.lstat(path)
            except FileNotFoundError:
                continue  # also a link to nowhere, where links are followed
            if stat.S_ISDIR(info.st_mode):
                here = (info.st_dev, info.st_ino)
                if here in above or not any(glob.may_match_below(path) for glob in self.positive):
                    continue
                self.check()
                # By bytes: so is a directory sorted where GitHub's runner lists it.
                names = sorted(os.listdir(path), key=os.fsencode, reverse=True)
                self.left -= len(names)
                if self.left < 0:
                    raise HashError(f"hashFiles met more than {self.max_entries} files and directories under '{self.root}'")
                stack.extend((f"{path}/{name}", (*above, here)) for name in names)
            elif is_matched(self.globs, path):
                # A link that leads to a file counts with that file's contents; one that leads nowhere is an error.
                if stat.S_ISLNK(info.st_mode):
                    info = os.stat(path)
                if stat.S_ISREG(info.st_mode):
                    yield path


def _digest(path: str, check: Callable[[], None]) -> bytes:
    import hashlib

    digest = hashlib.sha256()
    with open(path, "rb", buffering=0, opener=_without_waiting) as file:  # something else may have taken its place just now
        while block := file.read(_BLOCK):
            digest.update(block)
            check()
    return digest.digest()


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _failed(patterns: Sequence[str], root: str, error: Exception) -> str:
    return f"hashFiles('{_quoted(patterns)}') failed. Fail to hash files under directory '{root}': {error}"


def _quoted(patterns: Sequence[str]) -> str:
    return ", ".join(patterns).replace("'", "''")
