"""Which caches the jobs of an event read, and which they add to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from zlib import crc32

from headrace.events.detect import common_dir

if TYPE_CHECKING:
    from headrace.events.model import Event
    from headrace.services.grants import JobGrant


def cache_grant(event: Event, run: str, job: str, place: str) -> JobGrant:
    """A job adds to the caches of the event's own ref and reads them; after those it reads the base branch's of a pull request,
    and the default branch's. What a fork has set off adds to a pull request's own caches only, whatever ref it runs on.

    `place` says where jobs have their folders: archives name what lies outside of the workspace as seen from there, so what was
    saved in one place is of no use in another."""
    from headrace.services.grants import JobGrant

    repository = event.repository
    branches = [event.base_ref or _base(event), repository.default_branch]
    reads = tuple(dict.fromkeys(f"refs/heads/{branch}" for branch in branches if branch))
    # Every clone has caches of its own: which repository a clone is of is what its own settings say, and anybody may write those.
    key = crc32(os.fsencode(os.path.realpath(common_dir(repository.git_dir))))
    caches = f"{repository.full_name}@{key:08x}-{place}"
    writes = event.ref.startswith("refs/pull/") or not from_fork(event)
    return JobGrant(run, job, repository.full_name, event.ref, caches, tuple(ref for ref in reads if ref != event.ref), writes)


def from_fork(event: Event) -> bool:
    """Whether another repository than the event's own has set it off; one that has been deleted since is null in payloads."""
    payload: dict[str, Any] = event.payload
    heads = (payload.get("pull_request") or {}).get("head") or {}, payload.get("workflow_run") or {}
    own = event.repository.full_name
    for head, key in zip(heads, ("repo", "head_repository"), strict=True):
        repository = head.get(key, {})
        name = repository.get("full_name") if isinstance(repository, dict) else None
        if repository is None or (name and name != own):
            return True
    return False


def _base(event: Event) -> str:
    """The branch that a merge queue merges into."""
    group: dict[str, Any] = event.payload.get("merge_group") or {}
    return str(group.get("base_ref") or "").removeprefix("refs/heads/")
