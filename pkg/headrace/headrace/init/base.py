"""What was written last, as it was written: the base on which later changes are told from those of people."""

from __future__ import annotations

import re
from typing import Literal, Union

import msgspec
from msgspec import Struct

from headrace.base.errors import Position, Problem, UsageError

PATH = ".github/headrace-init.json"
_OURS = re.compile(
    r"\.github/(?:release\.py|workflows/[\w.@-]+\.ya?ml)|constraints\.txt|(?:(?!\.\.?/|\.git/)[^/\0]+/)*(?:Makefile|makefile|GNUmakefile|gates\.mk)"
)

Publish = Literal["described", "hardened"]


class Part(Struct, frozen=True):
    """What was put into a file of a person: the whole text as it was then, and each item of ours in it, as it stands there."""

    text: str
    items: dict[str, str]


class Base(Struct, frozen=True):
    """`files` are whole texts by their path, `parts` those of people. `branch` is the one whose pushes are tried; `publish` and
    `all_versions` are what was asked for by options; a clone on another machine says nothing of either. `pinned` are the
    requirements that were looked at when constraints.txt was made, `lowest` the Python."""

    schema: Literal["headrace.init-base/1"] = "headrace.init-base/1"
    branch: str = ""
    publish: Union[Publish, None] = None
    all_versions: bool = False
    lowest: str = ""
    pinned: tuple[str, ...] = ()
    files: dict[str, str] = {}
    parts: dict[str, Part] = {}


def read_base(text: str) -> Base:
    """Of the file's text, empty where there is none. Raises UsageError where it is something else."""
    if not text:
        return Base()
    hint = "take it back from git; without it nothing tells what was written from what people have changed"
    try:
        base = msgspec.json.decode(text, type=Base)
    except msgspec.MsgspecError as error:
        raise UsageError(Problem(f"this is not what headrace init has written: {error}", Position(PATH), hint)) from None
    for path in (*base.files, *base.parts):  # by these names files are written and removed
        if not _OURS.fullmatch(path):
            raise UsageError(Problem(f"headrace init does not write {path!r}", Position(PATH), hint))
    return base


def base_text(base: Base) -> str:
    return msgspec.json.format(msgspec.json.encode(base, order="sorted"), indent=2).decode() + "\n"
