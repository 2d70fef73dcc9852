"""`headrace plan`: which jobs an event would run, and why. Executes nothing and writes nothing."""

from __future__ import annotations

import sys

from headrace.cli.declared import Call
from headrace.cli.options import PLAN

EXAMPLE = "headrace plan push --ref refs/tags/v1.0 --json"
HELP = """Show which jobs EVENT (default: push) would run in this repository, and why.

Nothing is executed and nothing is written. The status is 0, or 2 where the call or a workflow file is wrong."""


def plan(call: Call) -> int:
    from headrace.cli.prepare import prepare, settled
    from headrace.cli.terminal import style_of, write_json, write_lines

    repository, asked, values = settled(call, PLAN)
    prepared = prepare(repository, asked, None)
    if asked.json:
        from headrace.report.json_plan import plan_json

        write_json(plan_json(prepared.plan, prepared.problems))
    elif asked.depth != "silent":
        from headrace.report.plan_table import legs_explained, legs_in_rows, plan_lines

        legs = legs_explained if values["explain"] else legs_in_rows
        write_lines(plan_lines(prepared.plan, style_of(sys.stdout, asked.colour), legs))
    return 2 if prepared.problems else 0


def __getattr__(name: str) -> object:
    """`command`, made when it is asked for: a plain call needs no click."""
    if name != "command":
        raise AttributeError(name)
    from headrace.cli.clicked import event_command

    return event_command("plan", plan, PLAN, HELP, EXAMPLE)
