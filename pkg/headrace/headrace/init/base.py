"""What was written last, as it was written: the base on which later changes are told from those of people."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from headrace.base.errors import Position, Problem, UsageError

PATH = ".github/headrace-init.json"


class Base(Struct, frozen=True):
    """`files` are the texts by their path."""

    schema: Literal["headrace.init-base/1"] = "headrace.init-base/1"
    files: dict[str, str] = {}


def read_base(text: str) -> Base:
    """Of the file's text, empty where there is none. Raises UsageError where it is something else."""
    if not text:
        return Base()
    try:
        return msgspec.json.decode(text, type=Base)
    except msgspec.MsgspecError as error:
        hint = "take it back from git; without it nothing tells what was written from what people have changed"
        raise UsageError(Problem(f"this is not what headrace init has written: {error}", Position(PATH), hint)) from None


def base_text(base: Base) -> str:
    return msgspec.json.format(msgspec.json.encode(base, order="sorted"), indent=2).decode() + "\n"
