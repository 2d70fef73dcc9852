"""Clients of the cache service that are not ours: the actions as they are published, and their toolkit from npm."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from headrace.actions import builtin
from headrace.services.grants import JobGrant, issue
from test_core import npm
from test_core.actions import output
from test_core.caches import Cached
from test_core.calls import Headrace

pytestmark = pytest.mark.slow  # it takes minutes, or needs the machine for itself

KEY = b"a key of this test, long enough"
MIRRORS = "HEADRACE_MIRRORS"
TOOLKITS = ("3.2.4", "4.1.0", "6.3.0")
MAKE = "- run: mkdir -p 'my data' ~/.store && echo one > 'my data/file' && echo two > ~/.store/file\n"
SHOW = "- run: cat 'my data/file' ~/.store/file\n"


# The published actions


@pytest.fixture
def mirrors() -> str:
    """A folder with a mirror of actions/cache."""
    folder = os.environ.get(MIRRORS, "")
    if not os.path.isdir(os.path.join(folder, "actions+cache", "repo")):
        pytest.skip(f"{MIRRORS} names no folder with a mirror of actions/cache")
    if shutil.which("node") is None:
        pytest.skip("needs node")
    return folder


def step(uses: str, key: str, *more: str) -> str:
    lines = "".join(f"    {line}\n" for line in (f"key: {key}", "path: |", "  my data", "  ~/.store", *more))
    return f"- uses: {uses}\n  with:\n{lines}"


@pytest.mark.covers("runtime:9.8")
@pytest.mark.parametrize("version", ["v3", "v4", "v5"])
def test_a_published_action_misses_saves_and_hits(headrace: Headrace, mirrors: str, version: str) -> None:
    cached = Cached(headrace, "--native", "off", "--actions-root", mirrors)
    first = cached.run(step(f"actions/cache@{version}", "k-1") + MAKE)
    assert first.results == {"a": "success"}
    assert {"Cache not found for input keys: k-1", "Cache saved with key: k-1"} <= set(output(first))
    second = cached.run(step(f"actions/cache@{version}", "k-1") + SHOW)
    assert {"Cache restored from key: k-1", "one", "two"} <= set(output(second))
    third = cached.run(step(f"actions/cache@{version}", "k-2", "restore-keys: k-") + SHOW)
    assert {"Cache restored from key: k-1", "one", "two", "Cache saved with key: k-2"} <= set(output(third))
    again = cached.run(MAKE + step(f"actions/cache/save@{version}", "k-1"))
    assert again.results == {"a": "success"}
    assert any("Failed to save: Unable to reserve cache with key k-1, another job may be" in line for line in output(again))
    failed = cached.run(step(f"actions/cache/restore@{version}", "none", "fail-on-cache-miss: true"))
    assert failed.results == {"a": "success" if version == "v3" else "failure"}  # an old fault, which the drop-in has too
    native = cached.run(step(f"actions/cache/restore@{version}", "none", "fail-on-cache-miss: true"), "--native", "on")
    assert native.results == failed.results
    other = cached.run(step(f"actions/cache/restore@{version}", "k-1") + SHOW, "--ref", "refs/heads/topic")
    assert "Cache restored from key: k-1" in output(other)
    cached.run(MAKE + step(f"actions/cache/save@{version}", "k-topic"), "--ref", "refs/heads/topic")
    assert "Cache not found for input keys: k-topic" in output(cached.run(step(f"actions/cache/restore@{version}", "k-topic")))


@pytest.mark.covers("runtime:9.6")
@pytest.mark.parametrize("version", ["v4", "v5"])
def test_drop_in_and_published_action_share_what_they_save(headrace: Headrace, mirrors: str, version: str) -> None:
    cached = Cached(headrace, "--actions-root", mirrors)
    save, restore = f"actions/cache/save@{version}", f"actions/cache/restore@{version}"
    for key, saving, restoring in (("a", "on", "off"), ("b", "off", "on")):
        assert f"Cache saved with key: {key}" in output(cached.run(MAKE + step(save, key), "--native", saving))
        found = cached.run(step(restore, key) + SHOW, "--native", restoring)
        assert {f"Cache restored from key: {key}", "one", "two"} <= set(output(found))


def test_what_a_published_action_and_its_drop_in_say_is_the_same(headrace: Headrace, mirrors: str) -> None:
    said = []
    for native in ("off", "on"):
        cached = Cached(headrace, "--actions-root", mirrors, "--native", native)
        told: list[str] = []
        mark = f"native-{native}-"
        for steps in (
            MAKE + step("actions/cache@v4", f"{mark}1"),
            step("actions/cache@v4", f"{mark}1"),
            step("actions/cache@v4", f"{mark}2", f"restore-keys: {mark}"),
            step("actions/cache/restore@v4", f"{mark}1", "lookup-only: true"),
            MAKE + step("actions/cache/save@v4", f"{mark}1"),
            step("actions/cache/restore@v4", f"{mark}9"),
        ):
            lines = [line for line in output(cached.run(steps)) if "ache" in line and "command]" not in line]
            told += [line.replace(mark, "k-") for line in lines if "(" not in line and "Download action" not in line]
        said.append(told)
        shutil.rmtree(cached.repository.root)
    assert said[0] == said[1]


# The toolkit, with a service of its own


class Service(NamedTuple):
    url: str

    def env(self, old: bool, ref: str = "refs/heads/main", *reads: str, writes: bool = True) -> dict[str, str]:
        token = issue(JobGrant("run", "job", "octo/repo", ref, "octo/repo@1", reads, writes), KEY)
        env = {
            "ACTIONS_RUNTIME_TOKEN": token, "ACTIONS_RESULTS_URL": f"{self.url}/", "ACTIONS_CACHE_URL": f"{self.url}/",
            "GITHUB_REF": ref, "GITHUB_SERVER_URL": "https://github.com",
        }  # fmt: skip
        return env if old else env | {"ACTIONS_CACHE_SERVICE_V2": "True"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("services")
    (folder / "key").write_bytes(KEY)
    argv = [sys.executable, "-m", "headrace.cli", "services", "--store", str(folder / "store"), "--key-file", str(folder / "key")]
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), "HOME": str(folder)}
    with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield Service(process.stdout.readline().split()[-1])
        process.send_signal(signal.SIGTERM)
        process.wait()


# Each line it reads is a call, in a folder and with an environment of its own.
PROGRAM = """\
import * as cache from '@actions/cache'
import * as readline from 'node:readline'
for await (const line of readline.createInterface({input: process.stdin})) {
  const {what, words, env, folder} = JSON.parse(line)
  for (const name of Object.keys(process.env)) delete process.env[name]
  Object.assign(process.env, env)
  process.chdir(folder)
  const found = await cache[what](...words)
  console.log('result=' + JSON.stringify(found === undefined ? null : found))
}
"""


class Toolkit:
    """@actions/cache of one version, in a process that calls it: to load it takes longer than most calls."""

    def __init__(self, folder: Path) -> None:
        self.name = folder.name
        self.process = subprocess.Popen(
            ["node", str(folder / "call.mjs")],
            cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def call(self, what: str, words: tuple[Any, ...], env: dict[str, str], folder: Path) -> tuple[Any, str]:
        """What a function returns, and what it said."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps({"what": what, "words": words, "env": env, "folder": str(folder)}) + "\n")
        self.process.stdin.flush()
        said = ""
        for line in self.process.stdout:
            said += line
            if line.startswith("result="):
                return json.loads(line.removeprefix("result=")), said
        raise AssertionError(said)

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module", params=TOOLKITS)
def toolkit(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toolkit]:
    """@actions/cache of this version from npm."""
    installed = npm.install(tmp_path_factory.getbasetemp().parent / "npm", f"@actions/cache@{request.param}")
    folder = tmp_path_factory.mktemp("toolkit")
    (folder / "node_modules").symlink_to(installed / "node_modules")
    (folder / "call.mjs").write_text(PROGRAM)
    made = Toolkit(folder)
    yield made
    made.close()


