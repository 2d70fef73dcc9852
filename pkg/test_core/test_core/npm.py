"""Packages from npm for tests, each installed once for all workers of a session."""

from __future__ import annotations

import fcntl
import re
import shutil
import subprocess
from pathlib import Path

import pytest


def install(shared: Path, package: str) -> Path:
    """A folder whose `node_modules` holds `package`, such as `x@npm:@actions/core@3.0.1`; for reading only.

    `shared` is a folder that all workers use. Skips the test where there is no npm, or no registry.
    """
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"needs {program}")
    folder = shared / re.sub(r"[^\w.-]+", "+", package)
    shared.mkdir(exist_ok=True)
    with open(f"{folder}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # an installation takes ten seconds of a processor
        if (folder / "whole").exists():
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / "package.json").write_text("{}")
        argv = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", package]
        done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            pytest.skip(f"needs a registry of npm packages: {done.stderr[-200:]}")
        (folder / "whole").touch()
    return folder
