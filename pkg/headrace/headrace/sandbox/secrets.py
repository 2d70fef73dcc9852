"""What of the system a job must not read, although the process that makes its root could: whatever not everybody may read."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator

from headrace.sandbox.ids import Mode

EMPTIED = ("/var/log", "/var/spool", "/var/mail", "/var/tmp", "/var/crash", "/var/backups")
"""Folders of which a job sees no file: what is in there tells of this machine and its users."""

_PEOPLE = range(1000, 60000)
_TOPS = ("/etc", "/var", "/opt", "/usr/local/etc")  # elsewhere in /usr, where most files are, no secrets are kept
_PACKAGES = frozenset(
    ("/var/lib/dpkg", "/var/cache/apt", "/var/lib/apt", "/var/cache/man")
)  # no secrets, but many files and locks
_OF_PACKAGES = frozenset(("site-packages", "dist-packages", "node_modules", "__pycache__"))
_READ, _ENTER = 0o004, 0o005


def hidden(how: Mode, bases: Iterable[str]) -> list[tuple[str, os.stat_result]]:
    """Files that a job must find empty, and folders that it must find without anything in them; what is below those is not named.
    Looked up for every run: what was open to everybody yesterday may hold a secret today."""
    if how in ("root", "inner"):
        return list(_walk(bases, lambda status: True))
    uid, groups = os.getuid(), {os.getgid(), *os.getgroups()}
    return list(_walk(bases, lambda status: status.st_uid == uid or status.st_gid in groups))


def homes() -> Iterator[str]:
    """Where people have their files. What a service has is its own affair, and often programs' as well."""
    with open("/etc/passwd", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            words = line.split(":")
            if len(words) > 5 and words[2].isdecimal() and int(words[2]) in _PEOPLE:
                yield words[5]


def open_to_all(status: os.stat_result) -> bool:
    """Whether everybody may read that file, or list that folder and enter it.

    >>> [open_to_all(os.stat_result((mode, *[0] * 9))) for mode in (0o100644, 0o100640, 0o40755, 0o40751, 0o104711)]
    [True, False, True, False, True]
    """
    if stat.S_ISDIR(status.st_mode):
        return status.st_mode & _ENTER == _ENTER
    return bool(status.st_mode & _READ) or bool(status.st_mode & 0o001)  # programs hold no secrets


def _walk(bases: Iterable[str], reaches: Callable[[os.stat_result], bool]) -> Iterator[tuple[str, os.stat_result]]:
    pending, people = list(_starts(bases)), frozenset(homes())
    while pending:
        folder = pending.pop()
        try:
            entries = os.scandir(folder)
        except OSError:  # not ours to look at: nor is it the job's, unless we are root, who can
            continue
        with entries:
            for entry in entries:
                if entry.is_symlink():
                    continue
                try:
                    status = entry.stat(follow_symlinks=False)
                except OSError:  # it has just gone
                    continue
                path = entry.path
                if stat.S_ISDIR(status.st_mode):
                    if path in EMPTIED or path in _PACKAGES or entry.name in _OF_PACKAGES:
                        continue
                    if path in people:
                        yield path, status
                    elif open_to_all(status):
                        pending.append(path)
                    elif reaches(status):
                        yield path, status
                elif stat.S_ISREG(status.st_mode) and not open_to_all(status) and reaches(status):
                    yield path, status


def _starts(bases: Iterable[str]) -> Iterator[str]:
    """The folders to look through: bases below one of ours, and those of ours that lie below a base."""
    for base in bases:
        if base in EMPTIED:
            continue
        for top in _TOPS:
            if base == top or base.startswith(f"{top}/"):
                yield base
            elif top.startswith(f"{base}/") and os.path.isdir(top):
                yield top
