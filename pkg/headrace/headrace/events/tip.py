"""What the jobs get to see: a commit that exists, or the working tree on top of HEAD."""

from __future__ import annotations

from msgspec import Struct, structs

from headrace.base import git
from headrace.base.errors import Problem, UsageError
from headrace.events.commits import EMPTY_TREES, Commit, Person
from headrace.events.detect import common_dir
from headrace.events.lookup import Lookup
from headrace.events.model import Repository
from headrace.events.request import EventRequest
from headrace.events.snapshot import AUTHOR, EMAIL, MESSAGE, ObjectStore, take_snapshot
from headrace.events.status import Status, parse_status, start_status, unreadable


class Tip(Struct, frozen=True):
    """`commit` is the commit itself, or for the working tree HEAD (None before the first commit). `status` is None for a commit
    that was named; else what the working tree changes."""

    commit: Commit | None
    status: Status | None = None
    sha256: bool = False

    @property
    def dirty(self) -> bool:
        """Whether the tree is not that of `commit`."""
        return self.status is not None and (self.commit is None or bool(self.status.paths))

    @property
    def left_out(self) -> tuple[str, ...]:
        return self.status.unreadable if self.status is not None else ()

    @property
    def zeros(self) -> str:
        return "0" * (len(self.commit.oid) if self.commit else 64 if self.sha256 else 40)

    @property
    def empty_tree(self) -> str:
        return EMPTY_TREES[len(self.zeros)]

    @property
    def message(self) -> str:
        return MESSAGE if self.dirty or self.commit is None else self.commit.message


class Made(Struct, frozen=True):
    """The tip as a commit: its id, the git directory that holds it, and itself as others would see it (None where it is not
    made, before the first commit)."""

    sha: str
    objects: str
    shown: Commit


class Place(Struct, frozen=True):
    """The repository as one event looks at it. `env` is for calls that read the work tree; `store` is None where nothing may be
    written. `sha256` says how long ids are."""

    repository: Repository
    request: EventRequest
    look: Lookup
    store: ObjectStore | None
    present: str
    env: dict[str, str] = {}
    sha256: bool = False


def commit_tip(commit: Commit) -> Tip:
    return Tip(commit)


def present_tip(place: Place) -> Tip:
    """The working tree; in a bare repository HEAD. Raises `UsageError` for a bare repository without commits."""
    repository = place.repository
    if repository.root == repository.git_dir:
        head = place.look.commit("HEAD")
        if head is None:
            raise UsageError(
                Problem(f"{repository.root}: the repository is bare and its HEAD has no commit", hint="say --ref or --sha")
            )
        return Tip(head)
    status = start_status(repository.root, place.env)
    head = place.look.commit("HEAD")
    done = status.finish()
    found = parse_status(git.check(done, repository.root))
    return Tip(head, structs.replace(found, unreadable=unreadable(done.err)) if done.err else found, place.sha256)


def make(place: Place, tip: Tip) -> Made:
    """Commit a dirty tip into the store; without a store HEAD's id stands for it (zeros before the first commit)."""
    objects = common_dir(place.repository.git_dir)
    if not tip.dirty:
        assert tip.commit is not None  # a tip without a commit is dirty
        return Made(tip.commit.oid, objects, tip.commit)
    sha = tip.commit.oid if tip.commit else tip.zeros
    if place.store is not None and tip.status is not None:
        sha = take_snapshot(place.repository, place.store, tip.status, tip.commit, sha256=tip.sha256)
        objects = place.store.path
    at = tip.commit.committer if tip.commit else Person()
    person = Person(AUTHOR, EMAIL, at.at, at.zone)
    parents = (tip.commit.oid,) if tip.commit else ()
    return Made(sha, objects, Commit(sha, tip.commit.tree if tip.commit else tip.empty_tree, parents, person, person, MESSAGE))


def present_branch(place: Place) -> str:
    """The full ref of the present branch. With a detached HEAD: a branch that stands on it (the default branch first), else a
    tag, else the default branch."""
    if place.present:
        return place.present
    default = f"refs/heads/{place.repository.default_branch}"
    if place.look.commit("HEAD") is None:
        return default
    refs = place.look.refs_at_head()
    return default if default in refs or not refs else refs[0]
