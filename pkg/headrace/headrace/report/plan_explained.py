"""The legs of a plan at length: what each would do and why, what it waits for, and where its values come from."""

from __future__ import annotations

from collections.abc import Iterator

from headrace.base.errors import NOWHERE, Position
from headrace.plan.contexts import entry_of
from headrace.plan.model import Deferred, Leg, Plan, Planned, Reason
from headrace.report.colour import Style
from headrace.report.naming import leg_label, needs_ids, planned_id, rows_of, workflow_labels
from headrace.report.table import Column, Heading, table
from headrace.report.text import shown
from headrace.report.words import place, say
from headrace.workflow.model import Steps

COLUMNS = (Column("leg", shrinks=True), Column("from"))


def explained(plan: Plan, style: Style) -> list[str]:
    """A heading a leg, and a line for each thing to be known of it."""
    labels = workflow_labels((path, workflow.name) for path, workflow in plan.workflows.items() if path not in plan.calls)
    rows: list[tuple[str, str] | Heading] = []
    for planned in plan.jobs.values():
        entry, legs = entry_of(plan, planned.workflow), rows_of(planned, plan)
        label = labels.get(entry, entry)
        if isinstance(legs, Deferred):
            rows.append(Heading(leg_label(planned.path, planned_id(planned, plan), label)))
            rows += [*_verdict("undecided", legs.why), *_needs(planned, plan)]
            continue
        for leg in legs:
            rows += [Heading(leg_label(leg.path, leg.name, label)), *_leg(planned, leg, plan)]
    return ["", *table(COLUMNS, rows, style)] if rows else []


def _leg(planned: Planned, leg: Leg, plan: Plan) -> Iterator[tuple[str, str]]:
    yield from _verdict(leg.would, leg.why)
    for key, value in (leg.matrix or {}).items():
        yield f"  matrix.{key}", _at(shown(value), leg.sources.get(key, NOWHERE))
    if leg.labels and isinstance(planned.job.body, Steps):
        yield "  runs-on", _at(", ".join(leg.labels), planned.job.body.runs_on.at)
    if leg.environment and isinstance(planned.job.body, Steps) and planned.job.body.environment is not None:
        yield "  environment", _at(leg.environment, planned.job.body.environment.at)
    yield from _needs(planned, plan)


def _verdict(would: str, why: Reason) -> Iterator[tuple[str, str]]:
    where = place(why)
    yield f"  {would}", say(why) + (f" ({where})" if where else "")


def _needs(planned: Planned, plan: Plan) -> Iterator[tuple[str, str]]:
    ids = needs_ids(planned, plan)
    if ids:
        yield "  needs", _at(", ".join(ids), planned.job.needs_at[0] if planned.job.needs_at else NOWHERE)


def _at(text: str, at: Position) -> str:
    return f"{text} ({at})" if at.file else text
