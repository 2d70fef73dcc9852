"""Programs of the machine that help us."""

from __future__ import annotations

import os


def find(name: str, path: str, root: str = "") -> str:
    """A program on `path` or in the system's own folders; empty where it is not there. `root`: where the machine's / is."""
    for folder in (*path.split(os.pathsep), "/usr/sbin", "/usr/bin"):
        place = os.path.join(folder, name)
        if os.path.isabs(place) and os.access(root + place, os.X_OK) and os.path.isfile(root + place):
            return place
    return ""
