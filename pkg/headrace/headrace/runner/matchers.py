"""Problem matchers: regular expressions over the lines of a step that find errors worth an annotation.

It knows lines and rules. Whether a file that a line names exists is for the caller to say.
"""

from __future__ import annotations

import json
import posixpath
import re
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct

from headrace.runner import messages
from headrace.runner.masking import WHITE
from headrace.runner.regexp import translate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from headrace.record.records import Level

    Search = Callable[[re.Pattern[str], str, int], "re.Match[str] | None"]

MAX_LINE = 16 * 1024
"""A longer line, in characters, is not tested: what a pattern costs may grow with the square of the length or worse."""
ATTEMPTS = 3
SECONDS = 1.0
FIELDS = ("file", "line", "column", "severity", "code", "message", "fromPath")


T = TypeVar("T")


class MatcherError(Exception):
    """The file of an add-matcher or remove-matcher command is not valid; the message says why."""


class Pattern(Struct, frozen=True):
    """`groups` is field → group of the expression."""

    regexp: str
    groups: dict[str, int]
    loop: bool = False


class Matcher(Struct, frozen=True):
    owner: str
    patterns: tuple[Pattern, ...]
    severity: str = ""
    from_path: str = ""


class Issue(Struct, frozen=True):
    """What a matcher found. `file` is as printed, to be looked up from the directory of `from_path` or the workspace; `line` and
    `column` are 0 where the output gives no number. Nothing is masked yet."""

    level: Level
    message: str
    file: str = ""
    from_path: str = ""
    line: int = 0
    column: int = 0
    code: str = ""


def load_matchers(json_text: str) -> list[Matcher]:
    """The matchers of a file `{"problemMatcher": [...]}`; none where there are none. Raises MatcherError."""
    try:
        data = json.loads(json_text.removeprefix("\ufeff"))
    except ValueError as e:
        raise MatcherError(str(e)) from None
    entries = data.get("problemMatcher") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(entries, (list, type(None))):
        raise MatcherError("The file must hold an object with a list 'problemMatcher'")
    matchers: list[Matcher] = []
    owners: set[str] = set()
    for entry in entries or ():
        matcher = _matcher(entry)
        if matcher.owner.lower() in owners:
            raise MatcherError(messages.MATCHER_DUPLICATE.format(owner=matcher.owner))
        owners.add(matcher.owner.lower())
        matchers.append(matcher)
    return matchers


def issue_path(issue: Issue, workspace: str) -> str | None:
    """Where the file of an issue should be (absolute): the annotation keeps it only if it is there, in a checkout of the
    repository (`is_checkout_of`), and then relative to that checkout."""
    if not issue.file.strip(WHITE):
        return None
    return posixpath.normpath(posixpath.join(workspace, posixpath.dirname(issue.from_path), issue.file))


def is_checkout_of(config: str, server_url: str, repository: str) -> bool:
    """Whether the text of a `.git/config` has the repository (`owner/name`) as a remote, spelled in one of the two ways that
    GitHub's runner knows."""
    host = server_url.partition("://")[2].partition("/")[0].partition(":")[0]
    remotes = (f"url = {server_url}/{repository}".lower(), f"url = git@{host}:{repository}.git".lower())
    return any(line.strip(WHITE).lower() in remotes for line in config.split("\n"))


def plain_search(pattern: re.Pattern[str], text: str, start: int) -> re.Match[str] | None:
    """Search without a limit of time."""
    return pattern.search(text, start)


def timed_search(pattern: re.Pattern[str], text: str, start: int) -> re.Match[str] | None:
    """Search for at most `SECONDS` of processor time, then raise TimeoutError. Only the main thread can be interrupted: elsewhere
    the search has no limit."""
    import signal

    def stop(*_: object) -> None:
        raise TimeoutError(f"The expression took longer than {SECONDS:g} s")

    try:
        before = signal.signal(signal.SIGVTALRM, stop)
    except ValueError:
        return pattern.search(text, start)
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
        return pattern.search(text, start)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


