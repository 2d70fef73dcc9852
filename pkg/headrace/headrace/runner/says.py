"""What a running step says by workflow commands and problem matchers, and what that does to the leg."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import structs

from headrace.record.records import Annotated, Level
from headrace.runner import messages
from headrace.runner.commands import Annotation, Command, CommandError, annotation, log_lines
from headrace.runner.contexts import set_output
from headrace.runner.masking import encode
from headrace.runner.matchers import Issue, Matcher, MatcherError, is_checkout_of, issue_path, load_matchers
from headrace.runner.progress import Progress
from headrace.runner.ticket import JobTicket

if TYPE_CHECKING:
    from headrace.sandbox.containers.paths import Mounts

ANNOTATIONS = 10  # kept per step and level; the log lines are always written
_MATCHER_LIMIT = 1 << 20
_UNSAFE = "ACTIONS_ALLOW_UNSECURE_COMMANDS"


class StepVoice:
    """The handler of one step's stream readers. `outputs` and `state` collect legacy commands; `failed` is set by a command that
    could not be done."""

    def __init__(
        self,
        ticket: JobTicket,
        step: int,
        progress: Progress,
        env: Callable[[str], str | None],
        emit: Callable[[Annotated], None],
        read: Callable[[str, int], bytes],
    ) -> None:
        self._leg = ticket.leg
        self._step = step
        self._workspace = ticket.folders.workspace
        self._server_url = str(ticket.github.get("server_url", ""))
        self._repository = str(ticket.github.get("repository", ""))
        self._debug = ticket.debugging
        self._progress = progress
        self._env = env
        self._emit = emit
        self._read = read
        self.kept: dict[Level, int] = {}  # of the step as a whole, those inside a composite action together
        self.outputs: dict[str, str] = {}
        self.state: dict[str, str] = {}
        self.failed = False
        self.mounts: Mounts | None = None  # of a container that the step has for itself

    # -- the runner's own words --

    def say(self, level: Level, message: str, *, record: bool = True) -> bytes:
        """An annotation of the runner itself, and its log line."""
        text = self._progress.masker.mask_text(message)
        if record:
            self.annotate(Annotation(level=level, message=text))
        return encode("".join(f"##[{level}]{line}\n" for line in text.splitlines() or [""]))

    def annotate(self, note: Annotation) -> None:
        kept = self.kept.get(note.level, 0)
        if kept < ANNOTATIONS:
            self.kept[note.level] = kept + 1
            self._emit(
                Annotated(
                    self._leg,
                    self._step,
                    note.level,
                    note.message,
                    note.file,
                    note.line,
                    note.column,
                    note.end_line,
                    note.end_column,
                    note.title,
                )
            )

    def outside(self, path: str) -> str:
        """A path that a program of the step has named, as the job's files have it: in a container it has another name."""
        mounts = self.mounts or (self._progress.inside.mounts if self._progress.inside is not None else None)
        return path if mounts is None else mounts.outside(path)

    # -- commands --

    def command(self, command: Command) -> list[str]:
        """Do what a command says; the log lines that stand for it. Raises CommandError where it cannot be done."""
        mask = self._progress.masker.mask_text
        match command.name:
            case "notice" | "warning" | "error":
                if file := command.properties.get("file"):
                    command = structs.replace(command, properties={**command.properties, "file": self.outside(file)})
                self.annotate(annotation(command, workspace=self._workspace, mask=mask))
            case "add-mask":
                if not self._progress.masker.add(command.data):
                    return self._warn(messages.EMPTY_MASK)
            case "set-output":
                set_output(self.outputs, self._field(command, "name"), command.data)
                return self._warn(messages.COMMAND_DEPRECATED.format(command="set-output"))
            case "save-state":
                self.state[self._field(command, "name")] = command.data
                return self._warn(messages.COMMAND_DEPRECATED.format(command="save-state"))
            case "set-env":
                self._allow_unsafe("set-env")
                name = self._field(command, "name")
                if name.upper() == "NODE_OPTIONS":
                    raise CommandError(messages.BLOCKED_SET_ENV.format(name=name))
                self._progress.env[name] = command.data
            case "add-path":
                self._allow_unsafe("add-path")
                self._progress.add_path(self._data(command, "path"))
            case "add-matcher":
                self._add_matcher(self._data(command, "file"))
            case "remove-matcher":
                return self._remove_matcher(command)
        return log_lines(command, debug=self._debug, mask=mask)

    def refused(self, command: Command, errors: tuple[str, str]) -> None:
        """A command could not be done: its two errors are annotations, and the step fails at its end."""
        self.failed = True
        for error in errors:
            self.annotate(Annotation(level="error", message=self._progress.masker.mask_text(error)))

    def issue(self, issue: Issue) -> None:
        """A problem matcher's find."""
        mask = self._progress.masker.mask_text
        self.annotate(
            Annotation(
                level=issue.level,
                message=mask(issue.message),
                file=mask(self._issue_file(issue)),
                line=issue.line,
                column=issue.column,
            )
        )

    def _issue_file(self, issue: Issue) -> str:
        """Relative to the checkout of the workflow's repository that the file lies in; empty where it is not there."""
        path = issue_path(issue, self._workspace)
        path = path and self.outside(path)
        if path is None or self._try(path, 0) is None:
            return ""
        folder = os.path.dirname(path)
        while folder != os.path.dirname(folder):
            config = self._try(f"{folder}/.git/config", _MATCHER_LIMIT)
            if config is not None:
                found = is_checkout_of(config.decode("utf-8", "replace"), self._server_url, self._repository)
                return os.path.relpath(path, folder) if found else ""
            folder = os.path.dirname(folder)
        return ""

    def _try(self, path: str, limit: int) -> bytes | None:
        try:
            return self._read(path, limit)
        except OSError:
            return None

    def _warn(self, message: str) -> list[str]:
        self.annotate(Annotation(level="warning", message=message))
        return [f"##[warning]{message}"]

    def _field(self, command: Command, field: str) -> str:
        if not command.properties.get(field):
            raise CommandError(messages.REQUIRED_FIELD.format(field=field, command=command.name))
        return command.properties[field]

    def _data(self, command: Command, name: str) -> str:
        if not command.data:
            raise CommandError(messages.EMPTY_VALUE.format(name=name))
        return command.data

    def _allow_unsafe(self, command: str) -> None:
        if (self._env(_UNSAFE) or "").lower() != "true":
            raise CommandError(messages.COMMAND_DISABLED.format(command=command))

    # -- problem matchers --

    def _add_matcher(self, path: str) -> None:
        self._progress.matchers.add(self._load(path))

    def _load(self, path: str) -> list[Matcher]:
        try:
            place = self.outside(os.path.join(self._workspace, path))
            return load_matchers(self._read(place, _MATCHER_LIMIT).decode("utf-8", "replace"))
        except (OSError, MatcherError) as error:
            raise CommandError(str(error)) from error

    def _remove_matcher(self, command: Command) -> list[str]:
        owner, path = command.properties.get("owner", ""), command.data
        if owner and path:
            return self._warn(messages.REMOVE_MATCHER_BOTH)
        if not owner and not path:
            return self._warn(messages.REMOVE_MATCHER_NONE)
        self._progress.matchers.remove([owner] if owner else [matcher.owner for matcher in self._load(path)])
        return []
