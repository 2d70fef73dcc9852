"""The cache service, as the setup actions use it: the one place that would speak to it.

No drop-in speaks to one yet, so nothing is found and nothing is kept, and the step goes on, as GitHub's client goes on without a
service.
"""

from __future__ import annotations

from headrace.actions.builtin import toolkit

_NONE = "Cache Service Url not found, unable to restore cache."


def available() -> bool:
    """Whether there is a service to ask."""
    return False


def restore(paths: list[str], key: str, *, asked: bool = True) -> str:
    """Unpack the entry `key` to where its files were; the key that matched, "" if none did. Where it cannot ask it says so: as a
    warning if caching was `asked` for, else in the log alone."""
    (toolkit.warning if asked else toolkit.info)(f"Failed to restore: getCacheEntry failed: {_NONE}")
    return ""


def save(paths: list[str], key: str, *, asked: bool = True) -> None:
    """Keep what is at `paths` under `key`. Says like `restore` where it cannot."""
    (toolkit.warning if asked else toolkit.info)(f"Failed to save: reserveCache failed: {_NONE}")
