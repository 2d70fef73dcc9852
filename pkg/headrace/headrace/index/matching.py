"""Which publisher a genuine identity token belongs to. Pure.

PyPI looks a publisher up by exact equality and says "not found" whatever differs; so that one need not guess, the publisher that
comes closest is reported beside it, with the fields that differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from headrace.index import messages
from headrace.index.model import Publisher

_FILE = re.compile(r"[^/]+\.(?:yml|yaml)(?=@)")
_REQUIRED = ("event_name", "job_workflow_ref", "jti", "ref", "repository", "repository_owner", "repository_owner_id", "sha")


class Difference(Struct, frozen=True):
    """`field` is that of the publisher; what was registered, and what the token says of it."""

    field: str
    registered: str
    claimed: str


class Closest(Struct, frozen=True):
    """The publisher that differs least, and in what; `reason` is why one that does not differ is none."""

    publisher: Publisher
    differences: tuple[Difference, ...]
    reason: str = ""

    def __str__(self) -> str:
        if not self.differences:
            return f"publisher {self.publisher.id} of {_of(self.publisher)} would be it: {self.reason}"
        said = "; ".join(f"{each.field} is {each.registered!r}, the token says {each.claimed!r}" for each in self.differences)
        return f"publisher {self.publisher.id} of {_of(self.publisher)} comes closest: {said}"


class NoPublisher(Exception):
    """`str` of it is PyPI's reason; `closest` says more where there is a publisher of the same owner or repository."""

    def __init__(self, reason: str, closest: Closest | None = None) -> None:
        super().__init__(reason)
        self.closest = closest


def workflow_file(reference: str) -> str:
    """The file name inside a `job_workflow_ref`, "" where there is none. A ref may hold `@` and look like a file.

    >>> workflow_file("o/r/.github/workflows/release.yml@refs/tags/demo@1.0")
    'release.yml'
    >>> workflow_file("o/r/.github/workflows/release.txt@refs/heads/main")
    ''
    """
    found = _FILE.search(reference)
    return found.group() if found else ""


def find(publishers: Iterable[Publisher], claims: Mapping[str, Any]) -> Publisher:
    """The publisher of a token, all of whose claims are known to be genuine: the one that names its environment before one that
    names none. Raises NoPublisher.

    Source: warehouse, oidc/models/github.py and _core.py (in the order of its checks)."""
    for name in _REQUIRED:
        if claims.get(name) is None:
            raise NoPublisher(f"Missing claim {name!r}")
    known = [each for each in publishers if each.issuer == str(claims.get("iss", "")).rstrip("/")]
    reference = str(claims["job_workflow_ref"])
    if not workflow_file(reference):
        raise NoPublisher(messages.NO_FILE_NAME)
    fitting = [each for each in known if not differences(each, claims)]
    fitting.sort(key=lambda each: (not each.environment, each.id))
    if not fitting:
        raise NoPublisher(messages.NOT_FOUND, closest(known, claims))
    publisher = fitting[0]
    if claims["repository_owner"] != publisher.owner:
        raise NoPublisher("Check failed for required claim 'repository_owner'")
    refs = [str(claims[name]) for name in ("ref", "sha") if claims[name]]
    if not refs:
        raise NoPublisher(messages.EMPTY_REFS)
    expected = sorted({f"{publisher.slug}/.github/workflows/{publisher.workflow}@{ref}" for ref in refs})
    if reference not in expected:
        raise NoPublisher(f"The job_workflow_ref claim does not match, expecting one of {expected!r}, got {reference!r}")
    if claims["event_name"] == "pull_request_target":
        raise NoPublisher(messages.TARGET)
    return publisher


def differences(publisher: Publisher, claims: Mapping[str, Any]) -> tuple[Difference, ...]:
    """In which fields the token differs from a publisher. An environment that is not registered does not count."""
    owner, _, repository = str(claims["repository"]).partition("/")
    environment = str(claims.get("environment") or "")
    pairs = (
        ("owner", publisher.owner, owner),
        ("repository", publisher.repository, repository),
        ("owner id", publisher.owner_id, str(claims["repository_owner_id"])),
        ("workflow", publisher.workflow, workflow_file(str(claims["job_workflow_ref"]))),
        ("environment", publisher.environment, environment.lower() if publisher.environment else ""),
    )
    return tuple(Difference(*pair) for pair in pairs if pair[1] != pair[2])


def closest(publishers: Iterable[Publisher], claims: Mapping[str, Any]) -> Closest | None:
    """Only among those of the token's owner or repository: others are none of its business."""
    owner, _, repository = str(claims["repository"]).partition("/")
    known = [
        each
        for each in publishers
        if each.owner.lower() == owner.lower()
        or each.owner_id == str(claims["repository_owner_id"])
        or each.repository.lower() == repository.lower()
    ]
    candidates = [_compared(each, claims) for each in known]
    return min(candidates, key=lambda each: (len(each.differences), each.publisher.id), default=None)


def _compared(publisher: Publisher, claims: Mapping[str, Any]) -> Closest:
    different = differences(publisher, claims)
    reason = ""
    if not different:
        try:
            find([publisher], claims)
        except NoPublisher as error:
            reason = str(error)
    return Closest(publisher, different, reason)


def _of(publisher: Publisher) -> str:
    return ", ".join(publisher.projects) or publisher.pending
