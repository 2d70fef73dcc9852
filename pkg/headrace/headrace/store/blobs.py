"""Bytes by key in a folder. A blob is there as a whole or not at all, after a crash too; several processes may write at once."""

from __future__ import annotations

import os
import re
from hashlib import sha256

from msgspec import Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import BinaryIO

_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
_PIECE = 1 << 20


class Blob(Struct, frozen=True):
    """`digest` is `sha256:<hex>` of the bytes, `size` their number."""

    size: int
    digest: str


class Draft:
    """A blob being written; nobody sees it before `commit`. Use as a context manager: without `commit` nothing is left."""

    def __init__(self, folder: str, path: str) -> None:
        self._path = path
        self._temporary = os.path.join(folder, "temporary", f"{os.getpid()}-{os.urandom(8).hex()}")
        self._file = os.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        self._hash = sha256()
        self.size = 0

    def write(self, data: bytes) -> None:
        self._hash.update(data)
        self.size += len(data)
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]

    def commit(self) -> Blob:
        """Make it the blob of its key, on the disk for good. An earlier blob of the key is replaced."""
        os.fsync(self._file)
        self.place()
        _sync(os.path.dirname(self._path))
        return Blob(self.size, f"sha256:{self._hash.hexdigest()}")

    def place(self) -> None:
        """The same without waiting for the disk: for what need not outlive a crash of the machine."""
        os.makedirs(os.path.dirname(self._path), exist_ok=True)
        os.rename(self._temporary, self._path)
        self._temporary = ""

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)
        if self._temporary:
            os.unlink(self._temporary)


class Blobs:
    """The blobs below `folder`, which is made where it is missing. Keys are slash-separated plain words: `artifacts/17`."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        os.makedirs(os.path.join(folder, "temporary"), exist_ok=True)

    def draft(self, key: str) -> Draft:
        return Draft(self.folder, self._path(key))

    def open(self, key: str) -> BinaryIO | None:
        """For reading; None if there is no such blob. An open blob stays readable when it is replaced or deleted."""
        try:
            return open(self._path(key), "rb")
        except FileNotFoundError:
            return None

    def path(self, key: str) -> str | None:
        """The file that holds the blob; None if there is none."""
        path = self._path(key)
        return path if os.path.isfile(path) else None

    def delete(self, key: str) -> None:
        """What is not there is no error."""
        try:
            os.unlink(self._path(key))
        except FileNotFoundError:
            pass

    def names(self, folder: str) -> list[str]:
        """The last words of the keys `folder/…`; of blobs that are there, and of those that have blocks only."""
        found = set(_listed(os.path.join(self.folder, "blobs", folder)))
        prefix = f"{folder}%"
        found |= {name[len(prefix) :] for name in _listed(os.path.join(self.folder, "blocks")) if name.startswith(prefix)}
        return sorted(found)

    def drop_drafts(self, before: float) -> None:
        """Delete what nobody has written to since then (seconds since the epoch): its writer has ended by force."""
        folder = os.path.join(self.folder, "temporary")
        for name in _listed(folder):
            path = os.path.join(folder, name)
            try:
                if os.stat(path).st_mtime < before:
                    os.unlink(path)
            except FileNotFoundError:
                pass

    # A blob in blocks: they come in any order, several at once; a list of their ids makes the blob.

    def block(self, key: str, block: str) -> Draft:
        """One block, by an id that may be any text. Blocks that no list names are dropped when the blob is made."""
        return Draft(self.folder, self._block_path(key, block))

    def join(self, key: str, blocks: Iterable[str]) -> Blob:
        """Make the blob of its blocks, in this order. Raises KeyError with the id of a block that is not there."""
        with self.draft(key) as draft:
            for block in blocks:
                try:
                    with open(self._block_path(key, block), "rb") as file:
                        while piece := file.read(_PIECE):
                            draft.write(piece)
                except FileNotFoundError:
                    raise KeyError(block) from None
            blob = draft.commit()
        self.drop_blocks(key)
        return blob

    def drop_blocks(self, key: str) -> None:
        folder = os.path.dirname(self._block_path(key, ""))
        try:
            names = os.listdir(folder)
        except FileNotFoundError:
            return
        for name in names:
            try:
                os.unlink(os.path.join(folder, name))
            except FileNotFoundError:
                pass
        try:
            os.rmdir(folder)
        except OSError:
            pass  # a block came in meanwhile

    def _path(self, key: str) -> str:
        if not _KEY.fullmatch(key):
            raise ValueError(f"no key of a blob: {key!r}")
        return os.path.join(self.folder, "blobs", *key.split("/"))

    def _block_path(self, key: str, block: str) -> str:
        self._path(key)
        name = sha256(block.encode("utf-8", "surrogatepass")).hexdigest()
        return os.path.join(self.folder, "blocks", key.replace("/", "%"), name)


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def _sync(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
