"""A node of a job's own in its tool cache, made of one of the machine's: what `npm install -g` puts there stays in the job."""

from __future__ import annotations

import os

from headrace.actions import semver
from headrace.actions.builtin import toolkit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from headrace.actions.semver import Version

_PACKAGES = {"npm": ("npm", "npx"), "corepack": ("corepack",)}


def version_of(program: str) -> Version | None:
    """What a node says its version is; None if it does not run."""
    try:
        status, text = toolkit.capture([program, "--version"])
    except OSError:
        return None
    return semver.parse(text) if status == 0 else None


def create(program: str, version: Version, place: str) -> bool:
    """Make the installation and mark it complete; False, and nothing is left, where the copy does not run from there.

    The program is a copy, since npm's global folder is where the program is; npm itself is a link to the machine's.
    """
    toolkit.remove(f"{place}.complete")
    toolkit.remove(place)
    binaries, packages = os.path.join(place, "bin"), os.path.join(place, "lib", "node_modules")
    os.makedirs(binaries)
    os.makedirs(packages)
    _copy(program, os.path.join(binaries, "node"))
    if version_of(os.path.join(binaries, "node")) != version:
        toolkit.remove(place)
        return False
    source = os.path.dirname(os.path.dirname(program))
    for package, names in _PACKAGES.items():
        folder = _package(source, package)
        if not folder:
            continue
        os.symlink(folder, os.path.join(packages, package))
        for name in names:
            script = "corepack.js" if package == "corepack" else f"{name}-cli.js"
            inner = "dist" if package == "corepack" else "bin"
            os.symlink(f"../lib/node_modules/{package}/{inner}/{script}", os.path.join(binaries, name))
    headers = os.path.join(source, "include", "node")
    if os.path.isdir(headers):
        os.makedirs(os.path.join(place, "include"))
        os.symlink(headers, os.path.join(place, "include", "node"))
    with open(f"{place}.complete", "w"):
        pass
    return True


def _package(source: str, name: str) -> str:
    """Where a package is that comes with node; distributions keep it elsewhere, and link to it. "" if it is not there."""
    folder = os.path.join(source, "lib", "node_modules", name)
    if os.path.isdir(folder):
        return os.path.realpath(folder)
    program = os.path.join(source, "bin", name)
    folder = os.path.dirname(os.path.dirname(os.path.realpath(program)))
    return folder if os.path.islink(program) and os.path.isfile(os.path.join(folder, "package.json")) else ""


def _copy(source: str, target: str) -> None:
    with open(source, "rb") as reading, open(target, "wb") as writing:
        while os.sendfile(writing.fileno(), reading.fileno(), None, 1 << 30):
            pass
    os.chmod(target, 0o755)
