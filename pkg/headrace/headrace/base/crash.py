"""What is written when headrace itself fails: a file with the traceback, whose path is said instead of the traceback."""

from __future__ import annotations

import os
import sys
import time

from headrace.base.paths import state_dir


def write_crash(where: str) -> str:
    """Write the exception being handled to a crash file; its path, or an empty text where the disk refuses."""
    import traceback

    from headrace import __version__

    folder = os.path.join(state_dir(), "crashes")
    path = os.path.join(folder, f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt")
    text = f"headrace {__version__}, {where}, Python {sys.version}\n{sys.platform}\n\n{traceback.format_exc()}"
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        with open(path, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError:
        return ""
    return path
