"""The nouns of an action's manifest (`action.yml`). What may hold expressions is kept as a `Token` until it is evaluated."""

from __future__ import annotations

from typing import Union

from msgspec import Struct

from headrace.workflow.model import Step, Uses
from headrace.workflow.tokens import Token


class Node(Struct, frozen=True, tag="node"):
    """Programs for node, by paths below the manifest's folder; empty where there is none. `using`: `node20` and the like.
    Conditions as in the file, without the implicit `success()`, which is not tied to them."""

    using: str
    main: str
    pre: str = ""
    post: str = ""
    pre_if: str = "always()"
    post_if: str = "always()"


class Docker(Struct, frozen=True, tag="docker"):
    """`image` is `docker://…`, or the path of a Dockerfile. `args` and `env` may read the action's inputs; `entrypoint` and those
    of the other stages are empty where there is none."""

    image: str
    args: Union[Token, None] = None
    env: Union[Token, None] = None
    entrypoint: str = ""
    pre: str = ""
    post: str = ""
    pre_if: str = "always()"
    post_if: str = "always()"


class Composite(Struct, frozen=True, tag="composite"):
    """`outputs`: name → value."""

    steps: tuple[Step, ...]
    outputs: dict[str, Token] = {}

    @property
    def references(self) -> tuple[str, ...]:
        """The actions that its own steps use, as they are written."""
        return tuple(step.body.uses for step in self.steps if isinstance(step.body, Uses))


class ActionInput(Struct, frozen=True):
    default: Union[Token, None] = None
    deprecated: str = ""  # what to say to who gives it


class Action(Struct, frozen=True):
    """`path`: of the manifest's folder in its repository, empty for the root. `file`: the manifest's name, empty where only a
    Dockerfile is there."""

    name: str
    inputs: dict[str, ActionInput]
    runs: Union[Node, Docker, Composite]
    path: str = ""
    file: str = ""

    def input(self, name: str) -> ActionInput | None:
        """Names ignore case."""
        return next((found for key, found in self.inputs.items() if key.lower() == name.lower()), None)