class MatcherSet:
    """The matchers of a job, newest first. Every stream of output looks at its lines through a `MatcherStream` of its own."""

    def __init__(self, search: Search = timed_search) -> None:
        self.search = search
        self.version = 0
        self._matchers: tuple[Matcher, ...] = ()

    @property
    def matchers(self) -> tuple[Matcher, ...]:
        return self._matchers

    def add(self, matchers: Iterable[Matcher]) -> None:
        """Register, replacing what the same owners had, ignoring case."""
        for matcher in matchers:
            self._matchers = (matcher, *self._without({matcher.owner.lower()}))
        self.version += 1

    def remove(self, owners: Iterable[str]) -> None:
        self._matchers = self._without({owner.lower() for owner in owners})
        self.version += 1

    def stream(self) -> MatcherStream:
        return MatcherStream(self)

    def _without(self, owners: set[str]) -> tuple[Matcher, ...]:
        return tuple(m for m in self._matchers if m.owner.lower() not in owners)


class MatcherStream:
    """Where the matchers stand in one stream of lines (a step's stdout, or its stderr)."""

    def __init__(self, registry: MatcherSet) -> None:
        self._registry = registry
        self._version = -1
        self._states: list[_State] = []
        self.removed: list[str] = []
        """Warnings about matchers that took too long; the caller takes them out."""

    @property
    def active(self) -> bool:
        self._sync()
        return bool(self._states)

    @property
    def running(self) -> bool:
        """Whether some matcher has seen the first of its patterns, so that the next line must be fed whatever it is."""
        return any(state.running for state in self._states)

    def feed(self, line: str) -> Issue | None:
        """Show a line, without its end; the issue that is complete with it, if any."""
        self._sync()
        if len(line) > MAX_LINE:
            return None
        for state in tuple(self._states):
            fields = self._try(state, state.match, line, self._registry.search)
            if fields is None:
                continue
            for other in self._states:
                if other is not state:
                    other.reset()
            if issue := _issue(fields):
                return issue
        return None

    def next_line(self, text: str, start: int) -> int:
        """The start of the first line at or after `start` (itself the start of a line) that some matcher's first pattern
        matches, -1 where there is none. All lines are whole; none is longer than `MAX_LINE`."""
        self._sync()
        first = -1
        for state in tuple(self._states):
            begin = self._try(state, state.find, text, start, self._registry.search)
            if begin is not None and begin >= 0:
                first = begin if first < 0 else min(first, begin)
        return first

    def _try(self, state: _State, action: Callable[..., T], *args: Any) -> T | None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return action(*args)
            except TimeoutError as e:
                if attempt == ATTEMPTS:
                    self._states.remove(state)
                    owner = state.matcher.owner
                    self.removed.append(messages.MATCHER_REMOVED.format(owner=owner, attempts=ATTEMPTS, error=e))
        return None

    def _sync(self) -> None:
        if self._version == self._registry.version:
            return
        old = {id(state.matcher): state for state in self._states}
        self._states = [old.get(id(m)) or _State(m) for m in self._registry.matchers]
        self._version = self._registry.version


