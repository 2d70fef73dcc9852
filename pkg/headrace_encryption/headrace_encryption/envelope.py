"""The envelope: which bytes `seal` makes and `open_sealed` takes. Knows nothing of where keys come from.

Layout of version 1, in bytes:

    0-3    "HRSL"
    4      version, 1
    5-12   id of the key, so that the right one of several is found without trying
    13-36  nonce, new and random for every envelope
    37-    XSalsa20-Poly1305 of the data (libsodium's secretbox): 16 bytes of authenticator, then as many bytes as the data has

The header is not secret. A change in it makes another envelope, of another version or key, which does not open either.
"""

from __future__ import annotations

import nacl.exceptions
import nacl.secret
import nacl.utils
from msgspec import Struct

from headrace_encryption.errors import NotSealedError, TamperedError, UnknownVersionError, WrongKeyError
from headrace_encryption.keys import ID_BYTES, Key

MAGIC = b"HRSL"
VERSION = 1
NONCE_BYTES = nacl.secret.SecretBox.NONCE_SIZE
OVERHEAD = len(MAGIC) + 1 + ID_BYTES + NONCE_BYTES + nacl.secret.SecretBox.MACBYTES
"""How many bytes longer than the data an envelope is."""


class Envelope(Struct, frozen=True):
    """Sealed bytes, taken apart. `box` is the authenticator and the enciphered data."""

    key_id: bytes
    nonce: bytes
    box: bytes

    def to_bytes(self) -> bytes:
        return MAGIC + bytes([VERSION]) + self.key_id + self.nonce + self.box

    @classmethod
    def from_bytes(cls, sealed: bytes) -> Envelope:
        """Take sealed bytes apart without opening them. Raises NotSealedError, UnknownVersionError."""
        if not sealed.startswith(MAGIC):
            raise NotSealedError("these bytes are not sealed")
        if len(sealed) > len(MAGIC) and sealed[len(MAGIC)] != VERSION:
            raise UnknownVersionError(f"sealed in format {sealed[len(MAGIC)]}; this version knows {VERSION} only, so update it")
        if len(sealed) < OVERHEAD:
            raise NotSealedError(f"sealed bytes are at least {OVERHEAD} long, and these end after {len(sealed)}")
        key_end = len(MAGIC) + 1 + ID_BYTES
        return cls(sealed[len(MAGIC) + 1 : key_end], sealed[key_end : key_end + NONCE_BYTES], sealed[key_end + NONCE_BYTES :])


def seal(data: bytes, key: Key) -> bytes:
    """Seal `data`, of any length, for whoever has `key`. Sealing the same bytes twice gives two different envelopes."""
    nonce = nacl.utils.random(NONCE_BYTES)
    box = nacl.secret.SecretBox(key.to_bytes()).encrypt(bytes(data), nonce).ciphertext
    return Envelope(key.id, nonce, box).to_bytes()


def open_sealed(sealed: bytes, *keys: Key) -> bytes:
    """The bytes that `seal` was given. Of `keys` the one that sealed is taken: to rotate, seal with the new key and open with
    both until nothing is left that the old one sealed.

    Raises NotSealedError, UnknownVersionError, WrongKeyError, TamperedError.

    >>> old, new = Key.generate(), Key.generate()
    >>> open_sealed(seal(b"from before", old), new, old)
    b'from before'
    """
    envelope = Envelope.from_bytes(bytes(sealed))
    for key in keys:
        if key.id == envelope.key_id:
            try:
                return nacl.secret.SecretBox(key.to_bytes()).decrypt(envelope.box, envelope.nonce)
            except nacl.exceptions.CryptoError:
                raise TamperedError("these bytes were changed after they were sealed") from None
    known = ", ".join(key.id.hex() for key in keys) or "none"
    raise WrongKeyError(f"sealed with the key {envelope.key_id.hex()}; the keys at hand are: {known}")
