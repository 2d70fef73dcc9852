"""The face that every container engine has: command lines, and what is read from their output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from headrace.sandbox.containers.model import Found, Made


class ContainerEngine(Protocol):
    """Each method gives the words of one command, but those that say otherwise."""

    found: Found
    names: bool
    """Whether containers of a network find one another by name: else they get addresses and lists of hosts."""

    def version(self) -> list[str]: ...

    def pull(self, image: str, config: str = "") -> list[str]:
        """`config`: a folder that `sign_in` has filled."""
        ...

    def sign_in(self, folder: str, auths: Mapping[str, Mapping[str, str]], env: Mapping[str, str]) -> None:
        """Write credentials into an empty folder, and what of the user's other settings a pull wants. `auths`: registry → what
        its entry holds; `env`: the environment of the engine's program. Gives no words. Raises OSError."""
        ...

    def build(self, tag: str, dockerfile: str, folder: str, labels: Mapping[str, str]) -> list[str]: ...

    def has_image(self, image: str) -> list[str]:
        """It ends well where the image is here."""
        ...

    def image_config(self, image: str) -> list[str]:
        """Prints what `read_config` reads."""
        ...

    def load(self, file: str, image: str) -> list[str]:
        """Make an image of a tar file with its root."""
        ...

    def create(self, made: Made) -> list[str]: ...

    def start(self, container: str) -> list[str]: ...

    def run(self, made: Made) -> list[str]:
        """Stays until it has ended, and removes the container."""
        ...

    def execute(self, container: str, argv: Sequence[str], env: Mapping[str, str], workdir: str) -> list[str]: ...

    def told(self, env: Mapping[str, str]) -> dict[str, str]:
        """What of the environment of a container the engine's program has to be given, as its words name it only: who sees a
        process may read its words. What it would take as meant for itself stands in them all the same."""
        ...

    def state(self, container: str) -> list[str]:
        """Prints what `read_state` reads."""
        ...

    def check(self, container: str) -> list[str]:
        """One look at the health of a container, whose exit code tells it; empty where the engine looks by itself. (podman
        does with timers of systemd, where there is one.)"""
        ...

    def logs(self, container: str) -> list[str]: ...

    def remove(self, containers: Sequence[str]) -> list[str]: ...

    def create_network(self, name: str, labels: Mapping[str, str]) -> list[str]: ...

    def network(self, name: str) -> list[str]:
        """Prints what `read_subnet` reads."""
        ...

    def remove_network(self, names: Sequence[str]) -> list[str]: ...

    def remove_image(self, names: Sequence[str]) -> list[str]: ...

    def listed(self, what: str, label: str) -> list[str]:
        """Prints, a line each, what of `container`, `network` or `image` has the label (`NAME=VALUE`)."""
        ...
