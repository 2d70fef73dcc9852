"""URLs that carry their own permission: an expiry and a signature over what they allow. Whoever holds one needs no token."""

from __future__ import annotations

import hmac
import time

LIFETIME_S = 3600
_LONGEST = 12  # digits of an expiry


def sign(path: str, permission: str, key: bytes, *, lifetime_s: int = LIFETIME_S) -> str:
    """The path with its query. `permission` is `r` or `w`.

    >>> query = sign("/a/b/c", "r", b"k").partition("?")[2]
    >>> pairs = dict(pair.split("=") for pair in query.split("&"))
    >>> allowed("/a/b/c", "r", pairs, b"k"), allowed("/a/b/c", "w", pairs, b"k"), allowed("/a/b/d", "r", pairs, b"k")
    (True, False, False)
    """
    expiry = str(int(time.time()) + lifetime_s)
    return f"{path}?sp={permission}&se={expiry}&sig={_signature(path, permission, expiry, key)}"


def allowed(path: str, permission: str, query: object, key: bytes) -> bool:
    """Whether a query (a mapping of texts) allows this; expired and altered ones do not."""
    get = getattr(query, "get")  # noqa: B009
    expiry, given = str(get("se", "")), str(get("sig", ""))
    if get("sp") != permission or not expiry.isascii() or not expiry.isdecimal() or len(expiry) > _LONGEST:
        return False
    if int(expiry) < time.time():
        return False
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), _signature(path, permission, expiry, key).encode())


def _signature(path: str, permission: str, expiry: str, key: bytes) -> str:
    return hmac.digest(key, f"blob\n{permission}\n{expiry}\n{path}".encode("utf-8", "surrogatepass"), "sha256").hex()
