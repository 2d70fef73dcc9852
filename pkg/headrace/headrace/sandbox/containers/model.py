"""The nouns of containers. Plain data, so that a supervisor gets them with its ticket."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Kind = Literal["podman", "docker"]


class Found(Struct, frozen=True):
    """An engine that has run a container here. `options` stand before its commands, `limits` behind `create` and `run`: what this
    machine needs and others do not. `rootless`: containers have no more power than the user."""

    kind: Kind
    program: str
    options: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    rootless: bool = False


class Lack(Struct, frozen=True):
    """Why no container runs here, and the command that changes it."""

    reason: str
    mend: str = ""


class Place(Struct, frozen=True):
    """What a leg is told of containers. `keeper` is the name of the socket at which commands are run, `mark` stands on all that
    the run makes, `env` is what the engine's own program needs to be told, `inside` what every process in a container is told
    beside its step's environment, `port` that of the run's services."""

    found: Found
    keeper: str
    mark: str
    env: dict[str, str] = {}
    inside: dict[str, str] = {}
    port: int = 0


class Mount(Struct, frozen=True):
    """A folder of the machine, and where a container has it."""

    source: str
    target: str
    readonly: bool = False


class Made(Struct, frozen=True):
    """All that a container is made with. `address` is its own in `network`, where the engine does not give names; `hosts` are
    names of others, `alias` is its own. `options` are the user's, as they are written. `entrypoint` None leaves the image's."""

    name: str
    image: str
    env: dict[str, str] = {}
    mounts: tuple[Mount, ...] = ()
    volumes: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    network: str = ""
    address: str = ""
    alias: str = ""
    hosts: dict[str, str] = {}
    workdir: str = ""
    entrypoint: str | None = None
    command: tuple[str, ...] = ()
    labels: dict[str, str] = {}
    ids: str = ""  # where its ids begin on the machine, and how many: `1900000000:65536`; empty for those of the engine


LABEL_RUN = "headrace.run"
LABEL_LEG = "headrace.leg"
"""Labels of containers, networks and images that are made for a leg. Their values hold a mark that no other run has."""
