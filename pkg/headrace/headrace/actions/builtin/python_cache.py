"""The `cache` input of actions/setup-python: pip's, pipenv's or poetry's cache, restored after the set-up, saved at the end."""

from __future__ import annotations

import json
import os

from headrace.actions.builtin import caching, toolkit
from headrace.actions.builtin.toolkit import ActionFailed, get_input

LOCKS = {"pip": "**/requirements.txt", "pipenv": "**/Pipfile.lock", "poetry": "**/poetry.lock"}
_BACKUP = "**/pyproject.toml"
_NEWEST = 7
_PRIMARY, _MATCHED, _PATHS = "cache-primary-key", "cache-matched-key", "cache-paths"


def restore(tool: str, version: str) -> None:
    """Bring the cache back, and set `cache-hit`. Raises ActionFailed where GitHub fails."""
    if tool not in LOCKS:
        raise ActionFailed(f"Caching for '{tool}' is not supported")
    asked = get_input("cache-dependency-path") or LOCKS[tool]
    major = toolkit.major() or _NEWEST
    hashed, files = caching.hash_files(asked.split("\n"))
    backed = tool == "pip" and major >= 4
    if not hashed and backed:
        hashed, files = caching.hash_files([_BACKUP])
    if not hashed:
        wanted = ",".join(asked.split("\n")) + (f" or {_BACKUP}" if backed else "")
        raise ActionFailed(
            f"No file in {os.getcwd()} matched to [{wanted}], make sure you have checked out the target repository"
        )
    if not caching.available_or_warn():
        return
    start = f"setup-python-{os.environ.get('RUNNER_OS', '')}{_machine(tool, major)}-python-{version}-{tool}"
    key = f"{start}-{'v2-' if tool == 'poetry' and major >= 4 else ''}{hashed}"
    projects = list(dict.fromkeys(os.path.dirname(path) for path in files)) if tool == "poetry" else []
    paths = _paths(tool, projects)
    toolkit.save_state(_PATHS, json.dumps(paths))
    found = caching.restore(paths, key, [start] if tool == "pip" else [])
    toolkit.save_state(_PRIMARY, key)
    _use(projects)
    if found:
        toolkit.save_state(_MATCHED, found)
        toolkit.info(f"Cache restored from key: {found}")
    else:
        toolkit.info(f"{tool} cache is not found")
    toolkit.set_output("cache-hit", "true" if found == key else "false")


def save(tool: str) -> None:
    """What the post step does. Raises ActionFailed where GitHub fails: up to v5 also where there is nothing to save."""
    listed = toolkit.get_state(_PATHS)
    if not listed:
        toolkit.warning(
            "Cache paths are empty. Please check the previous logs and make sure that the python version is specified"
        )
        return
    paths = json.loads(listed)
    toolkit.debug(f"paths for caching are {', '.join(paths)}")
    if not any(map(os.path.exists, paths)):
        text = (
            f"Cache folder path is retrieved for {tool} but doesn't exist on disk: {', '.join(paths)}. This likely indicates "
            "that there are no dependencies to cache. Consider removing the cache step if it is not needed."
        )
        if 0 < toolkit.major() < 6:
            raise ActionFailed(text)
        toolkit.warning(text)
        return
    key, matched = toolkit.get_state(_PRIMARY), toolkit.get_state(_MATCHED)
    if not key:
        toolkit.warning("Error retrieving key from state.")
    elif matched == key:
        toolkit.info(f"Cache hit occurred on the primary key {key}, not saving cache.")
    else:
        try:
            saved = caching.save(paths, key)
        except (ActionFailed, OSError) as failure:
            toolkit.info(f"[warning]{failure}")
            return
        if saved:
            toolkit.info(f"Cache saved with the key: {key}")


def _machine(tool: str, major: int) -> str:
    """The part of a key that tells machines apart; every few versions of the action there was more of it."""
    processor = f"-{caching.machine()}" if major >= 5 else ""
    if os.uname().sysname != "Linux" or major < 4 or (major < 6 and tool != "pip"):
        return processor
    name, version = _system()
    if name.lower() == "rhel" or "redhat" in name.lower():
        name, version = "rhel", version.split(".")[0]
    return f"{processor}-{version}-{name}"


def _system() -> tuple[str, str]:
    """As lsb_release calls the distribution, and its version; as /etc/os-release does where there is no such program."""
    program = toolkit.which("lsb_release")
    if program:
        status, said = toolkit.capture([program, "-i", "-r", "-s"])
        words = said.strip().split("\n")
        if status == 0 and len(words) == 2:
            return words[0], words[1]
    fields: dict[str, str] = {}
    try:
        for line in toolkit.lines_of("/etc/os-release"):
            key, _, value = line.partition("=")
            fields[key.strip()] = value.strip().replace('"', "")
    except OSError:
        pass
    return fields.get("ID") or "Linux", fields.get("VERSION_ID", "")


def _paths(tool: str, projects: list[str]) -> list[str]:
    match tool:
        case "pip":
            caching.own_folder("PIP_CACHE_DIR", ".cache/pip")
            return [_pip_folder()]
        case "pipenv":
            return [os.path.join(os.environ.get("HOME", ""), ".local/share/virtualenvs")]
        case _:
            return list(dict.fromkeys(path for project in projects for path in _poetry_folders(project)))


def _pip_folder() -> str:
    pip = toolkit.which("pip")
    if not pip:
        raise ActionFailed(caching.MISSING.format(name="pip"))
    toolkit.info(f"[command]{pip} cache dir")
    status, said = toolkit.capture([pip, "cache", "dir"])
    if status:
        raise ActionFailed("Could not get cache folder path for pip package manager")
    toolkit.info(said.rstrip("\n"))
    return said.strip()


def _poetry_folders(project: str) -> list[str]:
    """Where poetry keeps the virtual environments of a project."""
    poetry = toolkit.which("poetry")
    if not poetry:
        raise ActionFailed(caching.MISSING.format(name="poetry"))
    here = os.getcwd()
    os.chdir(project)
    try:
        toolkit.info(f"[command]{poetry} config --list")
        status, said = toolkit.capture([poetry, "config", "--list"])
    finally:
        os.chdir(here)
    if status:
        raise ActionFailed("Could not get cache folder path for poetry package manager")
    settings: dict[str, object] = {}
    for line in said.strip().split("\n"):
        name, equals, value = line.partition("#")[0].partition("=")
        if equals:
            try:
                settings[name.strip()] = json.loads(value.strip())
            except ValueError:
                raise ActionFailed(f"poetry says of itself what cannot be read: {line}") from None
    folder = str(settings.get("virtualenvs.path", "")).replace("{cache-dir}", str(settings.get("cache-dir", "")))
    return [folder, *([os.path.join(project, ".venv")] if settings.get("virtualenvs.in-project") is True else [])]


def _use(projects: list[str]) -> None:
    """Poetry's environments may come from another Python: it is told which one is right."""
    python = toolkit.which("python") if projects else ""
    if projects and not python:
        toolkit.info("[warning]python binaries were not found in PATH")
        return
    here = os.getcwd()
    for project in projects:
        os.chdir(project)
        try:
            poetry = toolkit.which("poetry")
            toolkit.info(f"[command]{poetry} env use {python}")
            if toolkit.run([poetry, "env", "use", python]):
                toolkit.info(f"[warning]poetry did not take {python}")
        finally:
            os.chdir(here)
