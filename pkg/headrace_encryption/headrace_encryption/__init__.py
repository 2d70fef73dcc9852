"""Seals bytes, such as pipeline secrets and artifacts, and opens them again. Knows keys and envelopes, nothing of pipelines.

>>> key = Key.generate()
>>> open_sealed(seal(b"a secret", key), key)
b'a secret'
"""

from __future__ import annotations

from headrace_encryption.envelope import Envelope, open_sealed, seal
from headrace_encryption.errors import (
    KeyFileError,
    KeyFormatError,
    NotSealedError,
    SealError,
    TamperedError,
    UnknownVersionError,
    WrongKeyError,
)
from headrace_encryption.keys import Key

__version__ = "0.1.0"

__all__ = [
    "Envelope",
    "Key",
    "KeyFileError",
    "KeyFormatError",
    "NotSealedError",
    "SealError",
    "TamperedError",
    "UnknownVersionError",
    "WrongKeyError",
    "open_sealed",
    "seal",
]
