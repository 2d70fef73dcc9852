"""Syntax tree × contexts → value. Evaluates only what decides the result, and counts memory the way GitHub does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from headrace.expressions import messages
from headrace.expressions.errors import EvaluationError
from headrace.expressions.functions import FUNCTIONS, size_of
from headrace.expressions.nodes import And, Call, Compare, Context, Index, Literal, Node, Not, Or, Wildcard
from headrace.expressions.printer import print_expression
from headrace.expressions.values import NOTHING, Filtered, Value, equals, find, greater, is_truthy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MEMORY = 10 * 1024 * 1024
"""The limit for an expression of a workflow, in bytes as GitHub counts them."""


def evaluate(
    node: Node,
    contexts: Mapping[str, Value],
    functions: Mapping[str, Callable[[Sequence[Value]], Value]] | None = None,
    *,
    memory: int = MEMORY,
) -> Value:
    """The value of a parsed expression.

    `contexts` maps context names (in any case) to values; a context that is missing is null. `functions` are the ones beside the
    general ones, by lower-case name, called with their evaluated arguments. `memory` is the limit in bytes.
    Raises EvaluationError.

    >>> from headrace.expressions.parser import parse
    >>> evaluate(parse("a.B || format('{0}!', a.c)"), {"A": {"c": 1}})
    '1!'
    """
    try:
        return _Evaluation(node, contexts, functions or {}, memory).value(node)
    except RecursionError:  # a value nested deeper than Python's stack
        raise EvaluationError(messages.memory_exceeded(print_expression(node))) from None


class _Evaluation:
    """One evaluation; `used` is what the values on the path to the present node take."""

    __slots__ = ("contexts", "functions", "limit", "root", "used")

    def __init__(
        self,
        root: Node,
        contexts: Mapping[str, Value],
        functions: Mapping[str, Callable[[Sequence[Value]], Value]],
        limit: int,
    ) -> None:
        self.root = root
        self.contexts = contexts
        self.functions = functions
        self.limit = limit
        self.used = 0

    def value(self, node: Node) -> Value:
        before = self.used
        result = _RULES[type(node)](self, node)
        if isinstance(result, (list, dict)):
            self.used += 24  # what lies below may be part of it, so that it stays counted
        else:
            self.used = before + size_of(result)
        if self.used > self.limit:
            self.exhausted()
        return result

    def room(self) -> int:
        return self.limit - self.used

    def own(self, size: int) -> None:
        self.used += size
        if self.used > self.limit:
            self.exhausted()

    def exhausted(self) -> NoReturn:
        raise EvaluationError(messages.memory_exceeded(print_expression(self.root)))

    def literal(self, node: Literal) -> Value:
        return node.value

    def wildcard(self, node: Wildcard) -> Value:
        return "*"

    def context(self, node: Context) -> Value:
        name = node.name.lower()
        if name in self.contexts:
            return self.contexts[name]
        for other, value in self.contexts.items():
            if other.lower() == name:
                return value
        return None

    def index(self, node: Index) -> Value:
        target = self.value(node.target)
        if isinstance(node.index, Wildcard):
            return self._everything(target)
        index = self.value(node.index)
        if isinstance(target, Filtered):
            return self._filtered(item for item in (find(item, index) for item in target) if item is not NOTHING)
        found: Value = find(target, index)
        return None if found is NOTHING else found

    def _everything(self, target: Value) -> Value:
        if isinstance(target, Filtered):
            return self._filtered(item for part in target for item in _items(part))
        return self._filtered(_items(target))

    def _filtered(self, items: Any) -> Filtered:
        result = Filtered(items)
        self.own(8 * len(result))  # the items themselves exist already
        return result

    def call(self, node: Call) -> Value:
        name = node.name.lower()
        general = FUNCTIONS.get(name)
        if general is not None:
            return general(self, node.arguments)
        extra = self.functions.get(name)
        if extra is None:
            raise EvaluationError(messages.unknown_function(node.name))
        return extra([self.value(argument) for argument in node.arguments])

    def negation(self, node: Not) -> Value:
        return not is_truthy(self.value(node.operand))

    def comparison(self, node: Compare) -> Value:
        return compare(node.sign, self.value(node.left), self.value(node.right))

    def conjunction(self, node: And) -> Value:
        result: Value = None
        for operand in node.operands:
            result = self.value(operand)
            if not is_truthy(result):
                break
        return result

    def disjunction(self, node: Or) -> Value:
        result: Value = None
        for operand in node.operands:
            result = self.value(operand)
            if is_truthy(result):
                break
        return result


def compare(sign: str, left: Value, right: Value) -> bool:
    """One of `==` `!=` `<` `<=` `>` `>=` on two values. The four orderings are all false for values that cannot be ordered.

    >>> compare(">=", "x", 1), compare("!=", float("nan"), float("nan"))
    (False, True)
    """
    if sign == "==":
        return equals(left, right)
    if sign == "!=":
        return not equals(left, right)
    if sign == ">":
        return greater(left, right)
    if sign == "<":
        return greater(right, left)
    if sign == ">=":
        return equals(left, right) or greater(left, right)
    return equals(left, right) or greater(right, left)


def _items(value: Value) -> Any:
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        return value.values()
    return ()


_RULES: dict[type, Callable[[_Evaluation, Any], Value]] = {
    Literal: _Evaluation.literal,
    Context: _Evaluation.context,
    Wildcard: _Evaluation.wildcard,
    Index: _Evaluation.index,
    Call: _Evaluation.call,
    Not: _Evaluation.negation,
    Compare: _Evaluation.comparison,
    And: _Evaluation.conjunction,
    Or: _Evaluation.disjunction,
}
