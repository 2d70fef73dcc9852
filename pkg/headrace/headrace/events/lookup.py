"""Names of branches, tags and commits → full refs and commits. Asks the repository, changes nothing."""

from __future__ import annotations

from msgspec import Struct

from headrace.base import git
from headrace.base.errors import Problem, UsageError
from headrace.base.lean import lazy_pattern
from headrace.events.commits import Commit, parse_commit
from headrace.events.model import Repository

_BAD_REF = lazy_pattern(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^/|/$|\.$|\.lock(/|$)|(^|/)\.|^@$|^-")
_FULL_ID = lazy_pattern(r"[0-9a-fA-F]{40}([0-9a-fA-F]{24})?")


def is_ref(text: str) -> bool:
    """Whether git allows a branch or tag of that name.

    >>> is_ref("feature/ä"), is_ref("main~1")
    (True, False)
    """
    return bool(text) and not _BAD_REF.search(text)


class Named(Struct, frozen=True):
    """A full ref and the commit it stands on; None where there is no such ref yet."""

    ref: str
    commit: Commit | None = None


class Lookup:
    """Look-ups in one repository. `remote` is the remote that stands for the forge (`origin`)."""

    def __init__(self, repository: Repository, objects: git.Objects, remote: str) -> None:
        self.repository, self._objects, self.remote = repository, objects, remote

    def commit(self, name: str) -> Commit | None:
        found = self._objects.commit(name)
        return parse_commit(found) if found is not None else None

    def must(self, rev: str, option: str) -> Commit:
        """The commit of any revision. Raises `UsageError` where there is none."""
        commit = self.commit(rev)
        if commit is None:
            raise UsageError(Problem(f"{option} {rev}: there is no such commit here", hint="git fetch may bring it"))
        return commit

    def tracking(self, branch: str) -> Commit | None:
        """Where the forge had that branch when it was last asked."""
        return self.commit(f"refs/remotes/{self.remote}/{branch}")

    def branch(self, branch: str) -> Commit | None:
        """The local branch, else the forge's."""
        return self.commit(f"refs/heads/{branch}") or self.tracking(branch)

    def ref(self, text: str, option: str = "--ref") -> Named:
        """The full ref for what a person types: `main`, `v1.0`, `tags/v1.0`, `refs/heads/x`, `origin/x`. A name that does not
        exist is a branch to be. Raises `UsageError` for what cannot be a ref and for a name that is both branch and tag."""
        if _FULL_ID.fullmatch(text):
            raise UsageError(Problem(f"{option} {text}: that is a commit, not a branch or tag", hint="use --sha for a commit"))
        if not is_ref(text):
            raise UsageError(f"{option} {text}: that is not the name of a branch or tag")
        if text.startswith(("heads/", "tags/", "pull/", "remotes/")) and self.commit(f"refs/{text}") is not None:
            text = f"refs/{text}"
        tracked = f"refs/remotes/{self.remote}/"
        if text.startswith(tracked):
            return Named(f"refs/heads/{text[len(tracked) :]}", self.commit(text))
        if text.startswith("refs/heads/"):
            return Named(text, self.branch(text[len("refs/heads/") :]))
        if text.startswith("refs/"):
            return Named(text, self.commit(text))
        branch, tag = self.commit(f"refs/heads/{text}"), self.commit(f"refs/tags/{text}")
        if branch and tag:
            raise UsageError(
                Problem(
                    f"{option} {text}: there is a branch and a tag of that name",
                    hint=f"say refs/heads/{text} or refs/tags/{text}",
                )
            )
        if tag:
            return Named(f"refs/tags/{text}", tag)
        if not branch and text.startswith(f"{self.remote}/") and (far := self.commit(f"refs/remotes/{text}")):
            return Named(f"refs/heads/{text[len(self.remote) + 1 :]}", far)
        return Named(f"refs/heads/{text}", branch or self.tracking(text))

    def refs_at_head(self) -> list[str]:
        """The branches (ours, then the forge's), then the tags that stand on HEAD, as full local refs."""
        patterns = ("refs/heads", f"refs/remotes/{self.remote}", "refs/tags")
        listed = git.run(self.repository.root, "for-each-ref", "--points-at=HEAD", "--format=%(refname)", *patterns)
        refs = listed.decode("utf-8", "replace").splitlines()
        tracked = f"refs/remotes/{self.remote}/"
        names = [f"refs/heads/{r[len(tracked) :]}" if r.startswith(tracked) else r for r in refs if r != f"{tracked}HEAD"]
        return sorted(dict.fromkeys(names), key=lambda ref: ref.startswith("refs/tags/"))

    def newest_tag(self) -> str:
        """The tag made last, as a full ref; empty where there is none."""
        listed = git.run(
            self.repository.root, "for-each-ref", "--sort=-creatordate", "--count=1", "--format=%(refname)", "refs/tags"
        )
        return listed.decode("utf-8", "replace").strip()
