"""Evaluates tokens: expressions become values, and the outcome must fit what the place wants. Knows no workflow and no schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from headrace.base.errors import HeadraceError, Position, Problem
from headrace.expressions import ExpressionError, Value, evaluate, parse, print_expression
from headrace.expressions import calls as calls_of
from headrace.expressions import references as references_of
from headrace.expressions.nodes import Call, Literal
from headrace.workflow import messages
from headrace.workflow.lookup import is_literal
from headrace.workflow.scalars import text_of
from headrace.workflow.tokens import Expression, Insert, Scalar, Sequence, Token
from headrace.workflow.tokens import Mapping as MappingToken
from headrace.workflow.yaml_tokens import fold

__all__ = [
    "TemplateError",
    "boolean",
    "calls",
    "is_literal",
    "number",
    "references",
    "string_map",
    "strings",
    "text",
    "value",
    "written",
]

Contexts = Mapping[str, Value]
Functions = Mapping[str, Callable[..., Any]]


class TemplateError(HeadraceError):
    """A token could not be evaluated, or its value does not fit. One problem per place; the caller knows the key and job."""


def text(token: Token, contexts: Contexts, functions: Functions | None = None) -> str:
    """The value as a string: null is empty, numbers and booleans their text. Raises TemplateError, for objects and arrays too.

    >>> text(Expression("github.run"), {"github": {"run": 12.0}})
    '12'
    """
    with _Evaluation(contexts, functions) as evaluation:
        return evaluation.text(evaluation.any(token), token.at)


def boolean(token: Token, contexts: Contexts, functions: Functions | None = None) -> bool:
    """The value, which must be a boolean: `'true'` is none. Raises TemplateError."""
    with _Evaluation(contexts, functions) as evaluation:
        found = evaluation.any(token)
        if not isinstance(found, bool):
            evaluation.unfit(found, token.at)
        return bool(found)


def number(token: Token, contexts: Contexts, functions: Functions | None = None) -> float:
    """The value, which must be a number: `'10'` is none. Raises TemplateError."""
    with _Evaluation(contexts, functions) as evaluation:
        found = evaluation.any(token)
        if isinstance(found, bool) or not isinstance(found, (int, float)):
            evaluation.unfit(found, token.at)
            return 0.0
        return float(found)


def strings(token: Token, contexts: Contexts, functions: Functions | None = None) -> tuple[str, ...]:
    """A string, or a list of them in which arrays are spliced. Empty strings are kept. Raises TemplateError."""
    with _Evaluation(contexts, functions) as evaluation:
        found = evaluation.any(token)
        if isinstance(found, list):
            return tuple(evaluation.text(item, token.at) for item in found)
        return (evaluation.text(found, token.at),)


def string_map(token: Token, contexts: Contexts, functions: Functions | None = None) -> dict[str, str]:
    """A mapping of strings; `${{ insert }}` is spliced. Two keys that differ only in case are an error. Raises TemplateError."""
    with _Evaluation(contexts, functions) as evaluation:
        found = evaluation.any(token)
        if not isinstance(found, dict):
            evaluation.unfit(found, token.at)
            return {}
        places = {str(k.value): v.at for k, v in token.pairs if isinstance(k, Scalar)} if isinstance(token, MappingToken) else {}
        return {key: evaluation.text(item, places.get(key, token.at)) for key, item in found.items()}


def value(token: Token, contexts: Contexts, functions: Functions | None = None) -> Value:
    """Whatever the token stands for: None, booleans, floats, strings, lists and dicts. Raises TemplateError."""
    with _Evaluation(contexts, functions) as evaluation:
        return evaluation.any(token)


class _Evaluation:
    """Collects problems, so that one evaluation tells all of them; leaving the block raises them."""

    def __init__(self, contexts: Contexts, functions: Functions | None) -> None:
        self.contexts = contexts
        self.functions = functions
        self.problems: list[Problem] = []
        self.open = 0  # collections of the token that are being evaluated

    def __enter__(self) -> _Evaluation:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if self.problems and error is None:
            raise TemplateError(*self.problems)

    def tell(self, message: str, at: Position) -> None:
        self.problems.append(Problem(message, at))

    def unfit(self, found: Value, at: Position) -> None:
        if self.problems and found == "":
            return  # what an expression that failed left behind
        if isinstance(found, list):
            self.tell(messages.SEQUENCE_NOT_EXPECTED, at)
        elif isinstance(found, dict):
            self.tell(messages.MAPPING_NOT_EXPECTED, at)
        else:
            self.tell(messages.unexpected_value(text_of(found)), at)

    def text(self, found: Value, at: Position) -> str:
        if isinstance(found, (list, dict)):
            self.unfit(found, at)
            return ""
        return text_of(found)

    def any(self, token: Token) -> Value:
        match token:
            case Scalar(value=literal):
                return literal
            case Expression():
                ok, found = self.expression(token)
                return found if ok else ""
            case Sequence(items=items):
                return self.sequence(items)
            case MappingToken():
                return self.mapping(token)
            case Insert(at=at):
                self.tell(messages.unexpected_value("${{ insert }}"), at)
                return ""

    def expression(self, token: Expression) -> tuple[bool, Value]:
        try:
            found = evaluate(parse(token.source, functions=_ANY_FUNCTIONS), self.contexts, self.functions)
            if isinstance(found, (list, dict)) and _deeper(found, MAX_DEPTH - self.open):
                self.tell(messages.DEPTH_EXCEEDED, token.at)
                return False, None
            return True, found
        except ExpressionError as error:
            self.tell(error.message, token.at)
            return False, None

    def sequence(self, items: tuple[Token, ...]) -> list[Value]:
        found: list[Value] = []
        self.open += 1
        for item in items:
            if not isinstance(item, Expression):
                found.append(self.any(item))
                continue
            ok, one = self.expression(item)
            if ok and isinstance(one, list):
                found.extend(one)
            elif ok:
                found.append(one)
        self.open -= 1
        return found

    def mapping(self, token: MappingToken) -> dict[str, Value]:
        found: dict[str, Value] = {}
        taken: set[str] = set()
        self.open += 1

        def put(key: str, one: Value, at: Position) -> None:
            if fold(key) in taken:
                self.tell(messages.already_defined(key), at)
            else:
                taken.add(fold(key))
                found[key] = one

        for key, inner in token.pairs:
            if isinstance(key, Insert):
                spliced = self.any(inner)
                if isinstance(spliced, dict):
                    for name, one in spliced.items():
                        put(name, one, key.at)
                elif not (self.problems and spliced == ""):
                    self.tell(messages.EXPECTED_MAPPING, inner.at)
            elif isinstance(key, Scalar):
                put(text_of(key.value), self.any(inner), key.at)
            elif isinstance(key, Expression):
                ok, computed = self.expression(key)
                if isinstance(computed, (list, dict)):
                    self.unfit(computed, key.at)
                elif ok:
                    put(text_of(computed), self.any(inner), key.at)
        self.open -= 1
        return found


MAX_DEPTH = 50


def _deeper(value: Value, most: int) -> bool:
    """Whether more collections than that are open at once somewhere in the value.

    >>> _deeper([[], {"a": 1}], 2), _deeper([[], {"a": [1]}], 2)
    (False, True)
    """
    if not isinstance(value, (list, dict)):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return most < 1 or any(_deeper(each, most - 1) for each in inner)


# Where a function may stand was checked when the file was read.
_ANY_FUNCTIONS = dict.fromkeys(("hashfiles", "always", "cancelled", "success", "failure"), (0, 255))


def _expressions(token: Token) -> list[Expression]:
    match token:
        case Expression():
            return [token]
        case Sequence(items=items):
            return [found for item in items for found in _expressions(item)]
        case MappingToken(pairs=pairs):
            return [found for pair in pairs for part in pair for found in _expressions(part)]
        case _:
            return []


def written(token: Token) -> str:
    """The text of a scalar as it stands in the file, its expressions in their usual spelling.

    >>> written(Expression("format('test {0} ({{}})', matrix.os)"))
    'test ${{ matrix.os }} ({})'
    """
    if not isinstance(token, Expression):
        return text_of(token.value) if isinstance(token, Scalar) else ""
    match parse(token.source, functions=_ANY_FUNCTIONS):
        case Call("format", (Literal(str(form)), *arguments)) if set(_indexes(form)) == {str(n) for n in range(len(arguments))}:
            spelled = [f"${{{{ {print_expression(argument)} }}}}" for argument in arguments]
            return _mark(lambda found: spelled[int(found[1])] if found[1] else found[0][0], form)
        case node:
            return f"${{{{ {print_expression(node)} }}}}"


_mark = re.compile(r"\{\{|\}\}|\{(\d+)\}").sub


def _indexes(form: str) -> list[str]:
    return [found for found in re.findall(r"\{\{|\}\}|\{(\d+)\}", form) if found]


def calls(token: Token) -> frozenset[str]:
    """The functions that the expressions in a token call, in lower case."""
    return frozenset().union(*(calls_of(parse(e.source, functions=_ANY_FUNCTIONS)) for e in _expressions(token)))


def references(token: Token) -> frozenset[tuple[str, ...]]:
    """The paths that the expressions in a token read, as `expressions.references` gives them."""
    return frozenset().union(*(references_of(parse(e.source, functions=_ANY_FUNCTIONS)) for e in _expressions(token)))
