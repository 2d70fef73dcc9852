"""actions/cache: brings back what an earlier run has saved, and saves it at the end of a job that has succeeded."""

from __future__ import annotations

from headrace.actions.builtin import cache_steps, toolkit
from headrace.actions.manifest import Manifest

MANIFEST = Manifest(
    name="actions/cache",
    inputs={
        "path": "",
        "key": "",
        "restore-keys": "",
        "upload-chunk-size": "",
        "enableCrossOsArchive": "false",
        "fail-on-cache-miss": "false",
        "lookup-only": "false",
        "save-always": "false",
    },
    outputs=("cache-hit",),
    post=True,
    post_if="success()",
)


def main() -> int:
    """Raises ActionFailed where GitHub fails."""
    found = cache_steps.restore(lambda key: toolkit.save_state("CACHE_KEY", key))
    if found is not None:
        toolkit.save_state("CACHE_RESULT", found)
    return 0


def post() -> int:
    key, found = toolkit.get_state("CACHE_KEY"), toolkit.get_state("CACHE_RESULT")
    cache_steps.save(key or toolkit.get_input("key"), found)
    return 0
