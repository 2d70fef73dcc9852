"""`K=V` on the command line, and files of such lines. A value never appears in an error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from headrace.base.errors import Position, Problem, UsageError

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$"}


def pairs(option: str, texts: Iterable[str]) -> list[tuple[str, str]]:
    """Split each text at the first `=`. Raises UsageError where there is none.

    >>> pairs("--var", ["A=b=c", "D="])
    [('A', 'b=c'), ('D', '')]
    """
    found = []
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise UsageError(Problem(f"{option} takes NAME=VALUE" + ("" if equals else f", not '{key}'")))
        found.append((key, value))
    return found


def secrets(texts: Iterable[str], environment: Mapping[str, str]) -> dict[str, str]:
    """`K=V`, or `K` whose value stands in the environment, by what comes after the last slash. Raises UsageError where it does
    not.

    >>> secrets(["A=1", "B", "pypi/B"], {"B": "2"})
    {'A': '1', 'B': '2', 'pypi/B': '2'}
    """
    found = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not key:
            raise UsageError(Problem("--secret takes NAME or NAME=VALUE"))
        if not equals:
            name = key.rpartition("/")[2]
            if name not in environment:
                hint = f"export {name}, or give --secret-file"
                raise UsageError(Problem(f"--secret {key}: the environment has no variable of this name", hint=hint))
            value = environment[name]
        found[key] = value
    return found


def read_dotenv(option: str, path: str) -> dict[str, str]:
    """The pairs of a dotenv file. Raises UsageError with the place."""
    return parse_dotenv(read_text(option, path), path)


def read_text(option: str, path: str) -> str:
    """The text of a file that an option names. Raises UsageError."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            return file.read()
    except OSError as error:
        raise UsageError(Problem(f"{option} {path}: {error.strerror}")) from error
    except UnicodeDecodeError as error:
        raise UsageError(Problem(f"{option}: the file is not UTF-8", Position(path))) from error


def parse_dotenv(text: str, path: str) -> dict[str, str]:
    """`KEY=value`, `export KEY=value`, `'single'` (as it stands), `"double"` (with \\n, \\t, \\", \\\\), both over several lines;
    ` #` begins a comment behind an unquoted value. Nothing is expanded.

    >>> parse_dotenv('A=1 # one\\nexport B="x\\\\ny"\\nC=\\'p\\nq\\'\\n# no\\n\\nD = a=b#c', "f")
    {'A': '1', 'B': 'x\\ny', 'C': 'p\\nq', 'D': 'a=b#c'}
    """
    found: dict[str, str] = {}
    lines = text.replace("\r\n", "\n").split("\n")
    index = 0
    while index < len(lines):
        first, line = index, lines[index]
        index += 1
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        key, equals, value = line.partition("=")
        key = key.strip()
        if key.startswith("export "):
            key = key[7:].strip()
        if not equals or not key or any(c.isspace() for c in key):
            raise UsageError(Problem("this line is not NAME=VALUE", Position(path, first + 1, 1)))
        value = value.lstrip(" \t")
        if value[:1] in ("'", '"'):
            column = line.index(value, line.index("=") + 1) + 1
            closed = _closing(value)
            while closed < 0 and index < len(lines):
                value += "\n" + lines[index]
                index += 1
                closed = _closing(value)
            if closed < 0:
                raise UsageError(Problem("the quote that begins here has no end", Position(path, first + 1, column)))
            rest = value[closed + 1 :].strip(" \t")
            if rest and not rest.startswith("#"):
                raise UsageError(Problem("there is text behind the closing quote", Position(path, index, 1)))
            found[key] = _unquoted(value[: closed + 1])
        else:
            found[key] = _without_comment(value.rstrip(" \t"))
    return found


def _closing(value: str) -> int:
    quote, at = value[0], 1
    while at < len(value):
        if value[at] == "\\" and quote == '"':
            at += 1
        elif value[at] == quote:
            return at
        at += 1
    return -1


def _unquoted(value: str) -> str:
    if value[0] == "'":
        return value[1:-1]
    out, characters = [], iter(value[1:-1])
    for character in characters:
        if character == "\\":
            following = next(characters, "")
            out.append(_ESCAPES.get(following, "\\" + following))
        else:
            out.append(character)
    return "".join(out)


def _without_comment(value: str) -> str:
    if value.startswith("#"):
        return ""
    for at in range(1, len(value)):
        if value[at] == "#" and value[at - 1].isspace():
            return value[:at].rstrip()
    return value
