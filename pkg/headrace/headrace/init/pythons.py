"""Which versions of Python a package supports, from what it declares. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from headrace.base.errors import Position
from headrace.init.model import Pythons, Said

KNOWN = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
"""What actions/setup-python has for ubuntu-latest. Older ones have no build there."""

_CLASSIFIER = re.compile(r"Programming Language :: Python :: (3\.\d+)$")


def supported(requires: Said | None, classifiers: Sequence[Said], name: Said) -> Pythons:
    """What `requires-python` allows, up to the highest that a classifier names; classifiers alone where it is not said.

    The lowest is what pip would still install it on. What is highest is never said by a lower bound: so it is the highest
    classifier, else the newest version that there is."""
    said = {found[1]: each for each in classifiers if (found := _CLASSIFIER.match(each.value))}
    allowed = [version for version in KNOWN if _allows(requires, version)]
    if requires is None and said:
        allowed = [version for version in KNOWN if _key(version) >= min(map(_key, said))]
    named = [version for version in allowed if version in said]
    if named:
        allowed = [version for version in allowed if _key(version) <= _key(named[-1])]
    if not allowed:
        return Pythons()
    every = tuple(_said(version, said.get(version), requires, name) for version in allowed)
    return Pythons(every, _lowest(allowed[0], said, requires, name), _highest(allowed[-1], said, requires, name))


def together(own: Pythons, others: Sequence[tuple[Said, Said | None]]) -> Pythons:
    """What is left of them where others are installed with the package: names, and what each says of the Python it requires. All
    are left where no version is allowed by every one, which is for people to see."""
    left = own.supported
    lowest, highest = own.lowest, own.highest
    for name, requires in others:
        fitting = tuple(each for each in left if _allows(requires, each.value))
        if not fitting or requires is None:
            continue
        why = f"{requires.value} of {name.value}, which is installed with it"
        if fitting[0] != left[0]:
            lowest = Said(fitting[0].value, requires.at, why)
        if fitting[-1] != left[-1]:
            highest = Said(fitting[-1].value, requires.at, why)
        left = fitting
    return Pythons(left, lowest, highest)


def _lowest(version: str, said: dict[str, Said], requires: Said | None, name: Said) -> Said:
    if requires is not None:
        why = "the lowest that requires-python allows"
        if version == KNOWN[0] and _allows(requires, "3.7"):
            why += " and setup-python has"
        return Said(version, requires.at, why)
    if version in said:
        return Said(version, said[version].at, "the lowest classifier")
    return Said(version, name.at, "the oldest there is, as nothing is said")


def _highest(version: str, said: dict[str, Said], requires: Said | None, name: Said) -> Said:
    if version in said:
        return Said(version, said[version].at, "the highest classifier")
    at = requires.at if requires is not None else name.at
    return Said(version, at, "the newest that is allowed, as no classifier names one")


def _said(version: str, classifier: Said | None, requires: Said | None, name: Said) -> Said:
    places: tuple[Position, ...] = ()
    for each in (classifier, requires):
        if each is not None:
            places += each.at[:1]
    return Said(version, places or name.at)


def _key(version: str) -> int:
    return int(version.partition(".")[2])


def _allows(requires: Said | None, version: str) -> bool:
    """Whether any patch of a version will do: `>=3.9.1` and `!=3.9.0` allow 3.9.

    >>> _allows(Said(">=3.9.1,<4"), "3.9"), _allows(Said(">=3.10"), "3.9"), _allows(Said("<3.13"), "3.13"), _allows(None, "3.9")
    (True, False, False, True)
    """
    if requires is None:
        return True
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        specifier = SpecifierSet(requires.value)
    except InvalidSpecifier:
        return True
    return any(specifier.contains(f"{version}.{patch}") for patch in (0, 1, 2, 5, 10, 19))


def poetry_range(text: str) -> str:
    """A constraint of Poetry as a specifier of PEP 440. A `||` becomes the whole range from the lowest on.

    >>> poetry_range("^3.9"), poetry_range("~3.9"), poetry_range(">=3.8,<3.13"), poetry_range("3.11.*"), poetry_range("*")
    ('>=3.9,<4', '>=3.9,<3.10', '>=3.8,<3.13', '==3.11.*', '')
    >>> poetry_range("~2.7 || ^3.6"), poetry_range(">=3.9,<3.9.7 || >3.9.7,<3.14")
    ('>=3.6,<4', '>=3.9,<3.14')
    """
    choices = [choice.strip() for choice in text.split("||") if not re.match(r"\s*\D*2(\.|$)", choice)]
    each = [_range(choice) for choice in choices]
    if len(each) < 2:
        return ",".join(each[0]) if each else ""
    first = [part for part in each[0] if not part.startswith("<")]
    return ",".join(first + [part for part in each[-1] if part.startswith("<")])


def _range(text: str) -> list[str]:
    parts = []
    for part in re.split(r"\s*,\s*|\s+(?=[<>=!^~])", text):
        if part in ("", "*"):
            continue
        mark, numbers = part[0], part[1:].lstrip("=").strip()
        figures = [int(each) for each in re.findall(r"\d+", numbers)] if mark in "^~" else []
        match mark, len(figures):
            case "^", _ if figures:
                parts += [f">={numbers}", f"<{figures[0] + 1}"]
            case "~", 1:
                parts += [f">={numbers}", f"<{figures[0] + 1}"]
            case "~", _ if figures:
                parts += [f">={numbers}", f"<{figures[0]}.{figures[1] + 1}"]
            case _:
                parts.append(f"=={part}" if part[0].isdigit() else part.replace(" ", ""))
    return parts
