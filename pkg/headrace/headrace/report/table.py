"""Rows into columns. Off a terminal nothing is cut or wrapped; in a narrow window names lose their middle, states never."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from headrace.report.colour import HUES, Hue, Style
from headrace.report.text import clean, shorten, width, wrap

GAP = "  "


class Column(Struct, frozen=True):
    """`shrinks` to no less than `least` columns in a narrow window; `state` columns are painted by the word in them."""

    title: str
    shrinks: bool = False
    state: bool = False
    right: bool = False
    least: int = 8


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], style: Style) -> list[str]:
    """Lines of a table, the titles first. The last column is free: it wraps at a terminal's edge and is never padded.

    >>> for line in table([Column("job"), Column("why")], [["test", "no needs"]], Style()): print(line)
    job   why
    test  no needs
    """
    cells = [[style.safe(clean(text)) for text in row] for row in rows]
    widths = [max(width(text) for text in (c.title, *(row[i] for row in cells))) for i, c in enumerate(columns)]
    if style.width is not None:
        _shrink(columns, widths, style.width)
    lines = [style.paint(_line([c.title for c in columns], columns, widths, Style()), "dim")]
    for row in cells:
        lines += _wrapped(row, columns, widths, style)
    return lines


def _shrink(columns: Sequence[Column], widths: list[int], window: int) -> None:
    """Take columns from the widest name until the last column has a third of the window, or what it needs."""
    wanted = min(widths[-1], max(20, window // 3))
    while sum(widths[:-1]) + len(GAP) * (len(widths) - 1) + wanted > window:
        able = [i for i, c in enumerate(columns[:-1]) if c.shrinks and widths[i] > c.least]
        if not able:
            return
        widths[max(able, key=lambda i: widths[i])] -= 1


def _wrapped(row: Sequence[str], columns: Sequence[Column], widths: Sequence[int], style: Style) -> list[str]:
    *heads, last = row
    ellipsis = style.glyph("ellipsis")
    heads = [shorten(text, widths[i], ellipsis) if columns[i].shrinks else text for i, text in enumerate(heads)]
    if style.width is None:
        return [_line([*heads, last], columns, widths, style)]
    indent = sum(widths[:-1]) + len(GAP) * (len(widths) - 1)
    pieces = wrap(last, max(style.width - indent, 20))
    return [_line([*heads, pieces[0]], columns, widths, style)] + [" " * indent + piece for piece in pieces[1:]]


def _line(row: Sequence[str], columns: Sequence[Column], widths: Sequence[int], style: Style) -> str:
    parts = []
    for i, text in enumerate(row):
        hue: Hue | None = HUES.get(text) if columns[i].state else None
        space = " " * (widths[i] - width(text)) if i < len(row) - 1 or columns[i].right else ""
        parts.append(space + style.paint(text, hue) if columns[i].right else style.paint(text, hue) + space)
    return GAP.join(parts).rstrip()
