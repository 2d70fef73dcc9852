"""One step as its expressions and its processes see it: contexts, environment, command files. Starts nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headrace.base.errors import HeadraceError
from headrace.expressions import CaseSensitive, Value, evaluate, is_truthy, parse, to_text
from headrace.runner.contexts import status_functions, step_github
from headrace.runner.environment import default_variables, prepend_path, step_environment
from headrace.runner.folders import command_files
from headrace.runner.frame import Frame
from headrace.runner.hashing import HashError, parse_arguments
from headrace.runner.progress import Progress
from headrace.runner.ticket import JobTicket
from headrace.sandbox.protocol import Sandbox
from headrace.workflow import template
from headrace.workflow.model import Run, Step, Uses
from headrace.workflow.tokens import Token

if TYPE_CHECKING:
    from headrace.runner.inside import Inside

CONDITION_FUNCTIONS = {"success": (0, 0), "failure": (0, 0), "always": (0, 0), "cancelled": (0, 0), "hashfiles": (1, 255)}


def new_mark() -> str:
    """A random text in the shape of a UUID, for the names of a step's files."""
    mark = os.urandom(16).hex()
    return "-".join((mark[:8], mark[8:12], mark[12:16], mark[16:20], mark[20:]))


class Scope:
    """Of one step in one stage. `base` are the contexts that stay the same for all steps; `env` starts as the leg's own, `own` is
    what the step's `env` says. `frame` is the composite action that the step stands in."""

    def __init__(
        self,
        ticket: JobTicket,
        progress: Progress,
        base: Mapping[str, Any],
        step: Step,
        state: dict[str, str],
        sandbox: Sandbox,
        frame: Frame | None = None,
        stage: str = "main",
    ) -> None:
        self.ticket = ticket
        self.sandbox = sandbox
        self.progress = progress
        self.step = step
        self.state = state
        self.frame = frame
        self.env = {**progress.env, **frame.overlay} if frame is not None else dict(progress.env)
        self.own: dict[str, str] = {}
        self._stage = stage
        self.files: dict[str, str] = {}
        self._base = base
        self._contexts: dict[str, Any] = {}

    def make_files(self) -> None:
        """One new, empty command file of each kind. Raises OSError."""
        self.files = command_files(self.ticket.folders.temp, new_mark())
        spent, self.progress.spent = self.progress.spent, {}
        self.sandbox.renew([(spent.get(kind, ""), path) for kind, path in self.files.items()])

    def variable(self, name: str) -> str | None:
        """From the step's `env`, else from what the job inherits."""
        return self.env.get(name, self.ticket.base.get(name))

    # -- what expressions see --

    def contexts(self) -> dict[str, Any]:
        """One mapping for the life of the step, brought up to date at each call."""
        contexts, frame = self._contexts, self.frame
        if not contexts:
            repository, ref = action_of(self.step)
            if frame is not None and not repository:
                repository, ref = frame.repository, frame.ref
            github = step_github(
                self._base["github"], action=(frame.top if frame is not None else self.step).id, files=self.files,
                action_repository=repository, action_ref=ref, action_path=frame.folder if frame is not None else None,
            )  # fmt: skip
            contexts.update(self._base, github=github, steps=self.progress.steps)
            if frame is not None:
                for name in ("secrets", "vars", "needs"):
                    contexts.pop(name, None)
                contexts.update(inputs=frame.inputs, steps=frame.steps)
        if frame is not None:
            contexts["github"]["action_status"] = frame.status
        contexts["env"] = CaseSensitive(self.env)
        contexts["job"] = {**self.ticket.job_context(self.progress.status), **self.progress.job}
        return contexts

    def functions(self) -> dict[str, Callable[..., Value]]:
        inner = self.frame.status if self.frame is not None and self._stage == "main" else None
        return {**status_functions(self.progress.status, inner), "hashfiles": self._hash}

    def _hash(self, arguments: Sequence[Value]) -> Value:
        follow, patterns = parse_arguments([to_text(argument) for argument in arguments])
        error, digest = self.sandbox.call("hash", self.ticket.folders.workspace, patterns, follow, self.ticket.folders.home)
        if error:
            raise HashError(error)
        return str(digest)

    def holds(self, condition: str) -> bool:
        """Raises ExpressionError, HashError."""
        if self.progress.forced:
            return False
        return is_truthy(evaluate(parse(condition, functions=CONDITION_FUNCTIONS), self.contexts(), self.functions()))

    def lay_env(self) -> None:
        """Put the step's own `env` on top. Its keys do not see each other. Raises TemplateError."""
        if self.step.env is not None:
            self.own = template.string_map(self.step.env, self.contexts(), self.functions())
            self.env = {**self.env, **self.own}

    def display_name(self) -> str:
        """As far as it can be evaluated already."""
        body = self.step.body
        if self.step.name is not None:
            return _title("", self._text_or_raw(self.step.name))
        if isinstance(body, Run):
            return _title("Run ", self._text_or_raw(body.script))
        return f"Run {body.uses}" if isinstance(body, Uses) else self.step.id

    def _text_or_raw(self, token: Token) -> str:
        try:
            return template.text(token, self.contexts(), self.functions())
        except (HeadraceError, HashError):
            return template.written(token)

    # -- what processes see --

    def search_path(self) -> str:
        """Where commands are looked up: not in a PATH that `env` sets."""
        path = self.ticket.base.get("PATH", "")
        return prepend_path(path, self.progress.path) if self.progress.path else path

    def script_environment(self) -> dict[str, str]:
        if self.progress.inside is not None:
            return self.container_environment(self.progress.inside, self.ticket.identity, None, self.progress.path)
        return self._environment(self.ticket.base, self.ticket.identity, None)

    def action_environment(self, inputs: Mapping[str, str], *, for_drop_in: bool = True) -> dict[str, str]:
        """`inputs`: finished INPUT_ variables."""
        inside = self.progress.inside
        if inside is not None and not for_drop_in:
            actions = {**self.ticket.actions, **self.ticket.identity}
            return self.container_environment(inside, actions, inputs, self.progress.path)
        base = {**self.ticket.base, **self.ticket.drop_ins} if for_drop_in else self.ticket.base
        return self._environment(base, {**self.ticket.actions, **self.ticket.identity}, inputs)

    def _environment(
        self, base: Mapping[str, str], actions: Mapping[str, str], inputs: Mapping[str, str] | None
    ) -> dict[str, str]:
        contexts = self.contexts()
        inside = self.progress.inside
        home = self.ticket.folders.home if inside is None else inside.home
        own = {"HOME": home, "RUNNER_TRACKING_ID": f"github_{self.ticket.run}"}
        return step_environment(
            base={**base, **own},
            env=self.env,
            defaults=default_variables(contexts["github"], contexts["runner"]),
            actions=actions,
            inputs=inputs,
            state=self.state if inputs is not None else None,
            path_entries=self.progress.path,
        )

    def container_environment(
        self, inside: Inside, actions: Mapping[str, str], inputs: Mapping[str, str] | None, path_entries: Sequence[str] = ()
    ) -> dict[str, str]:
        """Of a program in a container."""
        contexts = self.contexts()
        return inside.environment(
            {"RUNNER_TRACKING_ID": f"github_{self.ticket.run}", **self.env}, contexts["github"], contexts["runner"], actions,
            inputs, self.state if inputs is not None else None, path_entries,
        )  # fmt: skip


def _title(before: str, text: str) -> str:
    """The name of a step: the first line of a text; "run" where that is empty, as in GitHub's runner.

    >>> _title("Run ", "\\n  make test\\nmake\\n"), _title("", "All of it"), _title("Run ", "")
    ('Run make test', 'All of it', 'run')
    """
    first, *_ = text.lstrip(" \t\r\n").replace("\r", "\n").split("\n")
    return f"{before}{first}" if text else "run"


def action_of(step: Step) -> tuple[str, str]:
    """`owner/repo` and ref of a published action; empty for everything else.

    >>> from headrace.workflow.tokens import Expression
    >>> action_of(Step("__x", False, Uses("actions/cache/save@v4"), Expression("success()")))
    ('actions/cache', 'v4')
    """
    if isinstance(step.body, Uses) and "@" in step.body.uses:
        name, _, ref = step.body.uses.partition("@")
        return "/".join(name.split("/")[:2]), ref
    return "", ""
