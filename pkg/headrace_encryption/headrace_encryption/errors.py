"""What can be wrong with a key or with sealed bytes. No message ever holds a key or what was sealed."""

from __future__ import annotations

from headrace.base.errors import HeadraceError


class SealError(HeadraceError):
    """Base of all errors of this package."""


class KeyFormatError(SealError):
    """A text or bytes that should be a key are not one."""


class KeyFileError(SealError):
    """A key file cannot be read or written, or others may read it."""


class NotSealedError(SealError):
    """The bytes are not an envelope, or only the beginning of one."""


class UnknownVersionError(SealError):
    """The envelope was made by a later version of this package."""


class WrongKeyError(SealError):
    """None of the given keys is the one that sealed the bytes."""


class TamperedError(SealError):
    """The key is right, but the bytes are not those that were sealed."""
