"""The environment of a step's process, put together from contexts and variables. Mappings in, a dict out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# Keys of the `github` context that processes get. The runner exports exactly these; never token, event and a few more.
_GITHUB = (
    "action", "action_path", "action_ref", "action_repository", "actor", "actor_id", "api_url", "base_ref", "env",
    "event_name", "event_path", "graphql_url", "head_ref", "job", "output", "path", "ref", "ref_name", "ref_protected",
    "ref_type", "repository", "repository_id", "repository_owner", "repository_owner_id", "retention_days", "run_attempt",
    "run_id", "run_number", "server_url", "sha", "state", "step_summary", "triggering_actor", "workflow", "workflow_ref",
    "workflow_sha", "workspace"
)  # fmt: skip
_RUNNER = ("os", "arch", "name", "environment", "temp", "tool_cache", "workspace", "debug")


def step_environment(
    *,
    base: Mapping[str, str],
    env: Mapping[str, str],
    defaults: Mapping[str, str],
    actions: Mapping[str, str],
    inputs: Mapping[str, str] | None = None,
    state: Mapping[str, str] | None = None,
    path_entries: Sequence[str] = (),
) -> dict[str, str]:
    """The whole environment, weakest first: `base` (what the job inherits), `env` (the env context), `state` (names without
    STATE_), `inputs` (finished INPUT_ variables of `input_variables`), PATH, `defaults` (`default_variables`), `actions`
    (ACTIONS_*). `path_entries` are the job's GITHUB_PATH entries, oldest first.

    >>> step_environment(base={"PATH": "/bin"}, env={"CI": "no"}, defaults={}, actions={}, path_entries=["/a", "/b"])
    {'PATH': '/b:/a:/bin', 'CI': 'no', 'GITHUB_ACTIONS': 'true'}
    """
    result = {**base, **env}
    for name, value in (state or {}).items():
        result[f"STATE_{name}"] = value
    result.update(inputs or {})
    if path_entries:
        result["PATH"] = prepend_path(result.get("PATH", ""), path_entries)
    result.update(defaults)
    result.update(actions)
    result["GITHUB_ACTIONS"] = "true"
    result.setdefault("CI", "true")
    return result


def prepend_path(path: str, entries: Sequence[str]) -> str:
    """`entries` (oldest first) before `path`, the newest first; nothing is added where they stand there already."""
    prefix = ":".join(reversed(entries))
    if not path:
        return prefix
    return path if path == prefix or path.startswith(f"{prefix}:") else f"{prefix}:{path}"


def default_variables(github: Mapping[str, Any], runner: Mapping[str, Any]) -> dict[str, str]:
    """The GITHUB_* and RUNNER_* variables: one for each key of the contexts that is exported and there, null as empty text.

    >>> default_variables({"ref_protected": False, "token": "t", "head_ref": None}, {"os": "Linux"})
    {'GITHUB_HEAD_REF': '', 'GITHUB_REF_PROTECTED': 'false', 'RUNNER_OS': 'Linux'}
    """
    result = {f"GITHUB_{key.upper()}": _text(github[key]) for key in _GITHUB if key in github}
    result.update({f"RUNNER_{key.upper()}": _text(runner[key]) for key in _RUNNER if runner.get(key) is not None})
    return result


def surroundings(env: Mapping[str, str], names: Iterable[str]) -> str:
    """Lines for `sudo` of a job (sandbox/sudo.sh), which put those of the variables that are there before a command.

    >>> print(surroundings({"A": "it's", "B": "b"}, ["A", "C"]), end="")
    set -- 'A=it'\\''s' "$@"
    """
    quoted = [f"{name}={env[name]}".replace("'", "'\\''") for name in names if name in env]
    return "".join(f"set -- '{each}' \"$@\"\n" for each in quoted)


def input_variables(declared: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """The INPUT_ variables of an action: every declared input with its default (already evaluated), and every given one, declared
    or not. A given empty text suppresses the default.

    >>> input_variables({"fetch-depth": "1", "my token": ""}, {"Fetch-Depth": "", "x": "y"})
    {'INPUT_FETCH-DEPTH': '', 'INPUT_MY_TOKEN': '', 'INPUT_X': 'y'}
    """
    result = {_input_name(name): value for name, value in declared.items()}
    result.update({_input_name(name): value for name, value in given.items()})
    return result


def _input_name(name: str) -> str:
    # One character stays one character: the invariant culture knows no `SS` for `ß`.
    upper = "".join([char.upper() if len(char.upper()) == 1 else char for char in name])
    return f"INPUT_{upper.replace(' ', '_')}"


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)
