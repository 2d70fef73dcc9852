"""Real calls of headrace, each a process of its own, in temporary git repositories."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import headrace
import pytest
from msgspec import Struct
from test_core.repositories import GitRepository, make_repository


class Done(Struct, frozen=True):
    """What a call left: its exit status and both outputs."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Headrace:
    """Calls headrace from `folder` with a state directory and a HOME of its own, off a terminal, in a UTF-8 locale. `bytecode` is
    a folder for compiled modules, so that only the first call compiles."""

    def __init__(self, home: Path, folder: Path, bytecode: Path) -> None:
        self.home = home
        self._bytecode = str(bytecode)
        self.folder = folder
        self.state = home / "state" / "headrace"

    def environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
        mine = {"HOME": str(self.home), "XDG_STATE_HOME": str(self.home / "state"), "XDG_CACHE_HOME": str(self.home / "cache")}
        source = str(Path(headrace.__file__).parents[1])
        return {
            **kept,
            **mine,
            "PYTHONPATH": source,
            "PYTHONPYCACHEPREFIX": self._bytecode,
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
            "TZ": "UTC",
            **extra,
        }

    def __call__(self, *arguments: str, cwd: Path | None = None, stdin: str = "", **extra: str) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "headrace.cli", *arguments],
            cwd=cwd or self.folder,
            env=self.environment(extra),
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Done(done.returncode, done.stdout, done.stderr)


CI = """\
name: CI
on: [push, pull_request]
jobs:
  test:
    runs-on: ubuntu-latest
    strategy:
      matrix:
        python: ["3.10", "3.13"]
    steps:
      - run: echo hello
  publish:
    needs: test
    if: startsWith(github.ref, 'refs/tags/')
    runs-on: ubuntu-latest
    steps:
      - run: echo out
"""


@pytest.fixture(scope="session")
def bytecode(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bytecode")


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    return make_repository(tmp_path / "a folder" / "hello", {".github/workflows/ci.yml": CI})


@pytest.fixture(name="headrace")
def headrace_command(tmp_path: Path, repository: GitRepository, bytecode: Path) -> Headrace:
    home = tmp_path / "home"
    home.mkdir()
    return Headrace(home, repository.root, bytecode)
