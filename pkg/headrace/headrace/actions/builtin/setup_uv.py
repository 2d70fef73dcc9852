"""astral-sh/setup-uv: a uv of the job's own on PATH, and the settings of uv that the action makes.

Reads HEADRACE_UV, the uv of this machine.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from headrace.actions.builtin import toolkit, uv_versions
from headrace.actions.builtin.toolkit import ActionFailed, get_flag, get_input
from headrace.actions.manifest import Manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from headrace.actions.builtin.uv_cache import Caches
    from headrace.actions.builtin.uv_versions import Asked

_GLOBS = """**/*requirements*.txt
**/*requirements*.in
**/*constraints*.txt
**/*constraints*.in
**/pyproject.toml
**/uv.lock
**/*.py.lock"""
_OLD_GLOBS = {5: "**/uv.lock\n**/requirements*.txt", 4: "**/uv.lock", 3: "**/uv.lock"}
_NEWEST = 10

MANIFEST = Manifest(
    name="astral-sh/setup-uv",
    inputs={
        "version": "",
        "version-file": "",
        "pyproject-file": "",
        "uv-file": "",
        "python-version": "",
        "activate-environment": "false",
        "venv-path": "",
        "no-project": "false",
        "working-directory": "${{ github.workspace }}",
        "checksum": "",
        "server-url": "https://github.com",
        "github-token": "${{ github.token }}",
        "enable-cache": "auto",
        "cache-dependency-glob": _GLOBS,
        "restore-cache": "true",
        "save-cache": "true",
        "cache-suffix": "",
        "cache-local-path": "",
        "prune-cache": "",
        "cache-python": "false",
        "ignore-nothing-to-cache": "false",
        "ignore-empty-workdir": "false",
        "tool-dir": "",
        "tool-bin-dir": "",
        "manifest-file": "",
        "download-from-astral-mirror": "true",
        "add-problem-matchers": "true",
        "quiet": "false",
        "resolution-strategy": "highest",
    },
    outputs=("uv-version", "uv-path", "uvx-path", "cache-hit", "cache-key", "venv", "python-version", "python-cache-hit"),
    post=True,
    post_if="success()",
)

_MATCHER = r"""{"problemMatcher": [{"owner": "python", "pattern": [
  {"regexp": "^\\s*File\\s\"(.*)\",\\sline\\s(\\d+),\\sin\\s(.*)$", "file": 1, "line": 2},
  {"regexp": "^\\s*raise\\s(.*)\\(\\'(.*)\\'\\)$", "message": 2}
]}]}
"""


class _Step(NamedTuple):
    """`folder` is where the repository's files are looked for. `cache`: uv's cache, "" where the action leaves it as it is;
    `own_cache`: uv's configuration names it. `pythons`: where uv installs Pythons, since v7."""

    major: int
    folder: str
    python: str
    activate: bool
    venv: str
    enable_cache: bool
    cache: str
    own_cache: bool
    pythons: str


def main() -> int:
    """Raises ActionFailed where GitHub fails, and where the uv that is asked for cannot be had."""
    from headrace.actions.builtin import uv_program

    step = _step()
    _check_inputs(step)
    _note_empty_folder(step)
    found = uv_program.provide(_asked(step), toolkit.environment("RUNNER_TOOL_CACHE"), lowest=_lowest(step))
    if found.cached:
        _say(f"Found uv in tool-cache for {found.version}")
    elif step.major >= 2 and get_input("checksum"):
        toolkit.warning(
            "checksum: it is that of GitHub's archive; uv is from elsewhere here, and its checksum was not looked at."
        )
    _paths(step, found.folder)
    _variables(step)
    _environment(step)
    if step.major < 6 or get_input("add-problem-matchers") == "true":
        _add_matcher()
    _cache_folder(step)
    toolkit.set_output("uv-version", found.version)
    toolkit.save_state("uv-version", found.version)
    _say(f"Successfully installed uv version {found.version}")
    python = _python_version(step) if step.major >= 7 or (step.enable_cache and step.major >= 5) else ""
    if step.major >= 7:
        toolkit.set_output("python-version", python)
    if step.enable_cache:
        from headrace.actions.builtin import uv_cache

        uv_cache.restore(_caches(step), found.version, python)
    return 0


