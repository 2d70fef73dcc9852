"""`headrace ls`: past runs, the newest first."""

from __future__ import annotations

import sys

import click

from headrace.cli.clicked import colour_option
from headrace.report.colour import Choice


def ls(number: int, everywhere: bool, repo: str | None, as_json: bool, color: Choice | None) -> int:
    from headrace.cli.terminal import style_of, write_json, write_lines
    from headrace.record.journal import Journal

    root = None if everywhere else repository_root(repo)
    runs = Journal.open().runs(number, root)
    if as_json:
        from headrace.report.json_runs import runs_json

        write_json(runs_json(runs))
    else:
        from headrace.report.runs_table import runs_lines

        write_lines(runs_lines(runs, style_of(sys.stdout, color or "auto")))
    return 0


def repository_root(repo: str | None) -> str | None:
    """The root of the repository we stand in, None (every repository) outside of one. Raises HeadraceError for a `repo` that is
    none."""
    from headrace.base.errors import HeadraceError
    from headrace.events.detect import open_repository

    try:
        return open_repository(repo or ".").root
    except HeadraceError:
        if repo:
            raise
        return None


command = click.Command(
    "ls",
    callback=ls,
    params=[
        click.Option(["-n", "--number"], type=click.IntRange(min=1), default=20, metavar="N", help="At most so many (20)."),
        click.Option(["--all", "everywhere"], is_flag=True, help="Of every repository, not only of the one we stand in."),
        click.Option(["--repo"], metavar="DIR", help="The repository (default: the one we stand in)."),
        click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON object."),
        colour_option(),
    ],
    help="List past runs, the newest first.",
    epilog="Example: headrace ls -n 5",
)
