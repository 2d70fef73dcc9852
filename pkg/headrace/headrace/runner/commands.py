"""Workflow commands: the lines of stdout and stderr that speak to the runner, and what an annotation is made of.

Parsing and arithmetic only; what a command does is decided elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from headrace.runner.masking import WHITE

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.record.records import Level

KNOWN = frozenset({
    "add-mask", "add-matcher", "add-path", "debug", "echo", "endgroup", "error", "group", "internal-set-repo-path",
    "notice", "remove-matcher", "save-state", "set-env", "set-output", "stop-commands", "warning"
})  # fmt: skip
NEVER_ECHOED = frozenset({"add-mask", "debug", "notice", "warning", "error"})
MESSAGE_LIMIT = 4096

_DATA = (("%0D", "\r"), ("%0A", "\n"), ("%25", "%"))
_PROPERTY = (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"))
_BRACKET = (("%3B", ";"), ("%0D", "\r"), ("%0A", "\n"), ("%5D", "]"), ("%25", "%"))


class Command(Struct, frozen=True):
    """`name` is in lower case; so are the keys of `properties`. `raw` is the line as it came."""

    name: str
    properties: dict[str, str]
    data: str
    raw: str


class CommandError(Exception):
    """A recognised command cannot be done: its line is reported and the step fails at its end."""


class Annotation(Struct, frozen=True):
    """`line` and its kin are 0 where the command gives no number. `properties` holds all that was given, unknown ones too.
    `debug` are the lines that explain what was dropped."""

    level: Level
    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    end_line: int = 0
    end_column: int = 0
    title: str = ""
    properties: dict[str, str] = {}
    debug: tuple[str, ...] = ()


def parse_command(line: str, extra: str = "") -> Command | None:
    """The command that `line` (without its line end) is, or None for ordinary output.

    `::name key=value,key=value::data` must begin the line, white space aside; `##[name key=value;key=value]data` may stand
    anywhere in it. The name must be known, ignoring case; `extra` is one more name that counts as known (a resume token).

    >>> parse_command("  ::error file=a.py,line=3::no%0Away")
    Command(name='error', properties={'file': 'a.py', 'line': '3'}, data='no\\nway', raw='  ::error file=a.py,line=3::no%0Away')
    >>> parse_command("see ##[add-matcher]m.json").data
    'm.json'
    >>> parse_command("tests/a.py::test_b PASSED"), parse_command("::unknown::x")
    (None, None)
    """
    text = line.lstrip(WHITE)
    if text.startswith("::"):
        end = text.find("::", 2)
        if end >= 0:
            name, gap, rest = text[2:end].partition(" ")
            if _is_known(name, extra):
                properties = _properties(rest.strip(WHITE), ",", _PROPERTY) if gap and name else {}
                return Command(name.lower(), properties, _unescape(text[end + 2 :], _DATA), line)
    start = line.find("##[")
    if start < 0:
        return None
    end = line.find("]", start)
    if end < 0:
        return None
    name, gap, rest = line[start + 3 : end].partition(" ")
    if not _is_known(name, extra):
        return None
    return Command(name.lower(), _properties(rest, ";", _BRACKET), _unescape(line[end + 1 :], _BRACKET), line)


def annotation(command: Command, *, workspace: str, mask: Callable[[str], str]) -> Annotation:
    """The annotation of a `notice`, `warning` or `error` command, its places made consistent as GitHub's runner does it.

    A `file` below `workspace` (absolute) becomes relative to it. The message is masked before it is cut to `MESSAGE_LIMIT`
    characters, so that no half of a secret remains.
    """
    properties = dict(command.properties)
    debug = _straighten(command.name, properties)
    if file := properties.get("file", ""):
        properties["file"] = file = _below(file, workspace)
    return Annotation(
        level=command.name,  # type: ignore[arg-type]
        message=mask(command.data)[:MESSAGE_LIMIT],
        file=mask(file),
        line=_number(properties.get("line", "")) or 0,
        column=_number(properties.get("col", "")) or 0,
        end_line=_number(properties.get("endline", "")) or 0,
        end_column=_number(properties.get("endcolumn", "")) or 0,
        title=mask(properties.get("title", "")),
        properties=properties,
        debug=tuple(debug),
    )


def log_lines(command: Command, *, debug: bool, mask: Callable[[str], str]) -> list[str]:
    """What the log shows for a command that shows something: groups, annotations and, with step debugging, `debug`.

    >>> [log_lines(parse_command(line), debug=False, mask=str) for line in ("::group::a b", "::error::")]
    [['##[group]a b'], []]
    """
    match command.name:
        case "group":
            return [f"##[group]{command.data}"]
        case "endgroup":
            return ["##[endgroup]"]
        case "notice" | "warning" | "error" if command.data:
            return [f"##[{command.name}]{mask(command.data)[:MESSAGE_LIMIT]}"]
        case "debug" if debug:
            return [f"##[debug]{line}" for line in command.data.replace("\r\n", "\n").split("\n")]
        case _:
            return []


def _is_known(name: str, extra: str) -> bool:
    lower = name.lower()
    return lower in KNOWN or (extra != "" and lower == extra.lower())


def _properties(text: str, separator: str, escapes: tuple[tuple[str, str], ...]) -> dict[str, str]:
    properties: dict[str, str] = {}
    for piece in text.split(separator):
        # The runner's split leaves out empty parts, so that `=` at the start, and repeated, vanishes.
        key, equals, value = piece.lstrip("=").partition("=")
        if equals and (value := value.lstrip("=")):
            properties[key.lower()] = _unescape(value, escapes)
    return properties


def _unescape(text: str, escapes: tuple[tuple[str, str], ...]) -> str:
    if "%" in text:
        for escaped, plain in escapes:
            text = text.replace(escaped, plain)
    return text


def _below(file: str, workspace: str) -> str:
    root = workspace.rstrip("/") + "/"
    return file[len(root) :] or file if file.startswith(root) else file


def _number(text: str) -> int | None:
    """What .NET reads as a 32-bit integer: white space around it and one sign are allowed."""
    digits = text.strip(WHITE)
    unsigned = digits[1:] if digits[:1] in ("+", "-") else digits
    if not (unsigned.isascii() and unsigned.isdigit()) or len(unsigned.lstrip("0")) > 10:
        return None
    value = int(digits)
    return value if -(2**31) <= value < 2**31 else None


def _straighten(name: str, properties: dict[str, str]) -> list[str]:
    debug: list[str] = []

    def drop(message: str, *keys: str) -> None:
        debug.append(f"Invalid {name} command value. {message}")
        for key in keys:
            properties.pop(key, None)

    line, end_line = _number(properties.get("line", "")), _number(properties.get("endline", ""))
    column, end_column = _number(properties.get("col", "")), _number(properties.get("endcolumn", ""))
    has_column = column is not None or end_column is not None
    start_text = properties.get("line")
    if end_line is not None and line is None:
        drop("'endLine' can only be set if 'line' is provided")
        start_text = properties["line"] = properties["endline"]
        line = end_line
    if end_column is not None and column is None:
        drop("'endColumn' can only be set if 'col' is provided")
        properties["col"] = properties["endcolumn"]
        column = end_column
    if line is None and has_column:
        drop("'col' and 'endColumn' can only be set if 'line' value is provided.", "col", "endcolumn")
    if end_line is not None and start_text != properties["endline"] and has_column:
        drop("'col' and 'endColumn' cannot be set if 'line' and 'endLine' are different values.", "col", "endcolumn")
    if line is not None and end_line is not None and end_line < line:
        drop("'endLine' cannot be less than 'line'.", "line", "endline")
    if column is not None and end_column is not None and end_column < column:
        drop("'endColumn' cannot be less than 'col'.", "col", "endcolumn")
    return debug
