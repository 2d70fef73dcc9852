"""actions/setup-python from the interpreters this machine has: each job gets an installation of its own in its tool cache.

Reads HEADRACE_PYTHON_ROOTS (where to look) and HEADRACE_UV (what to install with when nothing fits).
"""

from __future__ import annotations

import os
from typing import NamedTuple

from headrace.actions import interpreters, semver
from headrace.actions.builtin import toolkit
from headrace.actions.builtin.toolkit import ActionFailed, get_flag, get_input, get_lines
from headrace.actions.manifest import Manifest

MANIFEST = Manifest(
    name="actions/setup-python",
    inputs={
        "python-version": "",
        "python-version-file": "",
        "cache": "",
        "cache-dependency-path": "",
        "architecture": "",
        "check-latest": "false",
        "token": "${{ github.server_url == 'https://github.com' && github.token || '' }}",
        "update-environment": "true",
        "allow-prereleases": "false",
        "freethreaded": "false",
        "pip-version": "",
        "pip-install": "",
    },
    outputs=("python-version", "cache-hit", "python-path"),
    post=True,
    post_if="success()",
)

_MANIFEST_URL = "https://raw.githubusercontent.com/actions/python-versions/main/versions-manifest.json"
_MATCHER = r"""{"problemMatcher": [{"owner": "python", "pattern": [
  {"regexp": "^\\s*File\\s\"(.*)\",\\sline\\s(\\d+),\\sin\\s(.*)$", "file": 1, "line": 2},
  {"regexp": "^\\s*raise\\s(.*)\\(\\'(.*)\\'\\)$", "message": 2}
]}]}
"""


def main() -> int:
    """Set up every version asked for; the last one wins. Raises ActionFailed where one cannot be had."""
    versions = _wanted()
    if not versions:
        toolkit.warning("The `python-version` input is not set.  The version of Python currently in `PATH` will be used.")
    tools = _tool_cache()
    toolkit.group("Installed versions")
    version = ""
    for text in versions:
        version = _set_up(_request(text), tools)
    toolkit.end_group()
    if versions and get_input("cache"):
        from headrace.actions.builtin import python_cache

        python_cache.restore(get_input("cache"), version)
    _packages()
    _add_matcher()
    return 0


def post() -> int:
    """Save the cache that `cache` names. Raises ActionFailed where GitHub fails."""
    from headrace.actions.builtin import caching, python_cache

    if get_input("cache") and caching.available():
        python_cache.save(get_input("cache"))
    return 0


# What is asked for


class _Request(NamedTuple):
    text: str
    range: semver.Range
    free_threaded: bool


def _wanted() -> list[str]:
    versions, file = get_lines("python-version"), get_input("python-version-file")
    workspace = os.environ.get("GITHUB_WORKSPACE") or os.getcwd()
    if versions:
        if file:
            toolkit.warning("Both python-version and python-version-file inputs are specified, only python-version will be used.")
        return versions
    if file:
        path = os.path.join(workspace, file)
        if not os.path.exists(path):
            raise ActionFailed(f"The specified python version file at: {file} doesn't exist.")
        return _of_file(path, file)
    if 0 < toolkit.major() < 4:
        return ["3.x"]
    toolkit.warning(
        "Neither 'python-version' nor 'python-version-file' inputs were supplied. Attempting to find '.python-version' file."
    )
    path = os.path.join(workspace, ".python-version")
    if os.path.exists(path):
        return _of_file(path, ".python-version")
    toolkit.warning(".python-version doesn't exist.")
    return []


def _of_file(path: str, name: str) -> list[str]:
    from headrace.actions.builtin import version_files

    found = version_files.read(path)
    if not found:
        toolkit.warning(f"No supported version was found in file {name}")
    for text in found:
        toolkit.info(f"Resolved {name} as {text}")
    return found


def _request(text: str) -> _Request:
    """A version text as a range. `3.13-dev` means the newest 3.13, pre-releases included; a `t` at the end free threading."""
    import re

    if text.lower().startswith(("pypy", "graalpy")):
        raise ActionFailed(f"'{text}' is not supported here: only CPython is. Install it in a `run` step.")
    plain, free = re.subn(r"(\d)t(?=\s|$|-dev$)", r"\1", text)
    dev = re.fullmatch(r"(\d+)\.(\d+)-dev", plain)
    minor = re.fullmatch(r"(\d+)\.(\d+)", plain)
    if dev:
        plain = f"~{dev.group(1)}.{dev.group(2)}.0-0"
    elif minor and get_flag("allow-prereleases"):
        plain = f"~{plain}.0-0"
    else:
        plain = re.sub(r"(\d+\.\d+\.\d+)(a|b|rc)(\d+)", _pre, plain)
    span = semver.parse_range(plain)
    if span is None:
        raise ActionFailed(f"'{text}' is no version or range of versions that Python has (Invalid version or range).")
    return _Request(text, span, bool(free) or get_flag("freethreaded"))


def _pre(found: object) -> str:
    number, stage, count = found.groups()  # type: ignore[attr-defined]
    return f"{number}-{ {'a': 'alpha', 'b': 'beta'}.get(stage, stage) }.{count}"


def _tool_cache() -> str:
    """From v4 on a non-blank AGENT_TOOLSDIRECTORY stands in for RUNNER_TOOL_CACHE."""
    agent = os.environ.get("AGENT_TOOLSDIRECTORY", "").strip()
    if agent and not 0 < toolkit.major() < 4:
        return agent
    return toolkit.environment("RUNNER_TOOL_CACHE")


