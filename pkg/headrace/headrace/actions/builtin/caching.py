"""The cache service, as the setup actions use it: what they have in common with actions/cache, in their own words.

Reads HEADRACE_PACKAGES, the folder of the download caches that jobs of this machine share.
"""

from __future__ import annotations

import os

from headrace.actions.builtin import toolkit
from headrace.actions.builtin.toolkit import ActionFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_NONE = "Cache Service Url not found, unable to restore cache."
MISSING = (
    "Unable to locate executable file: {name}. Please verify either the file path exists or the file can be found within a "
    "directory specified by the PATH environment variable. Also check the file mode to verify the file is executable."
)
_SKIPPED = "The runner was not able to contact the cache service. Caching will be skipped"


def available() -> bool:
    """Whether there is a service to ask."""
    return bool(os.environ.get("ACTIONS_RESULTS_URL"))


def available_or_warn() -> bool:
    """The same; says that there is none."""
    if not available():
        toolkit.warning(_SKIPPED)
    return available()


def shared(folder: str) -> bool:
    """Whether jobs of this machine share the folder. It is there for the next one anyway, and others are at work in it: entries
    of it tell that there was something, and hold no files."""
    packages = os.environ.get("HEADRACE_PACKAGES", "")
    return bool(packages) and f"{os.path.normpath(folder)}/".startswith(f"{packages.rstrip('/')}/")


def restore(paths: list[str], key: str, others: Sequence[str] = (), *, asked: bool = True) -> str:
    """Unpack the entry `key`, or one whose key begins with one of `others`, to where its files were; the key that matched, "" if
    none did. Where it cannot ask it says so: as a warning if caching was `asked` for, else in the log alone. Raises ActionFailed
    for what can be no key."""
    if not available():
        (toolkit.warning if asked else toolkit.info)(f"Failed to restore: getCacheEntry failed: {_NONE}")
        return ""
    from headrace.actions.builtin import cache_steps

    for each in (key, *others):
        cache_steps.check(each)
    return cache_steps.fetch(key, list(others), paths, _kept(paths)) or ""


def save(paths: list[str], key: str, *, asked: bool = True) -> bool:
    """Keep what is at `paths` under `key`; whether it is kept. Says like `restore` where it cannot ask. Raises ActionFailed where
    there is nothing at `paths`."""
    if not available():
        (toolkit.warning if asked else toolkit.info)(f"Failed to save: reserveCache failed: {_NONE}")
        return False
    from headrace.actions.builtin import cache_steps

    cache_steps.check(key)
    return cache_steps.store(key, paths, empty=_kept(paths))


def _kept(paths: list[str]) -> bool:
    kept = all(map(shared, paths))
    if kept:
        toolkit.info(f"Jobs of this machine share {', '.join(paths)}, which stays as it is: its files are not copied.")
    return kept


def hash_files(patterns: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The hash of the hashes of all files, as the toolkit makes it, and the files; "" where there is none. Raises ActionFailed
    for patterns that are none."""
    from hashlib import sha256

    from headrace.actions.builtin import globs

    try:
        files = globs.search(globs.parse(patterns, os.getcwd()), hidden=True).files
    except globs.InvalidPattern as error:
        raise ActionFailed(str(error)) from None
    whole = sha256()
    for path in files:
        one = sha256()
        with open(path, "rb") as file:
            while piece := file.read(1 << 20):
                one.update(piece)
        whole.update(one.digest())
    return (whole.hexdigest() if files else ""), tuple(files)


def own_folder(variable: str, folder: str) -> None:
    """Where a tool's cache is shared, give the job one of its own, in which is only what this job has fetched: that is what
    GitHub saves, and whether there is anything decides how the post step ends."""
    now = os.environ.get(variable, "")
    if now and shared(now):
        toolkit.export_variable(variable, os.path.join(os.environ.get("HOME", ""), folder))


def machine() -> str:
    """What node calls the processor."""
    name = os.uname().machine
    return {"x86_64": "x64", "aarch64": "arm64", "i686": "ia32", "armv7l": "arm"}.get(name, name)
