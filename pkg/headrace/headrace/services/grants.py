"""What a job may ask of the services, as the runtime token says it: a JWT that the actions' own clients can read.

The token is signed by the engine (HS256) and checked here; the standard library does for both.
"""

from __future__ import annotations

import hmac
import json
import re
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode

from msgspec import Struct

_ID = re.compile(r"[^\s:]+")
_LIFETIME_S = 6 * 24 * 3600
_HEADER = {"typ": "JWT", "alg": "HS256"}


READ, WRITE = 1, 2

ISSUER = "/identity"
"""Where the issuer of identity tokens is, below the services."""

IDENTITY = "identity"
"""The scope of what asks for identity tokens."""


READING = "git"
"""The scope of what reads a repository. Every step has it; a script has no other."""


class JobGrant(Struct, frozen=True):
    """A job of a run. Ids are texts without blanks and colons; names of artifacts are unique per `run_id`, so an attempt of a run
    has one of its own. `caches` names the repository whose caches the job has: those of the scope `ref`, which it may add to if
    `writes`, and those of the scopes `reads`, best first."""

    run_id: str
    job_id: str
    repository: str = ""
    ref: str = ""
    caches: str = ""
    reads: tuple[str, ...] = ()
    writes: bool = True

    @property
    def scopes(self) -> tuple[str, ...]:
        """Where a cache may come from, best first.

        >>> JobGrant("1", "1", ref="refs/heads/a", reads=("refs/heads/main", "refs/heads/a")).scopes
        ('refs/heads/a', 'refs/heads/main')
        """
        return tuple(dict.fromkeys(scope for scope in (self.ref, *self.reads) if scope))


class GrantError(Exception):
    """The token is missing, not ours, damaged or out of date; says which. Never holds the token."""


def issue(grant: JobGrant, key: bytes, *, lifetime_s: int = _LIFETIME_S) -> str:
    """The runtime token of a job. Its scope is `Actions.Results:<run>:<job>`, which is where clients take their ids from.

    >>> grant = JobGrant("run-1", "job-1", "octo/repo", "refs/heads/main")
    >>> verify(issue(grant, b"k" * 32), b"k" * 32) == grant
    True
    """
    for text in (grant.run_id, grant.job_id):
        if not _ID.fullmatch(text):
            raise ValueError(f"an id in a grant has no blanks and no colons and is not empty: {text!r}")
    now = int(time.time())
    permissions = [
        {"Scope": scope, "Permission": READ | WRITE if scope == grant.ref and grant.writes else READ} for scope in grant.scopes
    ]
    claims = {
        "scp": f"Actions.Results:{grant.run_id}:{grant.job_id}",
        "iss": "headrace",
        "iat": now,
        "nbf": now - 60,
        "exp": now + lifetime_s,
        "ac": json.dumps(permissions, separators=(",", ":")),
        "repository": grant.repository,
        "ref": grant.ref,
        "caches": grant.caches,
    }
    return sign(claims, key)


def issue_request(claims: dict[str, str], key: bytes, *, lifetime_s: int = _LIFETIME_S) -> str:
    """The secret with which one job asks for identity tokens that say `claims`."""
    return sign({"scope": IDENTITY, "exp": int(time.time()) + lifetime_s, "claims": claims}, key)


def issue_reading(repository: str, key: bytes, *, lifetime_s: int = _LIFETIME_S) -> str:
    """The secret with which git in a job reads `owner/name`."""
    return sign({"scope": READING, "exp": int(time.time()) + lifetime_s, "repository": repository}, key)


def verify(token: str, key: bytes) -> JobGrant:
    """The grant in a token that we issued with `key`. Raises GrantError."""
    claims = check(token, key)
    for scope in str(claims.get("scp", "")).split():
        parts = scope.split(":")
        if len(parts) == 3 and parts[0] == "Actions.Results":
            return _grant(parts[1], parts[2], claims)
    raise GrantError("the runtime token names no job")


def sign(claims: dict[str, object], key: bytes) -> str:
    """A token with these claims."""
    text = f"{_encode(_HEADER)}.{_encode(claims)}"
    return f"{text}.{_base64(_sign(text, key))}"


def check(token: str, key: bytes) -> dict[str, object]:
    """The claims of a token that we signed with `key` and that has not expired. Raises GrantError."""
    head, _, signature = token.rpartition(".")
    if head.count(".") != 1:
        raise GrantError("the runtime token is no JSON web token")
    try:
        ours = hmac.compare_digest(_unbase64(signature), _sign(head, key))
        # What has another signature is not looked into: it may be anything.
        header, claims = (json.loads(_unbase64(part)) for part in head.split(".")) if ours else ({}, {})
    except ValueError:
        raise GrantError("the runtime token is damaged") from None
    if not isinstance(header, dict) or header.get("alg") != "HS256":
        raise GrantError("the runtime token has not been issued here")
    if not isinstance(claims, dict) or not isinstance(claims.get("exp"), int) or claims["exp"] < time.time():
        raise GrantError("the runtime token has expired")
    return claims


def _grant(run: str, job: str, claims: dict[str, object]) -> JobGrant:
    ref = str(claims.get("ref", ""))
    try:
        given = {str(one["Scope"]): int(one["Permission"]) for one in json.loads(str(claims.get("ac", "[]")))}
    except (ValueError, TypeError, KeyError):
        raise GrantError("the runtime token is damaged") from None
    reads = tuple(scope for scope in given if scope != ref)
    writes = not ref or bool(given.get(ref, 0) & WRITE)
    return JobGrant(run, job, str(claims.get("repository", "")), ref, str(claims.get("caches", "")), reads, writes)


def _sign(text: str, key: bytes) -> bytes:
    return hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256")


def _encode(value: object) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _unbase64(text: str) -> bytes:
    data = text.encode("ascii")  # UnicodeEncodeError is a ValueError
    return urlsafe_b64decode(data + b"=" * (-len(data) % 4))
