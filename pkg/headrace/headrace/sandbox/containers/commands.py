"""What the command lines of podman and docker share."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from headrace.sandbox.containers.model import Found, Made

_ITS_OWN = re.compile(
    r"PATH|HOME|TMPDIR|USER|LOGNAME|TERM|XDG_.*|DOCKER_.*|BUILDKIT_.*|CONTAINERS?_.*|_CONTAINERS_.*|PODMAN_.*|BUILDAH_.*|STORAGE_.*"
    r"|REGISTRY_.*|REGISTRIES_.*|DBUS_.*|NOTIFY_SOCKET|LISTEN_.*|LD_.*|GO[A-Z]*|SSL_CERT_.*|(?i:(https?|no|all)_proxy)"
)
"""Variables that the engine's program would take as meant for itself."""

SETTINGS = "config.json"
"""Of a folder of settings, in the form that both engines read."""


class State(Struct, frozen=True):
    """`health` is empty where the image has no check; `ports`: `5432/tcp` → port of the machine; `pid`: its first process."""

    running: bool
    health: str = ""
    pid: int = 0
    exit_code: int = 0
    ports: dict[str, str] = {}
    env: dict[str, str] = {}
    interval: float = 0.0  # of the check, in seconds
    retries: int = 0
    start_period: float = 0.0


class Commands:
    """`names`: see `ContainerEngine`."""

    names = True

    def __init__(self, found: Found) -> None:
        self.found = found

    def _words(self, *words: str) -> list[str]:
        return [self.found.program, *self.found.options, *words]

    def version(self) -> list[str]:
        return self._words("version")

    def sign_in(self, folder: str, auths: Mapping[str, Mapping[str, str]], env: Mapping[str, str]) -> None:
        write_settings(folder, {"auths": auths})

    def build(self, tag: str, dockerfile: str, folder: str, labels: Mapping[str, str]) -> list[str]:
        return self._words("build", "-t", tag, "-f", dockerfile, *_labels(labels), folder)

    def has_image(self, image: str) -> list[str]:
        return self._words("image", "inspect", "--format", "{{.Id}}", image)

    def image_config(self, image: str) -> list[str]:
        return self._words("image", "inspect", image)

    def load(self, file: str, image: str) -> list[str]:
        return self._words("import", file, image)

    def create(self, made: Made) -> list[str]:
        return self._words("create", *self._made(made))

    def run(self, made: Made) -> list[str]:
        return self._words("run", "--rm", *self._made(made))

    def start(self, container: str) -> list[str]:
        return self._words("start", container)

    def execute(self, container: str, argv: Sequence[str], env: Mapping[str, str], workdir: str) -> list[str]:
        words = ["exec", "-i", "--workdir", workdir]
        for name, value in env.items():
            words += ["-e", f"{name}={value}" if _ITS_OWN.fullmatch(name) else name]
        return self._words(*words, container, *argv)

    def told(self, env: Mapping[str, str]) -> dict[str, str]:
        return {name: value for name, value in env.items() if not _ITS_OWN.fullmatch(name)}

    def state(self, container: str) -> list[str]:
        return self._words("container", "inspect", container)

    def check(self, container: str) -> list[str]:
        return []

    def logs(self, container: str) -> list[str]:
        return self._words("logs", container)

    def remove(self, containers: Sequence[str]) -> list[str]:
        return self._words("rm", "--force", "--volumes", *containers)

    def create_network(self, name: str, labels: Mapping[str, str]) -> list[str]:
        return self._words("network", "create", *_labels(labels), name)

    def network(self, name: str) -> list[str]:
        return self._words("network", "inspect", name)

    def remove_network(self, names: Sequence[str]) -> list[str]:
        return self._words("network", "rm", *names)

    def remove_image(self, names: Sequence[str]) -> list[str]:
        return self._words("image", "rm", "--force", *names)

    def listed(self, what: str, label: str) -> list[str]:
        match what:
            case "container":
                return self._words("ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={label}")
            case "network":
                return self._words("network", "ls", "--format", "{{.Name}}", "--filter", f"label={label}")
            case _:
                return self._words("image", "ls", "--quiet", "--filter", f"label={label}")

    def _made(self, made: Made) -> list[str]:
        words = ["--name", made.name, *_labels(made.labels), *self.found.limits, *self._ids(made)]
        if made.workdir:
            words += ["--workdir", made.workdir]
        if made.network:
            words += ["--network", made.network]
        if made.alias and self.names and not made.network.startswith(("container:", "host")):
            words += ["--network-alias", made.alias]
        if made.address:
            words += ["--ip", made.address]
        for name, address in made.hosts.items():
            words += ["--add-host", f"{name}:{address}"]
        for port in made.ports:
            words += ["-p", port]
        words += made.options
        for name, value in made.env.items():
            words += ["-e", f"{name}={value}" if _ITS_OWN.fullmatch(name) else name]
        for mount in made.mounts:
            words += ["-v", f"{mount.source}:{mount.target}{':ro' if mount.readonly else ''}"]
        for volume in made.volumes:
            words += ["-v", volume]
        if made.entrypoint is not None:
            words += ["--entrypoint", made.entrypoint]
        return [*words, made.image, *made.command]

    def _ids(self, made: Made) -> list[str]:
        return []


def write_settings(folder: str, settings: Mapping[str, Any]) -> None:
    with open(os.path.join(folder, SETTINGS), "wb") as file:
        file.write(msgspec.json.encode(settings))


def _labels(labels: Mapping[str, str]) -> list[str]:
    return [word for name, value in labels.items() for word in ("--label", f"{name}={value}")]


def read_state(text: str) -> State:
    """What `state` prints. Raises ValueError."""
    found = _first(text)
    state, config = found.get("State") or {}, found.get("Config") or {}
    health = state.get("Health") or state.get("Healthcheck") or {}
    check = config.get("Healthcheck") or {}
    ports = (found.get("NetworkSettings") or {}).get("Ports") or {}
    return State(
        running=bool(state.get("Running")),
        health=str(health.get("Status") or "starting").lower() if check.get("Test") not in (None, [], ["NONE"]) else "",
        pid=int(state.get("Pid") or 0),
        exit_code=int(state.get("ExitCode") or 0),
        ports={inner: str(outer[0].get("HostPort", "")) for inner, outer in ports.items() if outer},
        env=dict(_pair(each) for each in config.get("Env") or []),
        interval=float(check.get("Interval") or 0) / 1e9 or 30.0,
        retries=int(check.get("Retries") or 0) or 3,
        start_period=float(check.get("StartPeriod") or 0) / 1e9,
    )


def read_config(text: str) -> dict[str, Any]:
    """The configuration of an image, of what `image_config` prints. Raises ValueError."""
    config = _first(text).get("Config")
    return config if isinstance(config, dict) else {}


def read_subnet(text: str) -> str:
    """The first subnet of what `network` prints, such as `10.89.0.0/24`; empty where there is none. Raises ValueError."""
    found = _first(text)
    subnets = found.get("subnets") or (found.get("IPAM") or {}).get("Config") or []
    return str(subnets[0].get("subnet") or subnets[0].get("Subnet") or "") if subnets else ""


def _first(text: str) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(text.encode())
    except msgspec.DecodeError as error:
        raise ValueError(f"the container engine has not said what was asked: {error}") from None
    if isinstance(found, list) and found and isinstance(found[0], dict):
        return found[0]
    raise ValueError("the container engine has said nothing of what was asked")


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value
