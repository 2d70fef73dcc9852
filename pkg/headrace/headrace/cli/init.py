"""`headrace init`: set a repository of Python packages up; or only say what would be chosen, and why."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from headrace.cli.clicked import colour_option
from headrace.report.colour import Choice

if TYPE_CHECKING:
    pass

HELP = """Find out what this repository of Python packages has, and say what would be set up for it.

--explain shows every fact with the file and line that says it, and what is chosen for which reason. Nothing is changed."""


def init(repo: str | None, explain: bool, all_versions: bool, as_json: bool, color: Choice | None) -> int:
    from headrace.base.errors import Problem, UsageError
    from headrace.cli.terminal import style_of, write_json, write_lines
    from headrace.events.detect import open_repository
    from headrace.init.choices import shapes
    from headrace.init.detect import detect
    from headrace.init.settings import settings_of
    from headrace.init.tree import tree_of

    if not explain:
        raise UsageError(Problem("nothing is written yet", hint="say --explain to see what would be chosen, and by what"))
    repository = open_repository(repo or ".")
    if repository.root == repository.git_dir:
        raise UsageError(Problem(f"{repository.root}: a bare repository has no files", hint="call it in a work tree"))
    tree = tree_of(repository.root)
    settings = settings_of(tree, all_versions=all_versions)
    found = detect(tree)
    if not found.packages:
        hint = "a package has a pyproject.toml with [project].name, a setup.cfg or a setup.py"
        raise UsageError(Problem(f"{repository.root}: no Python package was found", hint=hint))
    _, choices = shapes(found, settings)
    if as_json:
        from headrace.report.json_init import explained_json

        write_json(explained_json(found, choices))
    else:
        from headrace.report.init_lines import explained

        write_lines(explained(found, choices, style_of(sys.stdout, color or "auto")))
    return 0


command = click.Command(
    "init",
    callback=init,
    params=[
        click.Option(
            ["--explain"], is_flag=True, help="Show what was found out and what is chosen, and by what; change nothing."
        ),
        click.Option(["--all-versions"], is_flag=True, help="Let the gates run on every supported Python."),
        click.Option(["--repo"], metavar="DIR", help="The repository (default: the one we stand in)."),
        click.Option(["--json", "as_json"], is_flag=True, help="With --explain: print one JSON object."),
        colour_option(),
    ],
    help=HELP,
    epilog="Example: headrace init --explain",
)
