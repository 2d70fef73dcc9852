"""The pattern dialect of `branches`, `tags`, `paths` and image names, and the ordered walk through a list of patterns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from msgspec import Struct

from headrace.workflow.model import Pattern

_RANGES = ("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789")
_ANY, _NOT_SLASH = object(), object()


class _Item(Struct, frozen=True):
    """One position of a pattern: which characters fit, and whether it may be left out or repeated. `directories` marks `**/`,
    which is any text that ends in a slash, or nothing."""

    fits: object  # _ANY, _NOT_SLASH or a frozenset of characters
    optional: bool = False
    repeated: bool = False
    directories: bool = False


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text fits. A leading `!` has no meaning here: `decide` takes it off.

    >>> [matches("feature/**", t) for t in ("feature/a/b", "feature")]
    [True, False]
    >>> matches("*.jsx?", "page.js"), matches("v[12].[0-9]+", "v1.10")
    (True, True)
    >>> [matches("docs/**/*.md", t) for t in ("docs/a.md", "docs/x/y/a.md", "a.md")]
    [True, True, False]
    """
    return _compiled(pattern)(text)


def decide(patterns: Sequence[Pattern], value: str) -> tuple[bool, Pattern | None]:
    """Goes through the patterns in order: one that fits says yes, one with a leading `!` that fits says no, the last word counts.
    Returns it with the pattern that had it, None where none fitted.

    >>> said, by = decide([Pattern("**"), Pattern("!docs/**"), Pattern("docs/keep")], "docs/x")
    >>> said, by.text
    (False, '!docs/**')
    """
    for pattern in reversed(patterns):
        text = pattern.text
        negated = text.startswith("!")
        if _compiled(text[1:] if negated else text)(value):
            return not negated, pattern
    return False, None


# Regular expressions backtrack: with many wildcards, or on a very long text, the sets of positions below take over.
_WILDCARDS, _LENGTH = 4, 300


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Callable[[str], bool]:
    items = _parse(pattern)
    if not any(item.optional or item.repeated for item in items) and all(
        isinstance(i.fits, frozenset) and len(i.fits) == 1 for i in items
    ):
        exact = "".join(next(iter(i.fits)) for i in items if isinstance(i.fits, frozenset))
        return exact.__eq__
    wildcards = sum(item.repeated for item in items)
    nested = any(item.repeated and item.optional and isinstance(item.fits, frozenset) for item in items)
    if wildcards > _WILDCARDS or nested:
        return lambda text: _simulate(items, text)
    search = re.compile("".join(map(_regex, items)), re.DOTALL).fullmatch
    return lambda text: search(text) is not None if len(text) <= _LENGTH else _simulate(items, text)


def _parse(pattern: str) -> tuple[_Item, ...]:
    items: list[_Item] = []
    i = 0
    quantifiable = False  # whether `?` and `+` have a character or a class before them
    while i < len(pattern):
        c = pattern[i]
        if c == "*":
            if pattern.startswith("**", i):
                at_start = i == 0 or pattern[i - 1] == "/"
                i += 2
                if at_start and pattern.startswith("/", i):
                    i += 1
                    items.append(_Item(_ANY, directories=True, optional=True, repeated=True))
                else:
                    items.append(_Item(_ANY, optional=True, repeated=True))
            else:
                i += 1
                items.append(_Item(_NOT_SLASH, optional=True, repeated=True))
            quantifiable = False
            continue
        if c in "?+" and quantifiable:
            last = items.pop()
            items.append(_Item(last.fits, last.optional or c == "?", last.repeated or c == "+"))
            i += 1
            continue
        fits = frozenset(c)
        if c == "\\" and i + 1 < len(pattern):
            i += 1
            fits = frozenset(pattern[i])
        elif c == "[" and (closed := _class_end(pattern, i + 1)) > 0:
            fits = _class(pattern[i + 1 : closed])
            i = closed
        items.append(_Item(fits))
        quantifiable = True
        i += 1
    return tuple(items)


def _class_end(pattern: str, start: int) -> int:
    """Where the class that opens before `start` is closed; 0 where it is not, and the bracket stands for itself."""
    i = start
    while i < len(pattern):
        if pattern[i] == "]" and i > start:
            return i
        i += 2 if pattern[i] == "\\" else 1
    return 0


def _class(inner: str) -> frozenset[str]:
    found: set[str] = set()
    i = 0
    while i < len(inner):
        c = inner[i]
        if c == "\\" and i + 1 < len(inner):
            found.add(inner[i + 1])
            i += 2
            continue
        if i + 2 < len(inner) and inner[i + 1] == "-":
            run = next((r for r in _RANGES if c in r and inner[i + 2] in r and r.index(c) <= r.index(inner[i + 2])), "")
            if run:
                found.update(run[run.index(c) : run.index(inner[i + 2]) + 1])
                i += 3
                continue
        found.add(c)
        i += 1
    return frozenset(found)


def _regex(item: _Item) -> str:
    if item.directories:
        return "(?:.*/)?"
    if item.fits is _ANY:
        return ".*"
    if item.fits is _NOT_SLASH:
        return "[^/]*"
    assert isinstance(item.fits, frozenset)
    one = re.escape(next(iter(item.fits))) if len(item.fits) == 1 else f"[{''.join(map(re.escape, sorted(item.fits)))}]"
    return one + ("+" if item.repeated else "") + ("?" if item.optional else "")


def _simulate(items: Sequence[_Item], text: str) -> bool:
    """Keeps the set of positions that the text read so far can have reached: time grows with pattern times text, never faster."""
    inside: set[int] = set()  # items that have taken at least one character and may take more
    before = _reach(items, {0})  # items that may begin with the next character
    for c in text:
        now: set[int] = set()
        after: set[int] = set()
        for index in before | inside:
            if index == len(items):
                continue
            item = items[index]
            fits = item.fits
            if fits is _ANY or (c != "/" if fits is _NOT_SLASH else isinstance(fits, frozenset) and c in fits):
                if item.repeated:
                    now.add(index)
                if not item.directories or c == "/":
                    after.add(index + 1)
        inside, before = now, _reach(items, after)
        if not inside and not before:
            return False
    return len(items) in before


def _reach(items: Sequence[_Item], positions: Iterable[int]) -> set[int]:
    """The positions together with those reached by leaving out what is optional."""
    reached: set[int] = set()
    for start in positions:
        index = start
        while index not in reached:
            reached.add(index)
            if index == len(items) or not items[index].optional:
                break
            index += 1
    return reached