# Setting one up


def _architecture() -> str:
    return {"x86_64": "x64", "aarch64": "arm64", "i686": "ia32", "armv7l": "arm"}.get(os.uname().machine, os.uname().machine)


def _set_up(request: _Request, tools: str) -> str:
    """The version that it has become."""
    if get_flag("check-latest"):
        toolkit.info("check-latest: only the interpreters of this machine are looked at.")
    own = _architecture()
    architecture = get_input("architecture") or own
    folder = architecture + ("-freethreaded" if request.free_threaded else "")
    version, place = _cached(tools, request, folder)
    if not place:
        version, place = _make(request, tools, folder, _look(request) if architecture == own else None, architecture)
    python = os.path.join(place, "bin", "python")
    if get_flag("update-environment") or 0 < toolkit.major() < 4:
        _export(place)
    toolkit.set_output("python-version", version)
    if not 0 < toolkit.major() < 4:
        toolkit.set_output("python-path", python)
        toolkit.info(f"Successfully set up CPython ({version})")
    else:
        toolkit.info(f"Successfully setup CPython ({version})")
    return version


def _cached(tools: str, request: _Request, folder: str) -> tuple[str, str]:
    """(version, place) of the best installation the job already has; a link is the machine's own and does not count."""
    best: tuple[semver.Version, str] | None = None
    root = os.path.join(tools, "Python")
    for name in os.listdir(root) if os.path.isdir(root) else []:
        version, place = semver.parse(name), os.path.join(root, name, folder)
        if version is None or not os.path.exists(f"{place}.complete") or os.path.islink(place) or not os.path.isdir(place):
            continue
        if request.range.holds(version) and (best is None or semver.order(version) > semver.order(best[0])):
            best = version, place
    return (str(best[0]), best[1]) if best else ("", "")


def _roots() -> list[str]:
    return [root for root in os.environ.get("HEADRACE_PYTHON_ROOTS", "").split(os.pathsep) if root]


def _look(request: _Request) -> interpreters.Interpreter | None:
    return interpreters.find(_roots(), request.range, free_threaded=request.free_threaded)


def _make(
    request: _Request, tools: str, folder: str, found: interpreters.Interpreter | None, architecture: str
) -> tuple[str, str]:
    from headrace.actions.builtin import private_python

    if found is not None:
        place = os.path.join(tools, "Python", str(found.version), folder)
        private_python.create(found, place)
        return str(found.version), place
    toolkit.info(f"Version {request.text} was not found in the local cache")
    if architecture == _architecture() and os.environ.get("HEADRACE_UV"):
        from headrace.actions.builtin import uv_python

        fetched = uv_python.install(os.environ["HEADRACE_UV"], request.text, request.range, request.free_threaded)
        if fetched is not None:
            place = os.path.join(tools, "Python", str(fetched.version), folder)
            toolkit.remove(place)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            toolkit.move(fetched.prefix, place)
            private_python.adopt(place, fetched)
            return str(fetched.version), place
    raise ActionFailed(_not_found(request, architecture))


def _not_found(request: _Request, architecture: str) -> str:
    there = ", ".join(interpreters.versions(_roots())) or "none"
    return (
        f"The version '{request.text}' with architecture '{architecture}' was not found for {_system()}.\n"
        f"The list of all available versions can be found here: {_MANIFEST_URL}\n"
        f"This machine has: {there}. Install this one with `pyenv install {request.text}` or `uv python install {request.text}`."
    )


def _system() -> str:
    fields = {}
    try:
        for line in toolkit.lines_of("/etc/os-release"):
            key, _, value = line.partition("=")
            fields[key] = value.strip().strip('"')
    except OSError:
        return "this operating system"
    return f"{fields.get('ID', 'linux').capitalize()} {fields.get('VERSION_ID', '')}".strip()


def _export(place: str) -> None:
    toolkit.export_variable("pythonLocation", place)
    if not 0 < toolkit.major() < 4:
        toolkit.export_variable("PKG_CONFIG_PATH", os.path.join(place, "lib", "pkgconfig"))
        for name in ("Python_ROOT_DIR", "Python2_ROOT_DIR", "Python3_ROOT_DIR"):
            toolkit.export_variable(name, place)
    libraries, old = os.path.join(place, "lib"), os.environ.get("LD_LIBRARY_PATH", "")
    if libraries not in old.split(os.pathsep):
        toolkit.export_variable("LD_LIBRARY_PATH", f"{libraries}{os.pathsep}{old}" if old else libraries)
    toolkit.add_path(place)
    toolkit.add_path(os.path.join(place, "bin"))


# The rest


def _packages() -> None:
    """`pip-version` and `pip-install`: the same two calls of pip that the action makes."""
    python = os.path.join(os.environ.get("pythonLocation", ""), "bin", "python")  # noqa: SIM112
    if not os.path.exists(python):
        python = toolkit.which("python")
    version, packages = get_input("pip-version"), get_input("pip-install")
    calls = [["install", "--upgrade", "--disable-pip-version-check", f"pip=={version}"]] if version else []
    calls += [["install", *packages.split()]] if packages else []
    for words in calls:
        status = toolkit.run([python, "-m", "pip", *words])
        if status != 0:
            raise ActionFailed(f"The process '{python}' failed with exit code {status}")


def _add_matcher() -> None:
    temp = os.environ.get("RUNNER_TEMP", "")
    if temp:
        path = os.path.join(temp, "headrace-setup-python.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(_MATCHER)
        toolkit.info(f"##[add-matcher]{path}")
