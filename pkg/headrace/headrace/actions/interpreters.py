"""Which Pythons a machine has, found by looking at folders. Standard library only: the engine says where, a drop-in picks one.

No network, no pyenv or uv started; an interpreter is run only where nothing else says its patch version.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from headrace.actions.semver import Range, Version, order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_VERSION = re.compile(r"(?:cpython-)?(\d+)\.(\d+)\.(\d+)(?:-?(a|b|rc|alpha|beta)\.?(\d+))?(t|\+freethreaded)?(?:-.*)?")
_PROGRAM = re.compile(r"python(\d+)\.(\d+)(t)?")
_ARCHITECTURES = ("x64", "arm64", "ia32", "arm")


class Interpreter(NamedTuple):
    """A CPython of this machine. `executable` is a real file, no link; `prefix` the folder its `bin` stands in."""

    version: Version
    executable: str
    prefix: str
    free_threaded: bool = False

    @property
    def program(self) -> str:
        """The name of its binary and of its library folder: `python3.13`, `python3.13t`."""
        return f"python{self.version.major}.{self.version.minor}{'t' if self.free_threaded else ''}"


def roots(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Folders to look in, best first, existing ones only: each holds installations (`X/bin/python3`) or is a bin folder.

    The host's tool caches come first, then pyenv, uv, asdf and mise, then PATH (without shims, which are no interpreters) and the
    system's folders.
    """
    home = environ.get("HOME") or os.path.expanduser("~")
    data = environ.get("XDG_DATA_HOME") or os.path.join(home, ".local", "share")
    caches = [environ.get(name, "") for name in ("AGENT_TOOLSDIRECTORY", "RUNNER_TOOL_CACHE", "RUNNER_TOOLSDIRECTORY")]
    candidates = [root for cache in [*caches, "/opt/hostedtoolcache"] if cache for root in _below(os.path.join(cache, "Python"))]
    candidates += [
        os.path.join(environ.get("PYENV_ROOT") or os.path.join(home, ".pyenv"), "versions"),
        environ.get("UV_PYTHON_INSTALL_DIR") or os.path.join(data, "uv", "python"),
        os.path.join(environ.get("ASDF_DATA_DIR") or os.path.join(home, ".asdf"), "installs", "python"),
        os.path.join(environ.get("MISE_DATA_DIR") or os.path.join(data, "mise"), "installs", "python"),
    ]
    on_path = environ.get("PATH", "").split(os.pathsep)
    candidates += [folder for folder in on_path if os.path.isabs(folder) and os.path.basename(folder.rstrip("/")) != "shims"]
    candidates += ["/usr/local/bin", "/usr/bin"]
    seen: dict[str, None] = {}
    for folder in candidates:
        real = os.path.realpath(folder)
        if os.path.isdir(real) and any(_programs(real) if _is_bin(real) else _installations(real)):
            seen.setdefault(real)
    return tuple(seen)


def find(folders: Iterable[str], wanted: Range, *, free_threaded: bool = False) -> Interpreter | None:
    """The highest version that satisfies `wanted`; of equal ones the one in the earliest folder."""
    best: Interpreter | None = None
    for candidate in _candidates(folders, free_threaded):
        known = candidate.version
        if known.patch < 0:
            if best is not None and known[:2] < best.version[:2]:
                continue
            version = patch_version(candidate.executable)
            if version is None or version[:2] != known[:2]:
                continue
            candidate = candidate._replace(version=version)
        if wanted.holds(candidate.version) and (best is None or order(candidate.version) > order(best.version)):
            best = candidate
    return best


def versions(folders: Iterable[str]) -> tuple[str, ...]:
    """What there is, for messages: `3.10.13`, or `3.11` where only running it would tell more. Lowest first."""
    found = {candidate.version for threading in (False, True) for candidate in _candidates(folders, threading)}
    return tuple(f"{v.major}.{v.minor}" if v.patch < 0 else str(v) for v in sorted(found, key=order))


