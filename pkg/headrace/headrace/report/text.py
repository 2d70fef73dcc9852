"""Text that is safe and wide enough to show: control characters, widths, truncation, durations, quoting. Knows no records."""

from __future__ import annotations

from typing import Any

from headrace.base.lean import lazy_pattern

_CONTROL = lazy_pattern(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_ESCAPE = lazy_pattern(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[ -/]*[0-~])")
_SAFE_WORD = lazy_pattern(r"[A-Za-z0-9_@%+=:,./-]+\Z")


def clean(text: str) -> str:
    """One line without control characters: a name from a workflow file must not move the cursor or forge a line.

    >>> clean("a\\nb\\x1b[31mc")
    'a b\\\\x1b[31mc'
    """
    if text.isprintable():
        return text
    return _CONTROL.sub(
        lambda m: " " if m[0] in "\t\n\r" else f"\\x{ord(m[0]):02x}" if m[0] < "\x80" else f"\\u{ord(m[0]):04x}", text
    )


def width(text: str) -> int:
    """Columns that the text takes at a terminal.

    >>> width("abc"), width("日本"), width("e\\u0301")
    (3, 4, 1)
    """
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def shorten(text: str, columns: int, ellipsis: str = "…") -> str:
    """Cut the middle out, so that both ends of a name stay readable.

    >>> shorten("integration-tests (3.10)", 13)
    'integr…(3.10)'
    >>> shorten("short", 13)
    'short'
    """
    if width(text) <= columns:
        return text
    room = columns - len(ellipsis)
    if room < 2:
        return _fit(text, columns)
    head = _fit(text, room // 2)
    tail = _fit(text[::-1], room - width(head))[::-1]
    return head + ellipsis + tail


def _fit(text: str, columns: int) -> str:
    if text.isascii():
        return text[: max(columns, 0)]
    taken, used = [], 0
    for character in text:
        used += width(character)
        if used > columns:
            break
        taken.append(character)
    return "".join(taken)


def wrap(text: str, columns: int) -> list[str]:
    """Break at spaces; a longer word stands alone on its line.

    >>> wrap("needs build which failed", 12)
    ['needs build', 'which failed']
    """
    lines: list[str] = []
    for word in text.split(" "):
        if lines and width(lines[-1]) + 1 + width(word) <= columns:
            lines[-1] += " " + word
        else:
            lines.append(word)
    return lines


def duration(seconds: float) -> str:
    """
    >>> [duration(s) for s in (0.004, 0.25, 9.96, 61.2, 3725)]
    ['4ms', '0.2s', '10.0s', '1m01s', '1h02m']
    """
    if seconds < 0.1:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02}m"


def shown(value: object) -> str:
    """The text of a matrix value: GitHub's text form for scalars, compact JSON for the rest.

    >>> shown(3.1), shown(3.0), shown(True), shown(None), shown({"a": [1]})
    ('3.1', '3', 'true', '', '{"a":[1]}')
    """
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:.15g}"
        case int():
            return str(value)
        case _:
            import json

            return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def plain_value(value: object) -> Any:
    """A matrix value for JSON: whole numbers without `.0`, as GitHub writes them; NaN and infinities as text.

    >>> plain_value({"a": [1.0, 1.5, True, None, "x", float("inf")]})
    {'a': [1, 1.5, True, None, 'x', 'Infinity']}
    """
    match value:
        case dict():
            return {key: plain_value(each) for key, each in value.items()}
        case list() | tuple():
            return [plain_value(each) for each in value]
        case float() if value != value:
            return "NaN"
        case float() if value in (float("inf"), float("-inf")):
            return "Infinity" if value > 0 else "-Infinity"
        case float() if value.is_integer() and abs(value) < 2**53:
            return int(value)
        case _:
            return value


def quoted(word: str) -> str:
    """A word as a POSIX shell takes it.

    >>> quoted("-j"), quoted("a b"), quoted("it's")
    ('-j', "'a b'", '\\'it\\'"\\'"\\'s\\'')
    """
    return word if _SAFE_WORD.match(word) else "'" + word.replace("'", "'\"'\"'") + "'"


def count(number: int, noun: str) -> str:
    """
    >>> count(1, "job"), count(2, "leg")
    ('1 job', '2 legs')
    """
    return f"{number} {noun}" + ("" if number == 1 else "s")


def and_list(words: list[str]) -> str:
    """
    >>> and_list(["a"]), and_list(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1] if words else ""


def without_escapes(line: bytes) -> bytes:
    """Drop every terminal control sequence; of a progress bar's carriage returns only the last state stays.

    >>> without_escapes(b"\\x1b[31mred\\x1b[0m 10%\\r20%"), without_escapes(b"\\x1b]8;;http://x\\x1b\\\\link")
    (b'20%', b'link')
    """
    if b"\x1b" in line:
        line = _ESCAPE.sub(b"", line).replace(b"\x1b", b"")
    return _last_state(line)


def only_colours(line: bytes) -> bytes:
    """As `without_escapes`, but keeps the sequences that colour text.

    >>> only_colours(b"\\x1b[31mred\\x1b[2K\\x1b[0m")
    b'\\x1b[31mred\\x1b[0m'
    """
    if b"\x1b" in line:
        line = _ESCAPE.sub(lambda m: m[0] if m[0][:2] == b"\x1b[" and m[0][-1:] == b"m" else b"", line)
    return _last_state(line)


def _last_state(line: bytes) -> bytes:
    if b"\r" not in line:
        return line
    body = line.rstrip(b"\r\n")
    return body[body.rfind(b"\r") + 1 :] + (b"\n" if line.endswith(b"\n") else b"")
