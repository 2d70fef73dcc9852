"""actions/setup-node from the nodes this machine has: each job gets an installation of its own in its tool cache.

Reads HEADRACE_NODES, the programs there are.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from headrace.actions import nodes, semver
from headrace.actions.builtin import toolkit
from headrace.actions.builtin.toolkit import ActionFailed, get_input
from headrace.actions.manifest import Manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from headrace.actions.semver import Version

MANIFEST = Manifest(
    name="actions/setup-node",
    inputs={
        "always-auth": "false",
        "node-version": "",
        "node-version-file": "",
        "architecture": "",
        "check-latest": "false",
        "registry-url": "",
        "scope": "",
        "token": "${{ github.server_url == 'https://github.com' && github.token || '' }}",
        "cache": "",
        "package-manager-cache": "true",
        "cache-dependency-path": "",
        "mirror": "",
        "mirror-token": "",
    },
    outputs=("cache-hit", "cache-primary-key", "cache-matched-key", "node-version"),
    post=True,
    post_if="success()",
)

_NAMES = {
    "argon": 4, "boron": 6, "carbon": 8, "dubnium": 10, "erbium": 12, "fermium": 14, "gallium": 16, "hydrogen": 18, "iron": 20,
    "jod": 22, "krypton": 24,
}  # fmt: skip
"""Of the versions with long support."""
_NEWEST = ("latest", "current", "node")
_MATCHERS = {
    "tsc": r"""{"problemMatcher": [{"owner": "tsc", "pattern": [
  {"regexp": "^([^\\s].*)[\\(:](\\d+)[,:](\\d+)(?:\\):\\s+|\\s+-\\s+)(error|warning|info)\\s+TS(\\d+)\\s*:\\s*(.*)$",
   "file": 1, "line": 2, "column": 3, "severity": 4, "code": 5, "message": 6}
]}]}
""",
    "eslint-stylish": r"""{"problemMatcher": [{"owner": "eslint-stylish", "pattern": [
  {"regexp": "^\\s*([^\\s].*)$", "file": 1},
  {"regexp": "^\\s+(\\d+):(\\d+)\\s+(error|warning|info)\\s+(.*)\\s\\s+(.*)$",
   "line": 1, "column": 2, "severity": 3, "message": 4, "code": 5, "loop": true}
]}]}
""",
    "eslint-compact": r"""{"problemMatcher": [{"owner": "eslint-compact", "pattern": [
  {"regexp": "^(.+):\\sline\\s(\\d+),\\scol\\s(\\d+),\\s([Ee]rror|[Ww]arning|[Ii]nfo)\\s-\\s(.+)\\s\\((.+)\\)$",
   "file": 1, "line": 2, "column": 3, "severity": 4, "message": 5, "code": 6}
]}]}
""",
}


def main() -> int:
    """Raises ActionFailed where the version that is asked for is not there, and where GitHub fails."""
    text = _asked()
    if get_input("architecture") and not text:
        toolkit.warning(
            "`architecture` is provided but `node-version` is missing. In this configuration, the version/architecture of Node "
            "will not be changed. To fix this, provide `architecture` in combination with `node-version`"
        )
    if text:
        _set_up(text)
    _tell()
    if get_input("registry-url"):
        _registry(get_input("registry-url"))
    from headrace.actions.builtin import node_cache

    if tool := node_cache.asked():
        node_cache.restore(tool)
    _add_matchers()
    return 0


def post() -> int:
    """Save the cache that was asked for. Raises ActionFailed where GitHub fails."""
    from headrace.actions.builtin import node_cache

    node_cache.save()
    return 0


# What is asked for


def _asked() -> str:
    version, file = get_input("node-version"), get_input("node-version-file")
    if version and file:
        toolkit.warning("Both node-version and node-version-file inputs are specified, only node-version will be used")
    if version or not file:
        return version
    path = os.path.normpath(os.path.join(toolkit.environment("GITHUB_WORKSPACE"), file))
    found = _of_file(path, set())
    if not found:
        toolkit.warning(f"Could not determine node version from {path}. Falling back")
    toolkit.info(f"Resolved {file} as {found}")
    return found


def _of_file(path: str, seen: set[str]) -> str:
    """The version in a package.json, a `.nvmrc`, a `.tool-versions` and the like; "" where a package.json names none."""
    import json

    if not os.path.exists(path) or path in seen:
        raise ActionFailed(f"The specified node version file at: {path} does not exist")
    with open(path, encoding="utf-8", errors="replace") as file:
        text = file.read()
    try:
        table = json.loads(text)
    except ValueError:
        table = None
    if isinstance(table, dict):
        return _of_package(table, path, seen | {path})
    if table is None:
        toolkit.info("Node version file is not JSON file")
    found = re.search(r"^(?:node(?:js)?\s+)?v?(\S+)$", text, re.MULTILINE)
    return found[1] if found else text.strip()


def _of_package(table: dict[str, object], path: str, seen: set[str]) -> str:
    volta, engines, developing = (_table(table.get(key)) for key in ("volta", "engines", "devEngines"))
    if version := _text(volta.get("node")):
        return version
    runtime = developing.get("runtime") if not 0 < toolkit.major() < 5 else None
    for entry in runtime if isinstance(runtime, list) else [runtime]:
        if version := _text(_table(entry).get("version")) if _text(_table(entry).get("name")).lower() == "node" else "":
            return version
    if version := _text(engines.get("node")):
        return version
    if other := _text(volta.get("extends")):
        other = os.path.normpath(os.path.join(os.path.dirname(path), other))
        toolkit.info(f"Resolving node version from {other}")
        return _of_file(other, seen)
    return ""


def _table(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


class _Wanted(NamedTuple):
    """`range` is None for the newest there is; `long`: only versions with long support."""

    range: semver.Range | None
    long: bool = False

    def holds(self, version: Version) -> bool:
        if self.long and version.major % 2 and version.major < 27:  # from 27 on every version has it
            return False
        return self.range.holds(version) if self.range is not None else not version.pre


def _wanted(text: str) -> _Wanted | None:
    """None for what is no range of versions."""
    if text in _NEWEST:
        return _Wanted(None)
    if not text.startswith("lts/"):
        span = semver.parse_range(text)
        return _Wanted(span) if span is not None else None
    toolkit.info("Attempt to resolve LTS alias from manifest...")
    alias = text.removeprefix("lts/").lower()
    if not alias:
        raise ActionFailed(f"Unable to parse LTS alias for Node version '{text}'")
    if alias == "*":
        return _Wanted(None, long=True)
    if alias not in _NAMES:
        raise ActionFailed(f"Unable to find LTS release '{alias}' for Node version '{text}'.\nName its number, as in `20`.")
    return _Wanted(semver.parse_range(str(_NAMES[alias])))


# Setting it up


def _architecture() -> str:
    return {"x86_64": "x64", "aarch64": "arm64", "i686": "ia32", "armv7l": "arm"}.get(os.uname().machine, os.uname().machine)


def _set_up(text: str) -> None:
    if get_input("check-latest").lower() == "true" or get_input("mirror"):
        toolkit.info("check-latest, mirror: only the nodes of this machine are looked at.")
    wanted, architecture = _wanted(text), get_input("architecture") or _architecture()
    place = ""
    if wanted is not None:
        tools = toolkit.environment("RUNNER_TOOL_CACHE")
        place = _cached(wanted, tools, architecture)
        if not place and architecture == _architecture():
            place = _make(wanted, tools, architecture)
            if place and wanted.range is None:
                version = place.split("/")[-2]
                toolkit.info(f"'{text}' is asked for: the newest such node of this machine, {version}, is taken for it.")
    if not place:
        raise ActionFailed(_not_found(text, architecture))
    toolkit.info(f"Found in cache @ {place}")
    toolkit.add_path(os.path.join(place, "bin"))


def _cached(wanted: _Wanted, tools: str, architecture: str) -> str:
    """The best installation that the job has already; a link is the machine's own and does not count."""
    best: tuple[Version, str] | None = None
    root = os.path.join(tools, "node")
    for name in os.listdir(root) if os.path.isdir(root) else []:
        version, place = semver.parse(name), os.path.join(root, name, architecture)
        if version is None or not os.path.exists(f"{place}.complete") or os.path.islink(place) or not os.path.isdir(place):
            continue
        if wanted.holds(version) and (best is None or semver.order(version) > semver.order(best[0])):
            best = version, place
    return best[1] if best else ""


