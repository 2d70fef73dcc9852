"""A push: which ref, which tree, what was there before, and which files that changes."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from headrace.base import git
from headrace.events import diff
from headrace.events.commits import Commit, Person
from headrace.events.tip import Made, Place, Tip, commit_tip, make, present_branch, present_tip

MERGED_WITH_PUSH = 20


class Before(Struct, frozen=True):
    """What the forge had. `oid` is what the payload says (zeros for a new ref); `base` the commit or tree to compare with, None
    where that is unknown."""

    oid: str
    base: str | None
    created: bool = False


class Pushed(Struct, frozen=True):
    """`commits` are those of the push, oldest first."""

    ref: str
    made: Made
    tip: Tip
    before: Before
    files: tuple[str, ...] | None
    commits: tuple[Commit, ...]


def choose(place: Place, ref_text: str, sha: str) -> tuple[str, Tip]:
    """The full ref and the tree: SHA, else the commit of a named ref that is not the present branch, else the working tree.

    Raises `UsageError` for names that are none.
    """
    look, request = place.look, place.request
    named = look.ref(ref_text) if ref_text else None
    ref = named.ref if named else present_branch(place)
    if request.sha:
        return ref, commit_tip(look.must(request.sha, "--sha"))
    if sha and (commit := look.commit(sha)):
        return ref, commit_tip(commit)
    if named and named.commit and named.ref != place.present:
        return ref, commit_tip(named.commit)
    return ref, present_tip(place)


def pushed(place: Place) -> Pushed:
    payload, request = place.request.payload, place.request
    given_ref = request.ref or _text(payload.get("ref"))
    ref, tip = choose(place, given_ref, "" if request.ref else _text(payload.get("after")))
    before = _before(place, ref, tip)
    files, commits = _changes(place, ref, tip, before)
    made = make(place, tip)
    return Pushed(ref, made, tip, before, files, (*commits, made.shown) if tip.dirty else commits)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _before(place: Place, ref: str, tip: Tip) -> Before:
    look, request = place.look, place.request
    if request.base:
        oid = look.must(request.base, "--base").oid
        return Before(oid, oid)
    given = _text(request.payload.get("before"))
    if given and given.strip("0"):
        known = look.commit(given)
        return Before(given, known.oid if known else None)
    if ref.startswith("refs/tags/"):
        return Before(tip.zeros, None, created=True)
    branch = ref.removeprefix("refs/heads/")
    there = look.tracking(branch) if not given else None
    if there is not None and (tip.commit is None or there.oid != tip.commit.oid or tip.dirty):
        return Before(there.oid, there.oid)
    if there is None and tip.commit is not None:
        trunk = look.tracking(place.repository.default_branch)
        fork = diff.merge_base(place.repository.root, trunk.oid, tip.commit.oid) if trunk else ""
        if fork and (fork != tip.commit.oid or tip.dirty):
            return Before(tip.zeros, fork, created=True)
    parent = _parent(place, tip)
    created = bool(given) or (there is None and look.tracking(place.repository.default_branch) is not None)
    return Before(
        tip.zeros if created or parent in (None, tip.empty_tree) else str(parent), parent, created or parent == tip.empty_tree
    )


def _parent(place: Place, tip: Tip) -> str | None:
    """The commit before the tip, the empty tree before the first one; None where a shallow clone does not hold it."""
    if tip.commit is None:
        return tip.empty_tree
    if tip.dirty:
        return tip.commit.oid
    if not tip.commit.parents:
        return tip.empty_tree
    known = place.look.commit(tip.commit.parents[0])
    return known.oid if known else None


def _changes(place: Place, ref: str, tip: Tip, before: Before) -> tuple[tuple[str, ...] | None, tuple[Commit, ...]]:
    """Changed files and the pushed commits below a dirty tree, oldest first. Tags have no changed files: no filter looks."""
    last = (tip.commit,) if tip.commit and not tip.dirty else ()
    if ref.startswith("refs/tags/") or before.base is None:
        return None, last
    head = tip.commit.oid if tip.commit else tip.empty_tree
    if before.base == tip.empty_tree or tip.commit is None:
        listing, known = None, last
    elif before.base == head:
        listing, known = None, ()
    elif tip.commit.parents == (before.base,):
        listing, known = None, (tip.commit,)
    else:
        listing, known = diff.start_range(place.repository.root, before.base, head), ()
    files = compare(place, tip, before.base)
    if listing is None:
        return files, known
    oids = git.check(listing.finish(), place.repository.root).decode().split()
    if len(oids) > diff.COMMITS:
        return None, tuple(c for oid in reversed(oids[:MERGED_WITH_PUSH]) if (c := place.look.commit(oid)))
    return files, tuple(c for oid in reversed(oids) if (c := place.look.commit(oid)))


def compare(place: Place, tip: Tip, base: str) -> tuple[str, ...] | None:
    """The files in which the tip differs from the commit or tree `base`."""
    root, head = place.repository.root, tip.commit.oid if tip.commit else tip.empty_tree
    if tip.status is None:
        found = diff.names(diff.start_commits(root, base, head).finish())
        return None if found is None else diff.changed(found)
    if base == head:
        return diff.changed(tip.status.paths)
    if not tip.dirty:
        found = diff.names(diff.start_commits(root, base, head).finish())
        return None if found is None else diff.changed(found)
    found = diff.names(diff.start_work_tree(root, base, place.env).finish())
    return None if found is None else diff.changed(found, tip.status.untracked)


def pusher(login: str, settings: dict[str, str]) -> Person:
    return Person(login, settings.get("user.email", ""))