def post() -> int:
    """Keep uv's cache, where that was asked for."""
    step = _step()
    if step.enable_cache:
        from headrace.actions.builtin import uv_cache

        uv_cache.save(_caches(step))
    return 0


def _say(text: str) -> None:
    """What the action tells; since v9 it can be asked to be quiet."""
    if _major() < 9 or get_input("quiet") != "true":
        toolkit.info(text)


def _major() -> int:
    return toolkit.major() or _NEWEST


# Inputs


def _step() -> _Step:
    major = _major()
    folder = os.path.abspath(get_input("working-directory") or os.getcwd()) if major >= 6 else os.getcwd()
    activate = get_flag("activate-environment") if major >= 6 else major == 5 and bool(get_input("python-version"))
    given = get_input("venv-path") if major >= 7 else ""
    if given and not activate:
        toolkit.warning("venv-path is only used when activate-environment is true")
    enabled = get_input("enable-cache")
    caching = enabled == "true" or (enabled == "auto" and major >= 5 and os.environ.get("RUNNER_ENVIRONMENT") == "github-hosted")
    cache, own = _cache_path(major, folder, caching)
    return _Step(
        major, folder, _asked_python(major, folder), activate, _below(folder, given or ".venv"), caching, cache, own,
        _pythons() if major >= 7 else "",
    )  # fmt: skip


def _below(folder: str, path: str) -> str:
    """`~` stands for HOME, and what is relative for something below the folder."""
    if path.startswith("~"):
        path = os.environ.get("HOME", "") + path[1:]
    return os.path.normpath(os.path.join(folder, path))


def _asked_python(major: int, folder: str) -> str:
    """The text for UV_PYTHON; since v10 the version file may say it."""
    given, file = get_input("python-version") if major >= 4 else "", get_input("version-file")
    if given or major < 10 or os.environ.get("UV_PYTHON") or not file.endswith(".tool-versions"):
        return given
    path = _below(folder, file)
    versions = uv_versions.of_tools(path, "python") if os.path.exists(path) else []
    if len(versions) > 1:
        toolkit.warning("Multiple Python versions in .tool-versions are not supported. The Python entry will be ignored.")
        return ""
    if versions and (versions[0] == "system" or versions[0].startswith(("ref:", "path:")) or set("/\\") & set(versions[0])):
        toolkit.warning(f"The Python version {versions[0]} in .tool-versions is not supported. The Python entry will be ignored.")
        return ""
    return versions[0] if versions else ""


def _cache_path(major: int, folder: str, enabled: bool) -> tuple[str, bool]:
    """Where uv's cache is, and whether uv's own configuration says so. Up to v6 the action always moves it."""
    given, temp = get_input("cache-local-path"), os.environ.get("RUNNER_TEMP", "")
    hosted, home = os.environ.get("RUNNER_ENVIRONMENT") == "github-hosted", os.environ.get("HOME", "")
    default = os.path.join(temp, "setup-uv-cache") if hosted or major < 6 else os.path.join(home, ".cache", "uv")
    if given:
        return _below(folder, given) if major >= 6 else given.replace("~", home, 1) if given.startswith("~") else given, False
    if major < 7:
        return default, False
    for name in (get_input("version-file"), "uv.toml", "pyproject.toml"):
        path = _below(folder, name) if name else ""
        try:
            found = uv_versions.config_value(path, "cache-dir")
        except ActionFailed as error:
            toolkit.warning(f"Error while parsing {name}: {error}")
            break
        if found:
            _say(f"Found cache-dir in {path}: {found}")
            return found, True
    if "UV_CACHE_DIR" in os.environ:
        _say(f"UV_CACHE_DIR is already set to {os.environ['UV_CACHE_DIR']}")
        return os.environ["UV_CACHE_DIR"], False
    return default if enabled else "", False


def _pythons() -> str:
    if "UV_PYTHON_INSTALL_DIR" in os.environ:
        _say(f"UV_PYTHON_INSTALL_DIR is already set to {os.environ['UV_PYTHON_INSTALL_DIR']}")
        return os.environ["UV_PYTHON_INSTALL_DIR"]
    if os.environ.get("RUNNER_ENVIRONMENT") == "github-hosted":
        return os.path.join(toolkit.environment("RUNNER_TEMP"), "uv-python-dir")
    return os.path.join(os.environ.get("HOME", ""), ".local", "share", "uv", "python")


