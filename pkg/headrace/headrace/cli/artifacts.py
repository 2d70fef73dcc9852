"""`headrace artifacts`: what the jobs of a run have uploaded."""

from __future__ import annotations

import sys

import click

from headrace.cli.clicked import colour_option
from headrace.report.colour import Choice

_LIST = "list"


def listed(run: str, name: str, as_json: bool, color: Choice | None) -> int:
    from headrace.cli.ls import repository_root
    from headrace.cli.terminal import style_of, write_json, write_lines
    from headrace.engine.artifacts import Shelf
    from headrace.record.journal import Journal
    from headrace.report.artifacts_table import artifacts_json, artifacts_lines, files_lines

    journal = Journal.open()
    if run and not name and not run.isdecimal():  # `artifacts NAME` is what people type
        run, name = "", run
    number = journal.resolve(run, None if run else repository_root(None))
    shelf, state, style = Shelf(number), journal.state(number), style_of(sys.stdout, color or "auto")
    kept = [shelf.named(name)] if name else shelf.all()
    files = {name: shelf.files(kept[0])} if name else None
    if as_json:
        write_json(artifacts_json(kept, state, files))
    elif files is not None:
        write_lines(files_lines(kept[0], files[name], style))
    else:
        write_lines(artifacts_lines(kept, state, style))
    return 0


def get(run: str, name: str, into: str, archive: bool) -> int:
    import os

    from headrace.cli.ls import repository_root
    from headrace.engine.artifacts import Shelf
    from headrace.record.journal import Journal
    from headrace.report.text import clean, count

    journal = Journal.open()
    if not name:
        run, name = "", run
    number = journal.resolve(run, None if run else repository_root(None))
    shelf = Shelf(number)
    kept = shelf.named(name)
    whole = archive or not kept.archive
    folder = into or ("." if whole else name)
    paths = shelf.get(kept, folder, whole=archive)
    click.echo(os.path.join(folder, clean(paths[0])) if whole else f"{folder}: {count(len(paths), 'file')}")
    return 0


class _Artifacts(click.Group):
    """Without a verb of its own it lists: `artifacts 12` is `artifacts list 12`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        first = next((word for word in args if not word.startswith("-")), "")
        if first not in self.commands and not {"-h", "--help"} & set(args):
            args = [_LIST, *args]
        return super().parse_args(ctx, args)


command = _Artifacts(
    "artifacts",
    help="""List the artifacts of RUN (default: the newest one here), or what is in the artifact NAME: `artifacts [RUN] [NAME]`.
`artifacts get [RUN] NAME` unpacks one.""",
    epilog="Example: headrace artifacts --json",
    subcommand_metavar="[list] [RUN] [NAME] | get [RUN] NAME",
    commands=[
        click.Command(
            _LIST,
            callback=listed,
            params=[
                click.Argument(["run"], required=False, default=""),
                click.Argument(["name"], required=False, default=""),
                click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON object."),
                colour_option(),
            ],
            help="List the artifacts of RUN (default: the newest one here), or what is in the artifact NAME.",
            epilog="Example: headrace artifacts list --json",
        ),
        click.Command(
            "get",
            callback=get,
            params=[
                click.Argument(["run"], metavar="[RUN]"),
                click.Argument(["name"], required=False, default="", metavar="NAME"),
                click.Option(["--into"], default="", metavar="DIR", help="Where to (default: a folder called NAME)."),
                click.Option(["--archive"], is_flag=True, help="Keep the zip archive as it is, in DIR or here."),
            ],
            help="Unpack the artifact NAME of RUN (default: the newest one here). Nothing that is there is overwritten.",
            epilog="Example: headrace artifacts get dist --into build/dist",
        ),
    ],
)
