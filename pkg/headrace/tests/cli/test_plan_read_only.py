"""`headrace plan` where nothing can be written, nothing but git can be started, and everything that could be run leaves a mark."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from test_core.calls import Done, Headrace
from test_core.repositories import GitRepository, make_remote, make_repository

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

TRAP = "#!/bin/sh\ntouch '@marks@/@name@'\n"
CI = """\
on:
  push:
  pull_request:
  pull_request_target:
  workflow_dispatch:
  schedule: [{cron: '0 1 * * *'}]
jobs:
  test:
    strategy: {matrix: {python: ['3.10', '3.13']}}
    runs-on: ubuntu-latest
    steps:
      - run: touch @marks@/run
      - uses: ./act
      - run: ${{ hashFiles('**') }}
  call: {uses: ./.github/workflows/called.yml}
"""
CALLED = "on: workflow_call\njobs: {in: {runs-on: ubuntu-latest, steps: [{run: x}]}}\n"
ACTION = "runs: {using: composite, steps: [{run: touch @marks@/action, shell: bash}]}\n"
HOOKS = ("pre-commit", "post-checkout", "post-index-change", "reference-transaction", "fsmonitor", "post-rewrite", "pre-auto-gc")


@pytest.fixture
def marks(tmp_path: Path) -> Path:
    """Where everything that is run against our will leaves a file."""
    folder = tmp_path / "marks"
    folder.mkdir()
    return folder


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """What will be read-only: the repository, its remote, HOME and everything else that a call knows of."""
    folder = tmp_path / "base"
    for name in ("home", "tmp", "path"):
        (folder / name).mkdir(parents=True)
    git = shutil.which("git")
    assert git is not None
    (folder / "path" / "git").symlink_to(git)
    return folder


@pytest.fixture
def trapped(base: Path, marks: Path) -> GitRepository:
    """A repository in which hooks, filters, a file monitor, workflows and an action would leave a mark if they were run."""

    def program(name: str) -> str:
        return TRAP.replace("@marks@", str(marks)).replace("@name@", name)

    found = make_repository(
        base / "repo",
        {
            ".github/workflows/ci.yml": CI.replace("@marks@", str(marks)),
            ".github/workflows/called.yml": CALLED,
            "act/action.yml": ACTION.replace("@marks@", str(marks)),
            "a.txt": "one\n",
            "tool": program("tool"),
            ".gitattributes": "*.txt filter=trap diff=trap merge=trap\n",
            "sub/b.txt": "two\n",
        },
    )
    make_remote(found, base / "remote.git")
    found.git("fetch", "--quiet")
    found.git("checkout", "--quiet", "-b", "topic")
    found.commit({"c.py": "x\n"})
    tool = str(found.root / "tool")
    found.write({f".git/hooks/{name}": program(name) for name in HOOKS})
    for key in ("filter.trap.clean", "filter.trap.smudge", "filter.trap.process", "diff.trap.command", "diff.trap.textconv"):
        found.git("config", key, tool)
    for key in ("merge.trap.driver", "core.fsmonitor", "core.pager", "core.editor", "diff.external", "core.sshCommand"):
        found.git("config", key, tool)
    found.git("config", "alias.status", f"!{tool}")
    # What lies there is not what was committed, in every way in which that can be.
    found.write({"new.py": "x\n", "sub/b.txt": "changed\n"})
    (found.root / "a.txt").unlink()
    for path in marks.iterdir():
        path.unlink()
    return found


def content(folder: Path) -> dict[str, tuple[int, int, int, str]]:
    """Every path below: mode, time of change, size and a digest of what is there."""
    found = {}
    for path in (folder, *folder.rglob("*")):
        status = path.lstat()
        if stat.S_ISREG(status.st_mode):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
        elif stat.S_ISLNK(status.st_mode):
            digest = os.readlink(path)
        else:
            digest = ""
        found[str(path.relative_to(folder))] = (status.st_mode, status.st_mtime_ns, status.st_size, digest)
    return found


def _mounting() -> list[str] | None:
    """How a process of its own mounts may be started here; None where that is not allowed."""
    program = shutil.which("unshare")
    for options in (["--mount"], ["--user", "--map-root-user", "--mount"]) if program else ():
        if program and not subprocess.run([program, *options, "true"], capture_output=True, check=False).returncode:
            return [program, *options]
    return None


Plan = Callable[..., Done]


@pytest.fixture
def plan(base: Path, trapped: GitRepository, bytecode: Path) -> Iterator[Plan]:
    """Calls `headrace plan` with everything below `base` read-only, by its modes and, where the machine allows, by its mount."""
    headrace = Headrace(base / "home", trapped.root, bytecode)
    for path in (base, *base.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222)
    mounting = _mounting()
    if mounting is None and os.geteuid() == 0:
        pytest.skip("needs a mount namespace, since root may write anywhere")

    def call(*arguments: str) -> Done:
        environment = {
            **headrace.environment(),
            "PATH": str(base / "path"),
            "TMPDIR": str(base / "tmp"),
            "XDG_STATE_HOME": str(base / "home" / "state"),
            "XDG_CONFIG_HOME": str(base / "home" / "config"),
            "XDG_DATA_HOME": str(base / "home" / "data"),
            "XDG_RUNTIME_DIR": str(base / "home" / "runtime"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        command = headrace.command("plan", *arguments)
        if mounting is not None:
            mount, shell = shutil.which("mount"), "/bin/sh"
            script = f'set -e; B=$1; shift; {mount} --bind "$B" "$B"; {mount} -o remount,ro,bind "$B"; cd "$1"; shift; exec "$@"'
            command = [*mounting, shell, "-c", script, "sh", str(base), str(trapped.root), *command]
        done = subprocess.run(
            command,
            cwd=trapped.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    yield call
    for path in (base, *base.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | 0o200)


EVENTS = [
    ["push"],
    ["push", "--json"],
    ["push", "--explain"],
    ["push", "--ref", "refs/tags/v1"],
    ["push", "--sha", "HEAD"],
    ["pull_request"],
    ["pull_request", "--base", "main", "--head", "topic", "--json"],
    ["pull_request_target"],
    ["workflow_dispatch"],
    ["schedule"],
]


def test_planning_needs_nothing_but_git_and_writes_and_runs_nothing(plan: Plan, base: Path, marks: Path) -> None:
    before = content(base)
    for arguments in EVENTS:
        done = plan(*arguments)
        assert (done.status, done.err) == (0, ""), arguments
        assert "test" in done.out
    assert content(base) == before
    assert list(marks.iterdir()) == []


def test_the_traps_would_have_left_their_marks(trapped: GitRepository, marks: Path) -> None:
    calls = (["status"], ["checkout", "--force", "HEAD", "--", "a.txt"], ["commit", "--allow-empty", "--message", "x"])
    for arguments in calls * 3:  # a trap that breaks one call keeps it from the next
        with contextlib.suppress(subprocess.CalledProcessError):  # what the traps break is not the point
            trapped.git(*arguments)
    assert {"tool", "pre-commit"} <= {path.name for path in marks.iterdir()}


def test_where_these_plans_are_made_nothing_can_be_written(plan: Plan, trapped: GitRepository) -> None:
    mounting = _mounting()
    if os.geteuid() != 0 or mounting is None:
        with pytest.raises(PermissionError):
            (trapped.root / "new").write_text("x")
        return
    script = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && touch "$1/new"'
    done = subprocess.run(
        [*mounting, "/bin/sh", "-c", script, "sh", str(trapped.root)], capture_output=True, text=True, check=False
    )
    assert done.returncode
    assert "Read-only file system" in done.stderr
