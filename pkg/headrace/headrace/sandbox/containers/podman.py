"""podman: no daemon; containers belong to whoever calls it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headrace.sandbox.containers.commands import Commands
from headrace.sandbox.containers.model import Made


class Podman(Commands):
    """Names in networks want a helper that not every machine has, and that all networks of a machine share: so containers get
    addresses, and each the names of the others as a list of hosts."""

    names = False

    def pull(self, image: str, config: str = "") -> list[str]:
        return self._words("pull", *(["--authfile", f"{config}/config.json"] if config else []), image)

    def create_network(self, name: str, labels: Mapping[str, str]) -> list[str]:
        words = [word for key, value in labels.items() for word in ("--label", f"{key}={value}")]
        return self._words("network", "create", "--disable-dns", *words, name)

    def remove(self, containers: Sequence[str]) -> list[str]:
        return self._words("rm", "--force", "--volumes", "--time", "0", *containers)

    def check(self, container: str) -> list[str]:
        return self._words("healthcheck", "run", container)

    def _ids(self, made: Made) -> list[str]:
        return ["--uidmap", f"0:{made.ids}", "--gidmap", f"0:{made.ids}"] if made.ids else []
