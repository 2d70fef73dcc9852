"""Upload tokens: for a quarter of an hour and the projects of one publisher. Only their hashes are kept."""

from __future__ import annotations

import os
import sqlite3
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from contextlib import closing
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct

from headrace.index.database import Database

VALID_S = 900
_KEPT_S = 24 * 3600
"""How long an expired token is known still, so that its user hears why it is refused."""
_PREFIX = "pypi-"
"""Clients warn of a token that begins otherwise."""


class Token(Struct, frozen=True):
    """What a token may do. `expires` is in seconds since the epoch; `claims` are those of its identity token."""

    publisher: int
    projects: tuple[str, ...]
    expires: float
    claims: dict[str, Any]


def mint(database: sqlite3.Connection, publisher: int, projects: Sequence[str], claims: Mapping[str, Any]) -> tuple[str, int]:
    """A new token and when it ends. Its text is nowhere but here."""
    text = _PREFIX + urlsafe_b64encode(os.urandom(48)).decode("ascii")
    now = int(time.time())
    database.execute("DELETE FROM tokens WHERE expires < ?", (now - _KEPT_S,))
    database.execute(
        "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?)",
        (_hash(text), publisher, msgspec.json.encode(list(projects)), now, now + VALID_S, msgspec.json.encode(dict(claims))),
    )
    return text, now + VALID_S


def find(database: Database, text: str) -> Token | None:
    """The token, expired or not; None where it was never given or has been burned."""
    with closing(database.connect()) as connection:
        row = connection.execute(
            "SELECT publisher, projects, expires, claims FROM tokens WHERE hash = ?", (_hash(text),)
        ).fetchone()
    if row is None:
        return None
    publisher, projects, expires, claims = row
    return Token(publisher, tuple(msgspec.json.decode(projects)), expires, msgspec.json.decode(claims))


def burn(database: Database, text: str) -> bool:
    """Whether there was one."""
    with closing(database.connect()) as connection:
        return connection.execute("DELETE FROM tokens WHERE hash = ?", (_hash(text),)).rowcount > 0


def use(database: sqlite3.Connection, issuer: str, jti: str, until: float) -> bool:
    """Mark an identity token as used; False where it was already. `until` is when nobody takes it any more."""
    database.execute("DELETE FROM used WHERE until < ?", (time.time(),))
    return database.execute("INSERT OR IGNORE INTO used VALUES (?, ?, ?)", (issuer, jti, until)).rowcount == 1


def _hash(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
