"""What may stand at a place of a workflow file: the vocabulary in which `schema` describes the language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

NO_TEXT, NON_EMPTY, ANY_TEXT = 0, 1, 2


class Scope(Struct, frozen=True, eq=False):
    """The contexts and special functions (name → least and most arguments, lower case) that an expression may use at a place.
    Without contexts no expression is allowed there. Compared by identity: there are about twenty, all in `schema`."""

    contexts: frozenset[str] = frozenset()
    functions: Mapping[str, tuple[int, int]] = {}

    def with_names(self, *contexts: str, **functions: tuple[int, int]) -> Scope:
        return Scope(self.contexts | set(contexts), {**self.functions, **functions})


NONE = Scope()


class Definition(Struct, eq=False):
    """Alternatives for one value. `text` says which strings are fine; `constants` are further exact strings; `item` describes the
    items of a sequence; `shapes` are the mappings that may stand there. Not frozen because definitions may contain themselves."""

    scope: Scope = NONE
    nulls: bool = False
    booleans: bool = False
    numbers: bool = False
    text: int = NO_TEXT
    constants: frozenset[str] = frozenset()
    item: Definition | None = None
    shapes: tuple[Shape, ...] = ()

    def accepts_text(self, text: str) -> bool:
        return self.text == ANY_TEXT or (self.text == NON_EMPTY and text != "") or text in self.constants


class Shape(Struct, eq=False):
    """A mapping: fixed keys, some of them required, and/or free keys, all of which share a definition for key and value."""

    keys: Mapping[str, Definition] = {}
    required: tuple[str, ...] = ()
    free_key: Definition | None = None
    free_value: Definition | None = None


def string(scope: Scope = NONE) -> Definition:
    """Any text. Nulls, booleans and numbers become text."""
    return Definition(scope, text=ANY_TEXT)


def non_empty(scope: Scope = NONE) -> Definition:
    return Definition(scope, text=NON_EMPTY)


def boolean(scope: Scope = NONE) -> Definition:
    return Definition(scope, booleans=True)


def number(scope: Scope = NONE) -> Definition:
    return Definition(scope, numbers=True)


def scalar(scope: Scope = NONE) -> Definition:
    """A string, boolean or number that keeps its type."""
    return Definition(scope, booleans=True, numbers=True, text=ANY_TEXT)


def one_of(constants: Iterable[str], scope: Scope = NONE) -> Definition:
    return Definition(scope, constants=frozenset(constants))


def list_of(item: Definition, scope: Scope = NONE) -> Definition:
    return Definition(scope, item=item)


def text_or_list(item: Definition, scope: Scope = NONE) -> Definition:
    """One value of the item's kind, or a list of them."""
    return Definition(scope, text=item.text, constants=item.constants, item=item)


def mapping(keys: Mapping[str, Definition], *required: str, scope: Scope = NONE) -> Definition:
    """A mapping with fixed keys only."""
    return Definition(scope, shapes=(Shape(keys, required),))


def map_of(value: Definition, scope: Scope = NONE, key: Definition | None = None) -> Definition:
    """A mapping with free, non-empty keys."""
    return Definition(scope, shapes=(Shape(free_key=key or non_empty(scope), free_value=value),))


def either(*alternatives: Definition, scope: Scope = NONE) -> Definition:
    """All alternatives at once; at most one of them may be a sequence."""
    items = [a.item for a in alternatives if a.item is not None]
    return Definition(
        scope,
        any(a.nulls for a in alternatives),
        any(a.booleans for a in alternatives),
        any(a.numbers for a in alternatives),
        max(a.text for a in alternatives),
        frozenset().union(*(a.constants for a in alternatives)),
        items[0] if items else None,
        tuple(shape for a in alternatives for shape in a.shapes),
    )


NULL = Definition(nulls=True)

_anything: dict[int, Definition] = {}


def anything(scope: Scope = NONE) -> Definition:
    """Whatever YAML can say, at any depth, with expressions of `scope`. The same object for the same scope."""
    found = _anything.get(id(scope))
    if found is None:
        found = _anything[id(scope)] = Definition(scope, True, True, True, ANY_TEXT)
        found.item = found
        found.shapes = (Shape(free_key=string(scope), free_value=found),)
    return found
