"""What actions/cache and its parts have in common: the order of checks, and the words, of the actions themselves."""

from __future__ import annotations

import os

from headrace.actions.builtin import toolkit
from headrace.actions.builtin.toolkit import ActionFailed, get_input

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST = 512
_MOST = 10
_RESERVED = "Unable to reserve cache with key {key}, another job may be creating this cache."
_DENIED = "cache write denied:"
_NO_PATH = "Path Validation Error: Path(s) specified in the action for caching do(es) not exist, hence no cache is being saved."


def restore(keep: Callable[[str], None]) -> str | None:
    """Bring a cache back, and set `cache-hit`; the key that was found. `keep` is told the primary key. Raises ActionFailed."""
    refuse_old()
    try:
        return _restore(keep)
    except ActionFailed as failure:
        if toolkit.major() != 3:
            raise
        toolkit.error(str(failure))  # v3 says so, and then ends its program with success
        return None


def _restore(keep: Callable[[str], None]) -> str | None:
    if not _available():
        toolkit.set_output("cache-hit", "false")
        return None
    if not _has_ref():
        return None
    primary = _required("key")
    keep(primary)
    others, paths = _lines("restore-keys"), _paths()
    fail, only_look = _flag("fail-on-cache-miss"), _flag("lookup-only")
    keys = [primary, *others]
    if len(keys) > _MOST:
        raise ActionFailed(f"Key Validation Error: Keys are limited to a maximum of {_MOST}.")
    for key in keys:
        check(key)
    if (mode := _mode()) not in ("", "read", "write"):
        toolkit.info(f"Cache restore skipped: the effective cache-mode '{mode}' does not permit reads.")
        found = None
    else:
        found = fetch(primary, others, paths, only_look)
    if found is None:
        if fail:
            raise ActionFailed(f"Failed to restore cache entry. Exiting as fail-on-cache-miss is set. Input key: {primary}")
        toolkit.info(f"Cache not found for input keys: {', '.join(keys)}")
        return None
    toolkit.set_output("cache-hit", "true" if same(primary, found) else "false")
    toolkit.info(f"Cache {'found and can be ' if only_look else ''}restored from key: {found}")
    return found


def save(key: str, restored: str) -> bool | None:
    """Save the paths under the key, unless `restored` is the same; whether that succeeded, None where there was nothing to do.
    Nothing that goes wrong fails a step."""
    if not _available() or not _has_ref():
        return None
    if not key:
        _log_warning("Key is not specified.")
        return None
    if restored and same(key, restored):
        toolkit.info(f"Cache hit occurred on the primary key {key}, not saving cache.")
        return None
    try:
        paths = _paths()
        check(key)
        saved = store(key, paths)
    except (ActionFailed, OSError) as failure:
        _log_warning(str(failure))
        return False
    if saved:
        toolkit.info(f"Cache saved with key: {key}")
    return saved


def refuse_old() -> None:
    """GitHub has closed the service that old versions speak to, and fails whatever names them. Raises ActionFailed."""
    import re

    ref = os.environ.get("GITHUB_ACTION_REF", "")
    numbers = re.fullmatch(r"(?:refs/tags/)?v(\d+)(?:\.(\d+))?(?:\.(\d+))?", ref)
    if numbers is None:
        return
    major, minor = int(numbers[1]), None if numbers[2] is None else int(numbers[2])
    if major < 3 or (minor is not None and (major, minor) < {3: (3, 4), 4: (4, 2)}.get(major, (0, 0))):
        raise ActionFailed(
            f"This request has been automatically failed because it uses a deprecated version of `actions/cache: {ref}`. "
            "Please update your workflow to use v3/v4 of actions/cache to avoid interruptions."
        )


def same(key: str, other: str) -> bool:
    """Ignoring case; accents count.

    >>> same("Key-É", "key-é"), same("key-é", "key-e")
    (True, False)
    """
    from unicodedata import normalize

    return normalize("NFC", key).casefold() == normalize("NFC", other).casefold()


# The service and the archive


