"""A plan as a table: what each leg would do and why, and which workflows the event leaves alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from headrace.plan.contexts import entry_of
from headrace.plan.model import Deferred, Plan, Planned, Reason
from headrace.report.colour import Style
from headrace.report.naming import leg_values, matrix_text, planned_id, rows_of, within, workflow_labels
from headrace.report.table import Column, Heading, fits, table
from headrace.report.text import clean, count
from headrace.report.words import place, say, workflow_of

JOBS = (
    Column("workflow", shrinks=True),
    Column("job", shrinks=True),
    Column("leg", shrinks=True),
    Column("would", state=True),
    Column("why"),
)
NARROW = (Column("job", shrinks=True), Column("would", state=True), Column("why"))
"""For a window that the other table does not fit: workflows are headings, and a leg is told by its values behind its job."""
BROKEN = (Column("cannot start", shrinks=True), Column("why"))
REJECTED = (Column("not started", shrinks=True), Column("why"))


def legs_in_rows(plan: Plan, style: Style) -> list[str]:
    """One line a leg."""
    rows = [row for planned in plan.jobs.values() for row in _rows(planned, plan)]
    if rows and fits(JOBS, rows, style):
        return ["", *table(JOBS, rows, style)]
    return ["", *table(NARROW, list(_narrow(plan)), style)] if rows else []


def legs_explained(plan: Plan, style: Style) -> list[str]:
    """Several lines a leg: what it would do and why, and where each of its values stands."""
    from headrace.report.plan_explained import explained

    return explained(plan, style)


def plan_lines(plan: Plan, style: Style, legs: Callable[[Plan, Style], list[str]] = legs_in_rows) -> list[str]:
    """Lines for a person. A plan without jobs says in one line that nothing would run."""
    lines = [style.safe(headline(plan)), *legs(plan, style)]
    if plan.rejected:
        lines += ["", *table(REJECTED, [_rejected(why) for why in plan.rejected], style)]
    if plan.broken:
        lines += ["", *table(BROKEN, [_broken(path, why) for path, why in plan.broken.items()], style)]
    return lines


def headline(plan: Plan) -> str:
    """`push of refs/heads/main, the working tree on 0a1b2c3d4e: 3 legs would run`."""
    event = plan.event
    what = event.name + (f" ({event.action})" if event.action else "")
    tree = "the working tree" if event.snapshot else event.sha[:10]
    return clean(f"{what} of {event.ref or event.repository.full_name}{', ' + tree if tree else ''}: {_counts(plan)}")


def _counts(plan: Plan) -> str:
    if not plan.jobs:
        return "no workflow starts" if plan.rejected else "there is no workflow to start"
    would: dict[str, int] = {}
    for planned in plan.jobs.values():
        legs = rows_of(planned, plan)
        for word in ["undecided"] if isinstance(legs, Deferred) else [leg.would for leg in legs]:
            would[word] = would.get(word, 0) + 1
    words = {
        "run": "would run",
        "skip": "would be skipped",
        "fail": "would fail",
        "unsupported": "unsupported",
        "undecided": "undecided",
    }
    parts = [f"{number} {words[word]}" for word, number in sorted(would.items(), key=lambda pair: list(words).index(pair[0]))]
    first, *others = parts
    number, _, rest = first.partition(" ")
    return ", ".join([f"{count(int(number), 'leg')} {rest}", *others])


def _rows(planned: Planned, plan: Plan) -> Iterator[tuple[str, ...]]:
    names = workflow_labels((path, workflow.name) for path, workflow in plan.workflows.items() if path not in plan.calls)
    entry = entry_of(plan, planned.workflow)
    label, job = names.get(entry, entry), planned_id(planned, plan)
    legs, outer = rows_of(planned, plan), matrix_text(within(planned, plan))
    if isinstance(legs, Deferred):
        yield label, job, outer, "undecided", say(legs.why)
        return
    for leg in legs:
        yield label, job, ", ".join(filter(None, (outer, matrix_text(leg.matrix)))), leg.would, say(leg.why)


def _narrow(plan: Plan) -> Iterator[tuple[str, ...] | Heading]:
    """The rows again, for a narrow window."""
    heading = ""
    for planned in plan.jobs.values():
        legs, outer = rows_of(planned, plan), leg_values(within(planned, plan))
        own = [""] if isinstance(legs, Deferred) else [leg_values(leg.matrix) for leg in legs]
        values = [", ".join(filter(None, (outer, value))) for value in own]
        for (label, job, _, would, why), value in zip(_rows(planned, plan), values, strict=True):
            if label != heading:
                heading = label
                yield Heading(label)
            yield f"  {job}" + (f" ({value})" if value else ""), would, why


def _broken(path: str, why: Reason) -> tuple[str, str]:
    where = place(why)
    return path, say(why) + (f" ({where})" if where else "")


def _rejected(why: Reason) -> tuple[str, str]:
    where = place(why)
    return workflow_of(why), say(why) + (f" ({where})" if where else "")
