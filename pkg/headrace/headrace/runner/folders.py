"""The folders that a job finds: made before its first step, or ahead of that, while nobody waits."""

from __future__ import annotations

import os
from collections.abc import Sequence

from headrace.runner.ticket import Folders

COMMANDS = "_runner_file_commands"
WORKFLOW = "_github_workflow"


def make(folders: Folders) -> None:
    """Make those that are missing. Raises OSError."""
    os.makedirs(folders.root, mode=0o700, exist_ok=True)
    for folder in (
        folders.workspace,
        folders.home,
        f"{folders.temp}/{COMMANDS}",
        f"{folders.temp}/{WORKFLOW}",
        folders.tool_cache,
    ):
        os.makedirs(folder, exist_ok=True)


def make_ahead(what: Sequence[str]) -> str:
    """For a leg that is not known yet. `what`: the folder that the legs' folders lie in, and the repository's name, or nothing.
    Returns the path, empty where there is none: a new folder takes a millisecond on some file systems, and a job has nine."""
    match what:
        case [work, repository]:
            root = f"{work}/ahead-{os.getpid()}"
            try:
                make(Folders.below(root, repository, ""))
            except OSError:  # the leg will fail of the same, and say so
                return ""
            return root
        case _:
            return ""


def take(ahead: str, folders: Folders) -> None:
    """Give the leg the folders that were made ahead, if there are any, and make what is missing. Raises OSError."""
    if ahead:
        try:
            os.rename(ahead, folders.root)
        except OSError:
            pass
    make(folders)
