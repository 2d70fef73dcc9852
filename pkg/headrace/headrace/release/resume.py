"""How far the releases of a repository came, and on from there. Bytes that were not tested are never uploaded."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from headrace.base import git
from headrace.base.errors import Problem
from headrace.release import build, remote
from headrace.release.index import Index, IndexSilent, version_in
from headrace.release.journal import Entry, ReleaseJournal, Train
from headrace.release.model import Artifact, Finding, Refused, Settings
from headrace.release.perform import Say, tag_and_push
from headrace.release.push import settle
from headrace.release.versions import read, same

FileState = Literal["confirmed", "missing", "uploaded", "unknown"]


class FileReport(Struct, frozen=True):
    """A file of a release: there with the tested bytes, not there yet, uploaded just now, or not to be known."""

    name: str
    sha256: str
    state: FileState


class Uploader(Protocol):
    """Takes kept files to an index. Whoever calls has compared their digests with the journal. Raises HeadraceError."""

    def upload(self, index: str, folder: str, files: Sequence[Artifact]) -> None: ...


class Resumed(Struct, frozen=True):
    """`files`: tag → its files. `notes` say what is left to others."""

    trains: tuple[Train, ...]
    files: dict[str, tuple[FileReport, ...]]
    notes: tuple[str, ...]

    @property
    def done(self) -> bool:
        return all(train.done for train in self.trains)


def resume(
    journal: ReleaseJournal, settings: Settings, index: Callable[[str], Index | None], say: Say, uploader: Uploader | None = None
) -> Resumed:
    """Take every train that is not at its end as far as it goes. Raises Refused where something is not as it was left: another
    tag, other bytes; NoAnswer, EngineError."""
    trains: list[Train] = []
    files: dict[str, tuple[FileReport, ...]] = {}
    notes: list[str] = []
    for train in reversed(journal.trains()):
        if train.done or not train.ready:  # one that is not ready was never allowed to be pushed
            continue
        train = _tags(journal, train, settings, say)
        for entry in train.entries:
            found = index(entry.index) if entry.index else None
            files[entry.tag] = _files(journal, train, entry, found, uploader, notes)
            if files[entry.tag] and all(each.state in ("confirmed", "uploaded") for each in files[entry.tag]):
                train = journal.save(train.changed(entry.tag, state="published"))
        trains.append(train)
    return Resumed(tuple(trains), files, tuple(dict.fromkeys(notes)))


def _tags(journal: ReleaseJournal, train: Train, settings: Settings, say: Say) -> Train:
    """Every tag at the remote, as it was made."""
    there = remote.listed(train.root, train.remote, settings.branch, peeled=False)
    findings = []
    taken = []
    for entry in train.entries:
        known = there.tags.get(entry.tag, "")
        others = [tag for tag in same(entry.package, entry.version, there.tags) if tag != entry.tag and not tag.endswith("^{}")]
        if known and known == entry.object:
            taken += [entry.tag] if entry.state in ("planned", "pushing") else []
        elif known or others:
            text = f"{train.remote} has a tag {entry.tag if known else others[0]} that is not the one made here"
            findings.append(Finding("tag-remote", Problem(text, hint="release the next version"), entry.package))
        elif entry.state in ("pushed", "published"):
            text = f"the tag {entry.tag} was pushed, and {train.remote} has it no longer"
            hint = f"if that was a mistake: git push {train.remote} {entry.object}:refs/tags/{entry.tag}"
            findings.append(Finding("tag-remote", Problem(text, hint=hint), entry.package))
        else:
            findings += _pushable(journal, train, entry, there.tip, settings.branch)
    if findings:
        raise Refused(findings)
    if taken:
        train = settle(journal, train, taken)
        for tag in taken:
            say(f"{tag} had reached {train.remote}")
    if any(entry.state in ("planned", "pushing") for entry in train.entries):
        train = tag_and_push(journal, train, settings, {}, say)
    return train


def _pushable(journal: ReleaseJournal, train: Train, entry: Entry, tip: str, branch: str) -> list[Finding]:
    """What forbids to push a tag now that could be pushed then."""
    findings = [
        Finding("bytes", problem, entry.package) for problem in build.check_kept(_folder(journal, train, entry), entry.artifacts)
    ]
    if tip != entry.commit:
        remote.bring(train.root, train.remote, branch)
        held = tip and git.start(train.root, "merge-base", "--is-ancestor", entry.commit, tip).finish().code == 0
        if not held:
            text = f"{entry.commit[:7]}, which {entry.tag} is for, is no longer on the branch at {train.remote}"
            findings.append(
                Finding("moved", Problem(text, hint=f"headrace release {entry.package} {entry.version}"), entry.package)
            )
    return findings


def _folder(journal: ReleaseJournal, train: Train, entry: Entry) -> str:
    return os.path.join(journal.kept(train), entry.tag)


def _files(
    journal: ReleaseJournal, train: Train, entry: Entry, index: Index | None, uploader: Uploader | None, notes: list[str]
) -> tuple[FileReport, ...]:
    """The files of an entry against the index. Raises Refused for other bytes than those tested."""
    if index is None:
        notes.append(f"whether {entry.tag} is on its index was not asked")
        return tuple(FileReport(file.name, file.sha256, "unknown") for file in entry.artifacts)
    try:
        listed = index.files(entry.package) or {}
    except IndexSilent as error:
        notes.append(str(error.problems[0]))
        return tuple(FileReport(file.name, file.sha256, "unknown") for file in entry.artifacts)
    there = {name: digest for name, digest in listed.items() if version_in(name) == read(entry.version)}
    if not entry.artifacts:
        if there:
            notes.append(f"{entry.tag} was not built here, so its files on {index.url} were compared with nothing")
        return tuple(FileReport(name, digest, "confirmed") for name, digest in sorted(there.items()))
    _compare(entry, index, there)
    missing = [file for file in entry.artifacts if file.name not in there]
    if missing and uploader is not None:
        _upload(journal, train, entry, index, missing, uploader)
    elif missing:
        notes.append(
            f"{entry.tag}: its pipeline uploads {', '.join(file.name for file in missing)}; nothing is uploaded from here"
        )
    state: FileState = "missing" if uploader is None else "uploaded"
    return tuple(FileReport(file.name, file.sha256, state if file in missing else "confirmed") for file in entry.artifacts)


def _compare(entry: Entry, index: Index, there: dict[str, str]) -> None:
    tested = {file.name: file.sha256 for file in entry.artifacts}
    findings = []
    for name, digest in sorted(there.items()):
        if name not in tested:
            problem = Problem(
                f"{index.url} has {name}, which was not built here", hint="look who published it; yank it if it is wrong"
            )
            findings.append(Finding("bytes", problem, entry.package))
        elif digest and digest != tested[name]:
            text = f"{index.url} has other bytes of {name} than those tested: {digest[:12]}…, not {tested[name][:12]}…"
            hint = "yank that release if it is wrong, and release the next version"
            findings.append(Finding("bytes", Problem(text, hint=hint), entry.package))
    if findings:
        raise Refused(findings)


def _upload(
    journal: ReleaseJournal, train: Train, entry: Entry, index: Index, missing: Sequence[Artifact], uploader: Uploader
) -> None:
    folder = _folder(journal, train, entry)
    lost = list(build.check_kept(folder, tuple(missing)))
    if lost:
        raise Refused([Finding("bytes", problem, entry.package) for problem in lost])
    wheels_first = sorted(missing, key=lambda file: not file.name.endswith(".whl"))
    uploader.upload(index.url, folder, wheels_first)
