"""The native checkout ends where git itself ends with the commands that the action is known to run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from headrace.actions import builtin

MAIN = os.path.join(os.path.dirname(builtin.__file__), "__main__.py")
ENV = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.com",
}
ORIGIN = "https://github.com/octo/repo"


class Case(NamedTuple):
    """`fetch` and `checkout` are git's own words; `{sha}` stands for the event's commit."""

    name: str
    ref: str
    commit: str
    inputs: dict[str, str]
    fetch: tuple[str, ...]
    checkout: tuple[str, ...]


CASES = [
    Case(
        "a push to a branch",
        "refs/heads/main",
        "main",
        {},
        ("--depth=1", "origin", "+{sha}:refs/remotes/origin/main"),
        ("-B", "main", "refs/remotes/origin/main"),
    ),
    Case("a push of a tag", "refs/tags/v1", "v1", {}, ("--depth=1", "origin", "+refs/tags/v1:refs/tags/v1"), ("refs/tags/v1",)),
    Case(
        "a pull request",
        "refs/pull/7/merge",
        "topic",
        {},
        ("--depth=1", "origin", "+{sha}:refs/remotes/pull/7/merge"),
        ("refs/remotes/pull/7/merge",),
    ),
    Case(
        "another branch by name",
        "refs/heads/main",
        "main",
        {"ref": "topic"},
        (
            "--depth=1",
            "origin",
            "+refs/heads/topic*:refs/remotes/origin/topic*",
            "+refs/tags/topic*:refs/tags/topic*",
        ),
        ("-B", "topic", "refs/remotes/origin/topic"),
    ),
    Case("a commit", "refs/heads/main", "main", {"ref": "{sha}"}, ("--depth=1", "origin", "{sha}"), ("{sha}",)),
    Case(
        "everything",
        "refs/heads/main",
        "main",
        {"fetch-depth": "0"},
        ("origin", "+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"),
        ("-B", "main", "refs/remotes/origin/main"),
    ),
    Case(
        "one commit and all tags",
        "refs/heads/main",
        "main",
        {"fetch-tags": "true"},
        ("--depth=1", "origin", "+{sha}:refs/remotes/origin/main", "+refs/tags/*:refs/tags/*"),
        ("-B", "main", "refs/remotes/origin/main"),
    ),
]


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], env=ENV | {"HOME": str(folder)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("user") / "repo"
    path.mkdir()
    git(path, "init", "-q", "-b", "main")
    for number in range(3):
        (path / f"{number}.txt").write_text(str(number))
        git(path, "add", ".")
        git(path, "commit", "-qm", f"commit {number}")
        git(path, "tag", "-a", f"v{number}", "-m", "x")
    git(path, "checkout", "-qb", "topic")
    (path / "topic.txt").write_text("x")
    git(path, "add", ".")
    git(path, "commit", "-qm", "topic")
    git(path, "checkout", "-q", "main")
    return path


def by_git(folder: Path, repo: Path, case: Case, sha: str) -> None:
    """What the action would do, with the repository in the place of the server."""
    folder.mkdir()
    git(folder, "init", "-q")
    git(folder, "remote", "add", "origin", ORIGIN)
    git(folder, "config", "--local", "gc.auto", "0")
    redirect = ("-c", f"url.file://{repo}.insteadOf={ORIGIN}", "-c", "protocol.version=2")
    words = [word.replace("{sha}", sha) for word in case.fetch]
    serve = "--upload-pack=git -c uploadpack.allowAnySHA1InWant=true upload-pack"
    git(folder, *redirect, "fetch", "--no-tags", "--prune", "--no-recurse-submodules", serve, *words)
    git(folder, "checkout", "--force", *(word.replace("{sha}", sha) for word in case.checkout))


def by_us(folder: Path, repo: Path, case: Case, sha: str, temp: Path) -> None:
    folder.mkdir()
    inputs = {"fetch-depth": "1", "persist-credentials": "false", "clean": "true"} | case.inputs
    env = ENV | {
        "HOME": str(temp),
        "RUNNER_TEMP": str(temp),
        "GITHUB_WORKSPACE": str(folder),
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "octo/repo",
        "GITHUB_REF": case.ref,
        "GITHUB_SHA": sha,
        "HEADRACE_GIT_DIR": str(repo / ".git"),
    }
    env |= {f"INPUT_{name.upper()}": value.replace("{sha}", sha) for name, value in inputs.items()}
    argv = [sys.executable, "-I", "-S", MAIN, "actions/checkout", "main"]
    done = subprocess.run(argv, env=env, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def effects(folder: Path) -> dict[str, object]:
    shallow = folder / ".git" / "shallow"
    return {
        "head": (folder / ".git" / "HEAD").read_text(),
        "refs": git(folder, "for-each-ref", "--format=%(refname) %(objectname)").splitlines(),
        "status": git(folder, "status", "--porcelain=v2", "--branch").splitlines(),
        "shallow": sorted(shallow.read_text().split()) if shallow.exists() else [],
        "history": git(folder, "rev-list", "--all").splitlines(),
        "files": {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.txt")},
        "config": sorted(git(folder, "config", "--local", "--list").splitlines()),
    }


@pytest.mark.covers("runtime:11.1")
@pytest.mark.parametrize("case", CASES, ids=[case.name.replace(" ", "-") for case in CASES])
def test_the_effects_are_those_of_the_actions_own_commands(repo: Path, tmp_path: Path, case: Case) -> None:
    sha = git(repo, "rev-parse", f"{case.commit}^{{commit}}")
    by_git(tmp_path / "git", repo, case, sha)
    by_us(tmp_path / "us", repo, case, sha, tmp_path)
    assert effects(tmp_path / "us") == effects(tmp_path / "git")
    assert git(tmp_path / "us", "fsck", "--connectivity-only") == ""
