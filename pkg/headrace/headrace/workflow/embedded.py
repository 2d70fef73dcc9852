"""The `${{ }}` inside a scalar: text → a literal, one expression, or the directive `insert`."""

from __future__ import annotations

import re
from typing import Union

from headrace.base.errors import Position
from headrace.expressions import SyntaxProblem, parse
from headrace.workflow import messages
from headrace.workflow.definitions import Scope
from headrace.workflow.tokens import Expression, Insert, Scalar

MAX_LENGTH = 21_000  # UTF-16 units
_only_string = re.compile(r"'((?:[^']|'')*)'").fullmatch
_parameters = re.compile(r"""(?:'[^']*'|\([^)]*\)|[^\s'(])+""").findall
_CHECKED_LIMIT = 4096
_checked: dict[tuple[str, Scope], str] = {}


class EmbeddedError(Exception):
    """The text between `${{` and `}}` is wrong; the message is GitHub's."""


def check(source: str, scope: Scope) -> None:
    """Raises EmbeddedError unless the expression may stand at a place of this scope."""
    key = (source, scope)
    message = _checked.get(key)
    if message is None:
        try:
            parse(source, contexts=scope.contexts, functions=scope.functions)
            message = ""
        except SyntaxProblem as problem:
            message = problem.message
        if len(_checked) >= _CHECKED_LIMIT:
            _checked.clear()
        _checked[key] = message
    if message:
        raise EmbeddedError(message)


def scan(text: str, at: Position, scope: Scope) -> Union[Scalar, Expression, Insert]:
    """Reads the expressions in a string scalar. Raises EmbeddedError.

    Text around expressions makes the whole a call of `format`, so `a ${{ x }}` is always a string.
    """
    opening = text.find("${{")
    if opening < 0:
        return Scalar(text, at)
    segments: list[str | Expression] = []
    start = 0
    while opening >= 0:
        if opening > start:
            segments.append(text[start:opening])
        closing = _end(text, opening + 3)
        inner = text[opening + 3 : closing - 2].strip()
        parsed = _one(inner, at, scope)
        if isinstance(parsed, Insert):
            if opening or closing < len(text):
                raise EmbeddedError(messages.INSERT_INLINE)
            return parsed
        segments.append(parsed)
        start = closing
        opening = text.find("${{", start)
    if start < len(text):
        segments.append(text[start:])
    if len(segments) == 1 and isinstance(only := segments[0], Expression):
        constant = _only_string(only.source)
        return Scalar(constant[1].replace("''", "'"), at) if constant else only
    return _join(segments, at)


def _end(text: str, start: int) -> int:
    """The offset after the first `}}` outside quotes."""
    while True:
        closing = text.find("}}", start)
        if closing < 0:
            raise EmbeddedError(messages.NOT_CLOSED)
        quote = text.find("'", start, closing)
        if quote < 0:
            return closing + 2
        after = text.find("'", quote + 1)
        if after < 0:
            raise EmbeddedError(messages.NOT_CLOSED)
        start = after + 1


def _one(source: str, at: Position, scope: Scope) -> Union[Expression, Insert]:
    if not source:
        raise EmbeddedError(messages.EXPECTED_EXPRESSION)
    if source.startswith("insert") and (len(source) == 6 or source[6].isspace()):
        if len(source) > 6:
            raise EmbeddedError(messages.insert_parameters(len(_parameters(source[6:]))))
        return Insert(at)
    check(source, scope)
    return Expression(source, at)


def _join(segments: list[str | Expression], at: Position) -> Expression:
    template: list[str] = []
    arguments: list[str] = []
    for segment in segments:
        if isinstance(segment, Expression):
            template.append(f"{{{len(arguments)}}}")
            arguments.append(", " + segment.source)
        else:
            template.append(segment.replace("'", "''").replace("{", "{{").replace("}", "}}"))
    source = f"format('{''.join(template)}'{''.join(arguments)})"
    if utf16_length(source) > MAX_LENGTH:
        raise EmbeddedError(messages.expression_too_long(MAX_LENGTH))
    return Expression(source, at)


def utf16_length(text: str) -> int:
    return len(text) if text.isascii() else len(text) + sum(c > "\uffff" for c in text)
