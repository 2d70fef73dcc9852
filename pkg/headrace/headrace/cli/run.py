"""`headrace run`: run the jobs that an event starts, here."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from headrace.cli.declared import Call
from headrace.cli.options import RUN

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from headrace.cli.options import Asked
    from headrace.cli.prepare import Prepared
    from headrace.engine.options import Parting, RunOptions
    from headrace.events.snapshot import ObjectStore
    from headrace.record.state import RunState
    from headrace.report.logs import Logs
    from headrace.report.stream import Renderer
    from headrace.sandbox.limits.model import Limits

EXAMPLE = "headrace run pull_request --job test"
HELP = """Run the jobs that EVENT (default: push) starts in this repository.

The working tree runs as it is, untracked files included; the repository is never written to. The status is 0 where every
job succeeded or was skipped for a stated reason, 1 where one failed, was cancelled, timed out or is unsupported, 2 where the
call or a workflow file is wrong, 3 where the engine failed, 130 where it was interrupted."""


def run(call: Call) -> int:
    from headrace.cli.prepare import exit_status, prepare, settled

    repository, asked, values = settled(call, RUN)
    prepared = prepare(repository, asked, _snapshots(repository.git_dir))
    state = _run(prepared, asked, values)
    return exit_status(prepared.problems, status(state, bool(values["skip_unsupported"])))


def _run(prepared: Prepared, asked: Asked, values: Mapping[str, Any]) -> RunState:
    if prepared.plan.jobs:
        state = _run_jobs(prepared, asked, values)
    else:
        from headrace.cli.ending import say_error
        from headrace.record.state import RunState
        from headrace.report.plan_table import headline

        state = RunState()
        if asked.depth != "silent":
            say_error(headline(prepared.plan))
    if asked.json:
        from headrace.cli.terminal import write_json
        from headrace.report.json_run import run_json

        write_json(run_json(state, prepared.plan, prepared.problems))
    return state


def _run_jobs(prepared: Prepared, asked: Asked, values: Mapping[str, Any]) -> RunState:
    import time

    from headrace.base.paths import run_dir
    from headrace.cli.early import ZYGOTE
    from headrace.engine.run import run as run_plan
    from headrace.record.journal import Journal
    from headrace.report.logs import Logs
    from headrace.report.stream import Observer

    asked_for = run_options(asked, values, prepared.plan.event.left_out, prepared.used)
    if "container" in prepared.plan.capabilities.features:
        from msgspec import structs

        from headrace.engine.containers import found_engine

        if asked_for.network == "none":
            from headrace.base.errors import Problem, UsageError

            text = "--network none: jobs of this run may have containers, which have networks of their own"
            raise UsageError(Problem(text, hint="--containers none leaves such jobs out"))
        asked_for = structs.replace(asked_for, containers=found_engine(asked.containers))
    if prepared.plan.actions:
        from msgspec import structs

        from headrace.cli.moved import moved

        asked_for = structs.replace(asked_for, notes=(*asked_for.notes, *moved(prepared.plan)))
    logs = Logs()
    observer = Observer(_renderers(asked, bool(values["json_stream"]), logs), logs, run_dir)
    zygote = ZYGOTE.pop() if ZYGOTE else None
    try:
        state = run_plan(
            prepared.plan, asked_for, Journal.open(), observer, zygote=zygote,
            tick=lambda: observer.tick(time.time()), interrupted=_say_interrupted,
            preparing=_say_preparing if asked.depth != "silent" else lambda: None,
        )  # fmt: skip
    finally:
        observer.close()
    if asked.depth != "silent":
        _say_summary(state, logs, asked, asked_for.argv)
    return state


def _say_interrupted(times: int) -> None:
    from headrace.cli.ending import say_error

    say_error("interrupted: jobs end in order; again kills them" if times == 1 else "interrupted again: killing what runs")


def _say_preparing() -> None:
    from headrace.cli.ending import say_error

    say_error("preparing what jobs see of this machine, once: it takes up to half a minute")


NAMESPACES = (
    "isolation: namespaces. Every job has a file system, processes and users of its own over this machine's /usr, /etc, /opt and "
    "/var, and nothing else of it"
)
NETWORKS = {
    "slirp": "network: private. Jobs reach the outside, and not this machine's loopback, through slirp4netns",
    "private": "network: private. Programs of a job reach the outside through an HTTP proxy on the job's own loopback; "
    "more than HTTP goes out with slirp4netns (`headrace doctor`)",
    "host": "network: host. Jobs have this machine's network, its own services included",
    "none": "network: none. Jobs reach nothing but themselves",
}
HOST = (
    "Every job has a workspace, HOME, temporary folder and Python of its own, and what it starts ends with it; "
    "it can read what you can read"
)


def notes(
    environ: Mapping[str, str], left_out: Sequence[str], parting: Parting, network: str, limits: str = "",
    forward: Sequence[str] = (), env: Mapping[str, str] | None = None,
) -> tuple[str, ...]:  # fmt: skip
    """What is said once at the start of a run. `left_out`: what of the working tree could not be read; `limits`: those of jobs
    which are parted from the machine; `forward`: what jobs get of the caller's own, `env`: what `--env` gives them."""
    from headrace.sandbox.inherit import NAMING, USER_FILES, places

    parted = parting.parts == "namespaces"
    if parted:
        said = [NAMESPACES, NETWORKS["slirp" if parting.slirp else network], limits]
    else:
        said = [f"isolation: host{f', as {parting.why} (`headrace doctor`)' if parting.why else ''}. {HOST}"]
    if left_out:
        said.append(f"not part of the run, because it cannot be read: {', '.join(left_out)}")
    there = {name: [path for _, path in places(name, environ) if os.path.exists(path)] for name in USER_FILES}
    unseen = [path for name, paths in there.items() if name not in forward for path in paths]
    if unseen:
        changes = "`forward` in [tool.headrace] changes that"
        said.append(f"jobs do not see {', '.join(unseen)}, as none of it is on a hosted machine ({changes})")
    env = env or {}
    if forward or (parted and any(name in environ or name in env for name in NAMING)):
        from headrace.cli.forward import notes as forwarded

        said += forwarded(environ, env, forward, there, parted)
    return tuple(said)


