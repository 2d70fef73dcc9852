"""The few things that are done to a job's files from outside: called where those files are."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable


def open_regular(path: str) -> int:
    """A descriptor to read a regular file from. A job may put anything at a path, a FIFO or a device too. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(f"{path} is not a regular file")
    return fd


def read(fd: int, limit: int) -> bytes:
    """The content of a file up to so many bytes, with no more room than it needs; the descriptor is closed. Raises OSError."""
    try:
        parts, wanted = [], os.fstat(fd).st_size + 1
        while limit > 0 and (data := os.read(fd, min(wanted, limit))):
            parts.append(data)
            limit -= len(data)
        return b"".join(parts)
    finally:
        os.close(fd)


def write_new(files: Iterable[tuple[str, bytes]]) -> None:
    """Write files that are not there yet. Raises OSError."""
    for path, data in files:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            while data:
                data = data[os.write(fd, data) :]
        finally:
            os.close(fd)


def renew(names: Iterable[tuple[str, str]]) -> None:
    """Empty files under new names (old, new): the old one where it is as it was made, else one that is made now. A new file can
    cost a millisecond where many have just been deleted, as ext4 passes over their places for a while. Raises OSError."""
    for old, new in names:
        try:
            status = os.lstat(old)
            if stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and not status.st_size and status.st_uid == os.geteuid():
                os.rename(old, new)
                continue
        except OSError:
            pass
        write_new([(new, b"")])


def make_folders(paths: Iterable[str]) -> None:
    """Raises OSError."""
    for path in paths:
        os.makedirs(path, exist_ok=True)


def lay(given: Iterable[tuple[str, bytes, int]]) -> str:
    """Put copies (path, content, mode) where there is nothing yet, with the folders above them. Raises nothing: what went
    wrong, or an empty text."""
    for path, data, mode in given:
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            write_new([(path, data)])
            os.chmod(path, mode)
        except FileExistsError:
            continue
        except OSError as error:
            return f"{path}: {error.strerror}"
    return ""
