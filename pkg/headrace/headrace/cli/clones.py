"""Clones of repositories that hold actions and called workflows, as far as they are used: one commit for each ref, without
history, below the cache folder as below `--actions-root`."""

from __future__ import annotations

import os
from typing import NamedTuple

from headrace.base import git
from headrace.base.errors import HeadraceError, Problem
from headrace.base.paths import cache_dir
from headrace.cli.called import names_of

# The protocols are those that a person's own `url.….insteadOf` may lead to; elsewhere we let git use none at all.
_QUIET = {
    "GIT_ALLOW_PROTOCOL": "https:http:ssh:file",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "true",
    "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
}
_SLOW = ("-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=20", "-c", "gc.auto=0")


class NotFetched(HeadraceError):
    """There is no such repository or ref, or no way to its server."""


class Fetched(NamedTuple):
    """`ref` is the whole ref (`refs/tags/v1`), or a commit. `before`: what it was here before, empty where it was not."""

    repository: str
    ref: str
    sha: str
    before: str


def root() -> str:
    """The folder of the clones, in the form of `--actions-root`."""
    return os.path.join(cache_dir(), "actions")


def fetch(repository: str, ref: str, server: str) -> Fetched:
    """Bring the commit of a ref of `owner/name` here, anew where it is there already. Raises NotFetched."""
    folder = os.path.join(root(), repository.lower().replace("/", "+"), "repo")
    url = f"{server}/{repository}"
    wanted = [name.replace("refs/remotes/origin/", "refs/heads/") for name in names_of(ref)]
    if not wanted:
        raise NotFetched(Problem(f"{repository}@{ref}: that is no ref"))
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        if not os.path.exists(os.path.join(folder, "HEAD")):
            git.run(folder, "init", "--quiet", "--bare")
        full = wanted[0] if not wanted[0].startswith("refs/") else _listed(folder, url, wanted)
        if not full:
            raise NotFetched(Problem(f"{repository} has no tag or branch {ref}"))
        local = full if full.startswith("refs/") else f"refs/headrace/{full}"
        before = _commit(folder, local)
        git.run(folder, *_SLOW, "fetch", "--quiet", "--force", "--depth=1", "--no-tags", url, f"+{full}:{local}", env=_QUIET)
        return Fetched(repository, full, _commit(folder, local), before)
    except git.GitError as error:
        raise NotFetched(Problem(f"{repository}@{ref}: {error.problems[0].message}")) from None
    except OSError as error:
        raise NotFetched(Problem(f"{folder}: {error.strerror}")) from None


def _listed(folder: str, url: str, wanted: list[str]) -> str:
    """The first of the refs that the server has; empty where it has none."""
    listed = git.run(folder, *_SLOW, "ls-remote", url, *dict.fromkeys(wanted), env=_QUIET).decode("utf-8", "replace")
    there = {line.partition("\t")[2] for line in listed.splitlines()}
    return next((name for name in wanted if name in there), "")


def _commit(folder: str, ref: str) -> str:
    try:
        return git.run(folder, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}").decode().strip()
    except git.GitError:
        return ""
