"""actions/cache/save: saves files for later runs. Whatever goes wrong is a warning."""

from __future__ import annotations

from headrace.actions.builtin import cache_steps, toolkit
from headrace.actions.manifest import Manifest

MANIFEST = Manifest(
    name="actions/cache/save", inputs={"path": "", "key": "", "upload-chunk-size": "", "enableCrossOsArchive": "false"}
)


def main() -> int:
    cache_steps.refuse_old()
    if cache_steps.save(toolkit.get_input("key"), "") is False:
        toolkit.warning("Cache save failed.")
    return 0
