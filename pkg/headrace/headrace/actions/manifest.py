"""What an action says about itself, as far as a runner needs it before starting one. Standard library only, for the drop-ins."""

from __future__ import annotations

from typing import NamedTuple


class Manifest(NamedTuple):
    """`inputs` maps each declared input to its default text, which may hold `${{ }}`; "" where the action gives none.
    `post_if` is a condition without `${{ }}`; it counts only where `post` is true."""

    name: str
    inputs: dict[str, str]
    outputs: tuple[str, ...] = ()
    post: bool = False
    post_if: str = "always()"
