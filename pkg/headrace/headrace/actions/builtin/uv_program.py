"""Where a job's uv comes from: its tool cache, the uv of this machine, or a package index. It is the job's own copy."""

from __future__ import annotations

import os
import re
import sys
from typing import NamedTuple

from headrace.actions import semver
from headrace.actions.builtin import toolkit
from headrace.actions.builtin.toolkit import ActionFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from headrace.actions.builtin.uv_versions import Asked
    from headrace.actions.semver import Version

_LARGEST = 512 << 20  # bytes of one program in a wheel
_UVX = '#!/bin/sh\nexec "$(dirname -- "$0")/uv" tool uvx "$@"\n'
_INDEXES = {"PIP_INDEX_URL": "UV_DEFAULT_INDEX", "PIP_EXTRA_INDEX_URL": "UV_INDEX", "PIP_FIND_LINKS": "UV_FIND_LINKS"}
_INDEXES |= {"PIP_CERT": "SSL_CERT_FILE", "PIP_NO_INDEX": "UV_NO_INDEX"}


class Installed(NamedTuple):
    """`folder` holds `uv` and `uvx`."""

    version: str
    folder: str
    cached: bool = False


def provide(asked: Asked, tools: str, *, lowest: bool) -> Installed:
    """Raises ActionFailed where it cannot be had. `lowest`: the oldest version that will do, which only an index can tell."""
    free = asked.exact is not None or not lowest
    found = _cached(asked, tools) if free else None
    if found is not None:
        return found
    here = _of_machine(asked, tools) if free else None
    return here or _of_index(asked, tools, lowest=lowest)


def architecture() -> str:
    """The name that uv's own releases have for this machine's."""
    return {"i386": "i686", "riscv64": "riscv64gc", "ppc64le": "powerpc64le"}.get(os.uname().machine, os.uname().machine)


def version_of(program: str) -> Version | None:
    """What a uv says its version is; None if it does not run."""
    try:
        status, text = toolkit.capture([program, "--version"])
    except OSError:
        return None
    words = text.split()
    return semver.parse(words[1]) if status == 0 and len(words) > 1 and words[0] == "uv" else None


# The tool cache


def _cached(asked: Asked, tools: str) -> Installed | None:
    best: tuple[Version, str] | None = None
    root = os.path.join(tools, "uv")
    for name in os.listdir(root) if os.path.isdir(root) else []:
        version, place = semver.parse(name), os.path.join(root, name, architecture())
        if version is None or not os.path.exists(f"{place}.complete") or not os.access(os.path.join(place, "uv"), os.X_OK):
            continue
        if asked.holds(version) and (best is None or semver.order(version) > semver.order(best[0])):
            best = version, place
    return Installed(str(best[0]), best[1], cached=True) if best else None


def _place(tools: str, version: Version) -> str:
    """The folder of a version in the tool cache, empty and without its marker."""
    place = os.path.join(tools, "uv", str(version), architecture())
    toolkit.remove(f"{place}.complete")
    toolkit.remove(place)
    os.makedirs(place)
    return place


def _complete(place: str, version: Version) -> Installed | None:
    """Mark an installation that works; None, and it is gone, where it says that it is something else."""
    uvx = os.path.join(place, "uvx")
    if not os.path.exists(uvx):
        with open(uvx, "w", encoding="utf-8") as file:
            file.write(_UVX)
        os.chmod(uvx, 0o755)
    if version_of(os.path.join(place, "uv")) != version:
        toolkit.remove(place)
        return None
    with open(f"{place}.complete", "w"):
        pass
    return Installed(str(version), place)


# The uv of this machine


def _of_machine(asked: Asked, tools: str) -> Installed | None:
    program = os.environ.get("HEADRACE_UV", "")
    version = version_of(program) if program else None
    if version is None or not asked.holds(version):
        return None
    if asked.newest:
        toolkit.info(f"The newest uv is asked for: the one of this machine, {version}, is taken for it.")
    place = _place(tools, version)
    real = os.path.realpath(program)
    for name in ("uv", "uvx"):
        source = os.path.join(os.path.dirname(real), name) if name == "uvx" else real
        if os.path.isfile(source):
            _copy(source, os.path.join(place, name))
    return _complete(place, version)


def _copy(source: str, target: str) -> None:
    """A copy, so that no job writes into the machine's; the kernel makes it, without copying where the file system can."""
    with open(source, "rb") as reading, open(target, "wb") as writing:
        while os.sendfile(writing.fileno(), reading.fileno(), None, 1 << 30):
            pass
    os.chmod(target, 0o755)


# A package index