def run_options(asked: Asked, values: Mapping[str, Any], left_out: Sequence[str] = (), used: Collection[str] = ()) -> RunOptions:
    """What the engine is told. `left_out`: what of the working tree could not be read; `used`: the folders of `--action` from
    which called workflows were read."""
    from headrace.base.errors import Problem, UsageError
    from headrace.cli.words import without_secrets
    from headrace.engine.options import RunOptions

    parting = _parting(values)
    for name in asked.actions:
        if name not in used:
            raise UsageError(Problem(f"--action {name}: nothing that runs uses it", hint="leave it out"))
    forward = tuple(values["forward"])
    if forward:
        from headrace.cli.forward import check

        check(forward)
    limits, limits_note = _limits(values) if parting.parts == "namespaces" else (None, "")
    return RunOptions(
        notes=notes(os.environ, left_out, parting, values["network"] or "private", limits_note, forward, asked.env),
        parting=parting,
        limits=limits,
        network=values["network"] or "private",
        expose=tuple(os.path.abspath(path) for path in values["expose"]),
        forward=forward,
        native=values["native"] != "off",
        max_parallel=values["max_parallel"] or 0,
        share=not values["no_share"],
        keep=values["keep"],
        path_prepend=tuple(os.path.abspath(path) for path in values["path_prepend"]),
        skip_unsupported=values["skip_unsupported"],
        secrets=asked.secrets,
        vars=asked.vars,
        secrets_of=asked.secrets_of,
        vars_of=asked.vars_of,
        env=asked.env,
        argv=tuple(without_secrets(sys.argv[1:])),
    )


