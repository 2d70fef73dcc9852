"""`headrace doctor --release`: with which identity the pipelines publish, and whether a registered publisher takes it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.events.model import Repository
    from headrace.release.doctor import Publishing
    from headrace.release.model import Package
    from headrace.release.publishers import PublisherFile
    from headrace.report.colour import Choice


def doctor_release(publisher: str, as_json: bool, color: Choice) -> int:
    """The status: 1 where a package is published by no job, or by one that no registered publisher takes."""
    from headrace.base.errors import Problem, UsageError
    from headrace.cli.terminal import style_of, write_json, write_lines
    from headrace.events.detect import open_repository
    from headrace.release.packages import scan

    repository = open_repository(".")
    if repository.root == repository.git_dir:
        raise UsageError(Problem(f"{repository.root}: a bare repository has no files", hint="call it in a work tree"))
    packages = scan(repository.root)
    if not packages:
        raise UsageError(
            Problem("there is no package here: no pyproject.toml has [project].name", hint="go to a repository with one")
        )
    found: list[Publishing] = publishing(repository, packages, publisher)
    if as_json:
        from headrace.report.json_publishing import publishing_json

        write_json(publishing_json(repository.full_name, found))
    else:
        from headrace.report.publishing_lines import publishing_lines

        write_lines(publishing_lines(repository.full_name, found, style_of(sys.stdout, color)))
    return 0 if all(each.fits is not False and not each.problems for each in found) else 1


def publishing(repository: Repository, packages: Sequence[Package], publisher: str) -> list[Publishing]:
    from headrace.release.publishers import PublisherFile

    registered = PublisherFile(publisher) if publisher else None
    return [_of(repository, package, registered) for package in packages]


def _of(repository: Repository, package: Package, registered: PublisherFile | None) -> Publishing:
    """Of the next tag that the package, as it stands in the working tree, could get."""
    from headrace.base import git
    from headrace.cli.prepare import prepare
    from headrace.cli.release_plan import asked_for
    from headrace.release.doctor import examine
    from headrace.release.versions import bumped

    version = package.version or "0"
    tag = f"refs/tags/{package.name}@{version}"
    if git.start(repository.root, "rev-parse", "--verify", "--quiet", tag).finish().code == 0:
        version = bumped(version, "patch")
    asked = asked_for(repository, f"refs/tags/{package.name}@{version}", "")
    return examine(package.name, version, prepare(repository, asked, None).plan, registered)
