"""Commits as git stores them → what events say of them. Pure; runs nothing."""

from __future__ import annotations

import time

from msgspec import Struct

from headrace.base.git import Object

EMPTY_TREES = {
    40: "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    64: "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}
"""Id of the tree without entries, by the length of ids (SHA-1, SHA-256); git knows it in every repository."""


class Person(Struct, frozen=True):
    """Who and when: seconds since the epoch and an offset such as `+0200`."""

    name: str = ""
    email: str = ""
    at: int = 0
    zone: str = "+0000"

    @property
    def timestamp(self) -> str:
        """ISO 8601 with the person's own offset.

        >>> Person("Ada", "ada@example.org", 1700000000, "+0130").timestamp
        '2023-11-14T23:43:20+01:30'
        """
        try:
            sign = -1 if self.zone.startswith("-") else 1
            offset = sign * (int(self.zone[1:3]) * 3600 + int(self.zone[3:5]) * 60)
            text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self.at + offset))
        except (ValueError, OverflowError, OSError):
            return "1970-01-01T00:00:00+00:00"
        return f"{text}{self.zone[:3]}:{self.zone[3:5]}"


class Commit(Struct, frozen=True):
    oid: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str


def parse_commit(found: Object) -> Commit:
    """The commit in `found.data`. Broken parts become empty; text that is not in its stated encoding gets replacement marks."""
    head, _, body = found.data.partition(b"\n\n")
    tree, parents, author, committer, encoding = "", [], Person(), Person(), "utf-8"
    for line in head.split(b"\n"):
        key, _, value = line.partition(b" ")
        if key == b"tree":
            tree = value.decode("ascii", "replace")
        elif key == b"parent":
            parents.append(value.decode("ascii", "replace"))
        elif key == b"author":
            author = _person(value)
        elif key == b"committer":
            committer = _person(value)
        elif key == b"encoding":
            encoding = value.decode("ascii", "replace")
    try:
        message = body.decode(encoding, "replace")
    except LookupError:
        message = body.decode("utf-8", "replace")
    return Commit(found.oid, tree, tuple(parents), author, committer, message.rstrip("\n"))


def _person(line: bytes) -> Person:
    who, _, when = line.decode("utf-8", "replace").rpartition("> ")
    name, _, email = who.partition("<")
    at, _, zone = when.partition(" ")
    digits = at.lstrip("-")
    return Person(name.strip(), email, int(at) if digits.isascii() and digits.isdigit() else 0, zone or "+0000")
