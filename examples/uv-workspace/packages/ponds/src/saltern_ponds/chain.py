"""What a pond cannot hold flows on to the next one; in the last one salt falls out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from saltern_units import SEA, Brine

BRIM = 20.0
"""Millimetres of brine that a pond holds, but for the last one, which is deep."""


@dataclass
class Pond:
    """`area` in square metres, so a millimetre of evaporation takes as many litres."""

    area: float
    brine: Brine = field(default_factory=lambda: Brine(0.0))
    raked: float = 0.0

    def sun(self, millimetres: float) -> float:
        """A day's evaporation; returns the grams of salt that fell out."""
        self.brine, fallen = self.brine.dried(self.area * millimetres)
        self.raked += fallen
        return fallen

    def take(self, litres: float) -> Brine:
        """Let some of it flow out."""
        out = min(litres, self.brine.litres)
        self.brine, flowing = (
            Brine(self.brine.litres - out, self.brine.grams_per_litre),
            Brine(out, self.brine.grams_per_litre),
        )
        return flowing


class Chain:
    def __init__(self, areas: Iterable[float]) -> None:
        self.ponds = [Pond(area) for area in areas]
        if not self.ponds:
            raise ValueError("a chain has at least one pond")

    def day(self, litres: float, millimetres: float) -> float:
        """Let sea water in and the sun work; returns the grams of salt that fell out."""
        flowing, fallen = Brine(litres, SEA), 0.0
        for pond in self.ponds:
            pond.brine = pond.brine.mixed(flowing)
            fallen += pond.sun(millimetres)
            flowing = pond.take(max(pond.brine.litres - pond.area * BRIM, 0.0))
        self.ponds[-1].brine = self.ponds[-1].brine.mixed(flowing)
        return fallen

    @property
    def raked(self) -> float:
        """Grams of salt so far."""
        return sum(pond.raked for pond in self.ponds)
