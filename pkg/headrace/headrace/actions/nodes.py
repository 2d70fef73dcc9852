"""Which nodes a machine has: for actions that run on one, and for jobs that set one up."""

from __future__ import annotations

import os
import re
from functools import lru_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_CACHE = "/opt/hostedtoolcache/node"
_OLDEST = 16
"""Actions are written for node 20; what is much older does not read them."""


def find_node(path: str) -> str:
    """The first `node` on PATH, else the newest of the host's tool cache; empty where there is none."""
    return next(_candidates(path), "")


@lru_cache(maxsize=2)
def find_nodes(path: str) -> dict[str, str]:
    """Major version → program, for each that says its version."""
    found: dict[str, str] = {}
    for program in _candidates(path):
        version = _version(program)
        if version >= _OLDEST:
            found.setdefault(str(version), program)
    return found


def installed(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The program of every installation: of PATH (without shims, which are no node), of tool caches, and of what nvm, fnm, asdf,
    mise, volta, nodenv and n keep. None is started."""
    home = environ.get("HOME") or os.path.expanduser("~")
    data = environ.get("XDG_DATA_HOME") or os.path.join(home, ".local", "share")
    folders = [
        (os.path.join(environ.get("NVM_DIR") or os.path.join(home, ".nvm"), "versions", "node"), "bin/node"),
        (os.path.join(environ.get("FNM_DIR") or os.path.join(data, "fnm"), "node-versions"), "installation/bin/node"),
        (os.path.join(environ.get("ASDF_DATA_DIR") or os.path.join(home, ".asdf"), "installs", "nodejs"), "bin/node"),
        (os.path.join(environ.get("MISE_DATA_DIR") or os.path.join(data, "mise"), "installs", "node"), "bin/node"),
        (os.path.join(environ.get("VOLTA_HOME") or os.path.join(home, ".volta"), "tools", "image", "node"), "bin/node"),
        (os.path.join(environ.get("NODENV_ROOT") or os.path.join(home, ".nodenv"), "versions"), "bin/node"),
        (os.path.join(environ.get("N_PREFIX") or "/usr/local", "n", "versions", "node"), "bin/node"),
    ]
    programs = list(_candidates(environ.get("PATH", "")))
    for folder, program in folders:
        try:
            programs += [os.path.join(folder, name, program) for name in sorted(os.listdir(folder))]
        except OSError:
            continue
    found: dict[str, None] = {}
    for program in programs:
        real = os.path.realpath(program)
        if "shims" not in program.split("/") and os.access(real, os.X_OK) and os.path.basename(real) in ("node", "nodejs"):
            found.setdefault(real)
    return tuple(found)


def named_version(program: str) -> str:
    """The version that an installation's folder is called after, "" if it is not.

    >>> named_version("/home/me/.nvm/versions/node/v20.11.1/bin/node"), named_version("/usr/bin/node")
    ('20.11.1', '')
    """
    for part in reversed(program.split("/")[:-1]):
        found = re.fullmatch(r"v?(\d+\.\d+\.\d+)", part)
        if found:
            return found[1]
    return ""


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
