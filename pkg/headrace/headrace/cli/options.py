"""The options that `run` and `plan` share, and those that `run` adds: declared once, here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal

import click
from msgspec import Struct

from headrace.base.errors import Position, Problem, UsageError
from headrace.cli.pairs import pairs, read_dotenv, read_text, secrets
from headrace.report.colour import Choice

Depth = Literal["silent", "failures", "steps", "output", "decisions"]
DEPTHS: tuple[Depth, ...] = ("silent", "failures", "steps", "output", "decisions")


def option(*names: str, **more: Any) -> click.Option:
    return click.Option(names, **more)


def many(*names: str, metavar: str, help: str) -> click.Option:
    """An option that may be given several times."""
    return click.Option(names, multiple=True, metavar=metavar, help=help)


def event_argument() -> click.Argument:
    return click.Argument(["event"], required=False, default="push", metavar="[EVENT]")


def selecting() -> list[click.Option]:
    return [
        option("--repo", metavar="DIR", help="The repository (default: the one we stand in)."),
        many("-W", "--workflow", metavar="FILE", help="Only this workflow: a path, a name or a folder (repeatable)."),
        many("-j", "--job", metavar="ID", help="Only this job and what it needs (repeatable)."),
        option("--no-needs", is_flag=True, help="With --job: without what it needs."),
        many("--matrix", metavar="K=V", help="Only matching legs (repeatable)."),
    ]


def happening() -> list[click.Option]:
    return [
        option("--ref", metavar="REF", help="The ref that the event names (default: the present branch)."),
        option("--sha", metavar="SHA", help="The commit whose tree is used (default: REF's, else the working tree)."),
        option("--base", metavar="REV", help="pull_request: where it would be merged into."),
        option("--head", metavar="REV", help="pull_request: what would be merged."),
        option("--payload", metavar="FILE", help="The event's JSON payload; what it lacks is filled in ('-': standard input)."),
        option("--actor", metavar="NAME", help="Who did it."),
        many("--input", metavar="K=V", help="An input of workflow_dispatch (repeatable)."),
    ]


def surroundings() -> list[click.Option]:
    return [
        many("--secret", metavar="K[=V]", help="A secret; without a value, from the environment (repeatable)."),
        many("--var", metavar="K=V", help="A configuration variable (repeatable)."),
        many("--env", metavar="K=V", help="An environment variable of all jobs, the weakest (repeatable)."),
        many("--secret-file", metavar="F", help="Secrets in dotenv format (repeatable)."),
        many("--var-file", metavar="F", help="Variables in dotenv format (repeatable)."),
        many("--env-file", metavar="F", help="Environment variables in dotenv format (repeatable)."),
        many("--action", metavar="OWNER/NAME@REF=DIR", help="Use this folder for that action (repeatable)."),
        option("--actions-root", metavar="DIR", help="A folder of git mirrors OWNER+NAME/repo."),
    ]


def running() -> list[click.Option]:
    return [
        option("--isolation", type=click.Choice(["auto", "namespaces", "host"]), help="What parts jobs from the machine."),
        option("--network", type=click.Choice(["private", "host", "none"]), help="Which network jobs see."),
        many("--expose", metavar="PATH", help="Let jobs see this path of the machine (repeatable)."),
        option("--native", type=click.Choice(["on", "off"]), help="Native drop-ins for well-known actions."),
        option("--max-parallel", type=click.IntRange(min=1), metavar="N", help="At most so many jobs at once."),
        option("--no-share", is_flag=True, help="Run every job from its first step, sharing nothing."),
        option("--keep", is_flag=True, help="Keep the jobs' folders."),
        many("--path-prepend", metavar="DIR", help="Put this folder first on the PATH of jobs (repeatable)."),
        option("--skip-unsupported", is_flag=True, help="Do not fail for jobs that cannot run here."),
    ]


def json_output(help: str) -> click.Option:
    return option("--json", "json", is_flag=True, help=help)


def talking() -> list[click.Option]:
    return [
        option("--color", type=click.Choice(["auto", "always", "never"]), help="Colours (default: auto)."),
        option("-v", "--verbose", count=True, help="Show steps' output; twice: decisions too."),
        option("-q", "--quiet", count=True, help="Show failures and the summary only; twice: nothing."),
    ]


class Asked(Struct, frozen=True):
    """What a call of `run` or `plan` asks for, with the defaults in it. `matrix`: what a leg's values must be."""

    event: str
    repo: str
    workflows: tuple[str, ...]
    jobs: tuple[str, ...]
    needs: bool
    matrix: dict[str, str]
    ref: str
    sha: str
    base: str
    head: str
    payload: dict[str, Any]
    actor: str
    inputs: dict[str, str]
    secrets: dict[str, str]
    vars: dict[str, str]
    env: dict[str, str]
    actions: dict[str, str]
    actions_root: str
    json: bool
    colour: Choice
    depth: Depth


