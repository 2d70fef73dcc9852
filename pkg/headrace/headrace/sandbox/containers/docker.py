"""docker: a daemon, most often root's, that everybody of a group may ask for everything."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

import msgspec

from headrace.sandbox.containers.commands import SETTINGS, Commands, write_settings


class Docker(Commands):
    def pull(self, image: str, config: str = "") -> list[str]:
        words = self._words("pull", image)
        return [words[0], "--config", config, *words[1:]] if config else words

    def sign_in(self, folder: str, auths: Mapping[str, Mapping[str, str]], env: Mapping[str, str]) -> None:
        """Which daemon is asked stands in the user's settings, unless a variable says it: these have to name the same."""
        settings: dict[str, object] = {"auths": auths}
        if context := current_context(env):
            settings["currentContext"] = context
            os.symlink(os.path.join(config_folder(env), "contexts"), os.path.join(folder, "contexts"))
        write_settings(folder, settings)


def config_folder(env: Mapping[str, str]) -> str:
    """Where the user's settings are."""
    return env.get("DOCKER_CONFIG") or os.path.join(env.get("HOME") or os.path.expanduser("~"), ".docker")


def current_context(env: Mapping[str, str]) -> str:
    """The daemon that is asked by the user's settings; empty for the default one."""
    try:
        with open(os.path.join(config_folder(env), SETTINGS), "rb") as file:
            found = msgspec.json.decode(file.read())
    except (OSError, msgspec.DecodeError):
        return ""
    return str(found.get("currentContext") or "") if isinstance(found, dict) else ""


def mend(said: str, user: str, *, systemd: bool) -> str:
    """The command that helps against what docker has said; empty where none is known. `systemd`: whether it runs this machine.

    >>> mend("permission denied while trying to connect to the Docker daemon socket", "me", systemd=True)
    'sudo usermod -aG docker me && newgrp docker'
    >>> said = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
    >>> mend(said, "me", systemd=True), mend(said, "me", systemd=False), mend(said.replace("/var", "/mine"), "me", systemd=True)
    ('sudo systemctl start docker', '', '')
    """
    if re.search("permission denied while trying to connect", said, re.IGNORECASE):
        return f"sudo usermod -aG docker {user} && newgrp docker"
    if systemd and re.search(
        r"docker (?:daemon|API) at unix:///(?:var/)?run/docker\.sock.*daemon (?:is )?running", said, re.IGNORECASE
    ):
        return "sudo systemctl start docker"
    return ""
