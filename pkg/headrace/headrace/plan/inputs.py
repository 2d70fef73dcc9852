"""The inputs of workflow_dispatch and workflow_call: raw texts → typed values, or what is wrong with them. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from headrace.base.errors import Problem, UsageError
from headrace.expressions.values import parse_number
from headrace.plan.nearest import hint
from headrace.workflow.model import Input, Trigger
from headrace.workflow.tokens import Scalar

MOST_CHARACTERS = 65_535


def settle_inputs(trigger: Trigger, given: Mapping[str, str]) -> dict[str, Any]:
    """The `inputs` context for a run started by hand: every declared input in order, booleans and numbers as such.

    Raises `UsageError` with every problem: an unknown input, a required one that is missing, a value of the wrong type or outside
    the options.
    """
    problems: list[Problem] = []
    declared = {name.lower(): name for name in trigger.inputs}
    texts: dict[str, str] = {}
    for name, text in given.items():
        known = declared.get(name.lower())
        if known is None:
            problems.append(Problem(f"there is no input '{name}'", trigger.at, hint(name, trigger.inputs)))
        else:
            texts[known] = text
    if sum(len(text) for text in texts.values()) > MOST_CHARACTERS:
        problems.append(Problem(f"the inputs are longer than {MOST_CHARACTERS} characters", trigger.at))
    values: dict[str, Any] = {}
    for name, declaration in trigger.inputs.items():
        if name in texts:
            values[name] = _typed(declaration, texts[name], problems)
        elif declaration.default is not None:
            values[name] = _default(declaration)
        elif declaration.required:
            problems.append(Problem(f"input '{name}' is required", declaration.at, f"give --input {name}=…"))
        else:
            values[name] = _nothing(declaration, trigger.event)
    if problems:
        raise UsageError(*problems)
    return values


def _typed(declaration: Input, text: str, problems: list[Problem]) -> Any:
    name = declaration.name
    match declaration.type:
        case "boolean":
            if text.strip().lower() in ("true", "false"):
                return text.strip().lower() == "true"
            problems.append(Problem(f"input '{name}' is true or false, not '{text}'", declaration.at))
        case "number":
            number = parse_number(text)
            if text.strip() and not math.isnan(number):
                return number
            problems.append(Problem(f"input '{name}' is a number, not '{text}'", declaration.at))
        case "choice":
            if text in declaration.options:
                return text
            problems.append(Problem(f"input '{name}' cannot be '{text}'", declaration.at, _options(declaration.options)))
        case _:
            return text
    return None


def _options(options: Iterable[str]) -> str:
    return f"one of {', '.join(options)}"


def _default(declaration: Input) -> Any:
    """The default with the input's type. An expression (only workflow_call has those) is left to whoever knows the call."""
    value = declaration.default.value if isinstance(declaration.default, Scalar) else ""
    match declaration.type:
        case "boolean":
            return value is True or (isinstance(value, str) and value.strip().lower() == "true")
        case "number":
            return parse_number(value) if isinstance(value, str) else value
        case _:
            return text_of(value)


def _nothing(declaration: Input, event: str) -> Any:
    match declaration.type:
        case "boolean":
            return False
        case "number":
            return 0.0 if event == "workflow_call" else ""
        case _:
            return ""


def text_of(value: Any) -> str:
    """A value as `github.event.inputs` shows it."""
    from headrace.expressions import to_text

    return to_text(value)
