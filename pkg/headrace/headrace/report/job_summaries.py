"""Job summaries: what the steps of a run wrote into GITHUB_STEP_SUMMARY, masked as it was stored. Writes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from msgspec import Struct

from headrace.record.state import LegState, RunState
from headrace.report import documents
from headrace.report.colour import Style
from headrace.report.json_plan import dumps
from headrace.report.naming import Labels, job_id
from headrace.report.text import plain_value

SHOWN = 20
"""Summaries of one job that GitHub shows."""


class Part(Struct, frozen=True):
    """What one step has written."""

    step: int
    name: str
    text: str


class JobSummary(Struct, frozen=True):
    """That of one leg; `parts` are in the order of the steps, never empty."""

    leg: LegState
    label: str
    parts: tuple[Part, ...]


def read(state: RunState, legs: Sequence[LegState], folder: str, labels: Labels) -> list[JobSummary]:
    """The summaries of these legs, from the files below the run's `folder`. Legs without one are left out."""
    found = []
    for leg in legs:
        parts = [Part(step, name_of(leg, step), text) for step, text in _files(os.path.join(folder, leg.log))] if leg.log else []
        if parts:
            found.append(JobSummary(leg, labels.of(leg, state), tuple(parts)))
    return found


def name_of(leg: LegState, step: int) -> str:
    known = leg.steps.get(step)
    return known.name if known is not None else ""


def _files(log: str) -> list[tuple[int, str]]:
    folder, base = os.path.split(log)
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    found = []
    for name in names:
        if not name.startswith(f"{base}.") or not name.endswith(".md"):
            continue
        numbers = name[len(base) + 1 : -3].split(".")
        if all(number.isdecimal() for number in numbers):
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                found.append(([int(number) for number in numbers], file.read()))
    return [(order[0], text) for order, text in sorted(found)]


def summary_json(run: str, found: Iterable[JobSummary]) -> str:
    """One object, indented, with a line feed at the end."""
    rows = [
        documents.SummaryRow(
            one.leg.workflow,
            job_id(one.leg.job, one.leg.workflow),
            one.leg.name,
            plain_value(one.leg.matrix),
            [documents.StepSummary(part.step, part.name, part.text) for part in one.parts],
        )
        for one in found
    ]
    return dumps(documents.SummaryDocument(documents.SUMMARY, run, rows))


def raw(found: Sequence[JobSummary]) -> str:
    """The Markdown as it was written; where there are several jobs, a comment above each says whose it is."""
    pieces = []
    for one in found:
        if len(found) > 1:
            pieces.append(f"<!-- {one.label.replace('--', '- -')} -->\n")
        pieces += [part.text for part in one.parts[:SHOWN]]
    return "".join(pieces)


def readable(found: Sequence[JobSummary], style: Style) -> list[str]:
    """Lines for a person at a terminal, a heading above each job."""
    from headrace.report.markdown import lines

    out: list[str] = []
    for one in found:
        if out:
            out.append("")
        out += [style.safe(style.paint(one.label, "bold")), ""]
        for part in one.parts[:SHOWN]:
            out += lines(part.text, style)
    return out


def left_out(found: Iterable[JobSummary]) -> list[str]:
    """What is to be said of jobs that have more summaries than GitHub shows."""
    return [
        f"{one.label}: {len(one.parts) - SHOWN} of {len(one.parts)} summaries are not shown, as on GitHub; `--json` has them"
        for one in found
        if len(one.parts) > SHOWN
    ]
