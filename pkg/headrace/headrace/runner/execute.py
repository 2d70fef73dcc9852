"""Runs the program of a step: a script in its shell, a native drop-in with its inputs, or an action's program for node."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from headrace.actions import builtin
from headrace.actions.manifest import Manifest
from headrace.base.errors import HeadraceError, Problem
from headrace.runner import messages
from headrace.runner.environment import input_variables
from headrace.runner.process import Ended, Supervision, run_program
from headrace.runner.says import StepVoice
from headrace.runner.scope import Scope, new_mark
from headrace.runner.shells import extension, prepare_script, resolve
from headrace.runner.stream import CommandGate, StreamReader
from headrace.runner.uses import Published
from headrace.sandbox.protocol import SpawnError
from headrace.workflow import template
from headrace.workflow.action import Action, Node
from headrace.workflow.model import Run, Uses
from headrace.workflow.tokens import Expression, Scalar, Token

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

    def warn(self, message: str) -> None:
        self.watch.log.write(self.voice.say("warning", message))


def run_script(bench: Workbench, run: Run, defaults: Mapping[str, str]) -> Ended:
    """A `run:` step. `defaults`: `defaults.run` in force. Raises TemplateError, ShellError, SpawnError, OSError."""
    scope = bench.scope
    contexts, functions, folders = scope.contexts(), scope.functions(), scope.ticket.folders
    text = template.text(run.script, contexts, functions)
    folder = defaults.get("working-directory", "")
    if run.working_directory is not None:
        folder = template.text(run.working_directory, contexts, functions)
    shell = run.shell or defaults.get("shell") or None
    if run.shell_token is not None:
        shell = template.text(run.shell_token, contexts, functions)
    file = f"{folders.temp}/{new_mark()}{extension(shell)}"
    path = scope.search_path()
    inside = scope.progress.inside
    invocation = resolve(shell, file, lambda name: bench.watch.sandbox.find(name, path), in_container=inside is not None)
    scope.sandbox.write([(file, prepare_script(text, shell).encode("utf-8", "surrogateescape"))])
    first = next((line.strip() for line in text.split("\n") if line.strip()), "")
    script = [f"\x1b[36;1m{line}\x1b[0m" for line in text.rstrip("\n").split("\n")]
    bench.header([f"##[group]Run {first}", *script, invocation.header])
    return bench.program(invocation.argv, scope.script_environment(), os.path.join(folders.workspace, folder))


def run_drop_in(bench: Workbench, uses: Uses, manifest: Manifest, stage: str) -> Ended:
    """A native drop-in in one of its stages, `main` or `post`: a plain Python without site-packages, which starts in a few
    milliseconds. Raises TemplateError, SpawnError."""
    scope = bench.scope
    variables = begin(bench, uses, {name: _token(default) for name, default in manifest.inputs.items()}, {}, stage)
    argv = (scope.ticket.python, "-I", "-S", _DROP_IN, manifest.name, stage)
    if scope.progress.inside is not None:
        from headrace.runner.beside import outside

        bench, variables = outside(bench, variables)
    return bench.program(argv, scope.action_environment(variables), scope.ticket.folders.workspace)


def run_node(bench: Workbench, uses: Uses, used: Published, node: Node, stage: str) -> Ended:
    """A published action's program for node in one of its stages, `pre`, `main` or `post`, in the workspace.

    Raises TemplateError, SpawnError, and HeadraceError where this machine has no node."""
    scope = bench.scope
    variables = begin(bench, uses, *of_manifest(used.action), stage)
    if scope.progress.inside is not None:
        from headrace.runner.beside import node_inside

        nodes = node_inside(bench, scope.ticket.nodes)
    else:
        nodes = scope.ticket.nodes
    program, other = _node(nodes, node.using)
    if other:
        bench.watch.log.write(f"{node.using} is not on this machine: {program} ({other}) runs the action\n".encode())
    path = {"main": node.main, "pre": node.pre, "post": node.post}[stage]
    env = scope.action_environment(variables, for_drop_in=False)
    env.pop("NODE_ICU_DATA", None)
    return bench.program((program, f"{used.folder}/{path}"), env, scope.ticket.folders.workspace)


def _node(nodes: Mapping[str, str], using: str) -> tuple[str, str]:
    """Node's program, and its version where it is not the one that the action asks for. GitHub runs actions for node 20 and older
    on node 24."""
    wanted = "24" if using in ("node12", "node16", "node20", "node24") else using.removeprefix("node")
    for version in (wanted, using.removeprefix("node")):
        if version in nodes:
            return nodes[version], ""
    if not nodes:
        raise HeadraceError(Problem("this action runs on node, and there is none on this machine", hint="apt-get install nodejs"))
    newest = max(nodes, key=int)
    return nodes[newest], f"node {newest}"


def of_manifest(action: Action) -> tuple[dict[str, Token | None], dict[str, str]]:
    """An action's inputs with their defaults, and what is to be said to who gives one that is deprecated."""
    declared = {name: found.default for name, found in action.inputs.items()}
    return declared, {name: found.deprecated for name, found in action.inputs.items() if found.deprecated}


def begin(
    bench: Workbench, uses: Uses, declared: Mapping[str, Token | None], deprecated: Mapping[str, str], stage: str
) -> dict[str, str]:
    """What a step with an action prints first; its INPUT_ variables. Raises TemplateError."""
    defaults, given = inputs_of(declared, uses, bench.scope)
    if stage == "main":
        names = set(map(str.lower, declared))
        unexpected = [f"'{key}'" for key in given if key.lower() not in names]
        if unexpected:
            valid = ", ".join(f"'{key}'" for key in declared)
            bench.warn(messages.UNEXPECTED_INPUTS.format(names=", ".join(unexpected), valid=valid))
        spelled = {key.lower() for key in given}
        for name, message in deprecated.items():
            if name.lower() in spelled:
                bench.warn(messages.DEPRECATED_INPUT.format(name=name, message=message))
        shown = [f"  {key}: {value}" for key, value in {**given, **defaults}.items() if value]
        bench.header([f"##[group]Run {uses.uses}", *(["with:"] if shown else []), *shown])
    elif stage == "post":
        bench.watch.log.write(f"{messages.POST_CLEANUP}\n".encode())
    return input_variables(defaults, given)


def inputs_of(declared: Mapping[str, Token | None], uses: Uses, scope: Scope) -> tuple[dict[str, str], dict[str, str]]:
    """The declared inputs that are not given, with their defaults, and the given ones. Raises TemplateError."""
    contexts = scope.contexts()
    functions: Mapping[str, Callable[..., object]] = scope.functions()
    given = template.string_map(uses.inputs, contexts, functions) if uses.inputs is not None else {}
    present = set(map(str.lower, given))
    defaults = {
        name: "" if token is None else template.text(token, contexts, functions)
        for name, token in declared.items()
        if name.lower() not in present
    }
    return defaults, given


def _token(default: str) -> Token:
    """The default of a drop-in's input."""
    return Expression(default[3:-2].strip()) if default.startswith("${{") else Scalar(default)
