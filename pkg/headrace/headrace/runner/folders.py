"""The folders that a job finds: made before its first step, or ahead of that, while nobody waits."""

from __future__ import annotations

import os

from headrace.runner.ticket import Folders
from headrace.sandbox.protocol import Sandbox

COMMANDS = "_runner_file_commands"
WORKFLOW = "_github_workflow"


def make(sandbox: Sandbox, folders: Folders) -> None:
    """Make those of the job that are missing. Raises OSError."""
    temp = folders.temp
    sandbox.make_folders([folders.workspace, folders.home, f"{temp}/{COMMANDS}", f"{temp}/{WORKFLOW}", folders.tool_cache])


def draft(work: str) -> str:
    """Where a leg that is not known yet has its folder, among those of the others."""
    return f"{work}/ahead-{os.getpid()}"


def take(ahead: str, root: str) -> None:
    """Give the leg the folder that was made ahead, if there is one; else make it. Raises OSError."""
    if ahead:
        try:
            os.rename(ahead, root)
        except OSError:
            pass
    os.makedirs(root, mode=0o700, exist_ok=True)
