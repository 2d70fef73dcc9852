"""Where an option's value comes from: the command line, else HEADRACE_…, else `[tool.headrace]` of the root pyproject.toml."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from headrace.base.errors import Position, Problem, UsageError
from headrace.cli.declared import Call, Option
from headrace.cli.options import RUN

TABLE = "[tool.headrace"
NOT_IN_FILE = {"repo", "json", "json-stream", "approve"}
"""Options that say where the file is, how one call talks, or what is not the repository's to say."""


def settle(call: Call, options: Sequence[Option], root: str | None) -> dict[str, Any]:
    """Dest → value. `root` is the folder whose pyproject.toml counts, None for none. Raises UsageError."""
    settings = read_settings(root) if root else {}
    values = dict(call.values)
    for option in options:
        if option.dest in call.named:
            continue
        variable = "HEADRACE_" + option.dest.upper()
        text = os.environ.get(variable, "")
        if text:
            values[option.dest] = _convert(option, _from_text(option, text, variable), variable)
        elif option.key in settings and option.key not in NOT_IN_FILE:
            where = f"{option.key} in {TABLE}] of {os.path.join(root or '', 'pyproject.toml')}"
            values[option.dest] = _convert(option, _from_file(option, settings[option.key], where), where)
    return values


def read_settings(root: str) -> dict[str, Any]:
    """The table `[tool.headrace]`, checked for names that do not exist; tables below it belong to others. Raises UsageError."""
    path = os.path.join(root, "pyproject.toml")
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return {}
    if TABLE.encode() not in data:
        return {}
    from headrace.base.toml import parse_toml  # only where the file has a table of ours

    table = parse_toml(data, path).get("tool", {}).get("headrace", {})
    if not isinstance(table, dict):
        raise UsageError(Problem("tool.headrace is not a table", Position(path)))
    known = known_keys()
    for key, value in table.items():
        if key not in known and not isinstance(value, dict):
            from headrace.plan.nearest import hint

            raise UsageError(Problem(f"{TABLE}] has no '{key}'", _line_of(data, key, path), hint(key, sorted(known))))
    return table


def known_keys() -> set[str]:
    """What may stand in the file: the options of `run` and `plan`."""
    return {option.key for option in RUN} - NOT_IN_FILE


def _line_of(data: bytes, key: str, path: str) -> Position:
    inside = False
    for number, line in enumerate(data.decode().splitlines(), 1):
        bare = line.strip()
        if bare.startswith("["):
            inside = bare.startswith(TABLE + "]")
        elif inside and bare.partition("=")[0].strip().strip("\"'") == key:
            return Position(path, number, line.index(bare[0]) + 1)
    return Position(path)


_YES = dict.fromkeys(("1", "true", "yes", "on"), True)
_YES_NO: Mapping[str, bool] = _YES | dict.fromkeys(("0", "false", "no", "off"), False)


def _from_text(option: Option, text: str, variable: str) -> Any:
    """Repeatable options take one value a line."""
    if option.kind == "many":
        return [line for line in text.splitlines() if line]
    if option.kind == "flag":
        if text.lower() not in _YES_NO:
            raise UsageError(Problem(f"{variable}: '{text}' is neither true nor false"))
        return _YES_NO[text.lower()]
    return text


def _from_file(option: Option, value: Any, where: str) -> Any:
    if option.dest == "secret" and any("=" in str(each) for each in (value if isinstance(value, list) else [value])):
        raise UsageError(Problem(f"{where}: a secret's value must not stand in the repository", hint="name it without a value"))
    if option.kind == "many":
        if isinstance(value, dict):
            value = [f"{key}={each}" for key, each in value.items()]
        elif isinstance(value, str):
            value = [value]
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise UsageError(Problem(f"{where}: expected a list of texts"))
        return value
    if (option.kind == "flag") != isinstance(value, bool):
        raise UsageError(Problem(f"{where}: expected {'true or false' if option.kind == 'flag' else 'a text or a number'}"))
    if isinstance(value, (list, dict)):
        raise UsageError(Problem(f"{where}: expected one value"))
    return value


def _convert(option: Option, value: Any, where: str) -> Any:
    if option.kind == "many":
        return tuple(value)
    if option.kind == "flag":
        return value
    try:
        return option.convert(str(value))
    except ValueError as error:
        raise UsageError(Problem(f"{where}: {error}")) from error
