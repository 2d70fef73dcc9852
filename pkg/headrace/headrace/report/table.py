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


class Heading(Struct, frozen=True):
    """A row of a table that is one text over all columns."""

    text: str


Row = Sequence[str] | Heading


def fits(columns: Sequence[Column], rows: Sequence[Sequence[str]], style: Style) -> bool:
    """Whether the window shows the table without cutting a name, with room for the last column."""
    widths = _widths(columns, rows)
    return style.width is None or _wanted(widths, style.width) <= style.width


def table(columns: Sequence[Column], rows: Sequence[Row], style: Style) -> list[str]:
    """Lines of a table, the titles first. The last column is free: it wraps at a terminal's edge and is never padded.

    >>> for line in table([Column("job"), Column("why")], [["test", "no needs"]], Style()): print(line)
    job   why
    test  no needs
    """
    cells = [row if isinstance(row, Heading) else [style.safe(clean(text)) for text in row] for row in rows]
    widths = _widths(columns, [row for row in cells if not isinstance(row, Heading)])
    if style.width is not None:
        _shrink(columns, widths, style.width)
    lines = [style.paint(_line([c.title for c in columns], columns, widths, Style()), "dim")]
    for row in cells:
        if isinstance(row, Heading):
            text = style.safe(clean(row.text))
            lines.append(style.paint(shorten(text, style.width, style.glyph("ellipsis")) if style.width else text, "bold"))
        else:
            lines += _wrapped(row, columns, widths, style)
    return lines


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(width(text) for text in (c.title, *(row[i] for row in rows))) for i, c in enumerate(columns)]


def _wanted(widths: Sequence[int], window: int) -> int:
    """The room for all columns, where the last one has a third of the window, or what it needs."""
    return sum(widths[:-1]) + len(GAP) * (len(widths) - 1) + min(widths[-1], max(20, window // 3))


def _shrink(columns: Sequence[Column], widths: list[int], window: int) -> None:
    """Take columns from the widest name until there is room."""
    while _wanted(widths, window) > window:
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
