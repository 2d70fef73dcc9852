"""Three texts → one: what two have changed since the third, line by line. Pure.

git calls changes in neighbouring lines a conflict. Here only lines that both have changed are one, and not even those where they
are lists, whose items can be told apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from msgspec import Struct

OURS, THEIRS = "<<<<<<< as it is here", ">>>>>>> as headrace init would have it"
_BETWEEN = "======="
_FLOW = re.compile(r"(\s*(?:- )?[\w-]+:\s*\[)([^\[\]{}#]*)(\]\s*)$")
_WORDS = re.compile(r"(\.PHONY:[ ]?|for [\w-]+ in )([^;\\]*)((?:;.*)?)$")


class Change(Struct, frozen=True):
    """Lines `start` to `end` (not with it, counted from 0) of the base became `lines`."""

    start: int
    end: int
    lines: tuple[str, ...]


def merge_lines(base: Sequence[str], ours: Sequence[str], theirs: Sequence[str]) -> list[str]:
    """All lines without their ends; marks stand around what both have changed, each in its own way.

    >>> merge_lines(["a", "b", "c"], ["A", "b", "c"], ["a", "B", "c", "d"])
    ['A', 'B', 'c', 'd']
    >>> merge_lines(["on: [a, b]"], ["on: [a, b, mine]"], ["on: [b, new]"])
    ['on: [b, mine, new]']
    """
    merged: list[str] = []
    at = 0
    for left, right in _together(_changes(base, ours), _changes(base, theirs)):
        start = min(change.start for change in (*left, *right))
        end = max(change.end for change in (*left, *right))
        merged += base[at:start]
        merged += _one(base[start:end], _applied(base, left, start, end), _applied(base, right, start, end))
        at = end
    return [*merged, *base[at:]]


def marks_in(text: str) -> list[int]:
    """The lines (from 1) at which a conflict begins that nobody has settled yet.

    >>> marks_in("a\\n<<<<<<< x\\nb\\n=======\\nc\\n>>>>>>> y\\n")
    [2]
    """
    return [number for number, line in enumerate(text.splitlines(), 1) if line.startswith("<<<<<<< ")]


def _changes(base: Sequence[str], other: Sequence[str]) -> list[Change]:
    codes = SequenceMatcher(None, base, other, autojunk=False).get_opcodes()
    return [Change(start, end, tuple(other[first:last])) for kind, start, end, first, last in codes if kind != "equal"]


def _together(left: Sequence[Change], right: Sequence[Change]) -> Iterator[tuple[list[Change], list[Change]]]:
    """Changes of both sides that touch the same lines, in order; each with what it cannot be told apart from."""
    waiting = sorted([*((change, 0) for change in left), *((change, 1) for change in right)], key=_order)
    while waiting:
        first, side = waiting.pop(0)
        group: tuple[list[Change], list[Change]] = ([], [])
        group[side].append(first)
        start, end = first.start, first.end
        while waiting and _overlaps(start, end, waiting[0][0]):
            change, side = waiting.pop(0)
            group[side].append(change)
            end = max(end, change.end)
        yield group


def _order(each: tuple[Change, int]) -> tuple[int, bool, int]:
    """What is put before a line comes before what happens to the line."""
    change, side = each
    return change.start, change.start != change.end, side


def _overlaps(start: int, end: int, change: Change) -> bool:
    """Whether both are about the same lines; what is put at the edge of changed lines is not."""
    if start == end:
        return change.start == change.end == start
    return change.start < end


def _applied(base: Sequence[str], changes: Sequence[Change], start: int, end: int) -> list[str]:
    lines: list[str] = []
    at = start
    for change in changes:
        lines += [*base[at : change.start], *change.lines]
        at = change.end
    return [*lines, *base[at:end]]


def _one(base: Sequence[str], ours: list[str], theirs: list[str]) -> list[str]:
    if ours == theirs or theirs == list(base):
        return ours
    if ours == list(base):
        return theirs
    if not base and all(_is_item(line, ours[0]) for line in (*ours, *theirs)):
        return [*(line for line in theirs if line not in ours), *ours]  # a person's come last: a later path overrules
    if len(base) == len(ours) == len(theirs):
        lines = [_line(*each) for each in zip(base, ours, theirs, strict=True)]
        if None not in lines:
            return [line for line in lines if line is not None]
    return [OURS, *ours, _BETWEEN, *theirs, THEIRS]


def _is_item(line: str, like: str) -> bool:
    """Whether it is an item of a list of YAML, as deep as another one."""
    return line.lstrip().startswith("- ") and line.index("-") == like.find("-") and ":" not in line


def _line(base: str, ours: str, theirs: str) -> str | None:
    if ours == theirs or theirs == base:
        return ours
    if ours == base:
        return theirs
    for form, between in ((_FLOW, ","), (_WORDS, " ")):
        found = [form.match(line) for line in (base, ours, theirs)]
        if all(found):
            lists = [_items(each[2], between) for each in found if each is not None]
            mine = found[1]
            assert mine is not None
            joined = (", " if between == "," else " ").join(merge_items(*lists))
            return mine[1] + joined + mine[3]
    return None


def _items(text: str, between: str) -> list[str]:
    return [item.strip() for item in text.split(None if between == " " else between) if item.strip()]


def merge_items(base: Sequence[str], ours: Sequence[str], theirs: Sequence[str]) -> list[str]:
    """What one has taken away is gone, what one has added is there; where it stands between others that are there.

    >>> merge_items(["3.10", "3.13"], ["3.10", "3.12", "3.13"], ["3.11", "3.13"])
    ['3.11', '3.12', '3.13']
    >>> merge_items(["lint", "utest"], ["lint"], ["itest", "lint", "utest"])
    ['itest', 'lint']
    """
    kept = [item for item in ours if item not in base or item in theirs]
    for index, item in enumerate(theirs):
        if item not in base and item not in kept:
            before = next((kept.index(each) for each in reversed(theirs[:index]) if each in kept), -1)
            kept.insert(before + 1, item)
    return kept