class Workspace(NamedTuple):
    folder: Path
    toolkit: Toolkit
    env: dict[str, str]

    def call(self, what: str, *words: Any) -> tuple[Any, str]:
        """What a function of the toolkit returns, and what it said."""
        return self.toolkit.call(what, words, self._environment(), self.folder / "work")

    def drop_in(self, action: str, key: str) -> str:
        """What one of our own programs said."""
        main = os.path.join(os.path.dirname(builtin.__file__), "__main__.py")
        env = self._environment() | {"INPUT_KEY": key, "INPUT_PATH": "data"}
        argv = [sys.executable, "-I", "-S", main, action, "main"]
        done = subprocess.run(argv, cwd=self.folder / "work", env=env, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def _environment(self) -> dict[str, str]:
        work, temp = self.folder / "work", self.folder / "temp"
        for one in (work, temp):
            one.mkdir(parents=True, exist_ok=True)
        base = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        return base | self.env | {"GITHUB_WORKSPACE": str(work), "RUNNER_TEMP": str(temp)}


def fill(space: Workspace, size: int = 10) -> bytes:
    (space.folder / "work" / "data").mkdir(parents=True, exist_ok=True)
    data = os.urandom(size)
    (space.folder / "work" / "data" / "file").write_bytes(data)
    return data


def empty(space: Workspace) -> None:
    shutil.rmtree(space.folder / "work" / "data", ignore_errors=True)


def read(space: Workspace) -> bytes:
    return (space.folder / "work" / "data" / "file").read_bytes()


@pytest.mark.slow
@pytest.mark.covers("runtime:9.8")
@pytest.mark.parametrize("old", [False, True], ids=["v2", "v1"])
def test_the_toolkit_of_npm_saves_and_restores(toolkit: Toolkit, service: Service, tmp_path: Path, old: bool) -> None:
    space = Workspace(tmp_path, toolkit, service.env(old))
    key = f"k-{toolkit.name}-{old}"
    data = fill(space)
    assert space.call("restoreCache", ["data"], key)[0] is None
    number, said = space.call("saveCache", ["data"], key)
    assert number > 0, said
    number, said = space.call("saveCache", ["data"], key)
    assert number == -1
    assert "Unable to reserve cache" in said
    empty(space)
    assert space.call("restoreCache", ["data"], f"{key}-more", ["none", key])[0] == key
    assert read(space) == data
    empty(space)
    assert f"Cache restored from key: {key}" in space.drop_in("actions/cache/restore", key)
    assert read(space) == data
    assert f"Cache saved with key: {key}-own" in space.drop_in("actions/cache/save", f"{key}-own")
    empty(space)
    assert space.call("restoreCache", ["data"], f"{key}-own")[0] == f"{key}-own"
    assert read(space) == data
    other = Workspace(tmp_path, toolkit, service.env(old, "refs/heads/topic"))
    assert other.call("restoreCache", ["data"], key)[0] is None
    based = Workspace(tmp_path, toolkit, service.env(old, "refs/heads/topic", "refs/heads/main"))
    assert based.call("restoreCache", ["data"], key)[0] == key


@pytest.mark.slow
@pytest.mark.covers("runtime:9.5", "runtime:9.6")
@pytest.mark.parametrize("old", [False, True], ids=["v2", "v1"])
def test_large_archives_come_in_parts(toolkit: Toolkit, service: Service, tmp_path: Path, old: bool) -> None:
    space = Workspace(tmp_path, toolkit, service.env(old))
    data = fill(space, (70 if old else 140) << 20)  # more than one piece, or more than a single request takes
    key = f"large-{toolkit.name}-{old}"
    number, said = space.call("saveCache", ["data"], key)
    assert number > 0, said
    empty(space)
    assert space.call("restoreCache", ["data"], key)[0] == key
    assert read(space) == data


@pytest.mark.slow
@pytest.mark.covers("runtime:9.5")
@pytest.mark.parametrize("old", [False, True], ids=["v2", "v1"])
def test_the_toolkit_of_npm_takes_refusals_for_warnings(toolkit: Toolkit, service: Service, tmp_path: Path, old: bool) -> None:
    reader = Workspace(tmp_path, toolkit, service.env(old, writes=False))
    fill(reader)
    number, said = reader.call("saveCache", ["data"], f"denied-{toolkit.name}-{old}")
    assert number == -1
    assert "Unable to reserve cache" in said
    wrong = Workspace(tmp_path, toolkit, service.env(old) | {"ACTIONS_RUNTIME_TOKEN": "x.y.z"})
    found, said = wrong.call("restoreCache", ["data"], "k")
    assert found is None
    assert "::warning::Failed to restore: " in said
