"""The syntax tree of an expression. Knows nothing about values of contexts; parentheses leave no trace in it."""

from __future__ import annotations

from typing import Literal as OneOf
from typing import Union

from msgspec import Struct
from msgspec.structs import replace

Sign = OneOf["==", "!=", "<", "<=", ">", ">="]

# In every node `at` is the 0-based offset, in characters, of the node's own token: a literal, a name, a sign, a `.` or a `[`.


class Literal(Struct, frozen=True, tag=True):
    value: str | bool | float | None
    at: int = 0


class Context(Struct, frozen=True, tag=True):
    """A named value such as `github`; `name` is spelled as in the source."""

    name: str
    at: int = 0


class Wildcard(Struct, frozen=True, tag=True):
    """The `*` of `x.*` and `x[*]`."""

    at: int = 0


class Index(Struct, frozen=True, tag=True):
    """`target[index]`. `x.name` is the same tree as `x['name']`; `x.*` has a `Wildcard` as its index."""

    target: Node
    index: Node
    at: int = 0


class Call(Struct, frozen=True, tag=True):
    """A function call; `name` is spelled as in the source."""

    name: str
    arguments: tuple[Node, ...]
    at: int = 0


class Not(Struct, frozen=True, tag=True):
    operand: Node
    at: int = 0


class Compare(Struct, frozen=True, tag=True):
    sign: Sign
    left: Node
    right: Node
    at: int = 0


class And(Struct, frozen=True, tag=True):
    """`a && b && c`: two or more operands."""

    operands: tuple[Node, ...]
    at: int = 0


class Or(Struct, frozen=True, tag=True):
    """`a || b || c`: two or more operands."""

    operands: tuple[Node, ...]
    at: int = 0


Node = Union[Literal, Context, Wildcard, Index, Call, Not, Compare, And, Or]


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below, in source order.

    >>> children(Compare("<", Literal(1.0), Context("x")))
    (Literal(value=1.0, at=0), Context(name='x', at=0))
    """
    match node:
        case Index(target, index):
            return (target, index)
        case Call(_, arguments):
            return arguments
        case Not(operand):
            return (operand,)
        case Compare(_, left, right):
            return (left, right)
        case And(operands) | Or(operands):
            return operands
        case _:
            return ()


def unplaced(node: Node) -> Node:
    """The same tree with every offset 0, so that trees of different texts can be compared with `==`."""
    match node:
        case Index(target, index):
            return Index(unplaced(target), unplaced(index))
        case Call(name, arguments):
            return Call(name, tuple(unplaced(argument) for argument in arguments))
        case Not(operand):
            return Not(unplaced(operand))
        case Compare(sign, left, right):
            return Compare(sign, unplaced(left), unplaced(right))
        case And(operands):
            return And(tuple(unplaced(operand) for operand in operands))
        case Or(operands):
            return Or(tuple(unplaced(operand) for operand in operands))
        case _:
            return replace(node, at=0)
