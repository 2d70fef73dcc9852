"""Expression text → syntax tree. Knows which names are allowed because the caller says so, and never looks at a value.

Operators wait on a stack until a weaker one arrives, so that nesting costs no recursion and problems are found left to right.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NoReturn, cast

from headrace.base.errors import NOWHERE, Position
from headrace.expressions import lexer, messages
from headrace.expressions.errors import SyntaxKind, SyntaxProblem
from headrace.expressions.functions import ARITIES
from headrace.expressions.nodes import And, Call, Compare, Context, Index, Literal, Node, Not, Or, Sign, Wildcard
from headrace.expressions.values import parse_number, units

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

# Binding strengths; brackets have 0, so that nothing pops them but their counterpart.
_OR, _AND, _EQUALITY, _RELATION, _NOT = 1, 2, 3, 4, 5
_BINARY = {
    "||": _OR,
    "&&": _AND,
    "==": _EQUALITY,
    "!=": _EQUALITY,
    "<": _RELATION,
    "<=": _RELATION,
    ">": _RELATION,
    ">=": _RELATION,
}
_KEYWORDS: dict[str, bool | float | None] = {"true": True, "false": False, "null": None, "NaN": math.nan, "Infinity": math.inf}

# What the previous token was, as far as it decides what may follow.
_START, _OPENED_CALL, _OPENED_INDEX, _AFTER_DOT, _AFTER_NAME, _AFTER_OPERAND, _AFTER_LITERAL = range(7)
_WANTS_OPERAND = (_START, _OPENED_CALL, _OPENED_INDEX)
_ENDS_OPERAND = (_AFTER_OPERAND, _AFTER_LITERAL)

_Arities = frozenset[tuple[str, tuple[int, int]]]


def parse(
    source: str,
    *,
    contexts: AbstractSet[str] | None = None,
    functions: Mapping[str, tuple[int, int]] | None = None,
    at: Position = NOWHERE,
) -> Node:
    """The syntax tree of `source`, the text between `${{` and `}}`. Blank text is null.

    `contexts` holds the context names that are allowed, in lower case (None: any). `functions` holds the functions that are
    allowed beside the general ones: name in lower case → fewest and most arguments. `at` is the place of the scalar in the file.
    Raises SyntaxProblem.

    >>> parse("!a.b")
    Not(operand=Index(target=Context(name='a', at=1), index=Literal(value='b', at=3), at=2), at=0)
    >>> parse("github.ref = 'x'")
    Traceback (most recent call last):
    headrace.expressions.errors.SyntaxProblem: Unexpected symbol: '='. Located at position 12 within expression: github.ref = 'x'
    """
    try:
        return _parse(
            source,
            None if contexts is None else frozenset(contexts),
            frozenset(functions.items()) if functions else frozenset(),
        )
    except SyntaxProblem as problem:
        if at == NOWHERE:
            raise
        raise SyntaxProblem(problem.kind, problem.message, at) from None


@lru_cache(maxsize=4096)
def _parse(source: str, contexts: frozenset[str] | None, functions: _Arities) -> Node:
    if len(source) > messages.MAX_LENGTH or units(source) > messages.MAX_LENGTH:
        raise SyntaxProblem("parsing", messages.TOO_LONG)
    return _Parser(source, contexts, functions).run()


class _Waiting:
    """An operator, or an opening bracket, whose right side is still being read."""

    __slots__ = ("at", "called", "commas", "sign", "strength")

    def __init__(self, sign: str, strength: int, at: int, called: Context | None = None) -> None:
        self.sign = sign
        self.strength = strength
        self.at = at
        self.called = called  # the name before a call's "("
        self.commas = 0


class _Parser:
    """One parse. `nodes` and `depths` are one stack of finished operands."""

    __slots__ = ("contexts", "depths", "functions", "name", "nodes", "opened", "source", "spaced", "state", "waiting")

    def __init__(self, source: str, contexts: frozenset[str] | None, functions: _Arities) -> None:
        self.source = source
        self.spaced = lexer.plain_spaces(source)
        self.contexts = contexts
        self.functions = dict(functions)
        self.nodes: list[Node] = []
        self.depths: list[int] = []
        self.waiting: list[_Waiting] = []
        self.opened: list[_Waiting] = []
        self.name: Context | None = None
        self.state = _START

    def run(self) -> Node:
        source, spaced = self.source, self.spaced
        match_token = lexer.TOKEN.match
        at = end = 0
        while True:
            found = match_token(spaced, end)
            assert found is not None  # the pattern takes any text
            kind = found.lastindex
            if kind is None:
                break
            at, end = found.span(kind)
            raw = source[at:end]
            if kind == lexer.WORD:
                self._word(raw, at, end)
            elif kind == lexer.SIGN:
                self._sign(raw, at)
            elif kind == lexer.STRING:
                self._literal(raw[1:-1].replace("''", "'"), raw, at)
            elif kind == lexer.NUMBER:
                self._number(raw, at)
            elif kind == lexer.DOT:
                if self.state in _WANTS_OPERAND:
                    number = lexer.NUMBER_FROM_DOT.match(spaced, at)
                    assert number is not None
                    end = number.end()
                    self._number(number[0], at)
                elif self.state == _AFTER_OPERAND:
                    self.waiting.append(_Waiting(".", 0, at))
                    self.state = _AFTER_DOT
                else:
                    self._unexpected(raw, at)
            else:
                self._fail("lexing", messages.UNEXPECTED_SYMBOL, raw, at)
            last = (at, end)
        if not self.nodes and not self.waiting:
            return Literal(None)
        if self.state not in _ENDS_OPERAND or self.opened:
            self._fail("parsing", messages.UNEXPECTED_END, source[last[0] : last[1]], last[0])
        self._apply(1)
        if self.depths[0] > messages.MAX_DEPTH:
            raise SyntaxProblem("parsing", messages.TOO_DEEP)
        return self.nodes[0]

    # ---- tokens ----

    def _word(self, raw: str, at: int, end: int) -> None:
        if self.state == _AFTER_DOT:
            self._push(Literal(raw, at), 1)
            self._index(self.waiting.pop().at)
        elif raw in _KEYWORDS:
            self._literal(_KEYWORDS[raw], raw, at)
        elif self.state not in _WANTS_OPERAND:
            self._unexpected(raw, at)
        elif lexer.CALLED.match(self.spaced, end):
            name = raw.lower()
            if name not in ARITIES and name not in self.functions:
                self._fail("parsing", messages.UNKNOWN_FUNCTION, raw, at)
            self.name = Context(raw, at)
            self.state = _AFTER_NAME
        else:
            if self.contexts is not None and raw.lower() not in self.contexts:
                self._fail("parsing", messages.UNKNOWN_CONTEXT, raw, at)
            self._push(Context(raw, at), 1)
            self.state = _AFTER_OPERAND

    def _number(self, raw: str, at: int) -> None:
        number = parse_number(raw)
        if number != number:
            self._fail("lexing", messages.UNEXPECTED_SYMBOL, raw, at)
        self._literal(number, raw, at)

    def _literal(self, value: str | bool | float | None, raw: str, at: int) -> None:
        if self.state not in _WANTS_OPERAND:
            self._unexpected(raw, at)
        self._push(Literal(value, at), 1)
        self.state = _AFTER_LITERAL

    def _sign(self, raw: str, at: int) -> None:
        state = self.state
        if (strength := _BINARY.get(raw)) is not None:
            self._require(state in _ENDS_OPERAND, raw, at)
            self._apply(strength)
            self.waiting.append(_Waiting(raw, strength, at))
            self.state = _START
        elif raw == "(":
            if state == _AFTER_NAME:
                self._open(_Waiting("call", 0, at, self.name))
                self.state = _OPENED_CALL
            else:
                self._require(state in _WANTS_OPERAND, raw, at)
                self._open(_Waiting("(", 0, at))
                self.state = _START
        elif raw == "[":
            self._require(state == _AFTER_OPERAND, raw, at)
            self._open(_Waiting("[", 0, at))
            self.state = _OPENED_INDEX
        elif raw == "!":
            self._require(state in _WANTS_OPERAND, raw, at)
            self.waiting.append(_Waiting("!", _NOT, at))
            self.state = _START
        elif raw == "*":
            self._require(state in (_AFTER_DOT, _OPENED_INDEX), raw, at)
            self._push(Wildcard(at), 1)
            if state == _AFTER_DOT:
                self._index(self.waiting.pop().at)
            self.state = _AFTER_OPERAND
        else:
            self._close_or_separate(raw, at)

    def _close_or_separate(self, raw: str, at: int) -> None:
        inner = self.opened[-1] if self.opened else None
        empty_call = raw == ")" and self.state == _OPENED_CALL
        self._require(self.state in _ENDS_OPERAND or empty_call, raw, at)
        if inner is None or (raw == "]") != (inner.sign == "[") or (raw == "," and inner.sign != "call"):
            self._unexpected(raw, at)
        self._apply(1)
        if raw == ",":
            inner.commas += 1
            self.state = _START
            return
        self.waiting.pop()
        self.opened.pop()
        if inner.sign == "[":
            self._index(inner.at)
        elif inner.called is not None:
            self._call(inner.called, 0 if empty_call else inner.commas + 1, inner.at)
        self.state = _AFTER_OPERAND

    def _open(self, bracket: _Waiting) -> None:
        self.waiting.append(bracket)
        self.opened.append(bracket)

    # ---- the operand stack ----

    def _push(self, node: Node, depth: int) -> None:
        # A tree beyond the limit is refused at the end, after problems further right; until then a leaf stands for it.
        self.nodes.append(node if depth <= messages.MAX_DEPTH else Literal(None))
        self.depths.append(depth)

    def _pop(self, count: int) -> tuple[tuple[Node, ...], int]:
        """The topmost `count` operands and the depth of the deepest."""
        if not count:
            return (), 0
        nodes, depth = tuple(self.nodes[-count:]), max(self.depths[-count:])
        del self.nodes[-count:], self.depths[-count:]
        return nodes, depth

    def _index(self, at: int) -> None:
        (target, index), depth = self._pop(2)
        self._push(Index(target, index, at), depth + 1)
        self.state = _AFTER_OPERAND

    def _call(self, called: Context, count: int, parenthesis: int) -> None:
        name = called.name.lower()
        fewest, most = ARITIES.get(name) or self.functions[name]
        if count < fewest:
            self._fail("parsing", messages.TOO_FEW, "(", parenthesis)
        if count > most:
            self._fail("parsing", messages.TOO_MANY, "(", parenthesis)
        if name == "case" and count % 2 == 0:
            self._fail("parsing", messages.EVEN_COUNT, called.name, called.at)
        arguments, depth = self._pop(count)
        self._push(Call(called.name, arguments, called.at), depth + 1)

    def _apply(self, strength: int) -> None:
        """Build the nodes of the waiting operators that bind at least as tightly as `strength`, down to the innermost bracket."""
        waiting = self.waiting
        while waiting and waiting[-1].strength >= strength:
            operator = waiting.pop()
            if operator.strength == _NOT:
                (operand,), depth = self._pop(1)
                self._push(Not(operand, operator.at), depth + 1)
            elif operator.strength <= _AND:
                self._chain(And if operator.strength == _AND else Or, operator.at)
            else:
                (left, right), depth = self._pop(2)
                self._push(Compare(cast("Sign", operator.sign), left, right, operator.at), depth + 1)

    def _chain(self, kind: type[And] | type[Or], at: int) -> None:
        left_depth, right_depth = self.depths[-2:]
        (left, right), _ = self._pop(2)
        if isinstance(left, kind):  # `a && b && c` is one node
            self._push(kind((*left.operands, right), left.at), max(left_depth, right_depth + 1))
        else:
            self._push(kind((left, right), at), max(left_depth, right_depth) + 1)

    # ---- problems ----

    def _require(self, legal: bool, raw: str, at: int) -> None:
        if not legal:
            self._unexpected(raw, at)

    def _unexpected(self, raw: str, at: int) -> NoReturn:
        self._fail("parsing", messages.UNEXPECTED_SYMBOL, raw, at)

    def _fail(self, kind: SyntaxKind, what: str, raw: str, at: int) -> NoReturn:
        raise SyntaxProblem(kind, messages.placed(what, raw, units(self.source[:at]) + 1, self.source))
