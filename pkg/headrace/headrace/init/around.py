"""What a repository has around its packages: lock and constraints files, workflows, Makefiles. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from headrace.base.errors import Position
from headrace.init.model import Said
from headrace.init.places import line_with
from headrace.init.tree import Tree

_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml")
CONFIGS = (
    "ruff.toml", ".ruff.toml", ".flake8", "mypy.ini", ".mypy.ini", "pyrightconfig.json", "pytest.ini", "setup.cfg", "tox.ini",
    ".coveragerc",
)  # fmt: skip
"""Files at the root that decide what the gates say."""

_TARGET = re.compile(r"^((?:[A-Za-z0-9_.%/-]+[ \t]*)+):(?![=:])", re.MULTILINE)


def locks(tree: Tree) -> tuple[Said, ...]:
    return tuple(
        Said(path, (Position(path),)) for path in tree.paths if path.rpartition("/")[2] in _LOCKS and path.count("/") <= 2
    )


def constraints(tree: Tree) -> tuple[Said, ...]:
    """Files of pins that pip is given: constraints.txt, requirements with exact versions."""
    found = []
    for path in tree.paths:
        name = path.rpartition("/")[2]
        if path.count("/") > 1 or not re.search(
            r"(constraints?|requirements|lock)[\w.-]*\.txt$|^requirements/[\w.-]+\.txt$", path
        ):
            continue
        at = line_with(path, tree.text(path), r"^[A-Za-z0-9][\w.\[\],-]*\s*==")
        if name.startswith("constraints"):
            found.append(Said(path, (at or Position(path),)))
        elif at is not None:
            found.append(Said(path, (at,), "exact versions"))
    return tuple(found)


def workflows(tree: Tree) -> tuple[Said, ...]:
    """Every workflow file, and what tells that it publishes."""
    found = []
    for path in tree.paths:
        if re.fullmatch(r"\.github/workflows/[^/]+\.ya?ml", path):
            text = tree.text(path)
            publishes = line_with(
                path,
                text,
                r"pypa/gh-action-pypi-publish|\btwine upload\b|\b(?:uv|flit|poetry|pdm|hatch) publish\b|maturin.*upload",
            )
            name = line_with(path, text, r"^name:")
            places = tuple(place for place in (name or Position(path, 1, 1), publishes) if place is not None)
            found.append(Said(path, places, "publishes" if publishes else ""))
    return tuple(found)


def makefiles(tree: Tree) -> tuple[Said, ...]:
    return tuple(
        Said(path, (Position(path),), f"targets {', '.join(name for name, _ in targets(tree.text(path)))}")
        for path in tree.paths
        if re.search(r"(^|/)(GNUm|M|m)akefile$", path) and path.count("/") <= 2 and targets(tree.text(path))
    )


def targets(text: str) -> list[tuple[str, int]]:
    """The targets that a Makefile defines by name, with their lines.

    >>> targets("A := b\\n.PHONY: test\\ntest lint: x\\n\\techo a:b\\n%.o: c\\n")
    [('test', 3), ('lint', 3)]
    """
    return list(_targets(text))


def _targets(text: str) -> Iterator[tuple[str, int]]:
    seen = set()
    for found in _TARGET.finditer(text):
        for name in found[1].split():
            if not name.startswith(".") and "%" not in name and name not in seen:
                seen.add(name)
                yield name, text.count("\n", 0, found.start()) + 1