def _of_index(asked: Asked, tools: str, *, lowest: bool) -> Installed:
    """pip asks, with whatever index it is configured for; uv where there is no pip."""
    temp = os.path.join(toolkit.environment("RUNNER_TEMP"), f"headrace-uv-{os.urandom(8).hex()}")
    os.makedirs(temp)
    try:
        python = _python_with_pip()
        requirement = asked.requirement()
        if python and (lowest or not requirement):
            chosen = _choose(asked, _versions(python), lowest=lowest)
            requirement = f"uv=={chosen}" if chosen else ""
        if requirement:
            toolkit.info(f"Getting {requirement} from the package index ...")
            found = _by_pip(python, requirement, temp) if python else _by_uv(requirement, temp, lowest=lowest)
            version = version_of(found) if found else None
            if version is not None and asked.holds(version):
                place = _place(tools, version)
                for name in ("uv", "uvx"):
                    source = os.path.join(os.path.dirname(found), name)
                    if os.path.exists(source):
                        toolkit.move(source, os.path.join(place, name))
                installed = _complete(place, version)
                if installed is not None:
                    return installed
    finally:
        toolkit.remove(temp)
    raise ActionFailed(_not_found(asked))


def _not_found(asked: Asked) -> str:
    here = version_of(os.environ.get("HEADRACE_UV") or "uv")
    has = f"This machine has uv {here}" if here else "This machine has no uv"
    wanted = f" {asked.exact}" if asked.exact else ""
    return (
        f"No version found for {asked.text}\n{has}, and the package index gave no other. Ask for that version, install one with "
        f"`pip install {asked.requirement() or 'uv'}` or `uv self update{wanted}` where headrace finds it, or set "
        "PIP_INDEX_URL to an index that can be reached."
    )


def _python_with_pip() -> str:
    for python in (toolkit.which("python3"), toolkit.which("python"), sys.executable):
        if python and toolkit.silent([python, "-I", "-c", "import pip"]) == 0:
            return python
    return ""


def _versions(python: str) -> list[Version]:
    """All that the index has, as `pip index` (pip 21.2 and later) tells."""
    argv = [python, "-I", "-m", "pip", "index", "versions", "uv", "--disable-pip-version-check"]
    status, text = toolkit.capture(argv)
    listed = re.search(r"^Available versions: (.*)$", text, re.MULTILINE)
    found = [semver.parse(word) for word in listed[1].split(", ")] if status == 0 and listed else []
    return [version for version in found if version is not None]


def _choose(asked: Asked, versions: list[Version], *, lowest: bool) -> Version | None:
    fitting = sorted((version for version in versions if asked.holds(version)), key=semver.order)
    return fitting[0 if lowest else -1] if fitting else None


def _by_pip(python: str, requirement: str, folder: str) -> str:
    """The program, unpacked from its wheel; "" where pip cannot."""
    words = ["download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:", "--dest", folder]
    if toolkit.run([python, "-I", "-m", "pip", *words, requirement]) != 0:
        return ""
    for name in os.listdir(folder):
        if name.endswith(".whl"):
            _unpack(os.path.join(folder, name), folder)
    program = os.path.join(folder, "uv")
    return program if os.path.exists(program) else ""


def _unpack(wheel: str, folder: str) -> None:
    """Its two programs, by their names alone."""
    import zipfile

    try:
        with zipfile.ZipFile(wheel) as archive:
            for entry in archive.infolist():
                parent, name = os.path.split(entry.filename)
                if name in ("uv", "uvx") and parent.endswith(".data/scripts") and entry.file_size <= _LARGEST:
                    with archive.open(entry) as reading, open(os.path.join(folder, name), "wb") as writing:
                        while piece := reading.read(1 << 20):
                            writing.write(piece)
                    os.chmod(os.path.join(folder, name), 0o755)
    except zipfile.BadZipFile as error:
        raise ActionFailed(f"{os.path.basename(wheel)} of the package index is no wheel: {error}") from None


def _by_uv(requirement: str, folder: str, *, lowest: bool) -> str:
    """pip's settings hold for uv too, where uv has none of its own."""
    uv = os.environ.get("HEADRACE_UV", "")
    if not uv or not os.access(uv, os.X_OK):
        return ""
    env = {theirs: os.environ[ours] for ours, theirs in _INDEXES.items() if os.environ.get(ours)} | dict(os.environ)
    words = ["pip", "install", "--quiet", "--no-config", "--no-deps", "--only-binary", ":all:", "--python", sys.executable]
    words += ["--resolution", "lowest" if lowest else "highest", "--target", folder]
    if toolkit.run([uv, *words, requirement], env) != 0:
        return ""
    program = os.path.join(folder, "bin", "uv")
    return program if os.path.exists(program) else ""
