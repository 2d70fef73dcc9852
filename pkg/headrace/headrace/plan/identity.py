"""What an identity token says of a job: the claims that GitHub's issuer makes, from the same facts. Pure.

Source: "OpenID Connect reference" of GitHub's documentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_FROM_GITHUB = (
    "ref", "ref_type", "sha", "repository", "repository_owner", "repository_id", "repository_owner_id", "run_id", "run_number",
    "run_attempt", "actor", "actor_id", "workflow", "workflow_ref", "workflow_sha", "event_name", "head_ref", "base_ref",
)  # fmt: skip
_OF_PULL_REQUESTS = frozenset(("pull_request", "pull_request_target", "pull_request_review", "pull_request_review_comment"))


def identity_claims(
    github: Mapping[str, Any], *, job_workflow_ref: str, job_workflow_sha: str, runner_environment: str, environment: str = ""
) -> dict[str, str]:
    """The claims of a job but `iss`, `aud`, `jti` and the times, all of them texts. `github` is its context; `job_workflow_ref`
    is that of the file in which the job stands: a called one, perhaps.

    >>> github = {"repository": "o/r", "repository_owner": "o", "event_name": "push", "ref": "refs/heads/a:b"}
    >>> more = {"job_workflow_ref": "o/r/x.yml@refs/heads/main", "job_workflow_sha": "1", "runner_environment": "self-hosted"}
    >>> identity_claims(github, **more)["sub"], identity_claims(github, environment="prod", **more)["sub"]
    ('repo:o/r:ref:refs/heads/a%3Ab', 'repo:o/r:environment:prod')
    >>> identity_claims({**github, "event_name": "pull_request"}, **more)["sub"]
    'repo:o/r:pull_request'
    """
    claims = {name: str(github.get(name) or "") for name in _FROM_GITHUB}
    payload = github.get("event")
    repository = payload.get("repository") if isinstance(payload, Mapping) else None
    shown = repository if isinstance(repository, Mapping) else {}
    claims |= {
        "ref_protected": "true" if github.get("ref_protected") else "false",
        "repository_visibility": str(shown.get("visibility") or ("private" if shown.get("private") else "public")),
        "job_workflow_ref": job_workflow_ref,
        "job_workflow_sha": job_workflow_sha,
        "runner_environment": runner_environment,
        "sub": f"repo:{_plain(claims['repository'])}:{_context(claims, environment)}",
    }
    return claims | ({"environment": environment} if environment else {})


def _context(claims: Mapping[str, str], environment: str) -> str:
    """The part of `sub` after the repository: the first rule that applies."""
    if environment:
        return f"environment:{_plain(environment)}"
    if claims["event_name"] in _OF_PULL_REQUESTS:
        return "pull_request"
    return f"ref:{_plain(claims['ref'])}"


def _plain(text: str) -> str:
    return text.replace(":", "%3A")
