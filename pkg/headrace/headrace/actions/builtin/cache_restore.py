"""actions/cache/restore: brings back what an earlier run has saved."""

from __future__ import annotations

from headrace.actions.builtin import cache_steps, toolkit
from headrace.actions.manifest import Manifest

MANIFEST = Manifest(
    name="actions/cache/restore",
    inputs={
        "path": "",
        "key": "",
        "restore-keys": "",
        "enableCrossOsArchive": "false",
        "fail-on-cache-miss": "false",
        "lookup-only": "false",
    },
    outputs=("cache-hit", "cache-primary-key", "cache-matched-key"),
)


def main() -> int:
    """Raises ActionFailed where GitHub fails."""
    found = cache_steps.restore(lambda key: toolkit.set_output("cache-primary-key", key))
    if found is not None:
        toolkit.set_output("cache-matched-key", found)
    return 0
