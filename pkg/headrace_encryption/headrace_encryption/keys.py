"""Keys: made, read and written, and never shown by accident. Knows nothing of envelopes."""

from __future__ import annotations

import base64
import binascii
import os
import stat
from hashlib import blake2b
from hmac import compare_digest

import nacl.utils
from headrace.base.errors import Position, Problem

from headrace_encryption.errors import KeyFileError, KeyFormatError

KEY_BYTES = 32
ID_BYTES = 8
_ID_PURPOSE = b"headrace key id"
_LARGEST_FILE = 4096


class Key:
    """A secret key of 32 bytes. Its `repr` shows the id only; it cannot be pickled.

    `id` (8 bytes, a keyed-purpose hash of the key) tells keys apart and says nothing about the key itself.
    """

    __slots__ = ("_secret", "id")

    id: bytes

    def __init__(self, secret: bytes) -> None:
        """Take the 32 bytes of a key. Raises KeyFormatError for any other length."""
        if len(secret) != KEY_BYTES:
            raise KeyFormatError(f"a key has {KEY_BYTES} bytes, not {len(secret)}")
        self._secret = bytes(secret)
        self.id = blake2b(self._secret, digest_size=ID_BYTES, person=_ID_PURPOSE).digest()

    @classmethod
    def generate(cls) -> Key:
        """A new key from the operating system's source of randomness."""
        return cls(nacl.utils.random(KEY_BYTES))

    @classmethod
    def from_text(cls, text: str) -> Key:
        """Read what `to_text` wrote: base64 of the standard alphabet, padded. White space around it is left out.
        Raises KeyFormatError.

        >>> Key.from_text("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\\n").to_bytes() == bytes(range(32))
        True
        """
        text = text.strip()
        try:
            secret = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            secret = None
        # Decoders differ in what padding they forgive, so only the one spelling counts.
        if secret is None or base64.b64encode(secret).decode("ascii") != text:
            raise KeyFormatError("a key is 32 bytes in base64, and this text is not base64")
        return cls(secret)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Key:
        """Read a key from a file that holds its text.

        Raises KeyFileError where it cannot be read or where group or others may read it, KeyFormatError (with the file's name)
        where something else stands in it.
        """
        at = Position(os.fspath(path))
        try:
            with open(path, "rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                content = file.read(_LARGEST_FILE)
        except OSError as error:
            raise KeyFileError(Problem(f"the key cannot be read: {error.strerror}", at)) from None
        if stat.S_ISREG(mode) and mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise KeyFileError(Problem("others may read this key", at, f"chmod 600 {at.file}"))
        try:
            return cls.from_text(content.decode("ascii"))
        except UnicodeDecodeError:
            raise KeyFormatError(Problem("a key is 32 bytes in base64, and this file is not text", at)) from None
        except KeyFormatError as error:
            raise KeyFormatError(*(Problem(problem.message, at, problem.hint) for problem in error.problems)) from None

    def to_text(self) -> str:
        """The key in base64, for `from_text`. This is the secret itself."""
        return base64.b64encode(self._secret).decode("ascii")

    def to_bytes(self) -> bytes:
        """The 32 bytes. This is the secret itself."""
        return self._secret

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the key's text to a new file that only its owner may read. Raises KeyFileError, also where the file is there
        already: a key that is overwritten takes all that it sealed with it."""
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise KeyFileError(Problem(f"the key cannot be written: {error.strerror}", Position(os.fspath(path)))) from None
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(self.to_text() + "\n")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and compare_digest(self._secret, other._secret)

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<Key {self.id.hex()}>"

    def __reduce__(self) -> str:
        raise TypeError("a key is not pickled: write it with Key.write, or carry Key.to_text yourself")
