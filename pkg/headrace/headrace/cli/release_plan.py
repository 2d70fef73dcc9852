"""What the push of a tag that does not exist yet would start."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headrace.cli.options import Asked
    from headrace.events.model import Repository


def asked_for(repository: Repository, ref: str, sha: str = "HEAD", approved: tuple[str, ...] = ()) -> Asked:
    """As `headrace plan push --ref REF --sha HEAD` would ask, with what `[tool.headrace]` says. Without `sha`: as the working
    tree is. `approved`: names of environments."""
    from headrace.cli.config import settle
    from headrace.cli.declared import Call
    from headrace.cli.options import PLAN, asked

    values: dict[str, Any] = {option.dest: option.empty for option in PLAN}
    selecting: tuple[str, ...] = ("repo", "workflow", "job", "no_needs", "matrix", "ref", "sha", "base", "head", "payload")
    values |= {"event": "push", "ref": ref, "sha": sha}
    if approved:
        values["approve"] = approved
        selecting += ("approve",)
    settled = settle(Call(values, frozenset(selecting)), PLAN, repository.root)
    return asked(settled)


def snapshots(repository: Repository) -> str:
    """The git directory that holds snapshots of this repository's working trees."""
    from headrace.base.paths import state_dir
    from headrace.cli.parsed import name_of

    return os.path.join(state_dir(), "repositories", name_of(repository.git_dir))
