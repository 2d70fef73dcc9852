"""Tags, made and pushed: all of a group or none. A tag is an object first; a ref here names it once the remote has taken it."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.base.errors import EngineError, Problem
from headrace.release import remote
from headrace.release.journal import Entry, ReleaseJournal, Train
from headrace.release.model import Finding, Refused


def identity(root: str) -> str | Finding:
    """Who makes tags, or that git does not know."""
    code, out, err = remote.call(root, "var", "GIT_COMMITTER_IDENT")
    if code:
        problem = Problem(f"git does not know who you are: {remote.complaint(err)}", hint="git config user.name and user.email")
        return Finding("identity", problem)
    return out.strip()


def make_object(root: str, entry: Entry, message: str) -> str:
    """The annotated tag as an object that no ref names yet, signed where `tag.gpgSign` asks for it. Raises Refused."""
    _, signs, _ = remote.call(root, "config", "--type=bool", "--get", "tag.gpgSign")
    if signs.strip() == "true":
        return _signed(root, entry, message)
    tagger = identity(root)
    if isinstance(tagger, Finding):
        raise Refused([tagger])
    text = f"object {entry.commit}\ntype commit\ntag {entry.tag}\ntagger {tagger}\n\n{message.rstrip()}\n"
    code, out, err = remote.call(root, "mktag", data=text)
    if code:
        raise Refused([Finding("tag", Problem(f"{entry.tag} cannot be made: {remote.complaint(err)}"), entry.package)])
    return out.strip()


def _signed(root: str, entry: Entry, message: str) -> str:
    ref = f"refs/tags/{entry.tag}"
    code, _, err = remote.call(root, "tag", "--sign", "--cleanup=whitespace", "--file=-", entry.tag, entry.commit, data=message)
    made = remote.call(root, "rev-parse", "--verify", "--quiet", ref)[1].strip()
    if made and not code:
        remote.call(root, "update-ref", "-d", ref, made)
        if (
            "\n-----BEGIN " in remote.call(root, "cat-file", "tag", made)[1]
        ):  # git may fail to sign, and make the tag all the same
            return made
    hint = "tags are signed because `tag.gpgSign` says so; is the key there?"
    raise Refused(
        [Finding("signing", Problem(f"{entry.tag} cannot be signed: {remote.complaint(err)}", hint=hint), entry.package)]
    )


def message_of(entry: Entry, notes: str) -> str:
    """
    >>> print(message_of(Entry("a", "1.0", "a@1.0", "", ""), "- new"))
    a 1.0
    <BLANKLINE>
    - new
    """
    digests = "\n".join(f"{file.sha256}  {file.name}" for file in entry.artifacts)
    return "\n\n".join(part for part in (f"{entry.package} {entry.version}", notes.strip(), digests) if part)


def push(journal: ReleaseJournal, train: Train, tags: Sequence[str], branch: str) -> Train:
    """Push the tags of a group in one call, all or none; written down before and after.

    Raises Refused where the remote does not take them: then no ref has changed, here or there. Raises EngineError where nobody
    can tell."""
    train = journal.save(_with(train, tags, "pushing"))
    entries = [entry for entry in train.entries if entry.tag in tags]
    refspecs = [f"{entry.object}:refs/tags/{entry.tag}" for entry in entries]
    code, _, err = remote.call(train.root, "push", "--quiet", "--atomic", train.remote, *refspecs)
    if code:
        _after_failure(journal, train, entries, branch, remote.complaint(err))
    return settle(journal, train, tags)


def _with(train: Train, tags: Sequence[str], state: str) -> Train:
    for tag in tags:
        train = train.changed(tag, state=state)
    return train


def settle(journal: ReleaseJournal, train: Train, tags: Sequence[str]) -> Train:
    """The remote has the tags: say so in the journal, and by refs here."""
    train = journal.save(_with(train, tags, "pushed"))
    for entry in train.entries:
        if entry.tag in tags:
            remote.call(train.root, "update-ref", f"refs/tags/{entry.tag}", entry.object)
    return train


def _after_failure(journal: ReleaseJournal, train: Train, entries: Sequence[Entry], branch: str, why: str) -> None:
    """What a failed push has left. Comes back where the tags are there all the same."""
    tags = [entry.tag for entry in entries]
    names = ", ".join(tags)
    try:
        there = remote.listed(train.root, train.remote, branch, peeled=False)
    except remote.NoAnswer:
        text = f"{train.remote} did not answer ({why}), and whether it has {names} is not known"
        raise EngineError(Problem(text, hint="`headrace release --resume` asks again; here is no tag yet")) from None
    if all(there.tags.get(entry.tag) == entry.object for entry in entries):
        return
    journal.save(_with(train, tags, "planned"))
    text = f"{train.remote} did not take {names}: {why}"
    hint = "no tag was made, here or there; `headrace release --resume` tries it again"
    raise Refused([Finding("push", Problem(text, hint=hint))])
