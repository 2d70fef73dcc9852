"""The language features that not every machine has, as a table."""

from __future__ import annotations

from collections.abc import Iterable

from headrace.plan.model import Capabilities
from headrace.plan.unsupported import Feature
from headrace.report.colour import Style
from headrace.report.table import Column, table

COLUMNS = (Column("feature"), Column("here"), Column("a job that"))


def features_lines(features: Iterable[Feature], here: Capabilities, style: Style) -> list[str]:
    """A line a feature: its name, whether jobs may use it here, and what a job that uses it does."""
    rows = [[feature.name, _here(feature.name, here), feature.what] for feature in features]
    return table(COLUMNS, rows, style)


def _here(name: str, here: Capabilities) -> str:
    match name:
        case "runs-on":
            return "by label"
        case "remote-action":
            return "where at hand"
        case "environment":
            return "by --approve"
        case _:
            return "yes" if name in here.features else "no"
