"""A summer: dry days, with rain now and then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from saltern_ponds import Chain


@dataclass(frozen=True)
class Summer:
    """`millimetres` evaporate on a dry day, none on every `rain`th day (0: it never rains)."""

    days: int
    millimetres: float = 6.0
    rain: int = 0

    def __iter__(self) -> Iterator[float]:
        for day in range(1, self.days + 1):
            yield 0.0 if self.rain and day % self.rain == 0 else self.millimetres


def yield_of(summer: Summer, areas: list[float], litres: float) -> float:
    """Kilograms of salt that a chain of ponds gives, with so much sea water a day."""
    chain = Chain(areas)
    return sum(chain.day(litres, millimetres) for millimetres in summer) / 1000
