"""Starts drop-ins as a runner does: as processes that see nothing but a step's environment."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from headrace.actions import builtin

MAIN = os.path.join(os.path.dirname(builtin.__file__), "__main__.py")
GIT = {
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.com",
    "GIT_CONFIG_NOSYSTEM": "1",
}


class Step(NamedTuple):
    """What a drop-in left behind. `env`, `outputs`, `state`: the pairs of its command files."""

    code: int
    log: str
    env: dict[str, str]
    outputs: dict[str, str]
    state: dict[str, str]
    path: list[str]


class Job:
    """A job's folders and its default variables."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.workspace = root / "work space"
        self.temp = root / "temp"
        self.tools = root / "tools"
        self.home = root / "home"
        for folder in (self.workspace, self.temp, self.tools, self.home):
            folder.mkdir(parents=True)
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": "octo/repo",
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_RUN_ID": "1",
            "RUNNER_TEMP": str(self.temp),
            "RUNNER_TOOL_CACHE": str(self.tools),
            "RUNNER_OS": "Linux",
            "GITHUB_ACTION_REF": "v6",
        } | GIT

    def step(self, action: str, stage: str = "main", env: dict[str, str] | None = None, **inputs: str) -> Step:
        """Run one stage. `inputs` have their dashes as underscores; the manifest's plain defaults are filled in."""
        manifest = builtin.manifest(action)
        assert manifest is not None
        values = {name: "" if "${{" in default else default for name, default in manifest.inputs.items()}
        values |= {name.replace("_", "-"): value for name, value in inputs.items()}
        full = self.env | {f"INPUT_{name.upper()}": value for name, value in values.items()} | (env or {})
        files = {}
        for name in ("ENV", "OUTPUT", "STATE", "PATH"):
            file = self.temp / f"command_{name}"
            file.write_text("")
            files[f"GITHUB_{name}"] = str(file)
        done = subprocess.run(
            [sys.executable, "-I", "-S", MAIN, action, stage],
            env=full | files,
            cwd=self.workspace,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        env_, outputs, state = (pairs(Path(files[f"GITHUB_{name}"]).read_text()) for name in ("ENV", "OUTPUT", "STATE"))
        return Step(done.returncode, done.stdout, env_, outputs, state, Path(files["GITHUB_PATH"]).read_text().splitlines())


def pairs(text: str) -> dict[str, str]:
    lines = iter(text.splitlines())
    found = {}
    for line in lines:
        key, _, delimiter = line.partition("<<")
        value = []
        for part in lines:
            if part == delimiter:
                break
            value.append(part)
        found[key] = "\n".join(value)
    return found


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path / "job")


@pytest.fixture
def git(tmp_path: Path) -> Callable[..., str]:
    def call(folder: Path | str, *words: str) -> str:
        env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)} | GIT
        done = subprocess.run(["git", "-C", str(folder), *words], env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return call
