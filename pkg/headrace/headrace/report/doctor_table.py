"""What `headrace doctor` says to a person."""

from __future__ import annotations

from headrace.engine.checkup import Checkup
from headrace.report.colour import Style
from headrace.report.table import Column, Heading, Row, table
from headrace.report.text import clean
from headrace.sandbox.probe.trial import Works

COLUMNS = (Column("what"), Column("here", state=True), Column("how"))


def doctor_lines(checkup: Checkup, style: Style) -> list[str]:
    """A verdict, a table, and at last the commands that make more of this machine, each on one line to be copied."""
    rows: list[Row] = []
    for title, findings in checkup.sections.items():
        rows.append(Heading(title))
        rows += [(f"  {each.name}", each.state, each.text) for each in findings]
    mends = [(each.name, each.mend) for findings in checkup.sections.values() for each in findings if each.mend]
    lines = [*_verdict(checkup, style), "", *table(COLUMNS, rows, style)]
    if mends:
        lines += ["", style.paint("what makes more of this machine", "bold")]
        seen: dict[str, str] = {}
        for name, mend in mends:
            seen.setdefault(mend, name)
        lines += [style.safe(f"  {name}: {clean(mend)}") for mend, name in seen.items()]
    return lines


def _verdict(checkup: Checkup, style: Style) -> list[str]:
    if isinstance(checkup.outcome, Works):
        text = "jobs can be parted from this machine: --isolation auto means namespaces here"
        return [f"{style.paint(style.glyph('success'), 'green')} {text}"]
    text = "jobs cannot be parted from this machine: --isolation auto means host here"
    return [f"{style.paint(style.glyph('failure'), 'red')} {text}"]
