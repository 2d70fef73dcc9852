"""The caches of setup-uv: what they are called, and when they are restored and saved."""

from __future__ import annotations

import os
from typing import NamedTuple

from headrace.actions.builtin import caching, toolkit
from headrace.actions.builtin.toolkit import ActionFailed, get_input, get_state

_KEY, _MATCHED, _PYTHON_MATCHED = "cache-key", "cache-matched-key", "python-cache-matched-key"
_SAFE = "!'()*"  # what JavaScript's encodeURIComponent leaves as it is, beside what urllib does


class Caches(NamedTuple):
    """What one step asks for. `folder` is uv's cache, "" where it stays where it is; `pythons` is where uv's Pythons are."""

    major: int
    architecture: str
    globs: tuple[str, ...]
    folder: str
    pythons: str
    prune: bool

    @property
    def with_pythons(self) -> bool:
        return self.major >= 7 and get_input("cache-python") == "true"


def restore(caches: Caches, uv_version: str, python: str) -> None:
    """Look for what an earlier run has kept; sets the outputs."""
    key = _key(caches, uv_version, python)
    toolkit.save_state(_KEY, key)
    if caches.major >= 7:
        toolkit.set_output("cache-key", key)
    if caches.major >= 6 and get_input("restore-cache") != "true":
        toolkit.info("restore-cache is false. Skipping restore cache step.")
        if caches.major >= 7:
            toolkit.set_output("python-cache-hit", "false")
        return
    if not caches.folder:
        raise ActionFailed("cache-local-path is not set. Cannot restore cache without a valid cache path.")
    _restore(caches, caches.folder, key, _MATCHED, "cache-hit")
    if caches.with_pythons:
        _restore(caches, caches.pythons, f"{key}-python", _PYTHON_MATCHED, "python-cache-hit")
    elif caches.major >= 7:
        toolkit.set_output("python-cache-hit", "false")


def _restore(caches: Caches, folder: str, key: str, state: str, output: str) -> None:
    what = "cache" if caches.major >= 7 else "uv cache"
    toolkit.info(f"Trying to restore {what} from GitHub Actions cache with key: {key}")
    matched = caching.restore([folder], key, asked=_asked())
    if matched:
        toolkit.save_state(state, matched)
        toolkit.info(f"{what} restored from GitHub Actions cache with key: {matched}")
    else:
        toolkit.info(f"No GitHub Actions cache found for key: {key}")
    toolkit.set_output(output, "true" if matched else "false")


def save(caches: Caches) -> None:
    """What the post step does. Raises ActionFailed where there is nothing to keep."""
    key = get_state(_KEY)
    if caches.major >= 6 and get_input("save-cache") != "true":
        toolkit.info("save-cache is false. Skipping save cache step.")
        return
    if not key:
        toolkit.warning("Error retrieving cache key from state.")
        return
    if get_state(_MATCHED) == key:
        toolkit.info(f"Cache hit occurred on key {key}, not saving cache.")
    else:
        _save_uv(caches, key)
    if caches.with_pythons:
        if not os.path.exists(caches.pythons):
            toolkit.warning(
                f"Python cache path {caches.pythons} does not exist on disk. Skipping Python cache save because no managed "
                "Python installation was found. If you want uv to install managed Python instead of using a system interpreter, "
                "set UV_PYTHON_PREFERENCE=only-managed."
            )
        elif get_state(_PYTHON_MATCHED) != f"{key}-python":
            toolkit.info(f"Including Python cache path: {caches.pythons}")
            if caching.save([caches.pythons], f"{key}-python", asked=_asked()):
                toolkit.info(f"Python cache saved with key: {key}-python")


