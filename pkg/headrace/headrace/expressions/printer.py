"""Syntax tree → text: the shortest usual spelling, with only the parentheses that the tree needs."""

from __future__ import annotations

import math
from typing import Final

from headrace.expressions.nodes import And, Call, Compare, Context, Index, Literal, Node, Not, Or, Wildcard

_OR, _AND, _EQUALITY, _RELATION, _NOT, _POSTFIX, _LEAF = range(7)  # how tightly a node's text holds together
_STRENGTHS: Final = {"==": _EQUALITY, "!=": _EQUALITY, "<": _RELATION, "<=": _RELATION, ">": _RELATION, ">=": _RELATION}


def print_expression(node: Node) -> str:
    """Text that parses to the same tree (offsets aside).

    >>> from headrace.expressions.parser import parse
    >>> print_expression(parse("( github [ 'ref' ]=='a''b' ) && !(x||y[0].*)"))
    "github.ref == 'a''b' && !(x || y[0].*)"
    """
    return _print(node)[0]


def _print(node: Node) -> tuple[str, int]:
    match node:
        case Literal(value):
            # `'a'.b` is no expression but `('a').b` is, so that a literal is no operand of an index
            return _literal(value), _NOT
        case Context(name):
            return name, _LEAF
        case Wildcard():
            return "*", _LEAF
        case Index(target, index):
            return _within(target, _POSTFIX) + _subscript(index), _POSTFIX
        case Call(name, arguments):
            return f"{name}({', '.join(_print(argument)[0] for argument in arguments)})", _POSTFIX
        case Not(operand):
            return "!" + _within(operand, _NOT), _NOT
        case Compare(sign, left, right):
            strength = _STRENGTHS[sign]
            return f"{_within(left, strength)} {sign} {_within(right, strength + 1)}", strength
        case And(operands):
            return " && ".join(_within(operand, _AND + 1) for operand in operands), _AND
        case Or(operands):
            return " || ".join(_within(operand, _OR + 1) for operand in operands), _OR


def _within(node: Node, strength: int) -> str:
    text, own = _print(node)
    return text if own >= strength else f"({text})"


def _subscript(index: Node) -> str:
    match index:
        case Wildcard():
            return ".*"
        case Literal(str(name)) if name.isascii() and name.replace("-", "_").isidentifier() and name[0] != "-":
            return "." + name
        case _:
            return f"[{_print(index)[0]}]"


def _literal(value: str | bool | float | None) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if math.isfinite(value):
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else repr(value)
    return "NaN" if value != value else ("Infinity" if value > 0 else "-Infinity")
