"""`headrace release`: check everything, rehearse, tag and push; or write the next version; or go on where a release ended."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from headrace.cli.clicked import colour_option
from headrace.report.colour import Choice

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headrace.base.errors import HeadraceError
    from headrace.events.model import Repository
    from headrace.release.bump import Bump
    from headrace.release.checkout import Checkout
    from headrace.release.examine import Examined, World
    from headrace.release.index import Index
    from headrace.release.journal import Train
    from headrace.release.model import Finding, Package, Settings, Wanted
    from headrace.release.rehearsal import Rehearsal
    from headrace.release.resume import Resumed
    from headrace.release.versions import Part

HELP = """Release PACKAGE in VERSION: check everything that must hold, let the tag's pipeline publish here first where that can be
rehearsed, then make the tag PACKAGE@VERSION and push it.

Refused, with nothing changed and status 1: a tree that is not clean, not on the branch, or not what the remote has; a version
that files say otherwise, that is not spelled as PEP 440 does, that is tagged or on the index already, or that comes before the
last one; no entry in the changelog; a sibling without a lowest version, or in none that can be had; a job before the publishing
one that is not green on this very tree. Several packages at once are released in the order in which they need one another, at
most three tags in one push.

[tool.headrace.release] of the root pyproject.toml may name another `remote`, `branch` and `index`."""


class Options:
    """How one call goes about it."""

    def __init__(
        self, repo: str | None, bump: Part | None, index: str | None, color: Choice | None,
        dry_run: bool, resume: bool, rehearse: bool | None, backport: bool, offline: bool, no_build: bool, as_json: bool,
        approve: tuple[str, ...],
    ) -> None:  # fmt: skip
        self.repo, self.bump, self.index, self.colour = repo or ".", bump, index or "", color or "auto"
        self.dry_run, self.resume, self.rehearse, self.backport = dry_run, resume, rehearse, backport
        self.offline, self.build, self.json = offline, not no_build, as_json
        self.approved = approve


def release(words: tuple[str, ...], **given: Any) -> int:
    from msgspec import structs

    from headrace.base.errors import Problem, UsageError
    from headrace.events.detect import open_repository
    from headrace.release.packages import scan, settings_of

    options = Options(**given)
    if options.resume and (words or options.bump or options.dry_run):
        raise UsageError(Problem("--resume goes on with the releases that were begun", hint="call it alone"))
    repository = open_repository(options.repo)
    if repository.root == repository.git_dir:
        raise UsageError(Problem(f"{repository.root}: a bare repository has no files", hint="release from a work tree"))
    settings = settings_of(repository.root)
    if options.index:
        settings = structs.replace(settings, index=options.index)
    if options.resume:
        return _resume(repository, settings, options)
    packages = scan(repository.root)
    if options.bump:
        return _bump(repository, settings, packages, words, options, options.bump)
    return _release(repository, settings, packages, _pairs(words), options)


def _pairs(words: Sequence[str]) -> list[Wanted]:
    from headrace.base.errors import Problem, UsageError
    from headrace.release.model import Wanted

    if not words or len(words) % 2:
        hint = "such as: headrace release headrace 0.2.0"
        raise UsageError(Problem("say each package with its version", hint=hint))
    return [Wanted(name, version) for name, version in zip(words[::2], words[1::2], strict=True)]


def _index(options: Options) -> Callable[[str], Index | None]:
    """Answers are asked for once a call."""
    from headrace.release.index import SimpleIndex

    known: dict[str, Index] = {}
    return lambda url: None if options.offline else known.setdefault(url, SimpleIndex(url))


# -- release --


def _release(
    repository: Repository, settings: Settings, packages: Sequence[Package], asked: Sequence[Wanted], options: Options
) -> int:
    from headrace.cli.rehearse import LocalRehearsal
    from headrace.release.checkout import look
    from headrace.release.examine import examine
    from headrace.release.model import Refused
    from headrace.release.rehearsal import due, not_green

    world = _world(repository, options)
    rehearsal: Rehearsal = LocalRehearsal(repository.root, options.colour, options.approved)

    def examined_now() -> Examined:
        return examine(look(repository.root, settings), settings, packages, asked, world, backport=options.backport)

    examined = examined_now()
    findings = list(examined.findings)
    others = [finding for finding in findings if finding.rule != "gate"]
    to_try = due(examined, asked=bool(options.rehearse)).pipelines if options.rehearse is not False else ()
    if to_try and not others and (options.rehearse or not (findings or options.dry_run)):
        for pipeline in to_try:
            rehearsal.run(pipeline, examined.checkout.commit)
        before, examined = examined.checkout, examined_now()
        findings = list(examined.findings) + _moved(before, examined.checkout) + list(not_green(examined))
    train = None
    error: HeadraceError | None = Refused(findings) if findings else None
    if error is None and not options.dry_run:
        train, error = _perform(repository, settings, examined, options, rehearsal)
    _show(examined, train, settings, error, options)
    if error is not None:
        raise error
    return 0


def _moved(before: Checkout, after: Checkout) -> list[Finding]:
    from headrace.release.perform import moved

    found = moved(before, after)
    return [] if found is None else [found]


def _world(repository: Repository, options: Options) -> World:
    from headrace.cli.prepare import prepare
    from headrace.cli.release_plan import asked_for, snapshots
    from headrace.record.journal import Journal
    from headrace.release.examine import Planned, World
    from headrace.release.ledger import Ledger

    ledger = Ledger(Journal.open(), repository.root, snapshots(repository))

    def plan(ref: str) -> Planned:
        prepared = prepare(repository, asked_for(repository, ref, approved=options.approved), None)
        return Planned(prepared.plan, prepared.problems)

    return World(plan, ledger.runs, _index(options))


def _perform(
    repository: Repository, settings: Settings, examined: Examined, options: Options, rehearsal: Rehearsal
) -> tuple[Train | None, HeadraceError | None]:
    """Build, tag, push; how far it came, and what went wrong."""
    import os

    from headrace.base.errors import HeadraceError
    from headrace.cli.ending import say_error
    from headrace.events.detect import common_dir
    from headrace.release.build import builder
    from headrace.release.checkout import look
    from headrace.release.journal import ReleaseJournal
    from headrace.release.model import Refused
    from headrace.release.perform import begin, gather_all, moved, tag_and_push, texts

    journal = ReleaseJournal(common_dir(repository.git_dir))
    tried = {pipeline.tag: pipeline.tried.run for pipeline in examined.pipelines.values() if pipeline.tried is not None}
    train = begin(journal, examined, settings, tried)
    try:
        command = builder(os.environ) if options.build else []
        train = gather_all(journal, train, examined, rehearsal, command, say_error)
        if any(not entry.artifacts for entry in train.entries):
            why = "as --no-build says" if not options.build else "as neither uv nor build is here"
            say_error(f"nothing is built, {why}: what the pipeline publishes cannot be held against it")
        if (finding := moved(examined.checkout, look(repository.root, settings))) is not None:
            raise Refused([finding])
        train = tag_and_push(journal, train, settings, texts(examined), say_error)
    except HeadraceError as error:
        return train, error
    finally:
        journal.close()
    return train, None


def _show(examined: Examined, train: Train | None, settings: Settings, error: HeadraceError | None, options: Options) -> None:
    from headrace.cli.terminal import style_of, write_json, write_lines

    if options.json:
        from headrace.report.json_release import release_json

        write_json(release_json(examined, train, settings, error, dry_run=options.dry_run))
        return
    from headrace.cli.ending import say_error
    from headrace.report.release_lines import release_lines, verdict

    if error is not None:
        say_error(verdict(error))
        if not options.dry_run:
            return
    write_lines(release_lines(examined, train, settings, error, style_of(sys.stdout, options.colour), dry_run=options.dry_run))


# -- the next version --


def _bump(
    repository: Repository, settings: Settings, packages: Sequence[Package], words: Sequence[str], options: Options, part: Part
) -> int:
    from headrace.base.errors import Problem, UsageError
    from headrace.release import bump
    from headrace.release.checkout import look
    from headrace.release.model import Finding, Refused, Wanted
    from headrace.release.sources import find

    if not words:
        raise UsageError(Problem("--bump: say which package", hint=f"such as: headrace release headrace --bump {part}"))
    bumps: list[Bump] = []
    for word in dict.fromkeys(words):
        found = find(Wanted(word, ""), packages)
        if isinstance(found, Finding):
            raise Refused([found])
        bumps.append(bump.prepare(repository.root, found, part, time.strftime("%Y-%m-%d")))
    checkout = look(repository.root, settings)
    findings = bump.check(checkout, settings)
    if findings:
        raise Refused(findings)
    commit = "" if options.dry_run else bump.commit(repository.root, bumps, checkout, settings)
    from headrace.cli.terminal import write_json, write_lines
    from headrace.report.json_release import bump_json
    from headrace.report.release_lines import bump_lines

    if options.json:
        write_json(bump_json(bumps, commit))
    else:
        write_lines(bump_lines(bumps, commit))
    return 0


# -- on from where it ended --


def _resume(repository: Repository, settings: Settings, options: Options) -> int:
    from headrace.cli.ending import say_error
    from headrace.cli.terminal import write_json, write_lines
    from headrace.events.detect import common_dir
    from headrace.release.journal import ReleaseJournal
    from headrace.release.resume import resume
    from headrace.report.json_release import resume_json
    from headrace.report.release_lines import resume_lines

    journal = ReleaseJournal(common_dir(repository.git_dir))
    try:
        resumed: Resumed = resume(journal, settings, _index(options), say_error)
    finally:
        journal.close()
    if options.json:
        write_json(resume_json(resumed))
    else:
        write_lines(resume_lines(resumed))
    return 0 if resumed.done else 1


command = click.Command(
    "release",
    callback=release,
    params=[
        click.Argument(["words"], nargs=-1, metavar="[PACKAGE VERSION]…"),
        click.Option(["--dry-run"], is_flag=True, help="Show the whole plan and what forbids it; change nothing."),
        click.Option(
            ["--rehearse/--no-rehearsal", "rehearse"],
            default=None,
            help="Run the tag's whole pipeline here first, gates included; or not even the publishing job.",
        ),
        click.Option(
            ["--approve"], metavar="NAME", multiple=True, help="Rehearse jobs that deploy to this environment too (repeatable)."
        ),
        click.Option(
            ["--bump"],
            type=click.Choice(["major", "minor", "patch", "pre"]),
            help="Write the next version and its changelog section, commit, and stop.",
        ),
        click.Option(["--resume"], is_flag=True, help="Go on with releases that were begun, with the bytes that were tested."),
        click.Option(["--backport"], is_flag=True, help="Let the version come before the last one of a newer line."),
        click.Option(["--index"], metavar="URL", help="The simple API of the index (default: where the pipeline publishes)."),
        click.Option(["--offline"], is_flag=True, help="Do not ask the index."),
        click.Option(["--no-build"], is_flag=True, help="Do not build the package here, and record no digests."),
        click.Option(["--repo"], metavar="DIR", help="The repository (default: the one we stand in)."),
        click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON object."),
        colour_option(),
    ],
    help=HELP,
    epilog="Example: headrace release headrace 0.1.0 --dry-run",
)
