"""What ropes are made of: read from the table that comes with the package."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files


@dataclass(frozen=True)
class Fibre:
    """`density` in grams per cubic centimetre, `tenacity` in kilonewtons per square millimetre."""

    name: str
    density: float
    tenacity: float


@lru_cache(maxsize=1)
def fibres() -> dict[str, Fibre]:
    """Every fibre by its name."""
    text = files("ropewalk").joinpath("fibres.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    made = (Fibre(row["name"], float(row["density"]), float(row["tenacity"])) for row in rows)
    return {fibre.name: fibre for fibre in made}
