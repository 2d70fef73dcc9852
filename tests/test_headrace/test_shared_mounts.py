"""What the machine has mounted, and shares, is none of a job's business: neither a job nor its network's helper unmounts it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from test_core.calls import Headrace

SCRIPT = """
set -e
mount --bind "$1" "$1"
mount --make-shared "$1"
mkdir "$1/inner"
mount -t tmpfs tmpfs "$1/inner"
shift
"$@" > /dev/null
grep -q inner /proc/self/mountinfo && echo still there
"""


@pytest.mark.parametrize("network", ["private", "none"])
def test_a_mount_that_the_machine_shares_outlives_a_job_in_namespaces(headrace: Headrace, tmp_path: Path, network: str) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can mount, and only root's mounts could go")
    if network == "private" and shutil.which("slirp4netns") is None:
        pytest.skip("needs slirp4netns")
    repository = headrace.repository("  a: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}")
    shared = tmp_path / "shared"
    shared.mkdir()
    run = headrace.command("run", "--isolation", "namespaces", "--network", network)
    words = ["unshare", "--mount", "--propagation", "private", "sh", "-c", SCRIPT, "sh", str(shared), *run]
    done = subprocess.run(
        words, cwd=repository.root, env=headrace.environment(), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout == "still there\n", done.stderr