def patch_version(executable: str) -> Version | None:
    """What an interpreter says its version is; None if it does not run or is no CPython."""
    code = "import sys; i = sys.version_info; print(sys.implementation.name, i[0], i[1], i[2], i[3], i[4])"
    reading, writing = os.pipe()
    silence = (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)
    try:
        argv = [executable, "-I", "-S", "-c", code]
        pid = os.posix_spawn(executable, argv, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, writing, 1), silence])
    except OSError:
        os.close(reading)
        return None
    finally:
        os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        words = pipe.read().decode("ascii", "replace").split()
    if os.waitpid(pid, 0)[1] != 0 or len(words) != 6 or words[0] != "cpython":
        return None
    stage = {"alpha": "alpha", "beta": "beta", "candidate": "rc"}.get(words[4])
    return Version(int(words[1]), int(words[2]), int(words[3]), (stage, words[5]) if stage else ())


def parse_name(name: str) -> tuple[Version, bool] | None:
    """Version and free threading by the name of an installation's folder.

    >>> [str(parse_name(n)[0]) for n in ("3.10.13", "3.14.0rc1", "3.14.0-rc.1", "cpython-3.12.1-linux-x86_64-gnu")]
    ['3.10.13', '3.14.0-rc.1', '3.14.0-rc.1', '3.12.1']
    >>> parse_name("3.13.0t")[1], parse_name("cpython-3.13.0+freethreaded-linux-x86_64-gnu")[1]
    (True, True)
    >>> parse_name("pypy3.10-7.3.12"), parse_name("3.14-dev"), parse_name("miniconda3-4.7.12")
    (None, None, None)
    """
    found = _VERSION.fullmatch(name)
    if found is None:
        return None
    major, minor, patch, stage, number, threading = found.groups()
    words = {"a": "alpha", "b": "beta"}
    pre = (words.get(stage, stage), number) if stage else ()
    return Version(int(major), int(minor), int(patch), pre), bool(threading)


def _candidates(folders: Iterable[str], free_threaded: bool) -> Iterator[Interpreter]:
    """Those of bin folders have patch -1 until they are asked."""
    for folder in folders:
        if _is_bin(folder):
            for name, path in _programs(folder):
                major, minor, threading = _PROGRAM.fullmatch(name).groups()  # type: ignore[union-attr]
                real = os.path.realpath(path)
                if bool(threading) is free_threaded:
                    named = parse_name(os.path.basename(_prefix(real)))
                    version = named[0] if named else Version(int(major), int(minor), -1)
                    yield Interpreter(version, real, _prefix(real), free_threaded)
            continue
        for name, prefix in _installations(folder):
            known = parse_name(name)
            if known is None or known[1] is not free_threaded:
                continue
            version = known[0]
            program = f"python{version.major}.{version.minor}{'t' if free_threaded else ''}"
            for file in (program, "python3"):
                real = os.path.realpath(os.path.join(prefix, "bin", file))
                if os.path.isfile(real):
                    yield Interpreter(version, real, _prefix(real), free_threaded)
                    break


def _prefix(executable: str) -> str:
    return os.path.dirname(os.path.dirname(executable))


def _is_bin(folder: str) -> bool:
    return os.path.basename(folder.rstrip("/")) == "bin"


def _programs(folder: str) -> Iterator[tuple[str, str]]:
    """(name, path) of `python3.X` files."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for name in names:
        if name.startswith("python3.") and _PROGRAM.fullmatch(name):
            path = os.path.join(folder, name)
            if os.access(path, os.X_OK) and os.path.isfile(path):
                yield name, path


def _installations(folder: str) -> Iterator[tuple[str, str]]:
    """(name that says the version, prefix); in a tool cache the version is the folder above the architecture's."""
    for path in _below(folder):
        name = os.path.basename(path)
        if name in _ARCHITECTURES or name.removesuffix("-freethreaded") in _ARCHITECTURES:
            if not os.path.exists(f"{path}.complete"):
                continue
            name = os.path.basename(os.path.dirname(path)) + ("t" if name.endswith("-freethreaded") else "")
        if os.path.exists(os.path.join(path, "bin", "python3")):
            yield name, path


def _below(folder: str) -> list[str]:
    try:
        return [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    except OSError:
        return []
