"""`headrace init`: set a repository of Python packages up; or only say what would be chosen, and why."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from headrace.cli.clicked import colour_option
from headrace.report.colour import Choice, Style

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headrace.events.model import Repository
    from headrace.init.base import Publish
    from headrace.init.choices import Shape
    from headrace.init.make import File
    from headrace.init.model import Found

HELP = """Set up gates and publishing for the Python packages of this repository.

Each package gets a workflow of its own (integration tests, lint, type check, unit tests on the lowest and the highest Python that
it supports; publishing to PyPI for the tags NAME@VERSION, without a stored token) and a Makefile with the same targets. What is
written is plain YAML and make. What is there already stays: a file of yours is left, or given the jobs and targets that it lacks.
All is written, or nothing.

--update brings what was written up to date when the packages or headrace have changed, and keeps what you have changed since;
marks stand only around lines that both have changed. --check says whether there is anything to bring up to date. Pins stay
where they fit; --update --upgrade looks for the newest ones.

[tool.headrace.init] of the root pyproject.toml, and of a package's own for it alone, may say: publish = "hardened" (what runs the
package's code never has the identity that publishes), release = "headrace" (make release calls headrace release), all-versions,
timeouts, env, manual, paths, floors, environment; for a package artifacts, tests and commands; for the root exclude. What is
wrong there is named with its line."""


class Options:
    """How one call goes about it."""

    def __init__(
        self, repo: str | None, explain: bool, diff: bool, check: bool, update: bool, publish: Publish | None, all_versions: bool,
        no_pins: bool, upgrade: bool, as_json: bool, color: Choice | None,
    ) -> None:  # fmt: skip
        self.upgrade = upgrade
        self.repo, self.explain, self.diff, self.check, self.update = repo or ".", explain, diff, check, update
        self.publish: Publish | None = publish
        self.all_versions, self.pins, self.json, self.colour = all_versions, not no_pins, as_json, color or "auto"

    def fit_together(self) -> None:
        """Raises UsageError."""
        from headrace.base.errors import Problem, UsageError

        if self.json and not (self.explain or self.check):
            raise UsageError(Problem("--json is for --explain and --check", hint="say one of them too, or none of the three"))
        if self.upgrade and not self.update:
            raise UsageError(Problem("--upgrade is for --update", hint="headrace init --update --upgrade"))
        if self.upgrade and (self.diff or not self.pins):
            other = "--diff" if self.diff else "--no-pins"
            raise UsageError(Problem(f"{other} looks for no versions, and --upgrade for the newest ones", hint="leave one out"))
        if self.check and (self.explain or self.diff or self.update):
            raise UsageError(
                Problem("--check changes and shows nothing else", hint="say it alone; --update --diff shows changes")
            )


def init(**given: Any) -> int:
    from msgspec.structs import replace

    from headrace.base.errors import Problem, UsageError
    from headrace.cli.terminal import style_of, write_json, write_lines
    from headrace.events.detect import open_repository
    from headrace.init.choices import shapes
    from headrace.init.detect import detect
    from headrace.init.make import files_of, written_before
    from headrace.init.settings import settings_of
    from headrace.init.tree import tree_of

    options = Options(**given)
    options.fit_together()
    repository = open_repository(options.repo)
    if repository.root == repository.git_dir:
        raise UsageError(Problem(f"{repository.root}: a bare repository has no files", hint="call it in a work tree"))
    style = style_of(sys.stdout, options.colour)
    if not (options.explain or options.diff or options.check):
        _finish(repository)
    tree = tree_of(repository.root)
    known = written_before(tree)
    if options.update and not known.files:
        raise UsageError(
            Problem("headrace init has not written anything here yet", hint="headrace init --diff shows what it would")
        )
    asked = replace(
        known,
        branch=known.branch or repository.default_branch,
        publish=options.publish or known.publish,
        all_versions=options.all_versions or known.all_versions,
    )
    settings = settings_of(tree, asked, publish=options.publish, all_versions=options.all_versions)
    found = detect(tree.without(known.files), settings)  # what was written here before is no evidence
    if not found.packages:
        hint = "a package has a pyproject.toml with [project].name, a setup.cfg or a setup.py"
        raise UsageError(Problem(f"{repository.root}: no Python package was found", hint=hint))
    made, choices = shapes(found, settings)
    if options.explain and options.json:
        from headrace.report.json_init import explained_json

        write_json(explained_json(found, choices))
        return 0
    if options.explain:
        from headrace.report.init_lines import explained

        write_lines(explained(found, choices, style))
        return 0
    if not made:
        hint = "headrace init --explain says what each requires"
        raise UsageError(Problem("no package supports a Python that there is", found.packages[0].name.at[0], hint))
    if options.check:
        from headrace.cli.init_check import check

        return check(repository, files_of(tree, found, made, settings, str, asked=asked), known, options.json, style)
    resolve = _resolver(made, found, options)
    files = files_of(tree, found, made, settings, resolve, update=options.update, upgrade=options.upgrade, asked=asked)
    if options.diff:
        from headrace.report.init_files import diff_lines

        write_lines(diff_lines(files, style))
        return 0
    return _write(repository, files, style)


def _finish(repository: Repository) -> None:
    """What a call has left that was killed. From now on no other call writes here until this one has ended."""
    from headrace.cli.ending import say_error
    from headrace.init.write import finish, hold

    hold(repository.git_dir, lambda: say_error("another call is at work in this repository; waiting for it"))
    match finish(repository.root, repository.git_dir):
        case "finished":
            say_error("a call before this one ended in the middle; what it was writing is complete now")
        case "cleared":
            say_error("a call before this one ended in the middle; its drafts are cleared away")
        case _:
            pass


def _resolver(shapes: Sequence[Shape], found: Found, options: Options) -> Callable[[str], str]:
    """How constraints.txt comes about, or another out of the one that is there."""
    import shutil

    from headrace.init import pins

    def resolve(there: str) -> str:
        if not options.pins or options.diff:
            return pins.with_header(there, shapes) or pins.header(shapes)
        beside = os.path.join(os.path.dirname(sys.executable), "uv")
        uv = beside if os.access(beside, os.X_OK) else shutil.which("uv")
        if uv is None:
            from headrace.base.errors import Problem

            hint = "python -m pip install uv; or say --no-pins to go on without"
            raise pins.NoPins(Problem("uv is not installed, which finds versions for constraints.txt", hint=hint))
        return pins.resolve(shapes, found, [uv], os.environ, there)

    return resolve


def _write(repository: Repository, files: Sequence[File], style: Style) -> int:
    """Write, and say what was done and what it does. Status 1 where somebody must settle conflicts."""
    from headrace.cli.ending import say_error
    from headrace.cli.terminal import write_lines
    from headrace.init.make import WRITTEN
    from headrace.init.write import write_all
    from headrace.report.init_files import conflict_lines, written_lines

    writing = [file for file in files if file.state in WRITTEN]
    if writing:
        write_all(repository.root, repository.git_dir, writing)
    write_lines(written_lines(files, style))
    conflicts = conflict_lines(files)
    if conflicts:
        for line in conflicts:
            say_error(line)
        return 1
    _show(repository, style)
    return 0


def _show(repository: Repository, style: Style) -> None:
    """The plan of a push, and the values for PyPI's form of each package."""
    from headrace.cli.doctor_release import publishing
    from headrace.cli.prepare import prepare
    from headrace.cli.release_plan import asked_for
    from headrace.cli.terminal import write_lines
    from headrace.release.packages import scan
    from headrace.report.init_files import form_lines
    from headrace.report.plan_table import legs_in_rows, plan_lines

    prepared = prepare(repository, asked_for(repository, "", ""), None)
    write_lines(["", style.paint("What a push starts", "bold"), *plan_lines(prepared.plan, style, legs_in_rows)])
    write_lines(form_lines(publishing(repository, scan(repository.root), ""), style))


