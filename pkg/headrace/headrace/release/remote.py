"""git as the person would call it: with their credentials, their hooks and their way to the server. Everything else of a release
only looks into the repository and goes through `base.git`."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping

from msgspec import Struct

from headrace.base.errors import HeadraceError, Problem

_PLACES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX")
"""What a hook that calls us has set, and would lead elsewhere."""


class NoAnswer(HeadraceError):
    """The remote cannot be asked; nothing was changed."""

    status = 1


class Refs(Struct, frozen=True):
    """What a remote has: the commit of the branch, empty where it has none, and tag → what it stands for (tag objects peeled)."""

    tip: str
    tags: dict[str, str]


def call(root: str, *arguments: str, data: str = "", env: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """Status and both outputs. Raises NoAnswer where git is not there."""
    environ = {name: value for name, value in os.environ.items() if name not in _PLACES}
    environ |= {"LC_ALL": "C", "LANGUAGE": "C", **(env or {})}
    try:
        done = subprocess.run(
            ["git", "-C", root, *arguments], env=environ, input=data, capture_output=True, encoding="utf-8",
            errors="surrogateescape", check=False,
        )  # fmt: skip
    except FileNotFoundError:
        raise NoAnswer(Problem("git is not installed", hint="install git and have it on the PATH")) from None
    return done.returncode, done.stdout, done.stderr


def complaint(err: str) -> str:
    """What of git's words says why, in one line.

    >>> complaint("remote: frozen\\nTo x\\n ! [remote rejected] a -> a (pre-receive hook declined)\\nerror: failed to push\\n")
    'frozen; a -> a (pre-receive hook declined)'
    """
    lines = [line.strip() for line in err.splitlines() if line.strip()]
    told = [line.removeprefix("remote: ").strip() for line in lines if line.startswith("remote: ")]
    refused = [line.split("]", 1)[1].strip() for line in lines if line.startswith("! [") and "]" in line]
    fatal = [line.split(": ", 1)[1] for line in lines if line.startswith("fatal: ")]
    return "; ".join(dict.fromkeys(filter(None, told + refused + fatal))) or (lines[-1] if lines else "no reason given")


def listed(root: str, remote: str, branch: str, *, peeled: bool = True) -> Refs:
    """Ask the remote. A tag object counts as the commit that it stands for, unless not `peeled`. Raises NoAnswer."""
    code, out, err = call(root, "ls-remote", remote, f"refs/heads/{branch}", "refs/tags/*")
    if code:
        hint = f"`git ls-remote {remote}` says more; [tool.headrace.release] may name another `remote`"
        raise NoAnswer(Problem(f"{remote} does not answer: {complaint(err)}", hint=hint))
    tip, tags = "", {}
    for line in out.splitlines():
        sha, _, ref = line.partition("\t")
        if ref == f"refs/heads/{branch}":
            tip = sha
        elif ref.startswith("refs/tags/"):
            name = ref[len("refs/tags/") :]
            if peeled or not name.endswith("^{}"):
                tags[name.removesuffix("^{}")] = sha  # the peeled line comes second
    return Refs(tip, tags)


def bring(root: str, remote: str, branch: str) -> None:
    """Fetch the objects of a branch, and change no ref. What cannot be fetched stays unknown."""
    call(
        root,
        "fetch",
        "--quiet",
        "--no-tags",
        "--no-write-fetch-head",
        "--refmap=",
        "--no-auto-gc",
        remote,
        f"refs/heads/{branch}",
    )
