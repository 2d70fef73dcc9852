"""What the two output streams are: colour, glyphs, width. stdout carries data, stderr progress."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from headrace.report.colour import Choice, Style, speaks_utf8, wants_colour


def style_of(stream: TextIO, choice: Choice) -> Style:
    """How to write to this stream."""
    terminal = stream.isatty()
    return Style(wants_colour(choice, os.environ, terminal), speaks_utf8(stream.encoding, os.environ), columns(stream))


def columns(stream: TextIO) -> int | None:
    """The width of the terminal, None where the stream is none."""
    if not stream.isatty():
        return None
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except OSError:
        return 80


def write_lines(lines: list[str]) -> None:
    sys.stdout.write("".join(line + "\n" for line in lines))


def write_json(text: str) -> None:
    """JSON is UTF-8 whatever the locale is, and so is what others have written."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()
