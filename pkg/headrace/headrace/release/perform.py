"""From a release that nothing forbids to tags at the remote: build, keep the bytes, write down, push."""

from __future__ import annotations

import os
from collections.abc import Callable

from msgspec import structs

from headrace.base.errors import Problem
from headrace.base.files import remove_tree
from headrace.release import build, floors
from headrace.release.changelog import notes
from headrace.release.checkout import Checkout
from headrace.release.examine import Examined
from headrace.release.journal import Entry, ReleaseJournal, Train
from headrace.release.model import Finding, Need, Package, Refused, Settings, Wanted
from headrace.release.packages import read_file
from headrace.release.push import make_object, message_of, push
from headrace.release.rehearsal import Rehearsal
from headrace.release.versions import normal

Say = Callable[[str], None]


def groups(train: Train) -> list[tuple[str, ...]]:
    """The tags that are to be pushed, as they go together."""
    return floors.groups([entry.tag for entry in train.entries if entry.state in ("planned", "pushing")])


def begin(journal: ReleaseJournal, examined: Examined, settings: Settings, rehearsed: dict[str, str]) -> Train:
    """Write down what is to be done. Trains that nothing came of give way. `rehearsed`: tag → the run that has tried it."""
    for old in journal.trains():
        if all(entry.state == "planned" for entry in old.entries):
            remove_tree(journal.kept(old))
            os.unlink(os.path.join(journal.folder, f"{old.number}.json"))
    checkout = examined.checkout
    entries = tuple(
        Entry(
            wanted.package, wanted.version, wanted.tag, checkout.commit, checkout.tree,
            index=settings.index or examined.pipelines[wanted.package].index, rehearsed=rehearsed.get(wanted.tag, ""),
        )
        for wanted in examined.wanted
    )  # fmt: skip
    return journal.begin(checkout.root, settings.remote, entries)


def gather_all(
    journal: ReleaseJournal, train: Train, examined: Examined, rehearsal: Rehearsal, command: list[str], say: Say
) -> Train:
    """The files of every package before the first tag is pushed: those that its rehearsed pipeline has published, else built
    here by `command` (none where that is empty). What came of it is checked, and the bytes are kept with their digests. Raises
    Refused; then nothing was changed but our own folders."""
    findings: list[Finding] = []
    siblings = {normal(each.name): each for each in examined.packages.values()}
    for entry, wanted in zip(train.entries, examined.wanted, strict=True):
        package = examined.packages[wanted.package]
        folder = os.path.join(journal.kept(train), wanted.tag)
        published = rehearsal.published(entry.rehearsed, wanted.package) if entry.rehearsed else ""
        if published:
            files = build.take(published, folder)
        elif command:
            say(f"building {wanted.tag} from {examined.checkout.commit[:7]}")
            files = build.build(train.root, examined.checkout.commit, package, folder, command)
        else:
            continue
        findings += build.check_files(folder, files, wanted)
        findings += _unlike(wanted, package, build.built_needs(folder, files), siblings)
        train = journal.save(train.changed(wanted.tag, artifacts=tuple(files)))
    if findings:
        raise Refused(findings)
    return train


def _unlike(wanted: Wanted, package: Package, built: tuple[Need, ...], siblings: dict[str, Package]) -> list[Finding]:
    """Requirements on siblings that the wheel has and pyproject.toml has not: nothing looked at those."""
    from packaging.requirements import InvalidRequirement, Requirement

    def on_siblings(texts: list[str]) -> set[tuple[str, str]]:
        found = set()
        for text in texts:
            try:
                requirement = Requirement(text)
            except InvalidRequirement:
                continue
            if (name := normal(requirement.name)) in siblings:
                found.add((name, str(requirement.specifier)))
        return found

    more = on_siblings([need.text for need in built]) - on_siblings([need.text for need in package.needs])
    return [
        Finding("floor", Problem(f"the wheel requires {name}{limits}, which pyproject.toml does not say"), wanted.package)
        for name, limits in sorted(more)
    ]


def tag_and_push(journal: ReleaseJournal, train: Train, settings: Settings, texts: dict[str, str], say: Say) -> Train:
    """Make the tag objects that are missing, write them down, and push group after group. `texts`: tag → what its message says
    beside the version. Raises Refused, EngineError."""
    train = journal.save(structs.replace(train, ready=True))
    for group in groups(train):
        for entry in train.entries:
            if entry.tag in group and not entry.object:
                made = make_object(train.root, entry, message_of(entry, texts.get(entry.tag, "")))
                train = journal.save(train.changed(entry.tag, object=made))
        train = push(journal, train, group, settings.branch)
        for tag in group:
            say(f"{tag} is tagged and pushed to {train.remote}")
    return train


def texts(examined: Examined) -> dict[str, str]:
    """Tag → the section of the changelog."""
    found = {}
    for wanted in examined.wanted:
        text = read_file(examined.checkout.root, examined.packages[wanted.package].path("CHANGELOG.md"))
        found[wanted.tag] = notes(text or "", wanted.version)
    return found


def moved(before: Checkout, after: Checkout) -> Finding | None:
    """Somebody changed something while the pipeline was rehearsed or the package built."""
    if (before.commit, before.changed, before.there) == (after.commit, after.changed, after.there):
        return None
    return Finding("moved", Problem("the repository or its remote changed meanwhile", hint="call again"))
