"""Whether to colour and which glyphs to use. Colour is never the only signal: every painted word is also a word or a glyph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

Choice = Literal["auto", "always", "never"]
Hue = Literal["red", "green", "yellow", "blue", "cyan", "dim", "bold"]

_CODES: dict[str, str] = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36", "dim": "2", "bold": "1"}

HUES: dict[str, Hue] = {
    "success": "green",
    "failure": "red",
    "cancelled": "yellow",
    "interrupted": "yellow",
    "skipped": "dim",
    "unsupported": "yellow",
    "undecided": "cyan",
    "run": "green",
    "skip": "dim",
    "fail": "red",
    "ok": "green",
    "limited": "yellow",
    "missing": "red",
    "untried": "dim",
    "info": "dim",
}

_GLYPHS = {
    "success": ("✓", "+"),
    "failure": ("✗", "x"),
    "cancelled": ("⊘", "!"),
    "interrupted": ("⊘", "!"),
    "skipped": ("○", "-"),
    "unsupported": ("⚠", "?"),
    "start": ("▶", ">"),
    "ellipsis": ("…", "..."),
    "dot": ("·", "-"),
    "arrow": ("→", "->"),
}


def wants_colour(choice: Choice, environment: Mapping[str, str], terminal: bool) -> bool:
    """Decide in this order: the option, NO_COLOR, FORCE_COLOR or CLICOLOR_FORCE, TERM=dumb, is it a terminal.

    NO_COLOR counts with any non-empty value. `0` switches the two force variables off, as their own documents say.

    >>> wants_colour("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, True)
    False
    >>> wants_colour("auto", {"FORCE_COLOR": "1", "TERM": "dumb"}, False)
    True
    >>> wants_colour("auto", {"CLICOLOR_FORCE": "0"}, False)
    False
    """
    if choice != "auto":
        return choice == "always"
    if environment.get("NO_COLOR"):
        return False
    if any(environment.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    return environment.get("TERM") != "dumb" and terminal


def speaks_utf8(encoding: str | None, environment: Mapping[str, str]) -> bool:
    """Whether a stream can show the glyphs: its encoding is UTF-8, and so is the locale of whoever reads it. (Python alone
    makes its streams UTF-8 in the C locale too.)

    >>> speaks_utf8("utf-8", {"LANG": "de_DE.UTF-8"}), speaks_utf8("utf-8", {"LANG": "C.utf8", "LC_ALL": "C"})
    (True, False)
    >>> speaks_utf8("ascii", {"LANG": "C.UTF-8"}), speaks_utf8("utf-8", {})
    (False, False)
    """
    locale = environment.get("LC_ALL") or environment.get("LC_CTYPE") or environment.get("LANG") or ""
    return all((name or "").lower().replace("-", "").endswith("utf8") for name in (encoding, locale.partition("@")[0]))


class Style(Struct, frozen=True):
    """How one stream is written to. `width` is the number of columns of a terminal, None where lines are never cut or wrapped."""

    colour: bool = False
    utf8: bool = True
    width: int | None = None

    def paint(self, text: str, hue: Hue | None) -> str:
        """
        >>> Style(colour=True).paint("no", "red")
        '\\x1b[31mno\\x1b[0m'
        >>> Style().paint("no", "red")
        'no'
        """
        return f"\x1b[{_CODES[hue]}m{text}\x1b[0m" if self.colour and hue and text else text

    def glyph(self, name: str) -> str:
        """
        >>> Style().glyph("success"), Style(utf8=False).glyph("success")
        ('✓', '+')
        """
        return _GLYPHS[name][not self.utf8]

    def state(self, name: str) -> str:
        """Glyph and word of a result, painted."""
        return self.paint(f"{self.glyph(name)} {name}" if name in _GLYPHS else name, HUES.get(name))

    def safe(self, text: str) -> str:
        """Text that this stream can carry: what is not ASCII becomes `?` where the stream is not UTF-8."""
        return text if self.utf8 or text.isascii() else text.encode("ascii", "replace").decode()