def fetch(primary: str, others: list[str], paths: list[str], only_look: bool) -> str | None:
    """The key of what was found. Failures are warnings: without a cache things work too, only slower."""
    from headrace.actions.builtin import cache_archive, cache_client

    archive = None
    try:
        client = cache_client.CacheClient()
        method = cache_archive.method()
        found = client.find(primary, others, cache_archive.version(cache_archive.lasting(paths), method))
        if found is None:
            return None
        toolkit.info(f"Cache hit for{'' if found.key == primary else ' restore-key'}: {found.key}")
        if only_look:
            toolkit.info("Lookup only - skipping download")
            return found.key
        archive = cache_archive.Archive(method)
        cache_client.download(found.url, archive.path)
        toolkit.info(cache_archive.size_line(archive.size))
        if os.environ.get("HEADRACE_OPEN_MACHINE"):
            archive.check(paths)
        archive.unpack()
        toolkit.info("Cache restored successfully")
        return found.key
    except (ActionFailed, cache_client.Failed, OSError) as failure:
        toolkit.warning(f"Failed to restore: {failure}")
        return None
    finally:
        if archive is not None:
            archive.remove()


def store(key: str, paths: list[str], *, empty: bool = False) -> bool:
    """Whether it is stored; with `empty` of folders only that they are there. Raises ActionFailed and OSError for what the
    actions do not call a failure to save."""
    from headrace.actions.builtin import cache_archive, cache_client

    if (mode := _mode()) not in ("", "write", "write-only"):
        toolkit.info(f"Cache save skipped: the effective cache-mode '{mode}' does not permit writes.")
        return False
    client = cache_client.CacheClient()
    method = cache_archive.method()
    found = cache_archive.resolve(paths)
    if not found:
        raise ActionFailed(_NO_PATH)
    archive = cache_archive.Archive(method)
    try:
        archive.pack(found, empty=empty)
        version = cache_archive.version(cache_archive.lasting(paths), method)
        try:
            url = client.create(key, version)
        except cache_client.Failed as failure:
            reason = str(failure)
            toolkit.debug(f"Failed to reserve cache: {reason}")
            if reason.startswith(_DENIED):
                raise ActionFailed(f"Unable to reserve cache with key {key}. More details: {reason}") from None
            toolkit.info(f"Failed to save: {_RESERVED.format(key=key)}")
            return False
        cache_client.upload(url, archive.path)
        client.finish(key, version, archive.size)
    except (ActionFailed, cache_client.Failed, OSError) as failure:
        toolkit.warning(f"Failed to save: {failure}")
        return False
    finally:
        archive.remove()
    return True


# Inputs


def _available() -> bool:
    if os.environ.get("ACTIONS_RESULTS_URL"):
        return True
    _log_warning(
        "An internal error has occurred in cache backend. Please check https://www.githubstatus.com/ for any ongoing issue in "
        "actions."
    )
    return False


def _has_ref() -> bool:
    if os.environ.get("GITHUB_REF"):
        return True
    event = os.environ.get("GITHUB_EVENT_NAME", "")
    _log_warning(f"Event Validation Error: The event type {event} is not supported because it's not tied to a branch or tag ref.")
    return False


def _mode() -> str:
    """What the service lets this job do: empty (or unknown to us) for all."""
    mode = os.environ.get("ACTIONS_CACHE_MODE", "").strip().lower()
    return mode if mode in ("none", "read", "write", "write-only") else ""


def _required(name: str) -> str:
    value = get_input(name)
    if not value:
        raise ActionFailed(f"Input required and not supplied: {name}")
    return value


def _paths() -> list[str]:
    _required("path")
    return _lines("path")


def _lines(name: str) -> list[str]:
    import re

    lines = (re.sub(r"^!\s+", "!", line).strip() for line in get_input(name).split("\n"))
    return [line for line in lines if line]


def _flag(name: str) -> bool:
    return get_input(name).lower() == "true"


def check(key: str) -> None:
    """Raises ActionFailed for what can be no key."""
    if len(key.encode("utf-16-le", "surrogatepass")) > 2 * _LONGEST:
        raise ActionFailed(f"Key Validation Error: {key} cannot be larger than {_LONGEST} characters.")
    if "," in key:
        raise ActionFailed(f"Key Validation Error: {key} cannot contain commas.")


def _log_warning(text: str) -> None:
    """The actions' own warnings are plain lines, and no annotations."""
    toolkit.info(f"[warning]{text}")
