"""`permissions`: names and levels of a job's token, and whether a called workflow asks for more than it may have."""

from __future__ import annotations

from headrace.workflow.schema import PERMISSIONS
from headrace.workflow.tokens import Mapping, Scalar, Token

# In the order in which GitHub lists them.
ALL = [
    "actions",
    "artifact-metadata",
    "attestations",
    "checks",
    "contents",
    "deployments",
    "discussions",
    "issues",
    "packages",
    "pages",
    "pull-requests",
    "repository-projects",
    "security-events",
    "statuses",
    "id-token",
    "models",
    "vulnerability-alerts",
]
_READ_AT_MOST = ("models", "vulnerability-alerts")
_RANK = {"none": 0, "read": 1, "write": 2}
_ORDER = (*ALL, *(name for name in PERMISSIONS if name not in ALL))

LIMITED_READ = {"contents": "read", "packages": "read"}


def everything(level: str) -> dict[str, str]:
    """`read-all` or `write-all` as names and levels."""
    return {name: "read" if name in _READ_AT_MOST else level for name in ALL}


def write_default(reference: str, owner: str) -> dict[str, str]:
    """The upper bound of a called workflow where nobody set permissions and the repository's default is to write.
    An identity token is part of it only within the caller's own organisation; `owner` is empty where that is not known."""
    bound = dict.fromkeys(PERMISSIONS, "write")
    if owner and not reference.startswith("./") and reference.partition("/")[0].lower() != owner.lower():
        del bound["id-token"]
    return bound


def convert(token: Token) -> dict[str, str]:
    """Name → `read` or `write`; what is missing is `none`."""
    if isinstance(token, Scalar):
        return everything(str(token.value).removesuffix("-all"))
    assert isinstance(token, Mapping)
    given = {str(k.value): str(v.value) for k, v in token.pairs if isinstance(k, Scalar) and isinstance(v, Scalar)}
    return {name: level for name, level in given.items() if level != "none"}


def excess(requested: dict[str, str], allowed: dict[str, str]) -> tuple[str, str] | None:
    """What is asked for beyond what is allowed, as the two lists of GitHub's message; None where all is well."""
    names = [n for n in _ORDER if _RANK[requested.get(n, "none")] > _RANK[allowed.get(n, "none")]]
    if not names:
        return None
    return (
        ", ".join(f"{name}: {requested[name]}" for name in names),
        ", ".join(f"{name}: {allowed.get(name, 'none')}" for name in names),
    )
