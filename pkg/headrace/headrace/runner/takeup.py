"""What a step wrote into its command files, taken into the leg."""

from __future__ import annotations

import os
from collections.abc import Callable

from headrace.runner import messages
from headrace.runner.contexts import set_output
from headrace.runner.filecommands import Pairs, errors, parse_pairs, parse_paths, summary
from headrace.runner.log import LegLog
from headrace.runner.says import StepVoice
from headrace.runner.scope import Scope
from headrace.sandbox.protocol import Sandbox

READ_LIMIT = 64 << 20


class Takeup:
    """Reads the files of one step after its program has ended, in the order of a hosted runner."""

    def __init__(self, scope: Scope, voice: StepVoice, log: LegLog, outputs: dict[str, str], number: int) -> None:
        self._scope = scope
        self._voice = voice
        self._log = log
        self._outputs = outputs
        self._number = number
        self.wrong = False
        self.translate: Callable[[str], str] = str  # of paths, where the job's steps run elsewhere

    def take(self, sandbox: Sandbox) -> bool:
        """Take everything in; whether one of the files was wrong, which fails the step. The others count all the same."""
        for kind, path in self._scope.files.items():
            try:
                data = sandbox.read(path, READ_LIMIT + 1)
            except FileNotFoundError:
                continue
            except OSError as error:
                self._fail(kind, str(error))
                continue
            if len(data) > READ_LIMIT and kind != "step_summary":  # a part of it would be another file
                self._fail(kind, messages.FILE_TOO_LARGE.format(limit=READ_LIMIT >> 20))
            elif data:
                self._take(kind, data)
        return self.wrong

    def _take(self, kind: str, data: bytes) -> None:
        progress = self._scope.progress
        match kind:
            case "path":
                for entry in parse_paths(data):
                    progress.add_path(self.translate(entry))
            case "env":
                pairs = parse_pairs(data, "env")
                progress.env.update((name, self.translate(value)) for name, value in pairs.pairs)
                for name in pairs.refused:
                    self._error(messages.BLOCKED_ENV.format(name=name))
                self._check(kind, pairs)
            case "state":
                pairs = parse_pairs(data, "state")
                self._scope.state.update(pairs.pairs)
                self._check(kind, pairs)
            case "output":
                pairs = parse_pairs(data, "output")
                for name, value in pairs.pairs:
                    set_output(self._outputs, name, self.translate(value))
                self._check(kind, pairs)
            case "step_summary":
                made = summary(data, progress.masker)
                if made.error:
                    self._error(made.error)
                elif made.text:
                    self._keep(made.text)

    def _keep(self, text: str) -> None:
        """Beside the log, as LOG.STEP.md; of steps inside a composite action, which share a number, more are LOG.STEP.N.md."""
        place, more = f"{self._scope.ticket.folders.log}.{self._number}", 0
        path = f"{place}.md"
        while os.path.exists(path):  # nobody else writes here
            more += 1
            path = f"{place}.{more}.md"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def _check(self, kind: str, pairs: Pairs) -> None:
        if pairs.error:
            self._fail(kind, pairs.error)

    def _fail(self, kind: str, error: str) -> None:
        for line in errors(kind, error):
            self._error(line)
        self.wrong = True

    def _error(self, message: str) -> None:
        self._log.write(self._voice.say("error", message))