def _check_inputs(step: _Step) -> None:
    if step.major >= 6 and get_input("manifest-file"):
        raise ActionFailed("manifest-file is not supported here: no list of versions but a package index's is read.")
    server = get_input("server-url") if step.major in (5, 6) else ""
    if server not in ("", "https://github.com"):
        raise ActionFailed("server-url is not supported here: uv comes from this machine or a package index.")
    _lowest(step)


def _lowest(step: _Step) -> bool:
    text = get_input("resolution-strategy") if step.major >= 7 else ""
    if text not in ("", "highest", "lowest"):
        raise ActionFailed(f"Invalid resolution-strategy: {text}. Must be 'highest' or 'lowest'.")
    return text == "lowest"


def _note_empty_folder(step: _Step) -> None:
    if step.major < 5:
        return
    try:
        empty = not os.listdir(step.folder if step.major >= 7 else ".")
    except FileNotFoundError:
        raise ActionFailed(f"ENOENT: no such file or directory, scandir '{step.folder}'") from None
    if not empty:
        return
    if get_input("ignore-empty-workdir") == "true":
        _say("Empty workdir detected. Ignoring because ignore-empty-workdir is enabled")
    else:
        toolkit.warning(
            "Empty workdir detected. This may cause unexpected behavior. "
            "You can enable ignore-empty-workdir to mute this warning."
        )


def _asked(step: _Step) -> Asked:
    """The version of `version`, else of the file that is named, else of uv.toml or pyproject.toml, else the newest."""
    text = get_input("version")
    if text or step.major < 5:
        return uv_versions.parse(text or ("latest" if step.major > 1 else "0.4.4"))
    if step.major == 5:
        named = get_input("uv-file") or get_input("pyproject-file")
        if named:
            found = uv_versions.of_file(_below(step.folder, named))
            if not found:
                toolkit.warning(f"Could not find required-version under [tool.uv] in {named}. Falling back to latest")
            return uv_versions.parse(found or "latest")
    elif get_input("version-file"):
        path = _below(step.folder, get_input("version-file"))
        found = uv_versions.of_file(path, locks=step.major >= 8)
        if not found:
            raise ActionFailed(f"Could not determine uv version from file: {path}")
        return uv_versions.parse(found)
    for name in ("uv.toml", "pyproject.toml"):
        found = uv_versions.of_file(os.path.join(step.folder, name))
        if found:
            return uv_versions.parse(found)
    _say("Could not determine uv version from uv.toml or pyproject.toml. Falling back to latest.")
    return uv_versions.parse("latest")


# Effects


def _paths(step: _Step, folder: str) -> None:
    """PATH, and the outputs that say where the programs are. Since v5 uv's own folder stands before that of its tools."""
    if step.major < 5:
        _add_path(step, folder)
        if step.major >= 3:
            _tool_programs(step)
        return
    _tool_programs(step)
    for name in ("uv", "uvx"):
        toolkit.set_output(f"{name}-path", os.path.join(folder, name))
    toolkit.save_state("uv-path", os.path.join(folder, "uv"))
    if _keeps_path(step):
        _say("UV_NO_MODIFY_PATH is set, not modifying PATH")
    else:
        _add_path(step, folder)


def _keeps_path(step: _Step) -> bool:
    return step.major >= 7 and "UV_NO_MODIFY_PATH" in os.environ


def _add_path(step: _Step, folder: str) -> None:
    toolkit.add_path(folder)
    _say(f"Added {folder} to the path")


def _tool_programs(step: _Step) -> None:
    given = get_input("tool-bin-dir")
    if given:
        folder = _tool_folder(step, given)
        toolkit.export_variable("UV_TOOL_BIN_DIR", folder)
        _say(f"Set UV_TOOL_BIN_DIR to {folder}")
        if _keeps_path(step):
            _say(f"UV_NO_MODIFY_PATH is set, not adding {folder} to path")
            return
    elif _keeps_path(step):
        _say("UV_NO_MODIFY_PATH is set, not adding user local bin to path")
        return
    elif "XDG_BIN_HOME" in os.environ:
        folder = os.environ["XDG_BIN_HOME"]
    elif "XDG_DATA_HOME" in os.environ:
        folder = f"{os.environ['XDG_DATA_HOME']}/../bin"
    else:
        folder = f"{os.environ.get('HOME', '')}/.local/bin"
    _add_path(step, folder)


