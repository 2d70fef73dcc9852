"""Small questions to tokens that the conversions share."""

from __future__ import annotations

from collections.abc import Iterator

from headrace.workflow.tokens import Expression, Insert, Mapping, Scalar, Sequence, Token


def fields(token: Token | None) -> dict[str, Token]:
    """The values of a mapping's literal keys; nothing for anything else."""
    if not isinstance(token, Mapping):
        return {}
    return {str(key.value): value for key, value in token.pairs if type(key) is Scalar}


def entries(token: Token | None) -> Iterator[tuple[Scalar, Token]]:
    """The pairs of a mapping whose keys are literal."""
    if isinstance(token, Mapping):
        for key, value in token.pairs:
            if isinstance(key, Scalar):
                yield key, value


def items(token: Token | None) -> tuple[Token, ...]:
    """The items of a sequence, or the one value that stands for a list of one."""
    if token is None:
        return ()
    return token.items if isinstance(token, Sequence) else (token,)


def text(token: Token | None) -> str:
    """A literal string; empty where it is missing or no literal string."""
    return token.value if isinstance(token, Scalar) and isinstance(token.value, str) else ""


def flag(token: Token | None) -> bool:
    """Whether the value is literally true."""
    return isinstance(token, Scalar) and token.value is True


def is_literal(token: Token) -> bool:
    """Whether no expression stands anywhere in the token."""
    match token:
        case Scalar():
            return True
        case Sequence(items=inside):
            return all(is_literal(item) for item in inside)
        case Mapping(pairs=pairs):
            return all(is_literal(key) and is_literal(value) for key, value in pairs)
        case Expression() | Insert():
            return False