def _parting(values: Mapping[str, Any]) -> Parting:
    """What parts jobs from the machine. Raises UsageError where what is asked for cannot be had."""
    from headrace.base.errors import Problem, UsageError
    from headrace.engine.options import Parting

    parting = Parting()
    if values["isolation"] != "host":
        from headrace.engine.parting import settle

        parting = settle(values["isolation"] or "auto", values["network"] or "private")
    if parting.parts == "host":
        told = dict.fromkeys(("expose", "network"), "jobs see the machine as it is, and have its network")
        told |= dict.fromkeys(("memory", "processes", "disk"), "nothing bounds what jobs use that run on the machine as it is")
        for name, what in told.items():
            if values[name] and values[name] != "host":
                text = f"--{name}: {what}{f', as {parting.why}' if parting.why else ''}"
                hint = "`headrace doctor` says more" if parting.why else "--isolation namespaces parts them from it"
                raise UsageError(Problem(text, hint=hint))
    return parting


def _limits(values: Mapping[str, Any]) -> tuple[Limits, str]:
    """Those of jobs that are parted from the machine, and what is said of them. Raises UsageError."""
    from headrace.engine.limits import settle
    from headrace.sandbox.limits.explain import note

    limits = settle(values["memory"] or 0, values["processes"] or 0, values["disk"] or 0)
    return limits, note(limits)


def _snapshots(git_dir: str) -> ObjectStore:
    """Where snapshots of this repository's working trees are kept."""
    from headrace.base.paths import state_dir
    from headrace.cli.parsed import name_of
    from headrace.events.snapshot import ObjectStore

    return ObjectStore(os.path.join(state_dir(), "repositories", name_of(git_dir)))


def _renderers(asked: Asked, stream: bool, logs: Logs) -> list[Renderer]:
    renderers: list[Renderer] = []
    if stream:
        from headrace.report.json_run import Stream

        renderers.append(Stream(sys.stdout))
    if asked.depth != "silent":
        renderers.append(_progress(asked, logs))
    return renderers


def _progress(asked: Asked, logs: Logs) -> Renderer:
    """How the run is shown: a live view at a terminal, groups inside GitHub Actions, plain lines everywhere else."""
    from headrace.cli.terminal import style_of

    style = style_of(sys.stderr, asked.colour)
    if asked.depth == "steps":
        if os.environ.get("GITHUB_ACTIONS") == "true":
            from headrace.report.github import GitHub

            return GitHub(sys.stderr, style, logs)
        if style.width is not None and not os.environ.get("CI") and os.environ.get("TERM", "dumb") != "dumb":
            from headrace.report.live import Live

            return Live(sys.stderr, style, logs)
    from headrace.report.plain import Plain

    return Plain(sys.stderr, style, logs, asked.depth)


def _say_summary(state: RunState, logs: Logs, asked: Asked, argv: tuple[str, ...]) -> None:
    from headrace.base.paths import run_dir
    from headrace.cli.terminal import style_of
    from headrace.report.summary import summary

    style = style_of(sys.stderr, asked.colour)
    lines = summary(state, logs, argv, style)
    logs.close()
    if os.path.exists(os.path.join(run_dir(state.run), "index")):
        from headrace.engine.published import of_run
        from headrace.report.published_lines import published_lines

        lines += published_lines(state.run, of_run(state.run), style)
    sys.stderr.write("".join(line + "\n" for line in lines))
    sys.stderr.flush()


def status(state: RunState, skip_unsupported: bool) -> int:
    """The exit status that a finished run stands for."""
    rules = {leg.why.rule for leg in state.legs.values() if leg.why is not None}
    if state.result == "interrupted" or "interrupted" in rules:
        return 130
    if any(leg.lost for leg in state.legs.values()):  # what became of it is not known
        return 3
    from headrace.engine.decide import effective

    results = {effective(leg) for leg in state.legs.values() if leg.result is not None}
    allowed = {"success", "skipped"} | ({"unsupported"} if skip_unsupported else set())
    return 0 if results <= allowed and state.result in (None, "success", "skipped") else 1


def __getattr__(name: str) -> object:
    """`command`, made when it is asked for: a plain call needs no click."""
    if name != "command":
        raise AttributeError(name)
    from headrace.cli.clicked import event_command

    return event_command("run", run, RUN, HELP, EXAMPLE)
