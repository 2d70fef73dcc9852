"""Where in the file the values of a matrix row stand. Knows no event and evaluates nothing."""

from __future__ import annotations

from headrace.base.errors import Position
from headrace.workflow.lookup import entries, fields
from headrace.workflow.matrix import Row
from headrace.workflow.tokens import Expression, Mapping, Scalar, Sequence, Token
from headrace.workflow.yaml_tokens import fold


def sources_of(strategy: Token | None, row: Row) -> dict[str, Position]:
    """For each value of a row that `strategy` (the whole block) gave: the item of its vector, or the value in the entry of
    `include`. What an expression gave stands where the expression does."""
    matrix = _matrix(strategy)
    if matrix is None:
        return {}
    lists = {fold(str(key.value)): value for key, value in entries(matrix)}
    found = {}
    for key, (name, index) in row.sources.items():
        listed = lists.get(fold(name))
        found[key] = matrix.at if listed is None else _place(listed, index, key if fold(name) == "INCLUDE" else None)
    return found


def _matrix(strategy: Token | None) -> Token | None:
    """The block of the matrix, or the expression that gives it."""
    if isinstance(strategy, Mapping) and all(isinstance(key, Scalar) for key, _ in strategy.pairs):
        return fields(strategy).get("matrix")
    return strategy


def _place(listed: Token, index: int, key: str | None) -> Position:
    """Of the item with this index of a list as evaluated; with `key`, of that key's value in it. An expression among the items
    may have given any number of them, so that those behind it cannot be told apart."""
    if not isinstance(listed, Sequence):
        return listed.at
    for at, item in enumerate(listed.items):
        if isinstance(item, Expression):
            return item.at if at == len(listed.items) - 1 else listed.at
        if at == index:
            return item.at if key is None else _value(item, key).at
    return listed.at


def _value(entry: Token, key: str) -> Token:
    return next((value for name, value in entries(entry) if fold(str(name.value)) == fold(key)), entry)
