"""Whether an identity token is genuine: signed by a trusted issuer for this index, and in date."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Lock
from typing import Any
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

import jwt
import msgspec

from headrace.base.errors import Problem, UsageError

LEEWAY_S = 30
_TIMEOUT_S = 5
_REFETCH_S = 60
"""A token that names an unknown key makes us ask the issuer for its keys again, no more often than this."""
_LARGEST = 1 << 20

Keys = Callable[[], Sequence[Mapping[str, Any]]]
"""What gives the keys of an issuer, as JSON web keys."""


class Issuers:
    """Those that are trusted, each with its keys as far as they were needed. Safe to use from several threads."""

    def __init__(self, trusted: Sequence[str], audience: str, at_hand: Mapping[str, Keys] = {}) -> None:
        """`at_hand`: whose keys need not be fetched. Raises UsageError for a URL that is neither https nor on this machine."""
        for url in trusted:
            if not _is_safe(url):
                raise UsageError(Problem(f"not an issuer to trust: {url}", hint="use https, or http on a loopback address"))
        self._keys: dict[str, dict[str, jwt.PyJWK]] = {url.rstrip("/"): {} for url in trusted}
        self._asked: dict[str, float] = {}
        self._lock = Lock()
        self._at_hand = {url.rstrip("/"): keys for url, keys in at_hand.items()}
        self._audience = audience

    def issuer_of(self, token: str) -> str | None:
        """What an unverified token says of its issuer, None where that is nobody whom we trust. Raises ValueError where it is no
        token."""
        try:
            said = jwt.decode(token, options={"verify_signature": False})["iss"]
        except (jwt.PyJWTError, KeyError) as error:
            raise ValueError("not a token") from error
        url = said.rstrip("/") if isinstance(said, str) else ""
        return url if url in self._keys else None

    def verify(self, token: str, issuer: str) -> dict[str, Any] | None:
        """The claims; None for whatever is wrong, which is nobody's business."""
        try:
            name = jwt.get_unverified_header(token)["kid"]
            key = self._key(issuer, name) if isinstance(name, str) else None
            if key is None:
                return None
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=self._audience,
                leeway=LEEWAY_S,
                options={"require": ["iss", "iat", "exp", "aud"], "strict_aud": True},
            )
        except (jwt.PyJWTError, KeyError):
            return None
        return claims if str(claims["iss"]).rstrip("/") == issuer else None

    def _key(self, issuer: str, name: str) -> jwt.PyJWK | None:
        with self._lock:
            keys = self._keys[issuer]
            now = time.monotonic()
            if name not in keys and now - self._asked.get(issuer, -_REFETCH_S) >= _REFETCH_S:
                fresh = _read(self._at_hand[issuer]()) if issuer in self._at_hand else _fetch(issuer)
                if fresh:  # an empty set is the issuer's mistake, and gone the next time
                    self._keys[issuer] = keys = fresh
                    self._asked[issuer] = now
            return keys.get(name)


def _fetch(issuer: str) -> dict[str, jwt.PyJWK]:
    """Key id → key, as the issuer's discovery document leads there; nothing where it does not."""
    try:
        found = _json(f"{issuer}/.well-known/openid-configuration")
        if str(found["issuer"]).rstrip("/") != issuer:
            return {}
        url = str(found["jwks_uri"])
        keys = _json(url)["keys"] if _is_safe(url) else []
        return _read(keys)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, jwt.PyJWTError):
        return {}


def _read(keys: Iterable[Mapping[str, Any]]) -> dict[str, jwt.PyJWK]:
    return {key["kid"]: jwt.PyJWK(dict(key), "RS256") for key in keys if key.get("kty") == "RSA" and key.get("kid")}


def _json(url: str) -> Any:
    """Raises OSError or ValueError."""
    # A proxy has no way to this machine's own loopback.
    handlers = [ProxyHandler({})] if _is_loopback(urlsplit(url).hostname or "") else []
    asked = Request(url, headers={"Accept": "application/json", "User-Agent": "headrace"})
    with build_opener(*handlers).open(asked, timeout=_TIMEOUT_S) as answer:
        try:
            return msgspec.json.decode(answer.read(_LARGEST))
        except msgspec.DecodeError as error:
            raise ValueError(str(error)) from error


def _is_safe(url: str) -> bool:
    """
    >>> _is_safe("https://example.com"), _is_safe("http://127.0.0.1:1/x"), _is_safe("http://example.com"), _is_safe("file:///x")
    (True, True, False, False)
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme == "https":
            return bool(host)
        return parts.scheme == "http" and _is_loopback(host)
    except ValueError:
        return False


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
