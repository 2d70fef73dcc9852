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
    from headrace.init.choices import Shape
    from headrace.init.make import File
    from headrace.init.model import Found

HELP = """Set up gates and publishing for the Python packages of this repository.

Each package gets a workflow of its own (integration tests, lint, type check, unit tests on the lowest and the highest Python that
it supports; publishing to PyPI for the tags NAME@VERSION, without a stored token) and a Makefile with the same targets. What is
written is plain YAML and make. A file that is there already is never changed: it is named, and stays. All is written, or nothing.

[tool.headrace.init] of the root pyproject.toml may say publish = "hardened" (what runs the package's code never has the identity
that publishes), release = "headrace" (make release calls headrace release) and all-versions = true."""


class Options:
    """How one call goes about it."""

    def __init__(
        self, repo: str | None, explain: bool, diff: bool, publish: str | None, all_versions: bool, no_pins: bool, as_json: bool,
        color: Choice | None,
    ) -> None:  # fmt: skip
        self.repo, self.explain, self.diff, self.publish = repo or ".", explain, diff, publish or ""
        self.all_versions, self.pins, self.json, self.colour = all_versions, not no_pins, as_json, color or "auto"


def init(**given: Any) -> int:
    from headrace.base.errors import Problem, UsageError
    from headrace.cli.terminal import style_of, write_json, write_lines
    from headrace.events.detect import open_repository
    from headrace.init.choices import shapes
    from headrace.init.detect import detect
    from headrace.init.make import files_of, written_before
    from headrace.init.settings import settings_of
    from headrace.init.tree import tree_of

    options = Options(**given)
    if options.json and not options.explain:
        raise UsageError(Problem("--json is for --explain", hint="say both, or neither"))
    repository = open_repository(options.repo)
    if repository.root == repository.git_dir:
        raise UsageError(Problem(f"{repository.root}: a bare repository has no files", hint="call it in a work tree"))
    style = style_of(sys.stdout, options.colour)
    if not (options.explain or options.diff):
        _finish(repository)
    tree = tree_of(repository.root)
    settings = settings_of(tree, all_versions=options.all_versions, publish=options.publish, branch=repository.default_branch)
    found = detect(tree.without(written_before(tree).files), settings)  # what was written here before is no evidence
    if not found.packages:
        hint = "a package has a pyproject.toml with [project].name, a setup.cfg or a setup.py"
        raise UsageError(Problem(f"{repository.root}: no Python package was found", hint=hint))
    made, choices = shapes(found, settings)
    if options.json:
        from headrace.report.json_init import explained_json

        write_json(explained_json(found, choices))
        return 0
    if options.explain:
        from headrace.report.init_lines import explained

        write_lines(explained(found, choices, style))
        return 0
    files = files_of(tree, found, made, settings, _resolver(made, found, options))
    if options.diff:
        from headrace.report.init_files import diff_lines

        write_lines(diff_lines(files, tree.text, style))
        return 0
    _write(repository, files, style)
    return 0


def _finish(repository: Repository) -> None:
    """What a call has left that was killed."""
    from headrace.cli.ending import say_error
    from headrace.init.write import finish

    match finish(repository.root, repository.git_dir):
        case "finished":
            say_error("a call before this one ended in the middle; what it was writing is complete now")
        case "cleared":
            say_error("a call before this one ended in the middle; its drafts are cleared away")
        case _:
            pass


def _resolver(shapes: Sequence[Shape], found: Found, options: Options) -> Callable[[], str]:
    """How constraints.txt comes about."""
    import shutil

    from headrace.init import pins

    def resolve() -> str:
        if not options.pins or options.diff:
            return pins.header(shapes)
        beside = os.path.join(os.path.dirname(sys.executable), "uv")
        uv = beside if os.access(beside, os.X_OK) else shutil.which("uv")
        if uv is None:
            from headrace.base.errors import Problem

            hint = "python -m pip install uv; or say --no-pins to begin with none"
            raise pins.NoPins(Problem("uv is not installed, which finds versions for constraints.txt", hint=hint))
        return pins.resolve(shapes, found, [uv], os.environ)

    return resolve


def _write(repository: Repository, files: Sequence[File], style: Style) -> None:
    """Write, and say what was done and what it does."""
    from headrace.cli.terminal import write_lines
    from headrace.init.write import write_all
    from headrace.report.init_files import written_lines

    writing = [file for file in files if file.state in ("new", "base")]
    if writing:
        write_all(repository.root, repository.git_dir, writing)
    write_lines(written_lines(files, style))
    _show(repository, style)


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
            ["--publish"],
            type=click.Choice(["described", "hardened"]),
            help="One job that installs, builds and publishes; or a job that builds, and one that publishes what it was handed.",
        ),
        click.Option(["--all-versions"], is_flag=True, help="Let the gates run on every supported Python."),
        click.Option(["--no-pins"], is_flag=True, help="Begin with a constraints.txt without versions; no index is asked."),
        click.Option(["--repo"], metavar="DIR", help="The repository (default: the one we stand in)."),
        click.Option(["--json", "as_json"], is_flag=True, help="With --explain: print one JSON object."),
        colour_option(),
    ],
    help=HELP,
    epilog="Example: headrace init --explain",
)
