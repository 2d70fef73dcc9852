"""What tests of Python installations share: a distribution to install, and whether a folder was touched."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path


def make_wheel(folder: Path) -> Path:
    """A distribution `millwheel` with a module and a console script of that name, which prints `turning`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "millwheel-1.0-py3-none-any.whl"
    info = "millwheel-1.0.dist-info"
    files = {
        "millwheel.py": "def main(): print('turning')\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: millwheel\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\nmillwheel = millwheel:main\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def folders_below(folder: str) -> dict[str, int]:
    """Every folder at and below `folder` → when an entry was last added, removed or replaced in it, in nanoseconds.

    Folders alone, since an installation that is written into gets or loses entries, and its files are many.
    """
    found = {folder: os.stat(folder).st_mtime_ns}
    with os.scandir(folder) as entries:
        inner = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    for path in inner:
        found |= folders_below(path)
    return found
