"""The official language cases, all of them, against the adapter. Skipped where the data is not beside the repository."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SUITE = next(
    (
        beside
        for beside in (ROOT.parent / "shared" / "conformance", ROOT.parents[1] / "shared" / "conformance")
        if beside.is_dir()
    ),
    None,
)
ADAPTER = f"{sys.executable} {ROOT / 'tests' / 'conformance' / 'adapter.py'}"

pytestmark = pytest.mark.skipif(SUITE is None, reason="the official cases are not beside the repository")


def run(suite: str, *options: str) -> subprocess.CompletedProcess[str]:
    assert SUITE is not None
    command = [
        sys.executable,
        str(SUITE / "run_suite.py"),
        "--mirror",
        str(SUITE / "data"),
        "--suite",
        suite,
        "--adapter",
        ADAPTER,
        *options,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_official_expression_case_passes() -> None:
    done = run("expressions", "--strict-kinds")
    assert done.stdout.splitlines()[-1] == "1020 passed, 0 failed", done.stdout
    assert done.returncode == 0


@pytest.mark.skipif(
    not (ROOT / "tests" / "conformance" / "ops_workflow.py").exists(), reason="the adapter reads no workflows here"
)
def test_every_official_reader_case_passes() -> None:
    done = run("reader")
    assert done.stdout.splitlines()[-1] == "182 passed, 0 failed", done.stdout
    assert done.returncode == 0
