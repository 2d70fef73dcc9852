"""`headrace plan`: which jobs an event would run, and why. Executes nothing and writes nothing."""

from __future__ import annotations

import sys
from typing import Any

import click

from headrace.cli import options

HELP = """Show which jobs EVENT (default: push) would run in this repository, and why.

Nothing is executed and nothing is written. The status is 0, or 2 where the call or a workflow file is wrong."""


def plan(context: click.Context, **_: Any) -> int:
    from headrace.cli.prepare import prepare, settled
    from headrace.cli.terminal import style_of, write_json, write_lines

    repository, asked, _values = settled(context)
    prepared = prepare(repository, asked, None)
    if asked.json:
        from headrace.report.json_plan import plan_json

        write_json(plan_json(prepared.plan, prepared.problems))
    elif asked.depth != "silent":
        from headrace.report.plan_table import plan_lines

        write_lines(plan_lines(prepared.plan, style_of(sys.stdout, asked.colour)))
    return 2 if prepared.problems else 0


command = click.Command(
    "plan",
    callback=click.pass_context(plan),
    params=[
        options.event_argument(),
        *options.selecting(),
        *options.happening(),
        *options.surroundings(),
        options.json_output("Print one JSON object."),
        *options.talking(),
    ],
    help=HELP,
    epilog="Example: headrace plan push --ref refs/tags/v1.0 --json",
)
