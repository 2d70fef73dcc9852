"""The five fields of `schedule`: which times they name. No clock here."""

from __future__ import annotations

import re

from msgspec import Struct

_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_RANGES: tuple[tuple[int, int, dict[str, int]], ...] = (
    (0, 59, {}),
    (0, 23, {}),
    (1, 31, {}),
    (1, 12, {name: i for i, name in enumerate(_MONTHS, 1)}),
    (0, 6, {name: i for i, name in enumerate(_DAYS)}),
)
_part = re.compile(r"(?:(\*)|([0-9]+|[A-Za-z]{3})(?:-([0-9]+|[A-Za-z]{3}))?)(?:/([0-9]+))?", re.ASCII).fullmatch


class Cron(Struct, frozen=True):
    """The times that match, as sets. `any_day` and `any_weekday` say that the field is `*`: when both day fields are restricted,
    either of them is enough."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool

    def matches(self, minute: int, hour: int, day: int, month: int, weekday: int) -> bool:
        """Whether the local time is named. `weekday` counts from Sunday = 0."""
        if minute not in self.minutes or hour not in self.hours or month not in self.months:
            return False
        by_day, by_weekday = day in self.days, weekday in self.weekdays
        if self.any_day or self.any_weekday:
            return by_day and by_weekday
        return by_day or by_weekday


def parse(cron: str) -> Cron | None:
    """The fields, or None where they are not valid: no names but months and weekdays, no seconds, no `7` for Sunday.

    >>> sorted(parse("*/20 0 1-3 JAN,dec *").minutes)
    [0, 20, 40]
    >>> parse("0 0 * * 7") is None
    True
    """
    fields = [field for field in cron.split(" ") if field]
    if len(fields) != 5 or len(cron) > 1000:
        return None
    sets = [_field(field, *bounds) for field, bounds in zip(fields, _RANGES, strict=True)]
    if any(not s for s in sets):
        return None
    minutes, hours, days, months, weekdays = (frozenset(s) for s in sets)
    return Cron(minutes, hours, days, months, weekdays, fields[2].startswith("*"), fields[4].startswith("*"))


def check(cron: str) -> bool:
    """Whether GitHub accepts the text."""
    return parse(cron) is not None


def _field(text: str, low: int, high: int, names: dict[str, int]) -> set[int]:
    """The numbers that the field names; empty where it is not valid."""
    found: set[int] = set()
    for part in text.split(","):
        match = _part(part)
        if match is None:
            return set()
        star, first, last, step_text = match.groups()
        step = _number(step_text) if step_text else 1
        start, end = low, high
        if not star:
            start = _value(first, names)
            end = _value(last, names) if last else (high if step_text else start)
        if step < 1 or not low <= start <= end <= high:
            return set()
        found.update(range(start, end + 1, step))
    return found


def _value(text: str, names: dict[str, int]) -> int:
    """A number or name; -1 for an unknown name."""
    return names.get(text.upper(), -1) if text.isalpha() else _number(text)


def _number(digits: str) -> int:
    digits = digits.lstrip("0")
    return int(digits or "0") if len(digits) < 6 else 1_000_000
