"""The conditions of jobs and steps: the implicit `success()`, and why a condition did not hold. Knows no job and no step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.expressions.errors import EvaluationError
from headrace.expressions.evaluate import evaluate
from headrace.expressions.nodes import And, Compare, Context, Index, Literal, Node, Not, Or, children
from headrace.expressions.parser import parse
from headrace.expressions.printer import print_expression
from headrace.expressions.survey import calls
from headrace.expressions.values import WHITE_SPACE, Value, is_truthy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

STATUS_FUNCTIONS = frozenset({"success", "failure", "cancelled", "always"})

# Whether these may stand at a place is for the reader of the file to say; here they only have to be recognised.
_KNOWN = dict.fromkeys((*STATUS_FUNCTIONS, "hashfiles"), (0, 255))
_SHOWN = 8  # a reason longer than this explains nothing


def with_implicit_success(source: str) -> str:
    """The condition that the text of an `if` stands for: blank text is `success()`, text that asks for no status is tied to it.

    Raises SyntaxProblem.

    >>> with_implicit_success("github.ref == 'always()'")
    "success() && (github.ref == 'always()')"
    >>> with_implicit_success("!Cancelled()"), with_implicit_success(" ")
    ('!Cancelled()', 'success()')
    """
    if not source.strip(WHITE_SPACE):
        return "success()"
    if STATUS_FUNCTIONS & calls(parse(source, functions=_KNOWN)):
        return source
    return f"success() && ({source})"


def explain(
    node: Node,
    contexts: Mapping[str, Value],
    functions: Mapping[str, Callable[[Sequence[Value]], Value]] | None = None,
) -> list[tuple[str, Value]]:
    """What made a condition false: sub-expressions as text, each with the value it had. Empty for a condition that holds.

    Of `&&` only the operand that decided is shown, of a comparison the sides that are no literals, of a call its result and what
    it read. The values are as evaluated: masking secrets and shortening large objects is for whoever shows them.

    >>> explain(parse("github.event_name == 'push' && github.ref == 'refs/heads/main'"),
    ...         {"github": {"event_name": "push", "ref": "refs/heads/topic"}})
    [('github.ref', 'refs/heads/topic')]
    >>> explain(parse("startsWith(github.ref, 'refs/tags/')"), {"github": {"ref": "refs/heads/main"}})
    [("startsWith(github.ref, 'refs/tags/')", False), ('github.ref', 'refs/heads/main')]
    """

    def value(part: Node) -> Value:
        return evaluate(part, contexts, functions)

    seen: dict[str, Value] = {}
    try:
        if not is_truthy(value(node)):
            parts = list(_deciding(node, value))
            for part in [part for part in parts if not isinstance(part, Literal)] or parts:
                if len(seen) < _SHOWN:
                    seen.setdefault(print_expression(part), value(part))
    except EvaluationError:
        pass  # what was seen before the failure is still true
    return list(seen.items())


def _deciding(node: Node, value: Callable[[Node], Value]) -> Iterator[Node]:
    """The parts whose values made `node` what it is."""
    match node:
        case And(operands):
            falsy = next((operand for operand in operands if not is_truthy(value(operand))), None)
            for operand in operands if falsy is None else (falsy,):
                yield from _deciding(operand, value)
        case Or(operands):
            truthy = next((operand for operand in operands if is_truthy(value(operand))), None)
            for operand in operands if truthy is None else (truthy,):
                yield from _deciding(operand, value)
        case Not(operand):
            yield from _deciding(operand, value)
        case Compare(_, left, right):
            sides = [side for side in (left, right) if not isinstance(side, Literal)]
            yield from sides or [node]
            for side in sides:
                yield from _reads(side)
        case _:
            yield node
            yield from _reads(node)


def _reads(node: Node) -> Iterator[Node]:
    """The context reads in a node, each as far as it goes: `a.b.*.c`, not `a`."""
    if _is_read(node):
        yield node
        while isinstance(node, Index):
            yield from _reads(node.index)
            node = node.target
    else:
        for child in children(node):
            yield from _reads(child)


def _is_read(node: Node) -> bool:
    while isinstance(node, Index):
        node = node.target
    return isinstance(node, Context)
