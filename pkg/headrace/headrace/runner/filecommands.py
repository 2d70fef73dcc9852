"""What a step wrote into GITHUB_ENV, GITHUB_OUTPUT, GITHUB_STATE, GITHUB_PATH and GITHUB_STEP_SUMMARY. Bytes in, values out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from headrace.runner import messages
from headrace.runner.masking import Masker

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind = Literal["env", "output", "state"]

SUMMARY_LIMIT = 1024 * 1024
BLOCKED_NAMES = frozenset({"NODE_OPTIONS"})

FILES = (
    ("path", "GITHUB_PATH", "add_path_"),
    ("env", "GITHUB_ENV", "set_env_"),
    ("step_summary", "GITHUB_STEP_SUMMARY", "step_summary_"),
    ("state", "GITHUB_STATE", "save_state_"),
    ("output", "GITHUB_OUTPUT", "set_output_"),
)
"""Kind (also the key in the `github` context), variable and file name prefix, in the order in which they are processed."""

_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)


class Pairs(Struct, frozen=True):
    """`pairs` in file order, a name possibly several times: the last wins. They count even where `error` tells what is wrong
    after them; the step then fails. `refused` are names that may not be set: an annotation each, nothing more."""

    pairs: list[tuple[str, str]]
    error: str | None = None
    refused: tuple[str, ...] = ()


class Summary(Struct, frozen=True):
    """`text` is masked, each line with its end. With an `error` annotation nothing is kept, but the step does not fail."""

    text: str = ""
    error: str | None = None


def parse_pairs(data: bytes, kind: Kind) -> Pairs:
    r"""The `NAME=value` and `NAME<<DELIMITER` entries of a file. Nothing is trimmed or unquoted.

    >>> parse_pairs(b"A=b<<c\nK<<E=1\n two\n\nE=1\n", "env").pairs
    [('A', 'b<<c'), ('K', ' two\n')]
    >>> parse_pairs(b"A=1\nnonsense\nB=2\n", "output")
    Pairs(pairs=[('A', '1')], error="Invalid format 'nonsense'", refused=())
    """
    pairs: list[tuple[str, str]] = []
    refused: list[str] = []
    try:
        for name, value in _entries(decode(data)):
            if kind == "env" and name.upper() in BLOCKED_NAMES:
                refused.append(name)
                continue
            if not name and kind != "state":
                raise _Invalid(messages.EMPTY_VALUE.format(name="name"))
            pairs.append((name, value))
    except _Invalid as e:
        return Pairs(pairs, str(e), tuple(refused))
    return Pairs(pairs, None, tuple(refused))


def parse_paths(data: bytes) -> list[str]:
    r"""The entries of GITHUB_PATH. Here LF, CR LF and CR all end a line.

    >>> parse_paths(b"/a\r\n\r b \n\n/c")
    ['/a', ' b ', '/c']
    """
    return [line for line in _lines(decode(data)) if line]


def add_paths(entries: list[str], added: list[str]) -> list[str]:
    """The job's list of GITHUB_PATH entries after `added`: one that is there already moves to the end.

    >>> add_paths(["/a", "/b"], ["/a", "/c"])
    ['/b', '/a', '/c']
    """
    result = list(entries)
    for entry in added:
        result = [e for e in result if e != entry] + [entry]
    return result


def summary(data: bytes, masker: Masker) -> Summary:
    """A step's summary, masked line by line."""
    if len(data) > SUMMARY_LIMIT:
        return Summary(error=messages.SUMMARY_TOO_LARGE.format(limit=SUMMARY_LIMIT // 1024, size=len(data) // 1024))
    lines = _lines(decode(data))
    return Summary(masker.mask_text("".join([f"{line}\n" for line in lines])))


def errors(kind: str, error: str) -> tuple[str, str]:
    """The two error annotations of a file that could not be processed. `kind` is path, env, step_summary, state or output."""
    return messages.UNABLE_TO_PROCESS_FILE.format(kind=kind), error


def decode(data: bytes) -> str:
    """UTF-8, or what a byte-order mark says; what cannot be decoded becomes U+FFFD."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    return data.decode("utf-8", "replace")


class _Invalid(Exception):
    pass


def _entries(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        line, at, _ = _line(text, at)
        if not line:
            continue
        equals, heredoc = line.find("="), line.find("<<")
        if equals >= 0 and (heredoc < 0 or equals < heredoc):
            yield line[:equals], line[equals + 1 :]
        elif heredoc >= 0:
            name, delimiter = line[:heredoc], line[heredoc + 2 :]
            if not name or not delimiter:
                raise _Invalid(messages.INVALID_HEREDOC.format(line=line))
            start = end = at
            while True:
                if at >= len(text):
                    raise _Invalid(messages.DELIMITER_NOT_FOUND.format(delimiter=delimiter))
                line, at, ended = _line(text, at)
                if line == delimiter:
                    break
                if not ended:
                    raise _Invalid(messages.MISSING_NEW_LINE)
                end = at - 1
            yield name, text[start:end]
        else:
            raise _Invalid(messages.INVALID_FORMAT.format(line=line))


def _line(text: str, at: int) -> tuple[str, int, bool]:
    """The line at `at`, the start of the next, and whether it has an end. A CR before the LF is data."""
    end = text.find("\n", at)
    return (text[at:], len(text), False) if end < 0 else (text[at:end], end + 1, True)


def _lines(text: str) -> list[str]:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines if lines[-1] else lines[:-1]
