"""The engines there are, each with its file. A further one is a class and a line here."""

from __future__ import annotations

from headrace.sandbox.containers.docker import Docker
from headrace.sandbox.containers.model import Found, Kind
from headrace.sandbox.containers.podman import Podman
from headrace.sandbox.containers.protocol import ContainerEngine

KINDS: tuple[Kind, ...] = ("podman", "docker")
"""In the order in which they are looked for: podman's containers have no more power than the user."""


def engine(found: Found) -> ContainerEngine:
    return Podman(found) if found.kind == "podman" else Docker(found)
