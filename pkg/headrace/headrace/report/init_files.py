"""What `headrace init` says of the files that it writes."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence

from headrace.init.make import File
from headrace.release.doctor import Publishing
from headrace.report.colour import Hue, Style
from headrace.report.text import clean, count

_WORDS: dict[str, tuple[str, Hue | None]] = {
    "new": ("written", "green"),
    "base": ("written", "green"),
    "same": ("unchanged", "dim"),
    "kept": ("left", "yellow"),
}


def written_lines(files: Sequence[File], style: Style) -> list[str]:
    """One line a file: what was done with it; at the end how many."""
    lines = []
    for file in files:
        word, hue = _WORDS[file.state]
        why = f"  ({file.why})" if file.why else ""
        lines.append(
            style.safe(clean(f"{style.paint(word.ljust(9), hue)}  {file.path}{why}"))
            if not style.colour
            else f"{style.paint(word.ljust(9), hue)}  {style.safe(clean(file.path + why))}"
        )
    written = sum(file.state in ("new", "base") for file in files)
    left = sum(file.state == "kept" for file in files)
    lines.append(f"{count(written, 'file')} written" + (f", {left} left as they are" if left else ""))
    return lines


def diff_lines(files: Sequence[File], before: Callable[[str], str], style: Style) -> list[str]:
    """Every change as a unified diff; what is left is named in a line that patch lets pass."""
    lines = []
    for file in files:
        match file.state:
            case "same":
                continue
            case "kept":
                lines.append(style.safe(clean(f"# {file.path}: {file.why}")))
                continue
            case _:
                old = before(file.path)
        name = f"a/{file.path}" if old else "/dev/null"
        for line in difflib.unified_diff(old.splitlines(), file.text.splitlines(), name, f"b/{file.path}", lineterm=""):
            hue: Hue | None = "green" if line.startswith("+") else "red" if line.startswith("-") else None
            lines.append(style.paint(style.safe(line), hue))
    return lines


def form_lines(found: Sequence[Publishing], style: Style) -> list[str]:
    """The values for PyPI's publisher form of each package that is published."""
    lines: list[str] = []
    for each in found:
        if each.form:
            lines += ["", style.paint(style.safe(clean(f"PyPI's publisher form for {each.package}")), "bold")]
            width = max(map(len, each.form))
            lines += [
                style.safe(clean(f"  {name.ljust(width)}  {value or '(leave empty)'}")) for name, value in each.form.items()
            ]
    return lines
