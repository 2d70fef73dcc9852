"""Where a container has the folders of a job: as GitHub's runner names them there. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from headrace.sandbox.containers.model import Mount

WORK = "/__w"
TOOLS = "/__t"
EXTERNALS = "/__e"
HOME = "/github/home"
WORKFLOW = "/github/workflow"
WORKSPACE = "/github/workspace"
TEMP = "/github/runner_temp"
COMMANDS = "/github/file_commands"

HOME_FOLDER = "_github_home"
"""HOME of containers, below the job's temporary folder."""


class Mounts:
    """Both ways of naming a path. The first mount that holds it counts, so inner ones stand before outer ones."""

    def __init__(self, mounts: Sequence[Mount]) -> None:
        self.mounts = tuple(mounts)

    def inside(self, path: str) -> str:
        """The path in the container of one of the job's folders; any other as it is.

        >>> mounts = Mounts([Mount("/leg/files/_temp", "/github/runner_temp"), Mount("/leg/files", "/__w")])
        >>> mounts.inside("/leg/files/_temp/x"), mounts.inside("/leg/files/a"), mounts.inside("/leg/filesets"), mounts.inside("/")
        ('/github/runner_temp/x', '/__w/a', '/leg/filesets', '/')
        """
        for mount in self.mounts:
            if path == mount.source or path.startswith(f"{mount.source}/"):
                return mount.target + path[len(mount.source) :]
        return path

    def outside(self, path: str) -> str:
        """The other way.

        >>> Mounts([Mount("/leg/files", "/__w")]).outside("/__w/a"), Mounts([]).outside("/__w/a")
        ('/leg/files/a', '/__w/a')
        """
        for mount in self.mounts:
            if path == mount.target or path.startswith(f"{mount.target}/"):
                return mount.source + path[len(mount.target) :]
        return path

    def all_inside(self, text: str) -> str:
        """A text with every path of the job's folders as the container has it.

        >>> Mounts([Mount("/leg/files", "/__w")]).all_inside("see /leg/files/a, /leg/files:/leg/fileset and x/leg/files")
        'see /__w/a, /__w:/leg/fileset and x/leg/files'
        """
        for mount in self.mounts:
            if mount.source in text:
                text = _whole(mount.source).sub(mount.target.replace("\\", r"\\"), text)
        return text

    def all_outside(self, text: str) -> str:
        """The other way."""
        for mount in self.mounts:
            if mount.target in text:
                text = _whole(mount.target).sub(mount.source.replace("\\", r"\\"), text)
        return text


def _whole(path: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w./-]){re.escape(path)}(?![\w.-])")


def of_job(work: str, temp: str, tools: str) -> Mounts:
    """What the container of a job has: `work` is the folder that holds the workspace's folder."""
    return Mounts(
        [
            Mount(f"{temp}/{HOME_FOLDER}", HOME),
            Mount(f"{temp}/_github_workflow", WORKFLOW),
            Mount(work, WORK),
            Mount(tools, TOOLS),
        ]
    )


def of_action(workspace: str, temp: str) -> Mounts:
    """What the container of an action has."""
    return Mounts(
        [
            Mount(f"{temp}/{HOME_FOLDER}", HOME),
            Mount(f"{temp}/_github_workflow", WORKFLOW),
            Mount(f"{temp}/_runner_file_commands", COMMANDS),
            Mount(temp, TEMP),
            Mount(workspace, WORKSPACE),
        ]
    )