command = click.Command(
    "init",
    callback=init,
    params=[
        click.Option(
            ["--explain"], is_flag=True, help="Show what was found out and what is chosen, and by what; change nothing."
        ),
        click.Option(["--diff"], is_flag=True, help="Show every change as a diff; change nothing, and look for no versions."),
        click.Option(
            ["--update"], is_flag=True, help="Bring what was written before up to date, and keep what was changed since."
        ),
        click.Option(
            ["--check"], is_flag=True, help="Only say whether --update would change anything: status 1 if so. No index is asked."
        ),
        click.Option(
            ["--publish"],
            type=click.Choice(["described", "hardened"]),
            help="One job that installs, builds and publishes; or a job that builds, and one that publishes what it was handed.",
        ),
        click.Option(["--all-versions"], is_flag=True, help="Let the gates run on every supported Python."),
        click.Option(["--no-pins"], is_flag=True, help="Begin with a constraints.txt without versions; no index is asked."),
        click.Option(["--upgrade"], is_flag=True, help="With --update: put the newest versions into constraints.txt."),
        click.Option(["--repo"], metavar="DIR", help="The repository (default: the one we stand in)."),
        click.Option(["--json", "as_json"], is_flag=True, help="With --explain or --check: print one JSON object."),
        colour_option(),
    ],
    help=HELP,
    epilog="Example: headrace init --explain",
)
