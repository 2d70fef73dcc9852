"""One of the two output streams of a step: raw bytes in, the bytes of the log out, commands and issues to a handler on the way.

Most output is neither, and goes through in large pieces; only lines that may be something are looked at one by one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from headrace.runner import messages
from headrace.runner.commands import KNOWN, NEVER_ECHOED, Command, CommandError, parse_command
from headrace.runner.masking import WHITE, Masker, encode
from headrace.runner.matchers import MAX_LINE, Issue, MatcherSet

if TYPE_CHECKING:
    from collections.abc import Iterator

LINE_LIMIT = 1 << 20
"""A line that has no end after so many bytes is printed in pieces."""
COMMAND_LIMIT = 16 << 20
"""A longer line that begins as a command fails the step; what GitHub takes of an output or a mask is far less."""

# The runner lets a line begin with any Unicode white space before `::`; `parse_command` is the judge. `re` jumps from one line
# feed to the next, but would try `^` at each character.
_FIRST = re.compile(r"[^\S\n]*::")
_CANDIDATE = re.compile(r"\n[^\S\n]*::")
_MARKER = re.compile(r"##\[(?=start-action|end-action)")


class Handler(Protocol):
    """What a step does with what its output says."""

    def command(self, command: Command) -> list[str]:
        """Do it and return the lines that the log shows for it, unmasked. `stop-commands` and `echo` never come here. A
        CommandError raised makes the stream print the two error lines and call `refused`."""

    def refused(self, command: Command, errors: tuple[str, str]) -> None:
        """A command failed: the step fails at its end, and `errors` are its annotations."""

    def issue(self, issue: Issue) -> None:
        """A problem matcher found something, or was removed because it took too long. Nothing is masked."""


class CommandGate:
    """Whether commands are listened to, shared by the two streams of one step process.

    `echo`: command lines are printed too (on with step debugging). `any_token`: ACTIONS_ALLOW_UNSECURE_STOPCOMMAND_TOKENS.
    """

    def __init__(self, *, echo: bool = False, any_token: bool = False) -> None:
        self.echo = echo
        self.any_token = any_token
        self.token: str | None = None
        """The text that resumes; None while commands are listened to."""

    def stop(self, token: str) -> None:
        """Raises CommandError for a token that anyone could print by accident."""
        if (token.lower() in KNOWN or token.lower() in ("", "pause-logging")) and not self.any_token:
            raise CommandError(messages.INVALID_STOP_TOKEN)
        self.token = token


class StreamReader:
    """Feed it what the process writes; append what it returns to the log."""

    def __init__(self, handler: Handler, masker: Masker, gate: CommandGate, matchers: MatcherSet) -> None:
        self._handler = handler
        self._masker = masker
        self._gate = gate
        self._matchers = matchers.stream()
        self._rest = bytearray()  # of a line whose end has not come
        self._after_cr = False  # a line ended with the last byte, a CR: a LF now belongs to it
        # Of a line longer than LINE_LIMIT:
        self._kind = ""  # "text": printed in pieces; "command": kept; "drop": not printed
        self._covered = -1  # see Masker.piece

    def feed(self, data: bytes) -> bytes:
        """Take in the next bytes, cut anywhere. Returns masked bytes for the log: whole lines that end in LF, or, of a very long
        line, a piece that the next return value continues."""
        if self._after_cr and data:
            self._after_cr = False
            if data.startswith(b"\n"):
                data = data[1:]
        if b"\r" in data:
            self._after_cr = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        cut = data.rfind(b"\n") + 1
        if not cut:
            self._rest += data
            return self._long()
        whole, out = data[:cut], b""
        if self._kind:
            end = data.index(b"\n")
            self._rest += data[:end]
            out, whole = self._end(), data[end + 1 : cut]
        elif self._rest:
            whole = bytes(self._rest) + whole
        self._rest = bytearray(data[cut:])
        out += self._lines(whole) if whole else b""
        return out + self._long()

    def finish(self) -> bytes:
        """The stream has ended: what is left of it, as a line."""
        if self._kind:
            return self._end()
        whole = bytes(self._rest) + b"\n" if self._rest else b""
        self._rest.clear()
        return self._lines(whole) if whole else b""

    def _lines(self, data: bytes) -> bytes:
        if not self._matchers.active:
            token = self._gate.token
            if b"##[" not in data and (b"::" not in data or (token is not None and encode(token).lower() not in data.lower())):
                return self._masker.mask(data)
        text = data.decode("utf-8", "surrogateescape")
        out: list[bytes] = []
        at = 0
        for start in self._special(text):
            end = text.index("\n", start)
            if start > at:
                out.append(self._plain(text[at:start]))
            out.append(self._line(text[start:end]))
            at = end + 1
        if at == 0:
            return self._plain(text)
        out.append(self._plain(text[at:]))
        return b"".join(out)

    def _special(self, text: str) -> Iterator[int]:
        """The starts of the lines that must be looked at. The generator goes on after each has been dealt with, so that what a
        line changed (a matcher added) holds for the next."""
        at = 0
        colons = marked = -1  # start of the next line that begins with `::`, or holds `##[`; the end: none; -1: not known
        matchers = self._matchers
        long_lines: bool | None = None
        while at < len(text):
            if matchers.active and long_lines is None:
                long_lines = len(text) > MAX_LINE and max(map(len, text.split("\n"))) > MAX_LINE
            if matchers.active and (long_lines or matchers.running):
                nearest = at
            else:
                if colons < at:
                    colons = _colons(text, at)
                if marked < at:
                    found = text.find("##[", at)
                    marked = text.rfind("\n", 0, found) + 1 if found >= 0 else len(text)
                nearest = min(colons, marked)
                if matchers.active and 0 <= (issue := matchers.next_line(text, at)) < nearest:
                    nearest = issue
                if nearest == len(text):
                    return
            yield nearest
            at = text.index("\n", nearest) + 1

    def _line(self, line: str) -> bytes:
        """One line, which may be a command or of interest to a problem matcher."""
        if "::" in line or "##[" in line:
            command = parse_command(_readable(line), self._gate.token or "")
            if command is not None and (shown := self._command(command)) is not None:
                return self._print(shown)
        shown = []
        if self._matchers.active:
            if issue := self._matchers.feed(line):
                issue = _readable_issue(issue)
                self._handler.issue(issue)
                return self._print([f"##[{issue.level}]{line}"])
            for warning in self._matchers.removed:
                self._handler.issue(Issue("warning", warning))
                shown.append(f"##[warning]{warning}")
            self._matchers.removed.clear()
        return self._print(shown) + self._plain(line + "\n")

    def _command(self, command: Command) -> list[str] | None:
        """The lines to print for it, or None where it is ordinary output because commands are stopped."""
        gate = self._gate
        if gate.token is not None:
            if command.name != gate.token.lower():
                return None
            gate.token = None
            return [command.raw]
        shown: list[str] = []
        try:
            if command.name == "stop-commands":
                gate.stop(command.data)
                if len(command.data) > 6:
                    self._masker.add(command.data)
                return [command.raw]
            if gate.echo and command.name not in NEVER_ECHOED:
                shown.append(command.raw)
            if command.name == "echo":
                gate.echo = _on_or_off(command.data)
                return shown
            return shown + self._handler.command(command)
        except CommandError as e:
            return shown + self._refuse(command, str(e))

    def _refuse(self, command: Command, error: str) -> list[str]:
        what = command.name if command.name in NEVER_ECHOED else command.raw
        first = messages.UNABLE_TO_PROCESS_COMMAND.format(command=what)
        self._handler.refused(command, (first, error))
        return [f"##[error]{first}", f"##[error]{error}"]

    def _plain(self, text: str) -> bytes:
        if "##[" in text:
            text = _MARKER.sub(r"##[\\", text)
        return self._masker.mask(encode(text))

    def _print(self, lines: list[str]) -> bytes:
        return self._masker.mask(encode("".join([f"{line}\n" for line in lines])))

    def _long(self) -> bytes:
        """What must be printed of the unfinished line because it has become too long to keep; mostly nothing."""
        if len(self._rest) <= LINE_LIMIT + self._masker.hold:
            return b""
        if not self._kind:
            self._kind = "command" if self._begins_command() else "text"
        match self._kind:
            case "text":
                cut = len(self._rest) - self._masker.hold
                out, self._covered = self._masker.piece(bytes(self._rest), cut, self._covered)
                del self._rest[:cut]
                return out
            case "command" if len(self._rest) <= COMMAND_LIMIT:
                return b""
            case "command":
                self._kind = "drop"
                command = parse_command(self._head())
                self._rest.clear()
                if command is None:
                    return b""
                short = Command(command.name, command.properties, "", command.raw[:200])
                return self._print(self._refuse(short, messages.COMMAND_TOO_LONG.format(limit=COMMAND_LIMIT)))
            case _:
                self._rest.clear()
                return b""

    def _end(self) -> bytes:
        """The end of a line that has become too long."""
        kind, data, covered = self._kind, bytes(self._rest), self._covered
        self._kind, self._covered = "", -1
        self._rest.clear()
        if kind == "drop":
            return b""
        if kind == "command":
            return self._lines(data + b"\n")
        return self._masker.piece(data, len(data), covered)[0] + b"\n"

    def _begins_command(self) -> bool:
        return self._gate.token is None and parse_command(self._head()) is not None

    def _head(self) -> str:
        return bytes(self._rest[:LINE_LIMIT]).decode("utf-8", "replace")


def _colons(text: str, at: int) -> int:
    """The start of the first line at or after `at`, the start of a line, that begins with `::`; or the end."""
    if _FIRST.match(text, at):
        return at
    found = _CANDIDATE.search(text, at)
    return found.start() + 1 if found else len(text)


def _on_or_off(data: str) -> bool:
    match data.strip(WHITE).lower():
        case "on":
            return True
        case "off":
            return False
        case _ if not data:
            raise CommandError(messages.EMPTY_VALUE.format(name="value"))
        case _:
            raise CommandError(messages.INVALID_ECHO.format(value=data))


def _readable(text: str) -> str:
    """Bytes that are not UTF-8 as U+FFFD: what the world outside the log gets to see."""
    if text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _readable_issue(issue: Issue) -> Issue:
    return Issue(
        issue.level,
        _readable(issue.message),
        _readable(issue.file),
        _readable(issue.from_path),
        issue.line,
        issue.column,
        _readable(issue.code),
    )