class _State:
    """One matcher's stored matches: for each pattern but the last, the fields found so far."""

    def __init__(self, matcher: Matcher) -> None:
        self.matcher = matcher
        self.expressions = [translate(p.regexp) for p in matcher.patterns]
        self._text = ""
        self._next = -1
        self.reset()

    def reset(self) -> None:
        self.stored: list[dict[str, str] | None] = [None] * (len(self.expressions) - 1)
        self.running = False

    def find(self, text: str, start: int, search: Search) -> int:
        """The start of the first line from `start` on that the first pattern matches, or -1. What was found is kept, so that a
        matcher that never matches does not read the same text again and again."""
        if text is not self._text or 0 <= self._next < start:
            self._text = ""
            found = self.expressions[0].line(text, start, search)
            self._text, self._next = text, found
        return self._next

    def match(self, line: str, search: Search) -> dict[str, str] | None:
        last = len(self.expressions) - 1
        for i in range(last, -1, -1):
            before = self.stored[i - 1] if i else {}
            if before is None:
                continue
            found = search(self.expressions[i].pattern, line, 0)
            if i < last:
                self.stored[i] = self._fields(i, found, before) if found else None
            elif found:
                self.reset()
                if self.matcher.patterns[i].loop:
                    self.stored[i - 1] = before
                    self.running = True
                return self._finish(self._fields(i, found, before))
            elif i:
                self.stored[i - 1] = None
        self.running = any(fields is not None for fields in self.stored)
        return None

    def _fields(self, i: int, found: re.Match[str], before: dict[str, str]) -> dict[str, str]:
        order = self.expressions[i].groups
        return {name: found[order[group]] or "" for name, group in self.matcher.patterns[i].groups.items()} | before

    def _finish(self, fields: dict[str, str]) -> dict[str, str]:
        fields["severity"] = fields.get("severity") or self.matcher.severity
        fields["fromPath"] = fields.get("fromPath") or self.matcher.from_path
        return fields


def _issue(fields: dict[str, str]) -> Issue | None:
    level = (fields["severity"] or "error").lower()
    message = fields.get("message", "")
    if not message.strip(WHITE) or level not in ("error", "warning", "notice"):
        return None
    return Issue(
        level=level,  # type: ignore[arg-type]
        message=message,
        file=fields.get("file", ""),
        from_path=fields["fromPath"],
        line=_unsigned(fields.get("line", "")),
        column=_unsigned(fields.get("column", "")),
        code=fields.get("code", "").strip(WHITE),
    )


def _unsigned(text: str) -> int:
    digits = text.isascii() and text.isdigit() and len(text.lstrip("0")) <= 10
    value = int(text) if digits else 0
    return value if value < 2**31 else 0


def _matcher(entry: Any) -> Matcher:
    if not isinstance(entry, dict):
        raise MatcherError("A matcher must be an object")
    owner, severity = _string(entry, "owner"), _string(entry, "severity")
    if not owner:
        raise MatcherError(messages.MATCHER_OWNER)
    if severity.lower() not in ("", "error", "warning", "notice"):
        raise MatcherError(messages.MATCHER_SEVERITY.format(owner=owner, severity=severity))
    entries = entry.get("pattern")
    if not isinstance(entries, list) or not entries:
        raise MatcherError(messages.MATCHER_NO_PATTERNS.format(owner=owner))
    seen: set[str] = set()
    patterns = tuple(_pattern(p, i, len(entries), seen) for i, p in enumerate(entries))
    if "message" not in seen:
        raise MatcherError(messages.MATCHER_NO_MESSAGE)
    return Matcher(owner, patterns, severity, _string(entry, "fromPath"))


def _pattern(entry: Any, index: int, count: int, seen: set[str]) -> Pattern:
    if not isinstance(entry, dict):
        raise MatcherError("A pattern must be an object")
    loop = entry.get("loop") is True
    if loop and (index == 0 or index != count - 1):
        raise MatcherError(messages.MATCHER_LOOP_PLACE)
    if loop and entry.get("message") is None:
        raise MatcherError(messages.MATCHER_LOOP_MESSAGE)
    regexp = _string(entry, "regexp")
    try:
        expression = translate(regexp)
    except (re.error, OverflowError, RecursionError) as e:
        raise MatcherError(f"Invalid pattern '{regexp}': {e}") from None
    groups: dict[str, int] = {}
    for name in FIELDS:
        value = entry.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int):
            raise MatcherError(f"The property '{name}' must be a number")
        if name in seen:
            raise MatcherError(messages.MATCHER_TWICE.format(name=name))
        if not 0 <= value < len(expression.groups):
            raise MatcherError(messages.MATCHER_RANGE.format(name=name, value=value))
        seen.add(name)
        groups[name] = value
    return Pattern(regexp, groups, loop)


def _string(entry: dict[str, Any], key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, (str, type(None))):
        raise MatcherError(f"The property '{key}' must be a string")
    return value or ""
