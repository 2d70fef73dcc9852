"""A laid rope."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ropewalk.fibres import Fibre

_FILLED = {3: 0.73, 4: 0.70}
"""How much of its round a rope of so many strands fills."""


@dataclass(frozen=True)
class Rope:
    fibre: Fibre
    millimetres: float
    metres: float
    strands: int = 3

    def __post_init__(self) -> None:
        if self.strands not in _FILLED:
            raise ValueError(f"no rope is laid of {self.strands} strands here")

    @property
    def area(self) -> float:
        """Square millimetres of fibre in its cut."""
        return math.pi * (self.millimetres / 2) ** 2 * _FILLED[self.strands]

    @property
    def weight(self) -> float:
        """Kilograms."""
        return self.area * self.metres * self.fibre.density / 1000

    @property
    def breaking_load(self) -> float:
        """Kilonewtons, of a new rope."""
        return self.area * self.fibre.tenacity

    def spliced(self, other: Rope) -> Rope:
        """Both in one, less the splice of twenty diameters."""
        if (self.fibre, self.millimetres) != (other.fibre, other.millimetres):
            raise ValueError("only ropes of one make can be spliced")
        metres = self.metres + other.metres - 20 * self.millimetres / 1000
        return Rope(self.fibre, self.millimetres, metres, self.strands)
