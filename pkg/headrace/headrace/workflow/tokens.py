"""The tokens that a workflow file is read into: literals, collections and unevaluated expressions, each with its position.

Expressions may stand nearly anywhere (`env: ${{ fromJSON(x) }}`), so what is evaluated later stays a token until then.
"""

from __future__ import annotations

from typing import Union

from msgspec import Struct

from headrace.base.errors import NOWHERE, Position


class Scalar(Struct, frozen=True, tag="scalar"):
    """A literal: null, boolean, number (a double) or string."""

    value: str | bool | float | None
    at: Position = NOWHERE


class Sequence(Struct, frozen=True, tag="sequence"):
    items: tuple[Token, ...]
    at: Position = NOWHERE


class Mapping(Struct, frozen=True, tag="mapping"):
    """Pairs in file order. A key is a string `Scalar`, an `Expression` or `Insert`."""

    pairs: tuple[tuple[Token, Token], ...]
    at: Position = NOWHERE


class Expression(Struct, frozen=True, tag="expression"):
    """`source` is what stands between `${{` and `}}`, trimmed; text with several parts has become one `format('…', …)`."""

    source: str
    at: Position = NOWHERE


class Insert(Struct, frozen=True, tag="insert"):
    """The key `${{ insert }}`: splices the mapping that is its value."""

    at: Position = NOWHERE


Token = Union[Scalar, Sequence, Mapping, Expression, Insert]
