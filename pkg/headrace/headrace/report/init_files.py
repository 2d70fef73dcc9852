"""What `headrace init` says of the files that it writes."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from headrace.init.make import WRITTEN, File
from headrace.release.doctor import Publishing
from headrace.report.colour import Hue, Style
from headrace.report.documents import InitDrift
from headrace.report.text import clean, count

_WORDS: dict[str, tuple[str, Hue | None]] = {
    "new": ("written", "green"),
    "base": ("written", "green"),
    "merged": ("updated", "green"),
    "added": ("added to", "green"),
    "gone": ("removed", "green"),
    "same": ("unchanged", "dim"),
    "kept": ("left", "yellow"),
    "deleted": ("left away", "dim"),
    "behind": ("behind", "yellow"),
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
    written = sum(file.state in WRITTEN for file in files)
    left = sum(file.state in ("kept", "behind") for file in files)
    lines.append(f"{count(written, 'file')} written" + (f", {left} left as they are" if left else ""))
    return lines


def conflict_lines(files: Sequence[File]) -> list[str]:
    """What a person has to settle, by file and line."""
    return [
        f"{file.path}:{line}: you have changed what has changed here too; settle it between the marks"
        for file in files
        for line in file.conflicts
    ]


def check_lines(drift: Sequence[InitDrift], edited: Sequence[str], style: Style) -> list[str]:
    """One line for each file that is not as it should be; else one that all is well."""
    words = {"new": "is missing", "changed": "would change", "gone": "is not needed any more", "conflict": "has a conflict"}
    lines = []
    for each in drift:
        why = f" ({each.why})" if each.why else ""
        at = f":{each.lines[0]}" if each.lines else ""
        lines.append(style.safe(clean(f"{each.path}{at}: {words[each.what]}{why}")))
    if not drift:
        since = f"; {count(len(edited), 'file')} changed since, which stays" if edited else ""
        lines.append(style.paint(f"all is as headrace init would write it now{since}", "dim"))
    elif any(each.what != "conflict" for each in drift):
        lines.append("headrace init --update brings it up to date; with --diff it shows how")
    return lines


def diff_lines(files: Sequence[File], style: Style) -> list[str]:
    """Every change as a unified diff; what is left is named in a line that patch lets pass."""
    lines = []
    for file in files:
        match file.state:
            case "same" | "deleted":
                continue
            case "kept" | "behind":
                lines.append(style.safe(clean(f"# {file.path}: {file.why}")))
                continue
            case _:
                old = file.was
        name = f"a/{file.path}" if old else "/dev/null"
        into = "/dev/null" if file.state == "gone" else f"b/{file.path}"
        for line in difflib.unified_diff(old.splitlines(), file.text.splitlines(), name, into, lineterm=""):
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
