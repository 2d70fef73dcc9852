"""Which node a machine has, for actions that run on it."""

from __future__ import annotations

import os
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_CACHE = "/opt/hostedtoolcache/node"
_OLDEST = 16
"""Actions are written for node 20; what is much older does not read them."""


def find_node(path: str) -> str:
    """The first `node` on PATH, else the newest of the host's tool cache; empty where there is none."""
    return next(_candidates(path), "")


def find_nodes(path: str) -> dict[str, str]:
    """Major version → program, for each that says its version."""
    found: dict[str, str] = {}
    for program in _candidates(path):
        version = _version(program)
        if version >= _OLDEST:
            found.setdefault(str(version), program)
    return found


def _candidates(path: str) -> Iterator[str]:
    for folder in path.split(os.pathsep):
        program = os.path.join(folder, "node")
        if folder and os.access(program, os.X_OK) and os.path.isfile(program):
            yield program
    try:
        names = os.listdir(_CACHE)
    except OSError:
        return
    for name in sorted(names, key=lambda text: [int(part) for part in re.findall(r"\d+", text)], reverse=True):
        for architecture in ("x64", "arm64"):
            program = os.path.join(_CACHE, name, architecture, "bin", "node")
            if os.access(program, os.X_OK):
                yield program


def _version(program: str) -> int:
    """What node says its major version is, 0 where it says none."""
    import subprocess

    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.SubprocessError):
        return 0
    match = re.match(r"v(\d+)\.", said.stdout)
    return int(match[1]) if match and not said.returncode else 0
