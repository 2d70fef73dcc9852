"""The `cache` input of actions/setup-node: npm's, pnpm's or yarn's cache, restored after the set-up and saved at the end."""

from __future__ import annotations

import json
import os
import re

from headrace.actions.builtin import caching, toolkit
from headrace.actions.builtin.toolkit import ActionFailed, get_input

LOCKS = {
    "npm": ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock"),
    "pnpm": ("pnpm-lock.yaml",),
    "yarn": ("yarn.lock",),
}
_TOOL, _PRIMARY, _MATCHED, _PATHS = "SETUP_NODE_CACHE_PACKAGE_MANAGER", "CACHE_KEY", "CACHE_RESULT", "CACHE_PATHS"
_NPM = re.compile(r"(\^)?npm(@.*)?$")


def asked() -> str:
    """Which tool's cache is wanted, "" for none. Unasked it is npm's, since v5, where a package.json says that npm is used."""
    tool = get_input("cache")
    if tool or 0 < toolkit.major() < 5 or get_input("package-manager-cache").lower() != "true":
        return tool
    if not _says_npm(os.path.join(toolkit.environment("GITHUB_WORKSPACE"), "package.json")) or not caching.available():
        return ""
    if not 0 < toolkit.major() < 6:
        toolkit.info(
            "Detected npm as the package manager from package.json's packageManager field. Auto caching has been enabled for "
            "npm. If you want to disable it, set package-manager-cache input to false"
        )
    return "npm"


def _says_npm(path: str) -> bool:
    try:
        with open(path, encoding="utf-8") as file:
            package = json.load(file)
    except (OSError, ValueError):
        return False
    if not isinstance(package, dict):
        return False
    developing = package.get("devEngines")
    engines = developing.get("packageManager") if isinstance(developing, dict) else None
    names = [each.get("name") for each in (engines if isinstance(engines, list) else [engines]) if isinstance(each, dict)]
    return any(isinstance(name, str) and _NPM.match(name) for name in (*names, package.get("packageManager")))


def restore(tool: str) -> None:
    """Bring the cache back, and set the outputs. Raises ActionFailed where GitHub fails."""
    if tool not in LOCKS:
        raise ActionFailed(f"Caching for '{tool}' is not supported")
    major = toolkit.major()
    given = get_input("cache-dependency-path")
    patterns = given.split("\n") if given else [_lock_file(tool)]
    hashed, files = caching.hash_files(patterns)
    if not hashed:
        raise ActionFailed("Some specified paths were not resolved, unable to cache dependencies.")
    if not caching.available_or_warn():
        return
    toolkit.save_state(_TOOL, tool)
    projects = _projects(files) if tool == "yarn" and given else [""]
    paths = list(dict.fromkeys(_folder(tool, project) for project in projects))
    toolkit.save_state(_PATHS, json.dumps(paths))
    processor = "" if 0 < major < 4 else f"-{caching.machine()}"
    start = f"node-cache-{os.environ.get('RUNNER_OS', '')}{processor}-{tool}"
    key = f"{start}-{hashed}"
    toolkit.debug(f"primary key is {key}")
    toolkit.save_state(_PRIMARY, key)
    if not 0 < major < 7:
        toolkit.set_output("cache-primary-key", key)
    others = []
    if tool == "yarn" and not 0 < major < 3 and all(map(_managed, projects)):
        toolkit.info("All dependencies are managed locally by yarn3, the previous cache can be used")
        others = [start]
    found = caching.restore(paths, key, others)
    toolkit.set_output("cache-hit", "true" if found else "false")
    if not 0 < major < 7:
        toolkit.set_output("cache-matched-key", found)
    if found:
        toolkit.save_state(_MATCHED, found)
        toolkit.info(f"Cache restored from key: {found}")
    else:
        toolkit.info(f"{tool} cache is not found")


def save() -> None:
    """What the post step does. Raises ActionFailed where there is nothing to keep."""
    tool = toolkit.get_state(_TOOL)
    if not tool:
        toolkit.debug(f"Caching for '{tool}' is not supported")
        return
    key, matched = toolkit.get_state(_PRIMARY), toolkit.get_state(_MATCHED)
    paths = json.loads(toolkit.get_state(_PATHS) or "[]")
    if not paths:
        given = get_input("cache-dependency-path")
        raise ActionFailed(f"Cache folder paths are not retrieved for {tool} with cache-dependency-path = {given}")
    if key == matched:
        toolkit.info(f"Cache hit occurred on the primary key {key}, not saving cache.")
    elif caching.save(paths, key):
        toolkit.info(f"Cache saved with the key: {key}")


def _lock_file(tool: str) -> str:
    workspace = toolkit.environment("GITHUB_WORKSPACE")
    for name in LOCKS[tool]:
        if os.path.lexists(os.path.join(workspace, name)):
            return os.path.join(workspace, name)
    raise ActionFailed(f"Dependencies lock file is not found in {workspace}. Supported file patterns: {','.join(LOCKS[tool])}")


def _projects(files: tuple[str, ...]) -> list[str]:
    return list(dict.fromkeys(os.path.realpath(os.path.dirname(path)) for path in files))


def _folder(tool: str, project: str) -> str:
    match tool:
        case "npm":
            caching.own_folder("npm_config_cache", ".npm")
            return _said("npm config get cache", "Could not get npm cache folder path")
        case "pnpm":
            return _said("pnpm store path --silent", "Could not get pnpm cache folder path")
        case _:
            version = _said("yarn --version", "Could not retrieve version of yarn", project)
            toolkit.debug(f'Consumed yarn version is {version} (working dir: "{project}")')
            words = "yarn cache dir" if version.startswith("1.") else "yarn config get cacheFolder"
            return _said(words, f"Could not get yarn cache folder path for {project}", project)


def _managed(project: str) -> bool:
    """Whether yarn keeps a cache of the project that is no part of the repository."""
    folder = project or os.environ.get("GITHUB_WORKSPACE") or "."
    if os.path.isdir(os.path.join(folder, ".yarn", "cache")):
        return False
    return "false" in _said("yarn config get enableGlobalCache", "", folder)


def _said(words: str, error: str, folder: str = "") -> str:
    """What a program answers. Raises ActionFailed where it fails, or with `error` where it says nothing."""
    name, *rest = words.split()
    program = toolkit.which(name)
    if not program:
        raise ActionFailed(caching.MISSING.format(name=name))
    here = os.getcwd()
    os.chdir(folder or here)
    try:
        toolkit.info(" ".join(["[command]" + program, *rest]))
        status, said = toolkit.capture([program, *rest])
    finally:
        os.chdir(here)
    if status:
        raise ActionFailed(f"The '{words}' command failed with exit code: {status}")
    toolkit.info(said.rstrip("\n"))
    if not said.strip() and error:
        raise ActionFailed(error)
    return said.strip()
