"""Real calls of headrace, each a process of its own, in temporary git repositories."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_core.calls import Headrace
from test_core.repositories import GitRepository, make_repository

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
