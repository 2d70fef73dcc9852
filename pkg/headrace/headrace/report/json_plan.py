"""A plan as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from headrace.base.errors import Problem
from headrace.events.model import Event
from headrace.plan.model import Deferred, Plan, Planned, Reason
from headrace.record.codec import encode_json
from headrace.report import documents
from headrace.report.naming import job_id, needs_ids
from headrace.report.text import plain_value
from headrace.report.words import place, say, workflow_of


def plan_json(plan: Plan, problems: Iterable[Problem]) -> str:
    """One object, indented, with a line feed at the end."""
    document = documents.PlanDocument(
        documents.PLAN,
        event_document(plan.event),
        [row for planned in plan.jobs.values() for row in _rows(planned)],
        rejected_rows(plan.rejected),
        problem_rows(problems),
    )
    return dumps(document)


def dumps(document: msgspec.Struct) -> str:
    return msgspec.json.format(encode_json(document), indent=2).decode() + "\n"


def event_document(event: Event) -> documents.PlanEvent:
    return documents.PlanEvent(event.name, event.ref, event.sha, event.repository.full_name, event.snapshot)


def _rows(planned: Planned) -> Iterator[documents.PlanRow]:
    job, needs = job_id(planned.path, planned.workflow), needs_ids(planned)
    if isinstance(planned.legs, Deferred):
        why = planned.legs.why
        yield documents.PlanRow(planned.workflow, job, job, None, needs, "undecided", say(why), why.rule, place(why), why.facts)
        return
    for leg in planned.legs:
        why = leg.why
        yield documents.PlanRow(
            planned.workflow,
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
        )


def rejected_rows(reasons: Iterable[Reason]) -> list[documents.Rejected]:
    return [documents.Rejected(workflow_of(why), say(why), why.rule, place(why), why.facts) for why in reasons]


def problem_rows(problems: Iterable[Problem]) -> list[documents.FileProblem]:
    return [documents.FileProblem(p.at.file, p.at.line, p.at.column, p.message, p.hint) for p in problems]
