"""Markdown as text for a terminal. GitHub's summaries hold HTML as well, as the toolkit writes it: that becomes Markdown first.

Nothing of it reaches the terminal as it is: no control sequences, no links that say one thing and mean another.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser

from headrace.report.colour import Style
from headrace.report.text import without_escapes

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_CODE = re.compile(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", re.S)
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<!--")
_WIDTH = 100  # columns, where the window is wider: long lines are hard to read


def lines(text: str, style: Style) -> list[str]:
    """The lines of a summary. `style` says how wide, whether in colour and in which characters."""
    from io import StringIO

    from rich.console import Console
    from rich.markdown import Markdown

    out = StringIO()
    console = Console(
        file=out, width=min(style.width or _WIDTH, _WIDTH), force_terminal=style.colour, no_color=not style.colour,
        color_system="standard" if style.colour else None, highlight=False, emoji=False, markup=False, legacy_windows=False,
        safe_box=not style.utf8,
    )  # fmt: skip
    plain = _CONTROL.sub("", "\n".join(without_escapes(line.encode()).decode() for line in text.split("\n")))
    console.print(Markdown(without_html(plain), hyperlinks=False))
    return [style.safe(line.rstrip()) for line in out.getvalue().splitlines()]


def without_html(text: str) -> str:
    """Markdown whose HTML has become Markdown too, or has gone; what stands in code stays.

    >>> without_html("<h2>Tests</h2>\\n<p>3 <b>passed</b>, `<b>` stays</p>").split()
    ['##', 'Tests', '3', '**passed**,', '`<b>`', 'stays']
    """
    if not _TAG.search(text):
        return text
    parser = _Html()
    fence = ""
    pending: list[str] = []

    def flush() -> None:
        block = "".join(pending)
        pending.clear()
        at = 0
        for code in _CODE.finditer(block):
            parser.feed(block[at : code.start()])
            parser.verbatim(code[0])
            at = code.end()
        parser.feed(block[at:])

    for line in text.splitlines(keepends=True):
        mark = _FENCE.match(line)
        if fence:
            parser.verbatim(line)
            if mark and mark[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
        elif mark:
            flush()
            parser.verbatim(line)
            fence = mark[1]
        else:
            pending.append(line)
    flush()
    parser.close()
    return parser.text()


_AROUND = {"b": "**", "strong": "**", "i": "*", "em": "*", "del": "~~", "s": "~~"}
_BLOCKS = frozenset({"p", "div", "section", "center", "picture", "figure", "dl", "dt", "dd"})


class _Html(HTMLParser):
    """Writes Markdown for the tags that it knows and drops the others. A table is written when it is whole."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self._out: list[str] = []
        self._within: list[Callable[[str], str]] = []  # what is to be done with the text of open elements, the innermost last
        self._saved: list[list[str]] = []
        self._names: list[str] = []
        self._lists: list[int] = []  # of each open list the next number, -1 without numbers
        self._rows: list[list[str]] = []
        self._pre = 0

    def text(self) -> str:
        while self._names:
            self._pop()
        return "".join(self._out)

    def verbatim(self, text: str) -> None:
        self._out.append(text)

    def handle_data(self, data: str) -> None:
        self._out.append(data)

    def handle_entityref(self, name: str) -> None:
        self._out.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._out.append(f"&#{name};")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        match tag:
            case "h1" | "h2" | "h3" | "h4" | "h5" | "h6":
                self._push(tag, lambda text: f"\n\n{'#' * int(tag[1])} {_one_line(text)}\n\n")
            case "br":
                self._out.append("  \n")
            case "hr":
                self._out.append("\n\n---\n\n")
            case "img":
                self._out.append(f"[image: {_one_line(given.get('alt') or given.get('src', ''))}]")
            case "a":
                target = given.get("href", "")
                self._push(tag, lambda text: f"[{_one_line(text)}]({target})" if target else text)
            case "pre":
                self._pre += 1
                self._push(tag, _fenced)
            case "code" | "kbd" | "samp" | "tt" if not self._pre:
                self._push(tag, lambda text: f"`{_one_line(_characters(text))}`")
            case "blockquote":
                self._push(tag, lambda text: "\n\n" + "".join(f"> {line}\n" for line in text.strip().splitlines()) + "\n")
            case "summary":
                self._push(tag, lambda text: f"\n\n**{_one_line(text)}**\n\n")
            case "ul" | "ol":
                self._lists.append(1 if tag == "ol" else -1)
                self._push(tag, lambda text: f"\n{text.rstrip()}\n\n")
            case "li" if self._lists:
                number = self._lists[-1]
                self._lists[-1] += number > 0
                mark = f"{number}. " if number > 0 else "- "
                self._push(tag, lambda text: _item(mark, text))
            case "table":
                self._push(tag, lambda text: "\n\n" + self._table() + "\n")
            case "tr":
                self._rows.append([])
            case "td" | "th":
                if self._rows:
                    self._push(tag, self._cell)
            case _ if tag in _AROUND:
                mark = _AROUND[tag]
                self._push(tag, lambda text: f"{mark}{text.strip()}{mark}" if text.strip() else text)
            case _ if tag in _BLOCKS or tag == "details":
                self._push(tag, lambda text: f"\n\n{text.strip()}\n\n" if text.strip() else "")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._names:
            while self._pop() != tag:
                pass

    def _push(self, tag: str, made: Callable[[str], str]) -> None:
        self._names.append(tag)
        self._within.append(made)
        self._saved.append(self._out)
        self._out = []

    def _pop(self) -> str:
        tag, made, text = self._names.pop(), self._within.pop(), "".join(self._out)
        self._out = self._saved.pop()
        if tag == "pre":
            self._pre -= 1
        elif tag in ("ul", "ol"):
            self._lists.pop()
        self._out.append(made(text))
        return tag

    def _cell(self, text: str) -> str:
        self._rows[-1].append(_one_line(text).replace("|", "\\|"))
        return ""

    def _table(self) -> str:
        rows, self._rows = [row for row in self._rows if row], []
        if not rows:
            return ""
        columns = max(map(len, rows))
        filled = [row + [""] * (columns - len(row)) for row in rows]
        head, *body = [f"| {' | '.join(row)} |\n" for row in filled]
        return head + f"|{' --- |' * columns}\n" + "".join(body)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _item(mark: str, text: str) -> str:
    """The lines after the first belong to the item, and so stand under it."""
    first, *more = text.strip().splitlines() or [""]
    return f"{mark}{first}\n" + "".join(f"{' ' * len(mark)}{line}\n" for line in more if line.strip())


def _characters(text: str) -> str:
    from html import unescape

    return unescape(text)


def _fenced(text: str) -> str:
    """In code, nothing is written as an entity."""
    plain = _characters(text).strip("\n")
    fence = "```"
    while fence in plain:
        fence += "`"
    return f"\n\n{fence}\n{plain}\n{fence}\n\n"
