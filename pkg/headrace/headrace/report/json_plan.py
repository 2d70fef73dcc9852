"""A plan as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from headrace.base.errors import Problem
from headrace.events.model import Event
from headrace.plan.contexts import entry_of
from headrace.plan.model import Claim, Deferred, Plan, Planned, Reason
from headrace.record.codec import encode_json
from headrace.report import documents
from headrace.report.naming import needs_ids, planned_id, rows_of
from headrace.report.text import plain_value
from headrace.report.words import place, say, workflow_of


def plan_json(plan: Plan, problems: Iterable[Problem]) -> str:
    """One object, indented, with a line feed at the end."""
    document = documents.PlanDocument(
        documents.PLAN,
        event_document(plan.event),
        [row for planned in plan.jobs.values() for row in _rows(planned, plan)],
        rejected_rows(plan.rejected),
        problem_rows(problems),
        [documents.WorkflowGroup(path, *_claim(claim)) for path, claim in plan.claims.items() if path not in plan.broken],
    )
    return dumps(document)


def dumps(document: msgspec.Struct) -> str:
    return msgspec.json.format(encode_json(document), indent=2).decode() + "\n"


def event_document(event: Event) -> documents.PlanEvent:
    return documents.PlanEvent(event.name, event.ref, event.sha, event.repository.full_name, event.snapshot)


def _rows(planned: Planned, plan: Plan) -> Iterator[documents.PlanRow]:
    workflow, job, needs = entry_of(plan, planned.workflow), planned_id(planned, plan), needs_ids(planned, plan)
    legs = rows_of(planned, plan)
    if isinstance(legs, Deferred):
        why = legs.why
        yield documents.PlanRow(workflow, job, job, None, needs, "undecided", say(why), why.rule, place(why), why.facts)
        return
    for leg in legs:
        why = leg.why
        yield documents.PlanRow(
            workflow,
            job,
            leg.name,
            plain_value(leg.matrix),
            needs,
            leg.would,
            say(why),
            why.rule,
            place(why),
            facts=why.facts,
            from_={key: str(at) for key, at in leg.sources.items()},
            runs_on=list(leg.labels),
            concurrency=documents.Group(*_claim(leg.concurrency)) if leg.concurrency is not None else None,
            environment=leg.environment,
        )


def _claim(claim: Claim) -> tuple[str, bool, Literal["single", "max"]]:
    return claim.group, claim.cancel_in_progress, claim.queue


def rejected_rows(reasons: Iterable[Reason]) -> list[documents.Rejected]:
    return [documents.Rejected(workflow_of(why), say(why), why.rule, place(why), why.facts) for why in reasons]


def problem_rows(problems: Iterable[Problem]) -> list[documents.FileProblem]:
    return [documents.FileProblem(p.at.file, p.at.line, p.at.column, p.message, p.hint) for p in problems]
