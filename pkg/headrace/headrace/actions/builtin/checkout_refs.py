"""Which refs a checkout fetches and what it then checks out: GitHub's rules as pure functions of the requested ref and commit."""

from __future__ import annotations

from typing import NamedTuple


class Target(NamedTuple):
    """What `git checkout` is given: with `start`, the local branch `ref` is made there; without, HEAD is detached at `ref`."""

    ref: str
    start: str = ""


def is_commit(text: str) -> bool:
    """Full object ids only; a short id is a name.

    >>> is_commit("a" * 40), is_commit("a" * 7)
    (True, False)
    """
    return len(text) in (40, 64) and all(c in "0123456789abcdefABCDEF" for c in text)


def tracking(ref: str) -> str:
    """Where a qualified ref of the origin is kept.

    >>> tracking("refs/heads/feature/x"), tracking("refs/pull/7/merge"), tracking("refs/tags/v1")
    ('refs/remotes/origin/feature/x', 'refs/remotes/pull/7/merge', 'refs/tags/v1')
    """
    for prefix, kept in (("refs/heads/", "refs/remotes/origin/"), ("refs/pull/", "refs/remotes/pull/")):
        if ref.lower().startswith(prefix):
            return kept + ref[len(prefix) :]
    return ref


def refspecs(ref: str, commit: str) -> list[str]:
    """The refspecs of a checkout with limited depth. One of `ref` and `commit` is not empty.

    >>> refspecs("refs/heads/main", "c0ffee")
    ['+c0ffee:refs/remotes/origin/main']
    >>> refspecs("", "c0ffee")
    ['c0ffee']
    >>> refspecs("v1", "")
    ['+refs/heads/v1*:refs/remotes/origin/v1*', '+refs/tags/v1*:refs/tags/v1*']
    """
    if commit:
        kept = tracking(ref)
        return [f"+{commit}:{kept}"] if kept.lower().startswith(("refs/remotes/", "refs/tags/")) else [commit]
    if not ref.lower().startswith("refs/"):
        return [f"+refs/heads/{ref}*:refs/remotes/origin/{ref}*", f"+refs/tags/{ref}*:refs/tags/{ref}*"]
    return [f"+{ref}:{tracking(ref)}"]


ALL_TAGS = "+refs/tags/*:refs/tags/*"
ALL_REFS = ["+refs/heads/*:refs/remotes/origin/*", ALL_TAGS]
"""The refspecs of `fetch-depth: 0`."""


def target(ref: str, commit: str) -> Target:
    """What to check out for a qualified `ref`, or for a commit where `ref` is empty.

    >>> target("refs/heads/main", "c0ffee")
    Target(ref='main', start='refs/remotes/origin/main')
    >>> target("refs/pull/7/merge", "c0ffee")
    Target(ref='refs/remotes/pull/7/merge', start='')
    >>> target("refs/notes/x", "c0ffee").ref
    'c0ffee'
    """
    if not ref:
        return Target(commit)
    lower = ref.lower()
    if lower.startswith("refs/heads/"):
        return Target(ref[len("refs/heads/") :], tracking(ref))
    if lower.startswith("refs/pull/"):
        return Target(tracking(ref))
    if lower.startswith("refs/tags/"):
        return Target(ref)
    return Target(commit or ref)
