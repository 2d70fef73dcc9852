"""Real repositories in temporary folders, with a git that reads no configuration but ours."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from headrace.events.build import build_event
from headrace.events.detect import open_repository
from headrace.events.model import Event
from headrace.events.request import EventRequest
from headrace.events.snapshot import ObjectStore


class Repo:
    """A repository on disk and short ways to change it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def git(self, *arguments: str, data: str | None = None) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.path, input=data, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def write(self, name: str, text: str = "") -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def commit(self, message: str = "commit", **files: str) -> str:
        """Write the files (`_` stands for `.`), commit everything, return the commit."""
        for name, text in files.items():
            self.write(name.replace("_", "."), text)
        self.git("add", "-A")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def event(self, name: str = "push", store: ObjectStore | None = None, **request: object) -> Event:
        """The event as `plan` would build it, or with a store as `run` would."""
        options = EventRequest(**request)  # type: ignore[arg-type]
        return build_event(open_repository(str(self.path)), name, options, store)


@pytest.fixture(autouse=True)
def own_configuration(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    config = tmp_path_factory.mktemp("config") / "gitconfig"
    config.write_text(
        "[user]\n\tname = Ada Lovelace\n\temail = ada@example.org\n"
        '[protocol "file"]\n\tallow = always\n[advice]\n\tdetachedHead = false\n'
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    yield config


@pytest.fixture
def new_repo(tmp_path: Path) -> Callable[..., Repo]:
    """Makes a repository without commits; `options` go to `git init`."""

    def make(name: str = "hello", *options: str) -> Repo:
        path = tmp_path / name
        path.mkdir(parents=True)
        made = Repo(path)
        made.git("init", "--quiet", "--initial-branch=main", *options)
        return made

    return make


@pytest.fixture
def repo(new_repo: Callable[..., Repo]) -> Repo:
    """One commit on main, with the file a.py."""
    made = new_repo()
    made.commit("first", a_py="1\n")
    return made


@pytest.fixture
def pushed(repo: Repo, tmp_path: Path) -> Repo:
    """The same, with an `origin` that has main."""
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(tmp_path / "far.git")], check=True)
    repo.git("remote", "add", "origin", str(tmp_path / "far.git"))
    repo.git("push", "--quiet", "--set-upstream", "origin", "main")
    repo.git("remote", "set-head", "origin", "main")
    return repo


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(str(tmp_path / "state" / "objects.git"))


@pytest.fixture
def tree(store: ObjectStore) -> Callable[[Event], dict[str, str]]:
    """The files of an event's commit: path → mode and content."""

    def read(event: Event) -> dict[str, str]:
        def git(*arguments: str) -> str:
            command = ["git", "--git-dir", event.objects, *arguments]
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout

        lines = git("-c", "core.quotePath=false", "ls-tree", "-r", event.sha).splitlines()
        found = {}
        for line in lines:
            mode, kind, oid, name = line.replace("\t", " ", 1).split(" ", 3)
            found[name] = f"{mode} {oid if kind == 'commit' else git('cat-file', 'blob', oid)}"
        return found

    return read
