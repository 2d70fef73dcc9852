"""What a run has published, for the end of its output."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.engine.published import INDEXES, Published
from headrace.report.colour import Style
from headrace.report.text import clean, count


def published_lines(run: str, published: Sequence[Published], style: Style) -> list[str]:
    """A line for each release, and how to install it."""
    lines = []
    for each in published:
        where = f" --index {each.index}" if each.index != "pypi" else ""
        what = f"published {clean(each.project)} {clean(each.version)} ({count(len(each.files), 'file')})"
        text = f"{what} to {INDEXES[each.index]} as this run has it: `headrace index serve --run {run}{where}`"
        lines.append(style.safe(style.paint(f"  {text}", "dim")))
    return lines
