"""Which files a push or a pull request changed. Reads only."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from headrace.base import git

FILES = 3000
"""Path filters look at no more files than these; matches further on do not count."""

COMMITS = 1000
"""A push of more commits than these has no diff, and the path filters are skipped."""

_DIFF = ("-r", "-z", "--name-only", "--no-renames", "--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty")


def start_commits(directory: str, before: str, after: str, env: Mapping[str, str] | None = None) -> git.Running:
    """Begin to compare two commits or trees."""
    return git.start(directory, "diff-tree", *_DIFF, before, after, env=env)


def start_work_tree(directory: str, before: str, env: Mapping[str, str] | None = None) -> git.Running:
    """Begin to compare a commit with the tracked files on the disk; untracked ones are the caller's to add."""
    return git.start(directory, "diff", *_DIFF[1:], before, "--", env=env)


def names(done: git.Completed) -> tuple[str, ...] | None:
    """The files of a finished comparison; None where git could not make it (a shallow or partial clone, say)."""
    if done.code != 0:
        return None
    return tuple(os.fsdecode(done.out).rstrip("\0").split("\0")) if done.out else ()


def changed(*parts: Iterable[str]) -> tuple[str, ...]:
    """All these files, each once, in git's order (by the bytes of the path), as far as path filters look.

    >>> changed(("b", "a/c"), ("a.py",))
    ('a.py', 'a/c', 'b')
    """
    files = {path.encode("utf-8", "surrogateescape") for part in parts for path in part}
    return tuple(path.decode("utf-8", "replace") for path in sorted(files)[:FILES])


def start_range(directory: str, before: str, after: str, env: Mapping[str, str] | None = None) -> git.Running:
    """Begin to list the commits of a push, newest first; one more than `COMMITS` at most."""
    return git.start(directory, "rev-list", f"--max-count={COMMITS + 1}", f"{before}..{after}", "--", env=env)


def merge_base(directory: str, one: str, other: str, env: Mapping[str, str] | None = None) -> str:
    """The best common ancestor, empty where there is none or it is not known here."""
    done = git.start(directory, "merge-base", one, other, env=env).finish()
    return done.out.decode().split("\n", 1)[0] if done.code == 0 else ""
