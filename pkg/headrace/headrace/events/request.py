"""What the command line says about the event, before anything of the repository is known."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class EventRequest(Struct, frozen=True):
    """`--ref`, `--sha`, `--base`, `--head`, `--payload`, `--actor` and `--input`, as given; empty where not given.

    `payload` is the parsed JSON object, `inputs` the raw texts of workflow_dispatch.
    """

    ref: str = ""
    sha: str = ""
    base: str = ""
    head: str = ""
    payload: dict[str, Any] = {}
    actor: str = ""
    inputs: dict[str, str] = {}
