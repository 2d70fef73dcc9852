"""A manifest's bytes → `Action`, or what is wrong with it in a hosted runner's words."""

from __future__ import annotations

from msgspec import Struct

from headrace.base.errors import Position, Problem
from headrace.workflow import messages, steps
from headrace.workflow.action import Action, ActionInput, Composite, Docker, Node
from headrace.workflow.action_schema import ACTION, INNER_IF
from headrace.workflow.lookup import entries, fields, text
from headrace.workflow.problems import Problems
from headrace.workflow.tokens import Expression, Scalar, Token
from headrace.workflow.yaml_tokens import FileError, Limits, Used, read

MANIFESTS = ("action.yml", "action.yaml")
"""In this order; a folder with neither may hold one of `DOCKERFILES`, which is an action without inputs."""

DOCKERFILES = ("Dockerfile", "dockerfile")
_NODES = frozenset(("node12", "node16", "node20", "node24"))


class LoadedAction(Struct, frozen=True):
    """`action` is None exactly where there are problems."""

    action: Action | None
    problems: tuple[Problem, ...] = ()


def load_action(file: str, content: bytes, path: str = "") -> LoadedAction:
    """Read a manifest. `file` is its name in positions, `path` its folder in its repository. Never raises."""
    problems = Problems()
    root: Token | None = None
    try:
        root = read(file, content, ACTION, Limits(), Used(), problems)
    except FileError as error:
        problems.add(error.message, Position(file, error.line, error.column))
    except RecursionError:
        problems.add(messages.DEPTH_EXCEEDED, Position(file))
    made = _action(root, file, path, problems) if root is not None and not problems else None
    return LoadedAction(None, tuple(problems.kept)) if problems or made is None else LoadedAction(made)


def dockerfile_action(file: str, path: str = "") -> Action:
    """What a folder with a Dockerfile and no manifest is."""
    return Action("", {}, Docker(file), path)


def _action(root: Token, file: str, path: str, problems: Problems) -> Action | None:
    block = fields(root)
    if "runs" not in block:
        problems.add(messages.no_runs(file.rpartition("/")[2]), Position(file))
        return None
    runs = fields(block["runs"])
    at = block["runs"].at
    using = text(runs.get("using")).lower()
    made: Node | Docker | Composite
    if using == "composite":
        if "steps" not in runs:
            problems.add(messages.required("steps"), at)
        outputs = {
            str(key.value): fields(value)["value"] for key, value in entries(block.get("outputs")) if "value" in fields(value)
        }
        made = Composite(steps.convert(runs.get("steps"), problems, INNER_IF), outputs)
    elif using == "docker":
        if not text(runs.get("image")):
            problems.add(messages.NO_IMAGE, at)
        made = Docker(
            text(runs.get("image")),
            runs.get("args"),
            runs.get("env"),
            text(runs.get("entrypoint")),
            text(runs.get("pre-entrypoint")),
            text(runs.get("post-entrypoint")),
            text(runs.get("pre-if")) or "always()",
            text(runs.get("post-if")) or "always()",
        )
    elif using in _NODES:
        if not text(runs.get("main")):
            problems.add(messages.NO_ENTRY, at)
        made = Node(
            using,
            text(runs.get("main")),
            text(runs.get("pre")),
            text(runs.get("post")),
            text(runs.get("pre-if")) or "always()",
            text(runs.get("post-if")) or "always()",
        )
    else:
        problems.add(messages.bad_using(text(runs["using"])) if "using" in runs else messages.NO_USING, at)
        return None
    inputs = {str(key.value): _input(value) for key, value in entries(block.get("inputs"))}
    return Action(text(block.get("name")), inputs, made, path, file.rpartition("/")[2])


def _input(token: Token) -> ActionInput:
    block = fields(token)
    default = block.get("default")
    if isinstance(default, Scalar) and default.value is None:
        default = None
    return ActionInput(default if isinstance(default, (Scalar, Expression)) else None, text(block.get("deprecationMessage")))
