"""What the work tree holds that HEAD does not. Reads only; an index that is out of date stays so."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from msgspec import Struct

from headrace.base import git
from headrace.base.lean import lazy_pattern

_STATUS = (
    "status",
    "--porcelain=v2",
    "-z",
    "--untracked-files=all",
    "--ignored=no",
    "--no-renames",
    "--no-ahead-behind",
    "--ignore-submodules=dirty",
)


class Status(Struct, frozen=True):
    """Paths relative to the root, as the file system spells them, in git's order. `tracked` differ from HEAD in the index or on
    the disk (deleted ones included); `untracked` are new and not ignored. Repositories inside the work tree are left out, since
    a push would not carry them. `unreadable` are folders that git could not look into, and left out."""

    tracked: tuple[str, ...] = ()
    untracked: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.tracked + self.untracked))


def start_status(root: str, env: Mapping[str, str] | None = None) -> git.Running:
    return git.start(root, *_STATUS, env=env)


def parse_status(listing: bytes) -> Status:
    """The output of `git status --porcelain=v2 -z` without renames.

    >>> parse_status(b"1 .M N... 100644 100644 100644 1 2 a b.py\\0? new\\0? nested/\\0")
    Status(tracked=('a b.py',), untracked=('new',), unreadable=())
    """
    tracked, untracked = [], []
    for entry in os.fsdecode(listing).split("\0"):
        if entry.startswith("1 "):
            tracked.append(entry.split(" ", 8)[8])
        elif entry.startswith("u "):
            tracked.append(entry.split(" ", 10)[10])
        elif entry.startswith("? ") and not entry.endswith("/"):
            untracked.append(entry[2:])
    return Status(tuple(tracked), tuple(untracked))


_UNREADABLE = lazy_pattern(rb"^warning: could not open directory '(.*)': ", re.MULTILINE)


def unreadable(complaints: bytes) -> tuple[str, ...]:
    """The folders that git says it could not look into.

    >>> unreadable(b"warning: could not open directory 'data/db/': Permission denied\\n")
    ('data/db/',)
    """
    return tuple(os.fsdecode(found) for found in _UNREADABLE.findall(complaints))


def without_filters(settings: tuple[git.Setting, ...]) -> dict[str, str]:
    """Environment for a git that runs no content filters (git-lfs, git-crypt, …): each one that is configured is emptied.

    For calls that must start no other program. A file that only looks changed without its filter then counts as changed.

    >>> "filter.lfs.clean" in without_filters((git.Setting("local", "filter.lfs.clean", "git-lfs clean -- %f"),)).values()
    True
    """
    names = {s.name[len("filter.") :].rpartition(".")[0] for s in settings if s.name.startswith("filter.")}
    if not names:
        return {}
    count = os.environ.get("GIT_CONFIG_COUNT", "0")
    number = int(count) if count.isascii() and count.isdigit() else 0
    env = {}
    for name in sorted(names):
        for key, value in (("clean", ""), ("process", ""), ("smudge", ""), ("required", "false")):
            env[f"GIT_CONFIG_KEY_{number}"] = f"filter.{name}.{key}"
            env[f"GIT_CONFIG_VALUE_{number}"] = value
            number += 1
    env["GIT_CONFIG_COUNT"] = str(number)
    return env
