"""What `headrace init` writes, before zizmor, which looks for weaknesses of workflows. It is asked for nothing online."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from test_core.calls import Headrace
from test_core.monorepos import two
from test_core.processes import Finished, run
from test_core.repositories import GitRepository, make_repository

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

PUBLISH_SHAPES = ("described", "hardened")


def audit(root: Path, *options: str) -> Finished:
    beside = Path(sys.executable).parent / "zizmor"
    program = str(beside) if os.access(beside, os.X_OK) else shutil.which("zizmor")
    if program is None:
        pytest.skip("needs zizmor: uv pip install --group pkg/headrace/pyproject.toml:slow")
    return run([program, "--offline", "--no-progress", "--format=plain", *options, "."], root)


def initiated(headrace: Headrace, publish: str) -> GitRepository:
    repository = make_repository(headrace.home / "mono", two())
    assert headrace("init", "--no-pins", "--publish", publish, cwd=repository.root).status == 0
    return repository


@pytest.mark.parametrize("publish", PUBLISH_SHAPES)
def test_nothing_is_found_in_what_is_written(headrace: Headrace, publish: str) -> None:
    done = audit(initiated(headrace, publish).root)
    assert (done.status, "No findings to report" in done.out) == (0, True), done.out + done.err


def test_what_is_suppressed_has_its_reason_in_the_line(headrace: Headrace) -> None:
    for path in (initiated(headrace, "described").root / ".github/workflows").iterdir():
        marks = [line for line in path.read_text().splitlines() if "zizmor:" in line]
        assert len(marks) == 1 and re.search(r"zizmor: ignore\[unpinned-uses\] \w+", marks[0]), marks


@pytest.mark.parametrize(
    ("publish", "line", "spoilt", "finding"),
    [
        ("described", r"(uses: actions/checkout)@\w{40} # \S+", r"\1@v4", "unpinned-uses"),
        ("hardened", r"(uses: pypa/gh-action-pypi-publish)@\w{40} # \S+", r"\1@release/v1", "unpinned-uses"),
        ("described", r"run: make lint", "run: echo ${{ github.event.pull_request.title }} && make lint", "template-injection"),
        ("hardened", r"permissions:\n  contents: read", "permissions: write-all", "excessive-permissions"),
    ],
)
def test_a_weakness_in_a_copy_is_found(headrace: Headrace, publish: str, line: str, spoilt: str, finding: str) -> None:
    repository = initiated(headrace, publish)
    path = repository.root / ".github/workflows/alpha.yml"
    text, count = re.subn(line, spoilt, path.read_text(), count=1)
    assert count == 1
    path.write_text(text)
    done = audit(repository.root)
    assert done.status != 0 and finding in done.out, done.out + done.err
