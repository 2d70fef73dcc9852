"""`headrace logs`: what the steps of a run printed, from its log files."""

from __future__ import annotations

import sys

import click

from headrace.cli.clicked import colour_option
from headrace.report.colour import Choice


def logs(run: str, job: str, failed: bool, step: int | None, raw: bool, color: Choice | None) -> int:
    from headrace.base.paths import run_dir
    from headrace.cli.ls import repository_root
    from headrace.cli.terminal import style_of
    from headrace.record.journal import Journal
    from headrace.report.log_print import print_logs
    from headrace.report.logs import Logs

    journal = Journal.open()
    if run and not job and not run.isdecimal():  # `logs JOB` is what people type
        run, job = "", run
    found = journal.resolve(run, None if run else repository_root(None))
    style = style_of(sys.stdout, color or "auto")
    sys.stdout.flush()
    print_logs(journal.state(found), Logs(run_dir(found)), sys.stdout.buffer, style, job, failed, step, raw)
    sys.stdout.buffer.flush()
    return 0


command = click.Command(
    "logs",
    callback=logs,
    params=[
        click.Argument(["run"], required=False, default=""),
        click.Argument(["job"], required=False, default=""),
        click.Option(["--failed"], is_flag=True, help="Only the steps that failed."),
        click.Option(["--step"], type=click.IntRange(min=1), metavar="N", help="Only this step, as numbered in the summary."),
        click.Option(["--raw"], is_flag=True, help="The bytes of the log files, without any heading."),
        colour_option(),
    ],
    help="Print the log of RUN (default: the newest one here), of all jobs or of JOB: a job's id, or its name with the leg.",
    epilog="Example: headrace logs --failed",
)
