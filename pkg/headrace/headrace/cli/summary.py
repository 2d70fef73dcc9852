"""`headrace summary`: what jobs wrote into GITHUB_STEP_SUMMARY."""

from __future__ import annotations

import sys

import click

from headrace.cli.clicked import colour_option
from headrace.report.colour import Choice


def summary(run: str, job: str, raw: bool, as_json: bool, color: Choice | None) -> int:
    from headrace.base.paths import run_dir
    from headrace.cli.ls import repository_root
    from headrace.cli.terminal import style_of, write_json, write_lines
    from headrace.record.journal import Journal
    from headrace.report import job_summaries
    from headrace.report.log_print import chosen
    from headrace.report.naming import Labels

    journal = Journal.open()
    number = journal.resolve(run, None if run else repository_root(None))
    state, labels = journal.state(number), Labels()
    found = job_summaries.read(state, chosen(state, job, labels), run_dir(number), labels)
    if as_json:
        write_json(job_summaries.summary_json(number, found))
        return 0
    if not found:
        click.echo(f"no job of run {number} has written a summary" if not job else f"{job} has written no summary", err=True)
    elif raw or not (sys.stdout.isatty() or color == "always"):
        write_json(job_summaries.raw(found))
    else:
        write_lines(job_summaries.readable(found, style_of(sys.stdout, color or "auto")))
    for line in job_summaries.left_out(found):
        click.echo(line, err=True)
    return 0


command = click.Command(
    "summary",
    callback=summary,
    params=[
        click.Argument(["run"], required=False, default=""),
        click.Option(["-j", "--job"], default="", metavar="JOB", help="Only this job: its id, or its name with the leg."),
        click.Option(["--raw"], is_flag=True, help="The Markdown as it was written, as off a terminal."),
        click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON object."),
        colour_option(),
    ],
    help="Show what the jobs of RUN (default: the newest one here) wrote into their summaries.",
    epilog="Example: headrace summary --raw",
)
