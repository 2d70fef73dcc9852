"""Files that are whole or absent, and folders that go away whatever is in them."""

from __future__ import annotations

import errno
import os


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


_DEPTH = 64
"""Folders in folders that are gone into one by one; each has a descriptor open. What lies deeper is first moved up."""


def remove_tree(path: str) -> bool:
    """Remove a folder and all below it, folders without permission bits too, however deep they lie. Links are removed, never
    followed, not even where somebody puts one in the place of a folder meanwhile.

    Returns whether it is gone. What vanishes meanwhile is no error."""
    above, name = os.path.split(path.rstrip("/"))
    try:
        parent = os.open(above or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        return _Removal(parent, name).run()
    finally:
        os.close(parent)


class _Removal:
    def __init__(self, parent: int, name: str) -> None:
        self._parent = parent
        self._name = name
        self._top = -1
        self._moved: list[str] = []

    def run(self) -> bool:
        try:
            self._top = _open_folder(self._name, self._parent)
        except FileNotFoundError:
            return True
        except NotADirectoryError:
            os.unlink(self._name, dir_fd=self._parent)
            return True
        except OSError:
            return False
        try:
            gone = self._clear(self._top, 1)
            while self._moved:
                gone = self._remove(self._moved.pop(), self._top, 2) and gone
        finally:
            os.close(self._top)
        return _rmdir(self._name, self._parent) and gone

    def _remove(self, name: str, parent: int, depth: int) -> bool:
        try:
            folder = _open_folder(name, parent)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        try:
            gone = self._clear(folder, depth)
        finally:
            os.close(folder)
        return _rmdir(name, parent) and gone

    def _clear(self, folder: int, depth: int) -> bool:
        """Remove what is in an open folder."""
        gone = True
        with os.scandir(folder) as entries:
            for entry in list(entries):
                try:
                    if not entry.is_dir(follow_symlinks=False):
                        os.unlink(entry.name, dir_fd=folder)
                    elif depth < _DEPTH:
                        gone = self._remove(entry.name, folder, depth + 1) and gone
                    else:
                        self._move_up(entry.name, folder)
                except FileNotFoundError:
                    continue
                except OSError:
                    gone = False
        return gone

    def _move_up(self, name: str, folder: int) -> None:
        new = f"headrace-{os.getpid()}-{len(self._moved)}-{os.urandom(6).hex()}"
        os.close(_open_folder(name, folder))  # to move it, it must be writable
        os.rename(name, new, src_dir_fd=folder, dst_dir_fd=self._top)
        self._moved.append(new)


def _open_folder(name: str, parent: int) -> int:
    """A descriptor of a folder that can be changed now. Raises NotADirectoryError where it is something else, a link too, and
    OSError."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        fd = os.open(name, flags, dir_fd=parent)
    except PermissionError:
        _permit(name, parent)
        fd = os.open(name, flags, dir_fd=parent)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), name) from None
    if os.fstat(fd).st_mode & 0o300 != 0o300:
        try:
            os.fchmod(fd, 0o700)
        except PermissionError:  # it is somebody else's, who may have let us in all the same
            pass
    return fd


def _permit(name: str, parent: int) -> None:
    if hasattr(os, "O_PATH"):  # Linux, where a name's own bits cannot be changed without the risk that it has become a link
        fd = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
        try:
            os.chmod(f"/proc/self/fd/{fd}", 0o700)
        finally:
            os.close(fd)
    else:
        os.chmod(name, 0o700, dir_fd=parent, follow_symlinks=False)


def _rmdir(name: str, parent: int) -> bool:
    try:
        os.rmdir(name, dir_fd=parent)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
