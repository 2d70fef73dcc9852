"""What was written, what it has become, what would be written now → what it should be. Pure."""

from __future__ import annotations

from msgspec import Struct

from headrace.init.lines import OURS, merge_lines
from headrace.init.sections import HEAD, joined, sections


class Merged(Struct, frozen=True):
    """`conflicts` are the lines (from 1) at which marks begin; `stays` the parts that a person has changed and that are no longer
    written."""

    text: str
    conflicts: tuple[int, ...] = ()
    stays: tuple[str, ...] = ()


def merge(path: str, base: str, ours: str, theirs: str) -> Merged:
    """`base` was written, `ours` is there, `theirs` would be written now. A part that is gone from `ours` stays gone, one that
    only `ours` has stays; the rest is merged part by part."""
    if ours == base:
        return Merged(theirs)
    if base == theirs:
        return Merged(ours)
    was, have, new = (sections(path, text) for text in (base, ours, theirs))
    parts: dict[str, list[str]] = {}
    stays = []
    for name, lines in have.items():
        if name in new:
            before = was.get(name)
            parts[name] = lines if before is None else merge_lines(before, lines, new[name])
        elif name not in was:
            parts[name] = lines
        elif lines != was[name]:
            parts[name] = lines
            stays.append(name)
    order = list(new)
    for index, name in enumerate(order):
        if name not in was and name not in have:
            after = next((each for each in reversed(order[:index]) if each in parts), HEAD)
            parts = _put(parts, after, name, new[name])
    text = joined(parts)
    conflicts = tuple(number for number, line in enumerate(text.splitlines(), 1) if line == OURS)
    return Merged(text, conflicts, tuple(stays))


def _put(parts: dict[str, list[str]], after: str, name: str, lines: list[str]) -> dict[str, list[str]]:
    """One more, after another, with an empty line between."""
    made = {}
    for each, old in parts.items():
        made[each] = old
        if each == after:
            if each != HEAD and old and old[-1] != "":
                made[each] = [*old, ""]
            last = each == list(parts)[-1]
            made[name] = _stripped(lines) if last else [*_stripped(lines), ""]
    return made


def _stripped(lines: list[str]) -> list[str]:
    end = len(lines)
    while end and not lines[end - 1]:
        end -= 1
    return lines[:end]