def _make(wanted: _Wanted, tools: str, architecture: str) -> str:
    from headrace.actions.builtin import private_node

    found = [(version, program) for version, program in _machines() if wanted.holds(version)]
    for version, program in sorted(found, key=lambda one: semver.order(one[0]), reverse=True):
        place = os.path.join(tools, "node", str(version), architecture)
        if private_node.create(program, version, place):
            return place
    return ""


def _machines() -> list[tuple[Version, str]]:
    from headrace.actions.builtin.private_node import version_of

    found = []
    for program in os.environ.get("HEADRACE_NODES", "").split(os.pathsep):
        version = (semver.parse(nodes.named_version(program)) or version_of(program)) if program else None
        if version is not None:
            found.append((version, program))
    return found


def _not_found(text: str, architecture: str) -> str:
    there = ", ".join(str(version) for version in sorted({version for version, _ in _machines()}, key=semver.order)) or "none"
    system = "darwin" if os.uname().sysname == "Darwin" else "linux"
    return (
        f"Unable to find Node version '{text}' for platform {system} and architecture {architecture}.\n"
        f"This machine has: {there}. Install this one with `nvm install {text}`, `fnm install {text}` or "
        f"`mise install node@{text}`."
    )


# The rest


def _tell() -> None:
    toolkit.group("Environment details")
    for tool in ("node", "npm", "yarn"):
        program, said = toolkit.which(tool), ""
        if program:
            try:
                status, output = toolkit.capture([program, "--version"])
                said = output.strip() if status == 0 else ""
            except OSError:
                said = ""
        if tool == "node":
            toolkit.set_output("node-version", said)
        toolkit.info(f"{tool}: {said}")
    toolkit.end_group()


