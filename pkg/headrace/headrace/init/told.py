"""Where the tests are, as a person says it, in place of what was guessed. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.base.errors import Position
from headrace.init.model import Said
from headrace.init.suites import Suites
from headrace.init.tree import Tree
from headrace.init.wanted import TABLE, Wanted


def told(tree: Tree, guessed: Suites, wanted: Wanted) -> Suites:
    """Of the kind that is told of, the folders that are told; of the other what was guessed, without those."""
    if not wanted.tests:
        return guessed
    unit, integration = (
        _folders(tree, name, wanted) if name in wanted.tests else _without(guess, [*wanted.tests.values()])
        for name, guess in (("utest", guessed.unit), ("itest", guessed.integration))
    )
    paths = tuple(
        path for each in (*unit, *integration) for path in ([each.value] if tree.has(each.value) else tree.below(each.value))
    )
    return Suites(unit, integration, tuple(dict.fromkeys(path for path in paths if path.endswith(".py"))))


def _folders(tree: Tree, name: str, wanted: Wanted) -> tuple[Said, ...]:
    why = f"{TABLE} tests"
    return tuple(
        Said(each, (*wanted.places(f"tests.{name}.{each}", f"tests.{name}"), *_first(tree, each)), why)
        for each in wanted.tests[name]
    )


def _first(tree: Tree, folder: str) -> list[Position]:
    """A file of tests, by whose name a tester is told what to look for."""
    names = (path.rpartition("/")[2] for path in tree.below(folder))
    found = [path for path, name in zip(tree.below(folder), names, strict=True) if name.endswith("_test.py")]
    return [Position(path) for path in found[:1]]


def _without(guess: Sequence[Said], told: Sequence[Sequence[str]]) -> tuple[Said, ...]:
    names = {name for each in told for name in each}
    return tuple(each for each in guess if each.value not in names)
