"""Runs the program of a step: a script in its shell, or a native drop-in with its inputs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from headrace.actions import builtin
from headrace.actions.manifest import Manifest
from headrace.base.errors import Problem
from headrace.runner import messages
from headrace.runner.environment import input_variables
from headrace.runner.process import Ended, Supervision, run_program
from headrace.runner.says import StepVoice
from headrace.runner.scope import Scope, action_of, new_mark
from headrace.runner.shells import extension, prepare_script, resolve
from headrace.runner.stream import CommandGate, StreamReader
from headrace.sandbox.protocol import SpawnError
from headrace.workflow import template
from headrace.workflow.model import Run, Uses
from headrace.workflow.tokens import Expression

_DROP_IN = os.path.join(os.path.dirname(os.path.abspath(builtin.__file__)), "__main__.py")
_UNSAFE_TOKENS = "ACTIONS_ALLOW_UNSECURE_STOPCOMMAND_TOKENS"


class Workbench(Struct, frozen=True):
    """What a program of a step is run with."""

    watch: Supervision
    voice: StepVoice
    scope: Scope
    timeout: float | None

    def program(self, argv: Sequence[str], env: Mapping[str, str], cwd: str) -> Ended:
        """Raises SpawnError, with the words of a hosted runner, and what ends the leg."""
        scope, progress = self.scope, self.scope.progress
        gate = CommandGate(echo=scope.ticket.debugging, any_token=(scope.variable(_UNSAFE_TOKENS) or "").lower() == "true")
        readers = (
            StreamReader(self.voice, progress.masker, gate, progress.matchers),
            StreamReader(self.voice, progress.masker, gate, progress.matchers),
        )
        try:
            return run_program(self.watch, argv, env, cwd, readers, self.timeout)
        except SpawnError as error:
            why = "; ".join(problem.message for problem in error.problems)
            text = f"An error occurred trying to start process '{argv[0]}' with working directory '{cwd}'. {why}"
            raise SpawnError(Problem(text)) from None

    def header(self, lines: list[str]) -> None:
        """The group that a step's log begins with, closed by the `env` block."""
        if self.scope.env:
            lines.append("env:")
            lines += [f"  {key}: {value}" for key, value in self.scope.env.items()]
        lines.append("##[endgroup]")
        text = "".join(f"{line}\n" for line in lines)
        self.watch.log.write(self.scope.progress.masker.mask(text.encode("utf-8", "surrogateescape")))


def run_script(bench: Workbench, run: Run, defaults: Mapping[str, str]) -> Ended:
    """A `run:` step. `defaults`: `defaults.run` in force. Raises TemplateError, ShellError, SpawnError, OSError."""
    scope = bench.scope
    contexts, functions, folders = scope.contexts(), scope.functions(), scope.ticket.folders
    text = template.text(run.script, contexts, functions)
    folder = defaults.get("working-directory", "")
    if run.working_directory is not None:
        folder = template.text(run.working_directory, contexts, functions)
    shell = run.shell or defaults.get("shell") or None
    file = f"{folders.temp}/{new_mark()}{extension(shell)}"
    path = scope.search_path()
    invocation = resolve(shell, file, lambda name: bench.watch.sandbox.find(name, path))
    scope.sandbox.write([(file, prepare_script(text, shell).encode("utf-8", "surrogateescape"))])
    first = next((line.strip() for line in text.split("\n") if line.strip()), "")
    script = [f"\x1b[36;1m{line}\x1b[0m" for line in text.rstrip("\n").split("\n")]
    bench.header([f"##[group]Run {first}", *script, invocation.header])
    return bench.program(invocation.argv, scope.script_environment(), os.path.join(folders.workspace, folder))


def run_drop_in(bench: Workbench, uses: Uses, manifest: Manifest, stage: str) -> Ended:
    """A native drop-in in one of its stages, `main` or `post`: a plain Python without site-packages, which starts in a few
    milliseconds. Raises TemplateError, SpawnError."""
    scope = bench.scope
    declared, given = inputs_of(manifest, uses, scope)
    if stage == "main":
        unexpected = sorted(set(map(str.lower, given)) - set(map(str.lower, manifest.inputs)))
        if unexpected:
            names = ", ".join(f"'{key}'" for key in given if key.lower() in unexpected)
            valid = ", ".join(f"'{key}'" for key in manifest.inputs)
            bench.watch.log.write(bench.voice.say("warning", f"Unexpected input(s) {names}, valid inputs are [{valid}]"))
        shown = [f"  {key}: {value}" for key, value in {**declared, **given}.items() if value]
        bench.header([f"##[group]Run {uses.uses}", *(["with:"] if shown else []), *shown])
    else:
        bench.watch.log.write(f"{messages.POST_CLEANUP}\n".encode())
    argv = (scope.ticket.python, "-I", "-S", _DROP_IN, manifest.name, stage)
    return bench.program(argv, scope.action_environment(input_variables(declared, given)), scope.ticket.folders.workspace)


def drop_in_of(scope: Scope) -> Manifest | None:
    """The manifest of the drop-in that stands for the step's action."""
    return builtin.manifest(action_of(scope.step)[0])


def inputs_of(manifest: Manifest, uses: Uses, scope: Scope) -> tuple[dict[str, str], dict[str, str]]:
    """The declared inputs that are not given, with their defaults, and the given ones. Raises TemplateError."""
    contexts = scope.contexts()
    functions: Mapping[str, Callable[..., object]] = scope.functions()
    given = template.string_map(uses.inputs, contexts, functions) if uses.inputs is not None else {}
    present = set(map(str.lower, given))
    declared = {
        name: template.text(Expression(default[3:-2].strip()), contexts, functions) if default.startswith("${{") else default
        for name, default in manifest.inputs.items()
        if name.lower() not in present
    }
    return declared, given
