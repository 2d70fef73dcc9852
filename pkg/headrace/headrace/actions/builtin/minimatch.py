"""Patterns for names without slashes, as npm's minimatch reads them: `*`, `?`, `[…]`, `{a,b}`, `{1..3}`, `+(a|b)` and a leading
`!`."""

from __future__ import annotations

import re

_CLASSES = {
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "alnum": "a-zA-Z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "space": r"\s",
    "word": r"\w",
}
_MOST = 1000
"""So many alternatives of braces are looked at, at the most."""


def matches(pattern: str, name: str) -> bool:
    """
    >>> [matches(p, "logs-3.10") for p in ("logs-*", "*", "logs-3.1?", "l[a-o]gs-*", "{logs,dist}-*", "!dist", "**/logs-*")]
    [True, True, True, True, True, True, True]
    >>> [matches(p, "logs-3.10") for p in ("logs", "log*/x", "!logs-*", "#logs", "Logs-*", "logs-3.1[!0]", "!(logs*)")]
    [False, False, False, False, False, False, False]
    >>> matches("*", ".hidden"), matches(".*", ".hidden"), matches("@(a|b)+(c)", "bcc"), matches("v{8..10}", "v9")
    (False, True, True, True)
    """
    if pattern.startswith("#"):
        return False
    negate = False
    while pattern.startswith("!") and not pattern.startswith("!("):
        negate, pattern = not negate, pattern[1:]
    return any(_one(part, name) for part in expand(pattern)) is not negate


def _one(pattern: str, name: str) -> bool:
    segments = pattern.split("/")
    while len(segments) > 1 and segments[0] == "**":
        segments.pop(0)
    if len(segments) != 1:
        return False
    if segments[0] == "":
        return name == ""
    try:
        return re.fullmatch(_start(segments[0], name) + _translate(segments[0]), name, re.DOTALL) is not None
    except re.error:
        return segments[0] == name


def _start(pattern: str, name: str) -> str:
    """A name that starts with a dot wants a pattern that does."""
    return r"(?!\.)" if name.startswith(".") and not pattern.startswith((".", "\\.")) else ""


def _translate(pattern: str) -> str:
    out, index = "", 0
    while index < len(pattern):
        character, rest = pattern[index], pattern[index + 1 :]
        if rest.startswith("(") and character in "?*+@!" and (end := _closing(pattern, index + 1)) > 0:
            inner = "|".join(_translate(part) for part in _split(pattern[index + 2 : end], "|"))
            tail = _translate(pattern[end + 1 :])
            if character == "!":
                return f"{out}(?!(?:{inner}){tail}$).*?{tail}"
            return f"{out}(?:{inner}){'' if character == '@' else character}{tail}"
        index += 1
        match character:
            case "*":
                out += "" if out.endswith(".*") else ".*"
            case "?":
                out += "."
            case "\\" if rest:
                out, index = out + re.escape(rest[0]), index + 1
            case "[" if (end := _bracket(pattern, index)) > 0:
                out, index = out + _class(pattern[index:end]), end + 1
            case _:
                out += re.escape(character)
    return out


def _bracket(pattern: str, index: int) -> int:
    """Where a class that starts before `index` ends; -1 if it does not."""
    start = index + 1 if pattern[index : index + 1] in ("!", "^") else index
    while (end := pattern.find("]", start + 1)) > 0:
        opened = pattern.rfind("[:", index, end)
        if opened < 0 or pattern[end - 1] != ":" or opened + 2 > end - 1:
            return end
        start = end
    return -1


def _class(text: str) -> str:
    negate = text[:1] in ("!", "^")
    body = text[1:] if negate else text
    body = re.sub(r"\[:(\w+):\]", lambda found: f"\0{found[1]}\0", body)
    body = re.sub(r"[\\\[\]^&~|]", lambda found: "\\" + found[0], body)
    body = re.sub(r"\0(.*?)\0", lambda found: _CLASSES.get(found[1], ""), body)
    return f"[{'^' if negate else ''}{body}]"


def _closing(pattern: str, index: int) -> int:
    """Where the parenthesis at `index` is closed; -1 if it is not."""
    depth = 0
    for place in range(index, len(pattern)):
        depth += {"(": 1, ")": -1}.get(pattern[place], 0)
        if depth == 0:
            return place
    return -1


def _split(text: str, separator: str) -> list[str]:
    """At separators that stand in no braces and no parentheses."""
    parts, depth = [""], 0
    for character in text:
        depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(character, 0)
        if character == separator and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def expand(pattern: str) -> list[str]:
    """A pattern without its braces, as all that they stand for.

    >>> expand("a{b,c{d,e}}f"), expand("{1..3}"), expand("{x}"), expand("{a,b"), expand("{c..a}")
    (['abf', 'acdf', 'acef'], ['1', '2', '3'], ['{x}'], ['{a,b'], ['c', 'b', 'a'])
    """
    start = pattern.find("{")
    while start >= 0:
        end = _brace(pattern, start)
        if end < 0:
            return [pattern]
        inner = pattern[start + 1 : end]
        parts = _split(inner, ",")
        choices = _series(inner) if len(parts) == 1 else [one for part in parts for one in expand(part)]
        if choices:
            tails = expand(pattern[end + 1 :])
            return [pattern[:start] + choice + tail for choice in choices for tail in tails][:_MOST]
        start = pattern.find("{", start + 1)
    return [pattern]


def _brace(pattern: str, start: int) -> int:
    depth = 0
    for place in range(start, len(pattern)):
        depth += {"{": 1, "}": -1}.get(pattern[place], 0)
        if depth == 0:
            return place
    return -1


def _series(text: str) -> list[str]:
    found = re.fullmatch(r"(-?\d+)\.\.(-?\d+)(?:\.\.(-?\d+))?|([a-zA-Z])\.\.([a-zA-Z])(?:\.\.(-?\d+))?", text)
    if found is None:
        return []
    letters = found[4] is not None
    first, last = (ord(found[4]), ord(found[5])) if letters else (int(found[1]), int(found[2]))
    step = max(1, abs(int(found[3] or found[6] or 1)))
    numbers = range(first, last + 1, step) if first <= last else range(first, last - 1, -step)
    width = max(map(len, (found[1], found[2]))) if not letters and re.search(r"(^|-)0\d", f"{found[1]} {found[2]}") else 0
    return [chr(number) if letters else str(number).zfill(width) for number in numbers[:_MOST]]
