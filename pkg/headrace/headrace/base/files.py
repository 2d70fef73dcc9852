"""Files that are whole or absent, and folders that go away whatever is in them."""

from __future__ import annotations

import os
import stat


def write_atomic(path: str, data: bytes, mode: int = 0o600) -> None:
    """Write `data` so that a reader, or a machine that dies, sees the old file or the new one. The folder must exist.

    Raises OSError (a full disk included); then nothing is left of the attempt."""
    draft = f"{path}.{os.getpid()}.new"
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        with open(fd, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise


def remove_tree(path: str) -> bool:
    """Remove a folder and all below it, folders without permission bits too; links are removed, never followed.

    Returns whether it is gone. What vanishes meanwhile is no error."""
    try:
        entries = list(os.scandir(path))
    except FileNotFoundError:
        return True
    except NotADirectoryError:
        os.unlink(path)
        return True
    except PermissionError:
        try:
            os.chmod(path, 0o700)
            entries = list(os.scandir(path))
        except OSError:
            return False
    gone = True
    for entry in entries:
        try:
            if entry.is_dir(follow_symlinks=False):
                gone = remove_tree(entry.path) and gone
            else:
                _unlink(entry.path, path)
        except FileNotFoundError:
            continue
        except OSError:
            gone = False
    try:
        os.rmdir(path)
    except FileNotFoundError:
        return gone
    except OSError:
        return False
    return gone


def _unlink(path: str, folder: str) -> None:
    try:
        os.unlink(path)
    except PermissionError:
        if stat.S_IMODE(os.stat(folder).st_mode) & 0o300 == 0o300:
            raise
        os.chmod(folder, 0o700)
        os.unlink(path)
