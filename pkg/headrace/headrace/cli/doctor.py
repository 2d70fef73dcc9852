"""`headrace doctor`: what this version and this machine can do."""

from __future__ import annotations

import sys

import click

from headrace.cli.clicked import colour_option
from headrace.report.colour import Choice

HELP = """Say what this version and this machine can do.

A job that uses a feature which is not supported ends as unsupported, before anything of it has run."""


def doctor(features: bool, color: Choice | None) -> int:
    from headrace.cli.terminal import style_of, write_lines
    from headrace.engine.capabilities import capabilities
    from headrace.plan.unsupported import FEATURES
    from headrace.report.features_table import features_lines

    write_lines(features_lines(FEATURES, capabilities(), style_of(sys.stdout, color or "auto")))
    return 0


command = click.Command(
    "doctor",
    callback=doctor,
    params=[
        click.Option(["--features"], is_flag=True, help="The language features, and which of them jobs may use here (default)."),
        colour_option(),
    ],
    help=HELP,
    epilog="Example: headrace doctor --features",
)
