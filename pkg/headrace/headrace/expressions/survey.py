"""What an expression calls and reads, found in its tree without evaluating it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.expressions.nodes import Call, Context, Index, Literal, Node, children
from headrace.expressions.values import to_text

if TYPE_CHECKING:
    from collections.abc import Iterator


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, in source order."""
    yield node
    for child in children(node):
        yield from walk(child)


def calls(node: Node) -> frozenset[str]:
    """The functions called anywhere in the tree, in lower case.

    >>> from headrace.expressions.parser import parse
    >>> sorted(calls(parse("contains(toJSON(github), 'always()')")))
    ['contains', 'tojson']
    """
    return frozenset(part.name.lower() for part in walk(node) if isinstance(part, Call))


def references(node: Node) -> frozenset[tuple[str, ...]]:
    """The context paths that the tree reads: the context in lower case, then keys as spelled.

    A path is cut at the first index that is only known when evaluated, a wildcard included.

    >>> from headrace.expressions.parser import parse
    >>> sorted(references(parse("Needs.build.outputs['x'] == matrix[github.ref].y && needs.*.result")))
    [('github', 'ref'), ('matrix',), ('needs',), ('needs', 'build', 'outputs', 'x')]
    """
    return frozenset(_references(node))


def path_of(node: Node) -> tuple[str, ...] | None:
    """The path that a plain read such as `github.ref` or `a['b'][0]` stands for; None for every other tree."""
    match node:
        case Context(name):
            return (name.lower(),)
        case Index(target, Literal(key)) if (path := path_of(target)) is not None:
            return (*path, to_text(key))
        case _:
            return None


def _references(node: Node) -> Iterator[tuple[str, ...]]:
    if (path := path_of(node)) is not None:
        yield path
        return
    for child in children(node):
        yield from _references(child)
