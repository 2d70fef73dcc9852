"""A character, such as Fl(2)W.10s: how a light shows, its colour, and its period."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FORM = re.compile(r"(F|Fl|LFl|Oc|Iso|Q)(?:\((\d+)\))?\s?([WRG])\.?\s?(?:(\d+(?:\.\d+)?)s)?")
_FLASH = {"Fl": 0.5, "LFl": 2.5, "Q": 0.3}


class Unreadable(ValueError):
    """A text that is no character of a light."""


@dataclass(frozen=True)
class Character:
    kind: str
    colour: str
    group: int = 1
    period: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Character:
        """Raises Unreadable."""
        found = _FORM.fullmatch(text.strip())
        if found is None:
            raise Unreadable(f"{text!r} is no character of a light")
        kind, group, colour, period = found.groups()
        made = cls(kind, colour, int(group or 1), float(period or 0))
        if kind != "F" and made.period <= 0:
            raise Unreadable(f"{text!r} does not say after how long it begins anew")
        return made

    def __str__(self) -> str:
        group = f"({self.group})" if self.group > 1 else ""
        period = f".{self.period:g}s" if self.period else ""
        return f"{self.kind}{group}{self.colour}{period}"

    def is_lit(self, seconds: float) -> bool:
        """Whether it shines so long after it began."""
        if self.kind == "F":
            return True
        inside = seconds % self.period
        if self.kind == "Iso":
            return inside < self.period / 2
        share = self.period / (2 * self.group)
        number, within = divmod(inside, share)
        if self.kind == "Oc":
            return number >= self.group or within >= share / 2
        return number < self.group and within < min(_FLASH[self.kind], share / 2)
