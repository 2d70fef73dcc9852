"""What may stand in an action's manifest. Unknown keys are ignored at the top and in inputs, and nowhere else."""

from __future__ import annotations

from headrace.workflow.definitions import (
    NULL,
    Definition,
    Scope,
    Shape,
    anything,
    boolean,
    either,
    list_of,
    map_of,
    mapping,
    non_empty,
    string,
)

DEFAULT = Scope(frozenset({"github", "strategy", "matrix", "job", "runner"})).with_names(hashfiles=(1, 255))
INNER = Scope(frozenset({"github", "inputs", "strategy", "matrix", "steps", "job", "runner", "env"}), {"hashfiles": (1, 255)})
INNER_IF = INNER.with_names(always=(0, 0), cancelled=(0, 0), success=(0, 0), failure=(0, 0))
_INPUTS = Scope(frozenset({"inputs"}))

_text = string()
_inner = string(INNER)
_inner_map = map_of(_inner, INNER)


def _open(keys: dict[str, Definition]) -> Definition:
    """A mapping with these keys and any others."""
    return Definition(shapes=(Shape(keys, free_key=non_empty(), free_value=anything()),))


_step_keys = {"id": non_empty(), "name": _inner, "if": string(INNER_IF), "env": _inner_map, "continue-on-error": boolean(INNER)}
_step = Definition(
    shapes=(
        Shape({**_step_keys, "run": _inner, "shell": _inner, "working-directory": _inner}, ("run", "shell")),
        Shape({**_step_keys, "uses": non_empty(), "with": _inner_map}, ("uses",)),
    )
)
_stages = {"using": non_empty(), "pre-if": _text, "post-if": _text}
_docker_map = map_of(string(_INPUTS), _INPUTS)
_docker = {
    "image": non_empty(), "args": list_of(string(_INPUTS), _INPUTS), "env": _docker_map, "entrypoint": non_empty(),
    "pre-entrypoint": non_empty(), "post-entrypoint": non_empty(),
}  # fmt: skip
_runs = Definition(
    shapes=(
        Shape({**_stages, "main": non_empty(), "pre": non_empty(), "post": non_empty()}),
        Shape({**_stages, **_docker}),
        Shape({"using": non_empty(), "steps": list_of(_step)}, ("steps",)),
    )
)
_input = _open({"default": either(NULL, string(DEFAULT), scope=DEFAULT), "deprecationMessage": _text})
ACTION = _open(
    {
        "name": _text,
        "description": _text,
        "inputs": map_of(_input),
        "outputs": map_of(mapping({"description": _text, "value": _inner})),
        "runs": _runs,
    }
)
