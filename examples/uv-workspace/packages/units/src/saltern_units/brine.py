"""Salt water, by how much there is and how salty it is."""

from __future__ import annotations

from dataclasses import dataclass

SEA = 35.0
"""Grams of salt in a litre of sea water."""

SATURATED = 357.0
"""Grams of salt in a litre that can hold no more: what is above falls out."""


@dataclass(frozen=True)
class Brine:
    litres: float
    grams_per_litre: float = SEA

    def __post_init__(self) -> None:
        if self.litres < 0:
            raise ValueError(f"{self.litres} litres is less than nothing")
        if not 0 <= self.grams_per_litre <= SATURATED:
            raise ValueError(f"no brine holds {self.grams_per_litre} grams of salt in a litre")

    @property
    def salt(self) -> float:
        """Grams of salt in all of it."""
        return self.litres * self.grams_per_litre

    def mixed(self, other: Brine) -> Brine:
        """Both poured together."""
        litres = self.litres + other.litres
        return Brine(litres, (self.salt + other.salt) / litres if litres else 0.0)

    def dried(self, litres: float) -> tuple[Brine, float]:
        """What is left when so much water is gone, and the grams of salt that fell out."""
        left = max(self.litres - litres, 0.0)
        held = min(self.salt, left * SATURATED)
        return Brine(left, held / left if left else 0.0), self.salt - held
