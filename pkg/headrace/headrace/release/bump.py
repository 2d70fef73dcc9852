"""The next version, written where the package says it, and a dated section in its changelog; then one commit. The release itself
is another call."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from msgspec import Struct

from headrace.base.errors import Problem, UsageError
from headrace.base.files import write_atomic
from headrace.base.toml import parse_toml
from headrace.release import remote
from headrace.release.changelog import renamed, section
from headrace.release.checkout import Checkout, check_tree
from headrace.release.model import Finding, Package, Refused, Settings
from headrace.release.packages import read_file
from headrace.release.versions import Part, bumped


class Bump(Struct, frozen=True):
    """`files`: path → its new text. `empty`: the changelog's new section says nothing yet."""

    package: str
    old: str
    new: str
    files: dict[str, str]
    changelog: str
    empty: bool
    commit: str = ""


def prepare(root: str, package: Package, part: Part, date: str) -> Bump:
    """What would be written. Raises UsageError for a package whose version cannot be read or whose files disagree."""
    if package.unread:
        raise UsageError(Problem(package.unread, package.declared, "declare [project].version"))
    new = bumped(package.version, part)
    files: dict[str, str] = {}
    for version, at in [(package.version, package.declared), *((source.version, source.at) for source in package.sources)]:
        if version != package.version:
            raise UsageError(
                Problem(f"the version is {version} here, and {package.version} at {package.declared}", at, "make them agree")
            )
        text = files.get(at.file) or read_file(root, at.file) or ""
        files[at.file] = _replaced(text, at.file, at.line, package.version, new)
    path = package.path("CHANGELOG.md")
    files[path] = renamed(read_file(root, path) or "", package.version, new, date)
    found = section(files[path], new)
    return Bump(package.name, package.version, new, files, path, found is None or not found[2])


def _replaced(text: str, path: str, line: int, old: str, new: str) -> str:
    """The text with the version on that line written anew, and nothing else. Raises UsageError where it cannot be found."""
    lines = text.splitlines(keepends=True)
    pattern = rf"([\"']){re.escape(old)}\1"
    if not 0 < line <= len(lines) or len(re.findall(pattern, lines[line - 1])) != 1:
        raise UsageError(Problem(f"{path}: the place of the version {old} cannot be made out", hint="write the new one by hand"))
    lines[line - 1] = re.sub(pattern, lambda found: f"{found[1]}{new}{found[1]}", lines[line - 1])
    changed = "".join(lines)
    if path.endswith(".toml"):
        parse_toml(changed.encode(errors="surrogateescape"), path)
    return changed


def check(checkout: Checkout, settings: Settings) -> list[Finding]:
    """What forbids to commit: the tree is not clean, or this is another branch. What the remote has is of no matter yet."""
    return [finding for finding in check_tree(checkout, settings) if finding.rule in ("dirty", "branch")]


def commit(root: str, bumps: Sequence[Bump], checkout: Checkout, settings: Settings) -> str:
    """Write and commit; the commit. Raises Refused, with all as it was before."""
    findings = check(checkout, settings)
    if findings:
        raise Refused(findings)
    before = {path: read_file(root, path) for bump in bumps for path in bump.files}
    try:
        for bump in bumps:
            for path, text in bump.files.items():
                _write(os.path.join(root, path), text)
        code, _, err = remote.call(root, "add", "--", *before)
        if not code:
            said = "Release " + ", ".join(f"{bump.package} {bump.new}" for bump in bumps)
            code, _, err = remote.call(root, "commit", "--quiet", "--message", said, "--", *before)
        if code:
            raise Refused(
                [Finding("commit", Problem(f"git did not commit: {remote.complaint(err)}", hint="nothing was changed"))]
            )
    except BaseException:
        remote.call(root, "reset", "--quiet", "--", *before)
        for path, old in before.items():
            if old is None:
                if os.path.exists(os.path.join(root, path)):
                    os.unlink(os.path.join(root, path))
            else:
                _write(os.path.join(root, path), old)
        raise
    return remote.call(root, "rev-parse", "HEAD")[1].strip()


def _write(path: str, text: str) -> None:
    mode = os.stat(path).st_mode & 0o777 if os.path.exists(path) else 0o644
    write_atomic(path, text.encode(errors="surrogateescape"), mode)
