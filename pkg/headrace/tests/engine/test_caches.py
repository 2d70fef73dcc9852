"""Which caches the jobs of an event read and add to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from headrace.engine.caches import cache_grant, from_fork
from headrace.events.model import Event, Repository

REPOSITORY = Repository("octo/repo", "/r", "/r/.git", "main")


def event(name: str, ref: str, payload: dict[str, Any] | None = None, base: str = "") -> Event:
    return Event(name, REPOSITORY, ref, "1" * 40, "/r/.git", payload or {}, base_ref=base)


def pull(head: str) -> dict[str, Any]:
    return {"pull_request": {"head": {"repo": {"full_name": head}}, "base": {"ref": "dev"}}}


CASES: list[tuple[Event, tuple[str, ...], bool]] = [
    (event("push", "refs/heads/main"), ("refs/heads/main",), True),
    (event("push", "refs/heads/topic"), ("refs/heads/topic", "refs/heads/main"), True),
    (event("push", "refs/tags/v1"), ("refs/tags/v1", "refs/heads/main"), True),
    (
        event("pull_request", "refs/pull/7/merge", pull("octo/repo"), "dev"),
        ("refs/pull/7/merge", "refs/heads/dev", "refs/heads/main"),
        True,
    ),
    (
        event("pull_request", "refs/pull/7/merge", pull("eve/repo"), "main"),
        ("refs/pull/7/merge", "refs/heads/main"),
        True,
    ),
    (event("pull_request_target", "refs/heads/dev", pull("octo/repo"), "dev"), ("refs/heads/dev", "refs/heads/main"), True),
    (event("pull_request_target", "refs/heads/dev", pull("eve/repo"), "dev"), ("refs/heads/dev", "refs/heads/main"), False),
    (event("workflow_run", "refs/heads/main", {"workflow_run": {"head_repository": {"full_name": "eve/repo"}}}),
     ("refs/heads/main",), False),
    (event("merge_group", "refs/heads/gh-readonly-queue/dev/pr-1", {"merge_group": {"base_ref": "refs/heads/dev"}}),
     ("refs/heads/gh-readonly-queue/dev/pr-1", "refs/heads/dev", "refs/heads/main"), True),
]  # fmt: skip


@pytest.mark.covers("runtime:9.6")
@pytest.mark.parametrize(("given", "scopes", "writes"), CASES)
def test_the_own_ref_comes_first_then_the_base_then_the_default_branch(
    given: Event, scopes: tuple[str, ...], writes: bool
) -> None:
    grant = cache_grant(given, "1", "leg-1", "parted")
    assert (grant.scopes, grant.writes) == (scopes, writes)


@pytest.mark.covers("runtime:9.6")
def test_what_a_fork_has_set_off_adds_to_nothing_that_others_read() -> None:
    for given, scopes, _ in CASES:
        grant = cache_grant(given, "1", "leg-1", "parted")
        if from_fork(given) and grant.writes:
            assert scopes[0].startswith("refs/pull/")


def test_a_fork_that_has_been_deleted_since_is_one() -> None:
    gone = {"pull_request": {"head": {"repo": None}}}, {"workflow_run": {"head_repository": None}}
    assert [from_fork(event("pull_request", "refs/pull/7/merge", payload)) for payload in gone] == [True, True]
    unknown: tuple[dict[str, Any], ...] = ({"pull_request": {"head": {}}}, {"pull_request": None}, {"workflow_run": {}}, {})
    assert not any(from_fork(event("pull_request", "refs/pull/7/merge", payload)) for payload in unknown)


def test_every_clone_and_every_place_of_jobs_has_caches_of_its_own(tmp_path: Path) -> None:
    names = []
    for folder in ("a", "b"):
        (tmp_path / folder / ".git").mkdir(parents=True)
        repository = Repository("octo/repo", str(tmp_path / folder), str(tmp_path / folder / ".git"))
        given = Event("push", repository, "refs/heads/main", "1" * 40, "")
        names += [cache_grant(given, "1", "leg-1", place).caches for place in ("parted", "host")]
    assert len(set(names)) == 4


def test_a_worktree_shares_the_caches_of_its_clone(tmp_path: Path) -> None:
    git_dir = tmp_path / "a" / ".git"
    (git_dir / "worktrees" / "w").mkdir(parents=True)
    (git_dir / "worktrees" / "w" / "commondir").write_text("../..\n")
    both = [
        cache_grant(Event("push", Repository("octo/repo", "", str(own)), "refs/heads/x", "1" * 40, ""), "1", "leg-1", "host")
        for own in (git_dir, git_dir / "worktrees" / "w")
    ]
    assert both[0] == both[1]
