"""Version ranges as npm's semver reads them, which is how setup actions read `python-version`. Standard library only."""

from __future__ import annotations

import re
from typing import NamedTuple

_PRE = r"(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?"
_FULL = re.compile(r"[v=\s]*(\d+)\.(\d+)\.(\d+)" + _PRE)
_PART = re.compile(r"(~>?|\^|[<>]=?|=)?\s*[v=\s]*([xX*]|\d+)(?:\.([xX*]|\d+)(?:\.([xX*]|\d+)" + _PRE + r")?)?")


class Version(NamedTuple):
    """`pre` holds the parts of a pre-release; a release has none and sorts after all of them."""

    major: int
    minor: int
    patch: int
    pre: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}" + (f"-{'.'.join(self.pre)}" if self.pre else "")


def order(version: Version) -> tuple[object, ...]:
    """A sort key: releases after their pre-releases, numbers before words.

    >>> names = ["3.13.0", "3.13.0-rc.1", "3.13.0-rc.10", "3.13.0-rc.2", "3.13.0-1"]
    >>> [str(v) for v in sorted(map(parse, names), key=order)]
    ['3.13.0-1', '3.13.0-rc.1', '3.13.0-rc.2', '3.13.0-rc.10', '3.13.0']
    """
    parts = tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in version.pre)
    return (*version[:3], not version.pre, parts)


def parse(text: str) -> Version | None:
    """A full version; None for anything else.

    >>> str(parse("v3.10.13")), parse("3.10")
    ('3.10.13', None)
    """
    found = _FULL.fullmatch(text.strip())
    if found is None:
        return None
    major, minor, patch, pre = found.groups()
    return Version(int(major), int(minor), int(patch), tuple(pre.split(".")) if pre else ())


class _Bound(NamedTuple):
    operator: str
    version: Version

    def holds(self, version: Version) -> bool:
        ours, theirs = order(version), order(self.version)
        match self.operator:
            case "<":
                return ours < theirs
            case ">=":
                return ours >= theirs
            case ">":
                return ours > theirs
            case "<=":
                return ours <= theirs
        return ours == theirs


class Range(NamedTuple):
    """Alternatives of bounds that must hold together."""

    sets: tuple[tuple[_Bound, ...], ...]

    def holds(self, version: Version) -> bool:
        """A pre-release counts only where a bound of the set names a pre-release of the very same version.

        >>> span = parse_range(">=3.9 <3.12 || 3.13.x")
        >>> [span.holds(parse(v)) for v in ("3.8.18", "3.9.0", "3.11.9", "3.12.0", "3.13.2", "3.14.0-rc.1")]
        [False, True, True, False, True, False]
        """
        return any(
            all(bound.holds(version) for bound in bounds)
            and (not version.pre or any(bound.version.pre and bound.version[:3] == version[:3] for bound in bounds))
            for bounds in self.sets
        )


def parse_range(text: str) -> Range | None:
    """None where npm's semver would call it invalid.

    >>> def versions(text): return [str(b.version) for b in parse_range(text).sets[0]]
    >>> versions("3.10"), versions("~3.13.0-0"), versions("^3.9"), versions(">3.9"), versions("3.9 - 3.11")
    (['3.10.0', '3.11.0-0'], ['3.13.0-0', '3.14.0-0'], ['3.9.0', '4.0.0-0'], ['3.10.0'], ['3.9.0', '3.12.0-0'])
    >>> parse_range("!=3.9") is None
    True
    """
    sets = []
    for alternative in text.split("||"):
        bounds = _set(alternative.strip())
        if bounds is None:
            return None
        sets.append(bounds)
    return Range(tuple(sets))


def _set(text: str) -> tuple[_Bound, ...] | None:
    low, dash, high = text.partition(" - ")
    if dash:
        text = f">={low.strip()} <={high.strip()}"
    text = re.sub(r"(~>?|\^|[<>]=?|=)\s+", r"\1", text)
    bounds: list[_Bound] = []
    for word in text.split():
        found = _PART.fullmatch(word)
        if found is None:
            return None
        bounds += _expand(*found.groups())
    return tuple(bounds) or (_Bound(">=", Version(0, 0, 0)),)


def _expand(operator: str | None, major: str, minor: str | None, patch: str | None, pre: str | None) -> list[_Bound]:
    """One word as plain comparisons. `-0` is the lowest pre-release: an upper bound that keeps those of the next version out."""
    given = []
    for part in (major, minor, patch):
        if part is None or not part.isdecimal():
            break
        given.append(int(part))
    full = len(given) == 3
    low = Version(*_padded(given), tuple(pre.split(".")) if pre and full else ())
    if not given:
        return [_Bound("<", Version(0, 0, 0, ("0",)))] if operator in ("<", ">") else [_Bound(">=", Version(0, 0, 0))]
    match operator:
        case "^":
            lead = next((i for i, number in enumerate(given) if number), len(given) - 1)
            return [_Bound(">=", low), _Bound("<", _after(given[: lead + 1]))]
        case "~" | "~>":
            return [_Bound(">=", low), _Bound("<", _after(given[:2]))]
        case ">=":
            return [_Bound(">=", low)]
        case ">":
            return [_Bound(">", low)] if full else [_Bound(">=", _after(given)._replace(pre=()))]
        case "<":
            return [_Bound("<", low if full else low._replace(pre=("0",)))]
        case "<=":
            return [_Bound("<=", low) if full else _Bound("<", _after(given))]
    return [_Bound("=", low)] if full else [_Bound(">=", low), _Bound("<", _after(given))]


def _after(given: list[int]) -> Version:
    """The first version beyond all that start with `given`."""
    return Version(*_padded([*given[:-1], given[-1] + 1]), ("0",))


def _padded(given: list[int]) -> tuple[int, int, int]:
    major, minor, patch = [*given, 0, 0, 0][:3]
    return major, minor, patch
