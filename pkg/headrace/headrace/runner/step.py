"""One step after the other: the order in which a hosted runner evaluates, runs and concludes a step."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from headrace.actions.builtin import manifest
from headrace.base.errors import HeadraceError
from headrace.expressions import CaseSensitive, ExpressionError, Value, evaluate, is_truthy, parse, to_text
from headrace.plan.model import Reason
from headrace.record.records import StepFinished, StepResult, StepStarted
from headrace.runner import messages
from headrace.runner.contexts import job_context, set_output, status_functions, step_github
from headrace.runner.dropins import arguments, inputs_of
from headrace.runner.environment import default_variables, input_variables, prepend_path, step_environment
from headrace.runner.filecommands import FILES, errors, parse_pairs, parse_paths, summary
from headrace.runner.hashing import HashError, hash_files, parse_arguments
from headrace.runner.process import Ended, Supervision, run_program
from headrace.runner.progress import Post, Progress
from headrace.runner.says import StepVoice
from headrace.runner.scripts import prepare
from headrace.runner.shells import ShellError
from headrace.runner.stream import CommandGate, StreamReader
from headrace.runner.ticket import JobTicket
from headrace.sandbox.protocol import SpawnError
from headrace.workflow import template
from headrace.workflow.model import Run, Step, Uses
from headrace.workflow.tokens import Expression, Scalar, Token

_READ_LIMIT = 64 << 20
_CONDITION_FUNCTIONS = {"success": (0, 0), "failure": (0, 0), "always": (0, 0), "cancelled": (0, 0), "hashfiles": (1, 255)}
Functions = Mapping[str, Callable[..., Value]]


class _Running(Struct):
    """The step under way, for the question whether it goes on when the job is cancelled."""

    condition: str
    contexts: dict[str, Any]


class _Verdict(Struct):
    """`early` failures (of `env` or `if`) are not softened by continue-on-error."""

    result: StepResult
    exit_code: int | None = None
    early: bool = False
    why: Reason | None = None


class StepRunner:
    """Runs the steps of one leg. `contexts` are those that stay the same for all steps; `defaults` is `defaults.run` in force."""

    def __init__(
        self, ticket: JobTicket, progress: Progress, defaults: Mapping[str, str], watch: Supervision, contexts: dict[str, Any]
    ) -> None:
        self._ticket = ticket
        self._progress = progress
        self._defaults = defaults
        self._watch = watch
        self._contexts = contexts
        self._running: _Running | None = None
        self._debug = "debug" in contexts["runner"]

    def goes_on(self) -> bool:
        """Does the condition of the step under way hold now that the job is being cancelled?"""
        if self._running is None:
            return True
        contexts = {**self._running.contexts, "job": job_context(self._progress.status)}
        try:
            return self._holds(self._running.condition, contexts)
        except (ExpressionError, HeadraceError):
            return False

    # -- the two stages --

    def main(self, step: Step) -> None:
        """Run a main step. Raises what ends the leg: EngineGone, EngineError, SandboxLost."""
        begun = time.monotonic()
        progress = self._progress
        one = _One(self, step, "main", {})
        verdict = one.run()
        conclusion = verdict.result
        if verdict.result == "failure" and not verdict.early and one.tolerated():
            conclusion = "success"
        progress.worsen(conclusion)
        if step.named:
            progress.steps[step.id] = {"outputs": one.outputs, "outcome": verdict.result, "conclusion": conclusion}
        one.finish(verdict, conclusion, time.monotonic() - begun)

    def post(self, post: Post) -> None:
        """Run what a step has left to do."""
        begun = time.monotonic()
        one = _One(self, post.step, "post", post.state, name=f"Post {post.name}", condition=post.condition)
        verdict = one.run()
        self._progress.worsen(verdict.result)
        one.finish(verdict, verdict.result, time.monotonic() - begun)

    # -- what steps share --

    def _holds(self, condition: str, contexts: dict[str, Any]) -> bool:
        if self._progress.forced:
            return False
        return is_truthy(evaluate(parse(condition, functions=_CONDITION_FUNCTIONS), contexts, self._functions()))

    def _functions(self) -> dict[str, Callable[..., Value]]:
        return {**status_functions(self._progress.status), "hashfiles": self._hash}

    def _hash(self, arguments: Sequence[Value]) -> Value:
        follow, patterns = parse_arguments([to_text(argument) for argument in arguments])
        folders = self._ticket.folders
        return hash_files(folders.workspace, patterns, follow, home=folders.home)


class _One:
    """A step in one of its stages."""

    def __init__(
        self,
        runner: StepRunner,
        step: Step,
        stage: Literal["main", "post"],
        state: dict[str, str],
        *,
        name: str = "",
        condition: str = "",
    ) -> None:
        self._r = runner
        self._t = runner._ticket
        self._p = runner._progress
        self._step = step
        self._stage = stage
        self._state = state
        self._name = name
        self._condition = condition or step.condition.source
        self._env: dict[str, str] = {}
        self._paths: dict[str, str] = {}
        self.outputs: dict[str, str] = {}
        self._p.number += 1
        self._number = self._p.number
        self._log = runner._watch.log
        self._log.flush()
        self._log.step = self._number
        self._voice = StepVoice(
            self._t.leg, self._number, self._t.folders.workspace, self._p, self._variable, runner._watch.control.emit,
            runner._watch.sandbox.read, debug=runner._debug,
        )  # fmt: skip

    def _variable(self, name: str) -> str | None:
        return self._env.get(name, self._t.base.get(name))

    # -- the order of things --

    def run(self) -> _Verdict:
        try:
            self._make_files()
            self._env = dict(self._p.env)
            contexts = self._step_contexts()
            failed = self._lay_env(contexts)
            if not self._name:
                self._name = self._display_name(contexts)
            self._r._watch.control.emit(StepStarted(
                self._t.leg, self._number, self._p.masker.mask_text(self._name), self._stage,
                self._step.id if self._step.named and self._stage == "main" else "",
            ))  # fmt: skip
            if failed is not None:
                return self._fail(failed)
            if not self._r._holds(self._condition, contexts):
                return _Verdict("skipped", why=self._why_skipped())
        except (HeadraceError, ExpressionError, HashError, OSError) as error:
            _reraise_fatal(error)
            if not self._name:
                self._name = self._step.id
            return self._fail(_words(error))
        timeout, minutes = self._timeout(contexts)
        self._r._running = _Running(self._condition, contexts)
        try:
            return self._execute(contexts, timeout, minutes)
        except (HeadraceError, ExpressionError, HashError, ShellError, OSError, ValueError) as error:
            _reraise_fatal(error)
            self._say_error(_words(error))
            return _Verdict("failure")
        finally:
            self._r._running = None

    def _fail(self, message: str) -> _Verdict:
        self._say_error(message)
        return _Verdict("failure", early=True)

    def finish(self, verdict: _Verdict, conclusion: StepResult, seconds: float) -> None:
        self._log.flush()
        self._r._watch.control.emit(
            StepFinished(self._t.leg, self._number, verdict.result, conclusion, seconds, verdict.exit_code, verdict.why)
        )

    def tolerated(self) -> bool:
        """`continue-on-error`, evaluated after the step has failed; where that fails, the failure stands."""
        token = self._step.continue_on_error
        if token is None:
            return False
        try:
            return template.boolean(token, self._step_contexts(), self._r._functions())
        except HeadraceError as error:
            self._say_error(_words(error))
            return False

    # -- before it runs --

    def _make_files(self) -> None:
        mark = os.urandom(16).hex()
        mark = "-".join((mark[:8], mark[8:12], mark[12:16], mark[16:20], mark[20:]))
        folder = f"{self._t.folders.temp}/_runner_file_commands"
        for kind, _, prefix in FILES:
            path = self._paths[kind] = f"{folder}/{prefix}{mark}"
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))

    def _step_contexts(self) -> dict[str, Any]:
        base = self._r._contexts
        repository, ref = self._action()
        github = step_github(
            base["github"], action=self._step.id, files=self._paths, action_repository=repository, action_ref=ref
        )  # fmt: skip
        return {
            **base,
            "github": github,
            "env": CaseSensitive(self._env),
            "steps": self._p.steps,
            "job": job_context(self._p.status),
        }

    def _action(self) -> tuple[str, str]:
        if isinstance(self._step.body, Uses) and "@" in self._step.body.uses:
            name, _, ref = self._step.body.uses.partition("@")
            return "/".join(name.split("/")[:2]), ref
        return "", ""

    def _lay_env(self, contexts: dict[str, Any]) -> str | None:
        """Put the step's own `env` on top; what is wrong with it, if anything."""
        if self._step.env is None:
            return None
        try:
            given = template.string_map(self._step.env, contexts, self._r._functions())
        except HeadraceError as error:
            return _words(error)
        self._env = {**self._env, **given}
        contexts["env"] = CaseSensitive(self._env)
        return None

    def _display_name(self, contexts: dict[str, Any]) -> str:
        body = self._step.body
        token: Token | None = self._step.name
        prefix = ""
        if token is None and isinstance(body, Run):
            token, prefix = body.script, "Run "
        if token is None:
            return f"Run {body.uses}" if isinstance(body, Uses) else self._step.id
        try:
            text = template.text(token, contexts, self._r._functions())
        except HeadraceError:
            text = _raw(token)
        if prefix:
            text = next((line.strip() for line in text.split("\n") if line.strip()), "")
        return prefix + text

    def _why_skipped(self) -> Reason:
        return Reason("step-condition", self._step.condition.at, {"condition": self._condition, "status": self._p.status})

    def _timeout(self, contexts: dict[str, Any]) -> tuple[float | None, float]:
        """Seconds and minutes; an evaluation error is an error line, and the step runs without a timeout."""
        token = self._step.timeout_minutes
        if token is None or self._stage == "post":
            return None, 0.0
        try:
            minutes = template.number(token, contexts, self._r._functions())
        except HeadraceError as error:
            self._say_error(_words(error))
            return None, 0.0
        return (minutes * 60, minutes) if minutes > 0 else (None, 0.0)

    # -- running it --

    def _execute(self, contexts: dict[str, Any], timeout: float | None, minutes: float) -> _Verdict:
        body = self._step.body
        if isinstance(body, Run):
            ended = self._run_script(body, contexts, timeout)
        elif isinstance(body, Uses):
            ended = self._run_drop_in(body, contexts, timeout)
        else:
            self._say_error(f"this kind of step is not supported: {self._step.id}")
            return _Verdict("failure")
        failed = ended.status != 0
        if ended.because == "timeout":
            shown = self._name if self._stage == "main" else f"Post {self._name}"
            self._say_error(messages.STEP_TIMEOUT.format(name=shown, minutes=f"{minutes:g}"))
        elif ended.because == "cancelled":
            self._say_error(messages.CANCELED)
        elif failed and isinstance(body, Run):
            self._say_error(messages.EXIT_CODE.format(code=ended.status))
        failed = self._take_files() or failed or self._voice.failed
        if ended.because == "cancelled":
            return _Verdict("cancelled", ended.status)
        return _Verdict("failure" if failed or ended.because else "success", ended.status)

    def _run_script(self, body: Run, contexts: dict[str, Any], timeout: float | None) -> Ended:
        path = self._t.base.get("PATH", "")
        if self._p.path:
            path = prepend_path(path, self._p.path)
        script = prepare(
            body, contexts, self._r._functions(), self._r._defaults, self._r._watch.sandbox,
            workspace=self._t.folders.workspace, temp=self._t.folders.temp, path=path,
        )  # fmt: skip
        self._header(list(script.header))
        return self._program(script.argv, self._process_env(contexts), script.cwd, timeout)

    def _run_drop_in(self, body: Uses, contexts: dict[str, Any], timeout: float | None) -> Ended:
        name = "/".join(body.uses.partition("@")[0].split("/")[:2]).lower()
        made = manifest(name)
        if made is None:
            self._say_error(f"{body.uses} is not supported: headrace has no drop-in for it")
            return Ended(1)
        declared, given = inputs_of(made, body, contexts, self._r._functions())
        if self._stage == "main":
            unexpected = [key for key in given if key.lower() not in {known.lower() for known in made.inputs}]
            if unexpected:
                names = ", ".join(f"'{key}'" for key in unexpected)
                valid = ", ".join(f"'{key}'" for key in made.inputs)
                self._log.write(self._voice.say("warning", f"Unexpected input(s) {names}, valid inputs are [{valid}]"))
            shown = {**declared, **given}
            self._header(
                [f"##[group]Run {body.uses}", "with:", *(f"  {key}: {value}" for key, value in shown.items() if value != "")]
            )
            if made.post:
                self._p.posts.append(Post(self._step, self._name, made.post_if or "always()", self._voice.state))
        else:
            self._log.write(f"{messages.POST_CLEANUP}\n".encode())
        env = self._process_env(contexts, inputs=input_variables(declared, given), action=True)
        argv = arguments(self._t.python, made.name, self._stage)
        return self._program(argv, env, self._t.folders.workspace, timeout)

    def _header(self, lines: list[str]) -> None:
        if self._env:
            lines.append("env:")
            lines += [f"  {key}: {value}" for key, value in self._env.items()]
        lines.append("##[endgroup]")
        text = "".join(f"{line}\n" for line in lines)
        self._log.write(self._p.masker.mask(text.encode("utf-8", "surrogateescape")))

    def _process_env(
        self, contexts: dict[str, Any], inputs: Mapping[str, str] | None = None, *, action: bool = False
    ) -> dict[str, str]:
        base = {**self._t.base, "HOME": self._t.folders.home, "RUNNER_TRACKING_ID": f"github_{self._t.run}"}
        return step_environment(
            base={**base, **self._t.drop_ins} if action else base,
            env=self._env,
            defaults=default_variables(contexts["github"], contexts["runner"]),
            actions=self._t.actions if action else {},
            inputs=inputs,
            state=self._state if action else None,
            path_entries=self._p.path,
        )

    def _program(self, argv: tuple[str, ...], env: dict[str, str], cwd: str, timeout: float | None) -> Ended:
        gate = CommandGate(
            echo=self._r._debug, any_token=(self._variable("ACTIONS_ALLOW_UNSECURE_STOPCOMMAND_TOKENS") or "").lower() == "true"
        )
        readers = (
            StreamReader(self._voice, self._p.masker, gate, self._p.matchers),
            StreamReader(self._voice, self._p.masker, gate, self._p.matchers),
        )
        try:
            return run_program(self._r._watch, argv, env, cwd, readers, timeout)
        except SpawnError as error:
            self._say_error(
                f"An error occurred trying to start process '{argv[0]}' with working directory '{cwd}'. {_words(error)}"
            )
            return Ended(1)

    # -- afterwards --

    def _take_files(self) -> bool:
        """Process the command files; whether one of them was wrong, which fails the step."""
        self.outputs.update(self._voice.outputs)
        self._state.update(self._voice.state)
        wrong = False
        for kind, path in self._paths.items():
            try:
                data = self._r._watch.sandbox.read(path, _READ_LIMIT)
            except FileNotFoundError:
                continue
            except OSError as error:
                wrong = self._wrong(kind, str(error))
                continue
            if data:
                wrong = self._take_file(kind, data) or wrong
        for post in self._p.posts:
            if post.step is self._step:
                post.state = self._state
        return wrong

    def _take_file(self, kind: str, data: bytes) -> bool:
        match kind:
            case "path":
                for entry in parse_paths(data):
                    self._p.add_path(entry)
            case "env":
                pairs = parse_pairs(data, "env")
                self._p.env.update(pairs.pairs)
                for name in pairs.refused:
                    self._say_error(messages.BLOCKED_ENV.format(name=name))
                return self._wrong(kind, pairs.error) if pairs.error else False
            case "state":
                pairs = parse_pairs(data, "state")
                self._state.update(pairs.pairs)
                return self._wrong(kind, pairs.error) if pairs.error else False
            case "output":
                pairs = parse_pairs(data, "output")
                for name, value in pairs.pairs:
                    set_output(self.outputs, name, value)
                return self._wrong(kind, pairs.error) if pairs.error else False
            case "step_summary":
                made = summary(data, self._p.masker)
                if made.error:
                    self._say_error(made.error)
                elif made.text:
                    with open(f"{self._t.folders.log}.{self._number}.md", "w", encoding="utf-8") as file:
                        file.write(made.text)
        return False

    def _wrong(self, kind: str, error: str) -> bool:
        for line in errors(kind, error):
            self._say_error(line)
        return True

    def _say_error(self, message: str) -> None:
        self._log.write(self._voice.say("error", message))


def _raw(token: Token) -> str:
    """A name that cannot be evaluated yet, as it is."""
    match token:
        case Expression(source=source):
            return f"${{{{ {source} }}}}"
        case Scalar(value=value):
            return str(value)
        case _:
            return ""


def _reraise_fatal(error: Exception) -> None:
    """A failure of the machine ends the leg, not the step."""
    if isinstance(error, HeadraceError) and error.status == 3:
        raise error


def _words(error: Exception) -> str:
    if isinstance(error, HeadraceError):
        return "\n".join(str(problem) for problem in error.problems)
    return str(error)
