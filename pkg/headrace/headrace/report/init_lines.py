"""What `headrace init` says to a person about a repository, each fact with the places that say it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from headrace.base.errors import Position
from headrace.init.choices import Choice
from headrace.init.model import Found, Package, Said
from headrace.report.colour import Style
from headrace.report.table import Column, Heading, Row, table
from headrace.report.text import clean, count

Fact = tuple[str, Said]


def explained(found: Found, choices: Sequence[Choice], style: Style) -> list[str]:
    """All that was found out, and what follows from it, package by package."""
    rows: list[Row] = []
    for package in found.packages:
        rows.append(Heading(f"{package.name.value}, in {'the root' if package.folder == '.' else package.folder}"))
        rows += [_row(name, said) for name, said in package_facts(package)]
        rows += [_row(choice.name, choice.said) for choice in choices if choice.package == package.name.value]
    rows.append(Heading("the repository"))
    rows += [_row(name, said) for name, said in repository_facts(found)]
    rows += [_row(choice.name, choice.said) for choice in choices if not choice.package]
    lines = table([Column("what"), Column("is", shrinks=True, least=16), Column("by")], rows, style)
    if found.doubts:
        lines.append(style.paint(count(len(found.doubts), "doubt"), "bold"))
        for doubt in found.doubts:
            lines.append("  " + style.safe(clean((f"{_at(doubt.at)}: " if doubt.at.file else "") + doubt.text)))
    return lines


def package_facts(package: Package) -> Iterator[Fact]:
    """In the order in which they are shown; what was not found is not there."""
    tools, pythons = package.tools, package.pythons
    yield "found", package.found
    yield "name", package.name
    single: Sequence[tuple[str, Said | None]] = (
        ("version", package.version), ("requires-python", package.requires_python), ("lowest Python", pythons.lowest),
        ("highest Python", pythons.highest), ("backend", package.backend), ("private", package.private),
        ("linter", tools.linter), ("formatter", tools.formatter), ("types", tools.typer), ("tests by", tools.tester),
        ("Makefile", package.makefile),
    )  # fmt: skip
    several: Sequence[tuple[str, Sequence[Said]]] = (
        ("imports", package.imports), ("needs", package.siblings), ("unit tests", package.unit),
        ("integration", package.integration), ("session", tools.sessions), ("installs", package.groups),
        ("workflow", package.workflows),
    )  # fmt: skip
    for name, said in single:
        if said is not None:
            yield name, said
    for name, each in several:
        for said in each:
            yield name, said


def repository_facts(found: Found) -> Iterator[Fact]:
    yield "layout", found.layout
    for name, several in (
        ("left out", found.left_out), ("installs", found.shared), ("lock", found.locks), ("pins", found.constraints),
        ("workflow", found.workflows), ("Makefile", found.makefiles),
    ):  # fmt: skip
        for said in several:
            yield name, said


def _row(name: str, said: Said) -> tuple[str, str, str]:
    places = ", ".join(dict.fromkeys(map(_at, said.at[:3])))
    more = f" and {len(said.at) - 3} more" if len(said.at) > 3 else ""
    return f"  {name}", said.value, f"{places}{more}" + (f" ({said.why})" if said.why and places else said.why)


def _at(at: Position) -> str:
    """
    >>> _at(Position("a", 3, 1)), _at(Position("a"))
    ('a:3', 'a')
    """
    return f"{at.file}:{at.line}" if at.line else at.file
