"""What happened: the one value that decides which workflows run."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Repository(Struct, frozen=True):
    """Where the event happened. `full_name` is `owner/name`, from the remote's address or else `local/FOLDER`.
    `root` is the work tree (or the bare git directory); `git_dir` its git directory (absolute, the worktree's own)."""

    full_name: str
    root: str
    git_dir: str
    default_branch: str = "main"

    @property
    def owner(self) -> str:
        return self.full_name.partition("/")[0]

    @property
    def name(self) -> str:
        return self.full_name.partition("/")[2]


class Event(Struct, frozen=True):
    """`ref` is the full ref (`refs/heads/main`); `sha` the commit that `github.sha` shows and whose tree the jobs get.
    `changed_files` is None where the diff is not known, and the path filters are then skipped.
    `objects` is the git directory in which `sha` can be found: headrace's own store for a snapshot, else the repository's.
    `payload` is the webhook's JSON; `inputs` are the raw texts given for workflow_dispatch."""

    name: str
    repository: Repository
    ref: str
    sha: str
    objects: str
    payload: dict[str, Any] = {}
    changed_files: tuple[str, ...] | None = None
    action: str = ""  # activity type (`opened`, …), empty where the event has none
    actor: str = ""
    base_ref: str = ""  # branch names, pull_request only
    head_ref: str = ""
    message: str = ""  # head commit's message, for skip-ci
    inputs: dict[str, str] = {}
    snapshot: bool = False  # the working tree was committed for this run
    left_out: tuple[str, ...] = ()  # folders of the working tree that could not be read

    @property
    def ref_name(self) -> str:
        for prefix in ("refs/heads/", "refs/tags/", "refs/pull/"):
            if self.ref.startswith(prefix):
                return self.ref[len(prefix) :]
        return self.ref

    @property
    def ref_type(self) -> str:
        return "tag" if self.ref.startswith("refs/tags/") else "branch"