def _save_uv(caches: Caches, key: str) -> None:
    folder, now = caches.folder, os.environ.get("UV_CACHE_DIR", "")
    if not folder:
        raise ActionFailed("cache-local-path is not set. Cannot save cache without a valid cache path.")
    if caches.prune and caching.available() and not caching.shared(folder):
        _prune()
    if caches.major >= 7 and now and now != folder:
        toolkit.warning(
            f'The environment variable UV_CACHE_DIR has been changed to "{now}", by an action or step running after '
            "astral-sh/setup-uv. This can lead to unexpected behavior. If you expected this to happen set the cache-local-path "
            f'input to "{now}" instead of "{folder}".'
        )
        folder = now
    if os.path.exists(folder):
        toolkit.info(f"Including uv cache path: {folder}" if caches.major >= 7 else f"Saving cache path: {folder}")
        if caching.save([folder], key, asked=_asked()):
            toolkit.info(f"uv cache saved with key: {key}" if caches.major >= 7 else f"cache saved with the key: {key}")
    elif caches.major >= 4 and get_input("ignore-nothing-to-cache") == "true":
        toolkit.info("No cacheable uv cache paths were found. Ignoring because ignore-nothing-to-cache is enabled.")
    else:
        raise ActionFailed(
            f"Cache path {folder} does not exist on disk. This likely indicates that there are no dependencies to cache. "
            "Consider disabling the cache input if it is not needed."
        )


def _asked() -> bool:
    """Whether the workflow wants a cache, or the action by itself."""
    return get_input("enable-cache") == "true"


def _prune() -> None:
    """Without `--force`, which the action has and which takes no heed of a uv at work: jobs share the folder of a machine."""
    toolkit.info("Pruning cache...")
    uv = get_state("uv-path") or toolkit.which("uv")
    toolkit.command_line([uv, "cache", "prune", "--ci"])


# The key


def _key(caches: Caches, uv_version: str, python: str) -> str:
    from urllib.parse import quote

    suffix = get_input("cache-suffix")
    start = f"{caches.architecture}-{_platform()}"
    if caches.major < 5:
        hashed = _hash(caches) or ("no-dependency-glob" if not caches.globs else "")
        if not hashed:
            listed = ",".join(caches.globs)
            raise ActionFailed(f"No file matched to [{listed}], make sure you have checked out the target repository")
        return f"setup-uv-1-{start}-{uv_version}-{hashed}{'-' + suffix if suffix else ''}"
    hashed = _hash(caches)
    if caches.globs and not hashed:
        toolkit.warning(
            f"No file matched to [{','.join(caches.globs)}]. The cache will never get invalidated. Make sure you have "
            "checked out the target repository and configured the cache-dependency-glob input correctly."
        )
    pruned = "-pruned" if caches.prune and caches.major >= 6 else ""
    end = f"-{hashed or 'no-dependency-glob'}"
    if caches.major >= 9:
        python, suffix = quote(python, safe=_SAFE), quote(suffix, safe=_SAFE)
    if caches.major >= 7:
        start = f"{start}-{_system()}"
        pruned += "-py" if caches.with_pythons else ""
    return f"setup-uv-{2 if caches.major >= 7 else 1}-{start}-{python}{pruned}{end}{'-' + suffix if suffix else ''}"


def _hash(caches: Caches) -> str:
    """The hash of the hashes of all files, as the toolkit makes it; "" where there is none."""
    if not caches.globs:
        return ""
    toolkit.info(f"Searching files using cache dependency glob: {','.join(caches.globs)}")
    hashed, files = caching.hash_files(caches.globs)
    for path in files:
        toolkit.info(path)
    toolkit.info(f"Found {len(files)} files to hash." if files else "No matches found for glob")
    return hashed


def _platform() -> str:
    if os.uname().sysname == "Darwin":
        return "apple-darwin"
    musl = any(name.startswith("ld-musl-") for name in os.listdir("/lib")) if os.path.isdir("/lib") else False
    return "unknown-linux-musl" if musl and not os.path.exists("/lib64/ld-linux-x86-64.so.2") else "unknown-linux-gnu"


def _system() -> str:
    """`ubuntu-24.04`, `macos-14`."""
    if os.uname().sysname == "Darwin":
        return f"macos-{int(os.uname().release.split('.')[0]) - 9}"
    fields: dict[str, str] = {}
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        if os.path.exists(path):
            pairs = (line.partition("=") for line in toolkit.lines_of(path))
            fields = {key: value.strip().strip("\"'") for key, _, value in pairs}
            break
    version = fields.get("VERSION_ID") or fields.get("VERSION_CODENAME") or fields.get("BUILD_ID", "")
    return f"{fields.get('ID', 'linux')}-{version}" if version else fields.get("ID", "linux")
