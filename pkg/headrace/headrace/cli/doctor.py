"""`headrace doctor`: what this version and this machine can do."""

from __future__ import annotations

import os
import sys

import click

from headrace.cli.clicked import colour_option
from headrace.report.colour import Choice

HELP = """Say what this machine can do: whether jobs can be parted from it, by trying, and what would mend it.

The status is 1 where they cannot be. With --features: what this version of headrace can do. A job that uses a feature which is
not supported ends as unsupported, before anything of it has run. With --release: with which identity the pipelines of this
repository publish its packages, and what to tell PyPI; the status is 1 where none of the publishers in --publisher takes it."""


def doctor(features: bool, release: bool, publisher: str | None, as_json: bool, color: Choice | None) -> int:
    if release or publisher:
        from headrace.cli.doctor_release import doctor_release

        if features:
            from headrace.base.errors import Problem, UsageError

            raise UsageError(Problem("--features and --release are two questions", hint="ask one at a time"))
        return doctor_release(publisher or "", as_json, color or "auto")
    from headrace.cli.terminal import style_of, write_json, write_lines

    style = style_of(sys.stdout, color or "auto")
    if features:
        from headrace.base.errors import Problem, UsageError
        from headrace.engine.capabilities import capabilities
        from headrace.plan.unsupported import FEATURES
        from headrace.report.features_table import features_lines

        if as_json:
            raise UsageError(Problem("--json: the features are a table", hint="leave out --features or --json"))
        from headrace.engine.containers import with_containers

        here = with_containers(capabilities(), "auto", try_it=True)
        write_lines(features_lines(FEATURES, here, style))
        return 0
    from headrace.engine.checkup import check_up
    from headrace.sandbox.probe.trial import Works

    found = check_up(os.environ)
    if as_json:
        from headrace.report.json_doctor import doctor_json

        write_json(doctor_json(found))
    else:
        from headrace.report.doctor_table import doctor_lines

        write_lines(doctor_lines(found, style))
    return 0 if isinstance(found.outcome, Works) else 1


command = click.Command(
    "doctor",
    callback=doctor,
    params=[
        click.Option(["--features"], is_flag=True, help="The language features, and which of them jobs may use here."),
        click.Option(["--release"], is_flag=True, help="The identity with which this repository's pipelines publish."),
        click.Option(["--publisher"], metavar="FILE", help="Hold that against the publishers in this JSON file."),
        click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON object."),
        colour_option(),
    ],
    help=HELP,
    epilog="Example: headrace doctor",
)
