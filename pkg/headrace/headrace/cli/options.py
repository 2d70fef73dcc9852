"""The options that `run` and `plan` share, and those that `run` adds: declared once, here."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from headrace.base.errors import Position, Problem, UsageError
from headrace.cli.declared import Option
from headrace.cli.pairs import pairs, read_dotenv, read_text, secrets
from headrace.report.colour import Choice

Depth = Literal["silent", "failures", "steps", "output", "decisions"]
DEPTHS: tuple[Depth, ...] = ("silent", "failures", "steps", "output", "decisions")


EVENT = "push"
"""What happened where a call does not say."""

SELECTING = (
    Option(("--repo",), "one", "DIR", "The repository (default: the one we stand in)."),
    Option(("-W", "--workflow"), "many", "FILE", "Only this workflow: a path, a name or a folder (repeatable)."),
    Option(("-j", "--job"), "many", "ID", "Only this job and what it needs (repeatable)."),
    Option(("--no-needs",), "flag", "", "With --job: without what it needs."),
    Option(("--matrix",), "many", "K=V", "Only matching legs (repeatable)."),
)
HAPPENING = (
    Option(("--ref",), "one", "REF", "The ref that the event names (default: the present branch)."),
    Option(("--sha",), "one", "SHA", "The commit whose tree is used (default: REF's, else the working tree)."),
    Option(("--base",), "one", "REV", "pull_request: where it would be merged into."),
    Option(("--head",), "one", "REV", "pull_request: what would be merged."),
    Option(("--payload",), "one", "FILE", "The event's JSON payload; what it lacks is filled in ('-': standard input)."),
    Option(("--actor",), "one", "NAME", "Who did it."),
    Option(("--input",), "many", "K=V", "An input of workflow_dispatch (repeatable)."),
)
SURROUNDINGS = (
    Option(("--secret",), "many", "K[=V]", "A secret; without a value, from the variable of its name (repeatable)."),
    Option(("--var",), "many", "K=V", "A configuration variable (repeatable)."),
    Option(("--env",), "many", "K=V", "An environment variable of all jobs, the weakest (repeatable)."),
    Option(("--secret-file",), "many", "F", "Secrets in dotenv format (repeatable)."),
    Option(("--var-file",), "many", "F", "Variables in dotenv format (repeatable)."),
    Option(("--env-file",), "many", "F", "Environment variables in dotenv format (repeatable)."),
    Option(("--approve",), "many", "NAME", "Let jobs deploy to this environment; --secret NAME/K is of it alone (repeatable)."),
    Option(("--action",), "many", "OWNER/NAME@REF=DIR", "Use this folder for that action (repeatable)."),
    Option(("--actions-root",), "one", "DIR", "A folder of git mirrors OWNER+NAME/repo."),
    Option(
        ("--containers",), "choice", "", "What runs containers of jobs (default: auto).", ("auto", "podman", "docker", "none")
    ),
)
RUNNING = (
    Option(("--isolation",), "choice", "", "What parts jobs from the machine (default: auto).", ("auto", "namespaces", "host")),
    Option(("--network",), "choice", "", "Which network jobs see.", ("private", "host", "none")),
    Option(("--expose",), "many", "PATH", "Let jobs see this path of the machine (repeatable)."),
    Option(("--memory",), "size", "SIZE", "Memory that one job may use, such as 4g."),
    Option(("--processes",), "number", "N", "Processes that one job may have."),
    Option(("--disk",), "size", "SIZE", "Room on the disk that the files of one job may take, such as 10g."),
    Option(("--forward",), "many", "NAME", "Give jobs pip.conf, uv.toml, .npmrc, .netrc or a variable of yours (repeatable)."),
    Option(("--native",), "choice", "", "Native drop-ins for well-known actions.", ("on", "off")),
    Option(("--max-parallel",), "number", "N", "At most so many jobs at once."),
    Option(("--no-share",), "flag", "", "Run every job from its first step, sharing nothing."),
    Option(("--keep",), "flag", "", "Keep the jobs' folders."),
    Option(("--path-prepend",), "many", "DIR", "Put this folder first on the PATH of jobs (repeatable)."),
    Option(("--skip-unsupported",), "flag", "", "Do not fail for jobs that cannot run here."),
)
COLOUR = Option(("--color",), "choice", "", "Colours (default: auto).", ("auto", "always", "never"))
TALKING = (
    COLOUR,
    Option(("-v", "--verbose"), "count", "", "Show steps' output; twice: decisions too."),
    Option(("-q", "--quiet"), "count", "", "Show failures and the summary only; twice: nothing."),
)

PLAN = (
    *SELECTING,
    *HAPPENING,
    *SURROUNDINGS,
    Option(("--explain",), "flag", "", "Say of each leg where its values and its verdict come from."),
    Option(("--json",), "flag", "", "Print one JSON object."),
    *TALKING,
)
RUN = (
    *SELECTING,
    *HAPPENING,
    *SURROUNDINGS,
    *RUNNING,
    Option(("--json",), "flag", "", "Print one JSON object at the end."),
    Option(("--json-stream",), "flag", "", "Print one record a line as it happens."),
    *TALKING,
)


class Asked(Struct, frozen=True):
    """What a call of `run` or `plan` asks for, with the defaults in it. `matrix`: what a leg's values must be. `approved`: the
    environments that jobs may deploy to; `secrets_of` and `vars_of`: an environment in lower case → what it has of its own."""

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
    approved: tuple[str, ...]
    secrets_of: dict[str, dict[str, str]]
    vars_of: dict[str, dict[str, str]]
    env: dict[str, str]
    actions: dict[str, str]
    actions_root: str
    native: bool
    containers: str
    json: bool
    colour: Choice
    depth: Depth


def asked(values: Mapping[str, Any]) -> Asked:
    """Settled option values → what is asked for. Reads the files that options name. Raises UsageError."""
    approved = tuple(values["approve"])
    own_secrets, secrets_of = _of_environments("--secret", secrets(values["secret"], os.environ), approved)
    own_vars, vars_of = _of_environments("--var", dict(pairs("--var", values["var"])), approved)
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
        secrets=_from_files("--secret-file", values["secret_file"]) | own_secrets,
        vars=_from_files("--var-file", values["var_file"]) | own_vars,
        approved=approved,
        secrets_of=secrets_of,
        vars_of=vars_of,
        env=_from_files("--env-file", values["env_file"]) | dict(pairs("--env", values["env"])),
        actions=_actions(values["action"]),
        actions_root=values["actions_root"] or "",
        native=values.get("native") != "off",
        containers=values["containers"] or "auto",
        json=values["json"],
        colour=values["color"] or "auto",
        depth=depth(values["verbose"] or 0, values["quiet"] or 0),
    )


def _of_environments(
    option: str, given: Mapping[str, str], approved: Sequence[str]
) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Those of the repository, and those that one environment has (`NAME/K`)."""
    own: dict[str, str] = {}
    found: dict[str, dict[str, str]] = {}
    for key, value in given.items():
        environment, slash, name = key.rpartition("/")
        if not slash:
            own[key] = value
        elif environment.lower() in map(str.lower, approved):
            found.setdefault(environment.lower(), {})[name] = value
        else:
            hint = f"--approve '{environment}' lets them" if environment else f"{option} takes NAME, or ENVIRONMENT/NAME"
            raise UsageError(Problem(f"{option} {key}: no job may deploy to '{environment}'", hint=hint))
    return own, found


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