def asked(values: Mapping[str, Any]) -> Asked:
    """Settled option values → what is asked for. Reads the files that options name. Raises UsageError."""
    return Asked(
        event=values["event"],
        repo=values["repo"] or ".",
        workflows=tuple(values["workflow"]),
        jobs=tuple(values["job"]),
        needs=not values["no_needs"],
        matrix=_one_a_key(pairs("--matrix", values["matrix"])),
        ref=values["ref"] or "",
        sha=values["sha"] or "",
        base=values["base"] or "",
        head=values["head"] or "",
        payload=_payload(values["payload"]),
        actor=values["actor"] or "",
        inputs=dict(pairs("--input", values["input"])),
        secrets=_from_files("--secret-file", values["secret_file"]) | secrets(values["secret"], os.environ),
        vars=_from_files("--var-file", values["var_file"]) | dict(pairs("--var", values["var"])),
        env=_from_files("--env-file", values["env_file"]) | dict(pairs("--env", values["env"])),
        actions=_actions(values["action"]),
        actions_root=values["actions_root"] or "",
        json=values["json"],
        colour=values["color"] or "auto",
        depth=depth(values["verbose"] or 0, values["quiet"] or 0),
    )


def depth(verbose: int, quiet: int) -> Depth:
    """
    >>> depth(0, 0), depth(1, 0), depth(0, 1), depth(5, 0), depth(0, 2)
    ('steps', 'output', 'failures', 'decisions', 'silent')
    """
    return DEPTHS[min(max(2 + verbose - quiet, 0), 4)]


def _one_a_key(given: list[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in given:
        if found.setdefault(key, value) != value:
            raise UsageError(Problem(f"--matrix {key}: two values for one key", hint="no leg can have both"))
    return found


def _from_files(name: str, paths: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in paths:
        found |= read_dotenv(name, path)
    return found


def _payload(path: str | None) -> dict[str, Any]:
    if not path:
        return {}
    import json
    import sys

    text = sys.stdin.read() if path == "-" else read_text("--payload", path)
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise UsageError(
            Problem(f"--payload: this is not JSON ({error.msg})", Position(path, error.lineno, error.colno))
        ) from error
    if not isinstance(value, dict):
        raise UsageError(Problem("--payload takes a JSON object", Position(path, 1, 1)))
    return value


def _actions(texts: tuple[str, ...]) -> dict[str, str]:
    """`OWNER/NAME@REF` → absolute folder."""
    found: dict[str, str] = {}
    for action, folder in pairs("--action", texts):
        name, at, ref = action.partition("@")
        if not at or not ref or name.count("/") != 1 or not all(name.split("/")):
            raise UsageError(Problem(f"--action {action}: this is not OWNER/NAME@REF", hint="such as actions/checkout@v4=DIR"))
        if not os.path.isdir(folder):
            raise UsageError(Problem(f"--action {action}: there is no folder {folder}"))
        found[action] = os.path.abspath(folder)
    return found