def _registry(url: str) -> None:
    """An `.npmrc` of the job that names the registry and takes its token from NODE_AUTH_TOKEN."""
    path = os.path.join(os.path.abspath(os.environ.get("RUNNER_TEMP") or os.getcwd()), ".npmrc")
    major = toolkit.major() or 7
    url = url if url.endswith("/") else f"{url}/"
    scope = get_input("scope")
    if not scope and "npm.pkg.github.com" in url:
        scope = os.environ.get("GITHUB_REPOSITORY", "").split("/")[0]
    if scope:
        scope = f"{scope if scope.startswith('@') else '@' + scope}:".lower()
    toolkit.debug(f"Setting auth in {path}")
    text = ""
    if os.path.exists(path):
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            old = file.read().split("\n")
        text = "".join(f"{line}\n" for line in old if not line.lower().startswith(f"{scope}registry"))
    text += f"{re.sub(r'^[A-Za-z0-9_]+:', '', url)}:_authToken=${{NODE_AUTH_TOKEN}}\n{scope}registry={url}"
    if major < 6:
        text += f"\nalways-auth={get_input('always-auth')}"
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
    toolkit.export_variable("NPM_CONFIG_USERCONFIG", path)
    token = os.environ.get("NODE_AUTH_TOKEN", "")
    if major < 7:
        token = token or "XXXXX-XXXXX-XXXXX-XXXXX"
    if major < 7 or "NODE_AUTH_TOKEN" in os.environ:
        toolkit.export_variable("NODE_AUTH_TOKEN", token)


def _add_matchers() -> None:
    temp = os.environ.get("RUNNER_TEMP", "")
    for name, text in _MATCHERS.items() if temp else ():
        path = os.path.join(temp, f"headrace-{name}.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        toolkit.info(f"##[add-matcher]{path}")
