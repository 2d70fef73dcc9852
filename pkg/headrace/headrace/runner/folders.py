"""The folders that a job finds: made before its first step, or ahead of that, while nobody waits."""

from __future__ import annotations

import os

from headrace.runner.filecommands import FILES
from headrace.runner.ticket import Folders
from headrace.sandbox.protocol import Sandbox

COMMANDS = "_runner_file_commands"
WORKFLOW = "_github_workflow"
AHEAD = "ahead"
"""Stands for the mark of a step in the names of command files that were made before there was one."""


def make(sandbox: Sandbox, folders: Folders) -> None:
    """Make those of the job that are missing. Raises OSError."""
    temp = folders.temp
    sandbox.make_folders([folders.workspace, folders.home, f"{temp}/{COMMANDS}", f"{temp}/{WORKFLOW}", folders.tool_cache])


def make_ahead(sandbox: Sandbox, folders: Folders) -> None:
    """Make all that a job finds which is not known yet. Raises OSError."""
    make(sandbox, folders)
    sandbox.renew([("", path) for path in command_files(folders.temp, AHEAD).values()])


def command_files(temp: str, mark: str) -> dict[str, str]:
    """The paths of a step's command files, by their kind."""
    return {kind: f"{temp}/{COMMANDS}/{prefix}{mark}" for kind, _, prefix in FILES}


def draft(work: str) -> str:
    """Where a leg that is not known yet has its folder, among those of the others."""
    return f"{work}/ahead-{os.getpid()}"


def take(ahead: str, root: str) -> bool:
    """Give the leg the folder that was made ahead, if there is one; else make it. Whether there was one. Raises OSError."""
    if ahead:
        try:
            os.rename(ahead, root)
            return True
        except OSError:
            pass
    os.makedirs(root, mode=0o700, exist_ok=True)
    return False
