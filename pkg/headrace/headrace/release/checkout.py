"""Whether the work tree is what the remote's branch has, and the tags are free. Changes no ref, here or there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from headrace.base import git
from headrace.base.errors import Problem
from headrace.release import remote
from headrace.release.model import Finding, Settings, Wanted
from headrace.release.versions import newest, read, same, spelling


class Checkout(Struct, frozen=True):
    """`commit` and `tree` of HEAD, both empty before the first commit; the tags here, each with the commit it stands for; and
    what the remote has, None where it does not answer."""

    root: str
    commit: str
    tree: str
    branch: str
    changed: tuple[str, ...]
    tags: dict[str, str]
    there: remote.Refs | None
    silent: Problem | None = None


def look(root: str, settings: Settings) -> Checkout:
    """Raises GitError where the repository cannot be read, NoAnswer where git is not there."""
    status = git.run(root, "status", "--porcelain=v2", "-z", "--untracked-files=normal", "--ignore-submodules=none")
    branch = git.start(root, "symbolic-ref", "--quiet", "--short", "HEAD").finish().out.decode("utf-8", "replace").strip()
    head = git.start(root, "log", "-1", "--format=%H %T").finish().out.decode().split()  # nothing before the first commit
    listed = git.run(root, "for-each-ref", "--format=%(objectname) %(*objectname) %(refname:lstrip=2)", "refs/tags")
    tags = {}
    for line in listed.decode("utf-8", "replace").splitlines():
        own, peeled, name = line.split(" ", 2)
        tags[name] = peeled or own
    there, silent = None, None
    try:
        there = remote.listed(root, settings.remote, settings.branch)
    except remote.NoAnswer as error:
        silent = error.problems[0]
    commit, tree = head if len(head) == 2 else ("", "")
    return Checkout(root, commit, tree, branch, tuple(changed(status)), tags, there, silent)


def changed(status: bytes) -> Iterator[str]:
    """The paths in the output of `git status --porcelain=v2 -z`.

    >>> list(changed(b"1 .M N... 100644 100644 100644 a b c d.py\\0" b"2 R. N... 1 1 1 a b R100 new\\0old\\0? x y\\0"))
    ['c d.py', 'new', 'x y']
    """
    entries = iter(status.decode("utf-8", "replace").split("\0"))
    for entry in entries:
        match entry[:1]:
            case "1":
                yield entry.split(" ", 8)[8]
            case "2":
                yield entry.split(" ", 9)[9]
                next(entries, None)  # the name it had before
            case "u":
                yield entry.split(" ", 10)[10]
            case "?":
                yield entry[2:]
            case _:
                pass


def check_tree(checkout: Checkout, settings: Settings) -> Iterator[Finding]:
    """Not clean, not on the branch, or not what the remote has."""
    if checkout.changed:
        more = f" and {len(checkout.changed) - 1} more" if len(checkout.changed) > 1 else ""
        problem = Problem(
            f"the tree is not clean: {checkout.changed[0]}{more}", hint="commit what belongs to it, ignore the rest"
        )
        yield Finding("dirty", problem)
    if not checkout.commit:
        yield Finding("branch", Problem("there is no commit yet", hint="git commit makes one"))
        return
    if checkout.branch != settings.branch:
        here = checkout.branch or "a detached HEAD"
        hint = f"git switch {settings.branch}; [tool.headrace.release] may name another `branch`"
        yield Finding("branch", Problem(f"releases are made from {settings.branch}, and this is {here}", hint=hint))
    if checkout.silent is not None:
        yield Finding("remote", checkout.silent)
    if checkout.there is not None:
        yield from _against(checkout, checkout.there, settings)


def _against(checkout: Checkout, there: remote.Refs, settings: Settings) -> Iterator[Finding]:
    name = f"{settings.branch} at {settings.remote}"
    if there.tip == checkout.commit:
        return
    if not there.tip:
        hint = f"git push {settings.remote} {settings.branch}"
        yield Finding("ahead", Problem(f"there is no {name} yet", hint=hint))
        return
    if not _known(checkout.root, there.tip):
        remote.bring(checkout.root, settings.remote, settings.branch)
    if not _known(checkout.root, there.tip):
        problem = Problem(f"{name} is {there.tip[:7]}, which is not here", hint=f"git pull {settings.remote} {settings.branch}")
        yield Finding("behind", problem)
        return
    counts = git.run(checkout.root, "rev-list", "--left-right", "--count", f"{checkout.commit}...{there.tip}").decode().split()
    ahead, behind = map(int, counts)
    if behind and ahead:
        text = f"HEAD and {name} have parted: {_commits(ahead)} only here, {_commits(behind)} only there"
        yield Finding("diverged", Problem(text, hint=f"git pull --rebase {settings.remote} {settings.branch}, then test again"))
    elif behind:
        text = f"HEAD is {_commits(behind)} behind {name}"
        yield Finding("behind", Problem(text, hint=f"git pull {settings.remote} {settings.branch}"))
    else:
        text = f"HEAD is {_commits(ahead)} ahead of {name}"
        yield Finding("ahead", Problem(text, hint=f"git push {settings.remote} {settings.branch}"))


def _commits(number: int) -> str:
    return f"{number} commit{'' if number == 1 else 's'}"


def _known(root: str, sha: str) -> bool:
    return git.start(root, "cat-file", "-e", f"{sha}^{{commit}}").finish().code == 0


def check_tags(wanted: Wanted, checkout: Checkout, settings: Settings) -> Iterator[Finding]:
    """A tag of this version that is there already, here or at the remote, in any spelling."""
    for tag in same(wanted.package, wanted.version, checkout.tags):
        commit = checkout.tags[tag]
        elsewhere = checkout.there is not None and tag in checkout.there.tags
        where = f"HEAD{'' if commit == checkout.commit else ' is another one'}"
        text = f"the tag {tag} is here already, on {commit[:7]} ({where})"
        hint = (
            "a published version cannot be had again: release the next one"
            if elsewhere
            else f"git tag --delete {tag} takes it back"
        )
        yield Finding("tag-local", Problem(text, hint=hint), wanted.package)
    for tag in same(wanted.package, wanted.version, checkout.there.tags if checkout.there else ()):
        text = f"the tag {tag} is at {settings.remote} already, on {checkout.there.tags[tag][:7]}" if checkout.there else ""
        hint = "a published version cannot be had again: release the next one"
        yield Finding("tag-remote", Problem(text, hint=hint), wanted.package)


def check_newer(wanted: Wanted, checkout: Checkout, published: Sequence[str], backport: bool) -> Iterator[Finding]:
    """A version that does not come after the last one; with `backport`, after the last one of its line."""
    version = read(wanted.version)
    if version is None:
        return
    tags = {*checkout.tags, *(checkout.there.tags if checkout.there else ())}
    known = {found for tag in tags if (found := spelling(wanted.package, tag)) is not None}
    known |= {found for each in published if (found := read(each)) is not None}
    last = newest(known - {version}, version if backport else None)
    if last is not None and last > version:
        older = "" if backport else "; --backport releases for an older line"
        problem = Problem(f"{wanted.version} comes before {last}, which was released already", hint=f"release a later one{older}")
        yield Finding("not-newer", problem, wanted.package)