def _tool_folder(step: _Step, given: str) -> str:
    """Up to v5 a relative folder stays relative."""
    if step.major >= 6:
        return _below(step.folder, given)
    return os.environ.get("HOME", "") + given[1:] if given.startswith("~") else given


def _variables(step: _Step) -> None:
    if step.major >= 3 and get_input("tool-dir"):
        folder = _tool_folder(step, get_input("tool-dir"))
        toolkit.export_variable("UV_TOOL_DIR", folder)
        _say(f"Set UV_TOOL_DIR to {folder}")
    if step.major >= 7:
        toolkit.export_variable("UV_PYTHON_INSTALL_DIR", step.pythons)
        _say(f"Set UV_PYTHON_INSTALL_DIR to {step.pythons}")
        if _keeps_path(step):
            _say("UV_NO_MODIFY_PATH is set, not adding python dir to path")
        else:
            _add_path(step, step.pythons)
    if step.python:
        toolkit.export_variable("UV_PYTHON", step.python)
        _say(f"Set UV_PYTHON to {step.python}")


def _environment(step: _Step) -> None:
    """A virtual environment for the steps to come. v5 made one wherever a Python was named."""
    if not step.activate:
        return
    if _keeps_path(step):
        raise ActionFailed("UV_NO_MODIFY_PATH and activate-environment cannot be used together.")
    if step.major >= 7:
        _say(f"Creating and activating python venv at {step.venv}...")
        words = ["venv", step.venv, "--directory", step.folder, "--clear"]
        if get_input("no-project") == "true" and step.major >= 8:
            words.append("--no-project")
    else:
        _say("Activating python venv...")
        words = ["venv", ".venv", "--directory", step.folder] if step.major == 6 else ["venv", "--python", step.python]
    toolkit.command_line([toolkit.which("uv"), *words])
    toolkit.add_path(os.path.join(step.venv, "bin"))
    toolkit.export_variable("VIRTUAL_ENV", step.venv)
    if step.major >= 7:
        toolkit.set_output("venv", step.venv)


def _cache_folder(step: _Step) -> None:
    if step.own_cache:
        _say("Using cache-dir from uv config file, not modifying UV_CACHE_DIR")
    elif step.cache:
        toolkit.export_variable("UV_CACHE_DIR", step.cache)
        _say(f"Set UV_CACHE_DIR to {step.cache}")


def _python_version(step: _Step) -> str:
    """The Python that uv would take, as far as uv is on PATH and finds one."""
    if step.python:
        return step.python
    try:
        status, path = toolkit.capture([toolkit.which("uv") or "uv", "python", "find", "--directory", step.folder])
        if status == 0:
            status, said = toolkit.capture([path.strip(), "--version"])
            words = said.split()
            if status == 0 and len(words) > 1:
                return words[1]
    except OSError as error:
        toolkit.debug(f"Failed to get python version from uv. Error: {error}")
    return "unknown"


def _caches(step: _Step) -> Caches:
    from headrace.actions.builtin import uv_program
    from headrace.actions.builtin.uv_cache import Caches

    text = os.environ.get("INPUT_CACHE-DEPENDENCY-GLOB", "")
    if text.strip() == _GLOBS and step.major < 6:
        text = _OLD_GLOBS.get(step.major, "")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if step.major >= 6:
        lines = [("!" if line[0] == "!" else "") + _below(step.folder, line.removeprefix("!")) for line in lines]
    prune = get_input("prune-cache")
    pruned = step.major >= 3 and (prune == "true" or (not prune and step.major < 9))
    return Caches(step.major, uv_program.architecture(), tuple(lines), step.cache, step.pythons, pruned)


def _add_matcher() -> None:
    temp = os.environ.get("RUNNER_TEMP", "")
    if temp:
        path = os.path.join(temp, "headrace-setup-uv.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(_MATCHER)
        toolkit.info(f"##[add-matcher]{path}")
