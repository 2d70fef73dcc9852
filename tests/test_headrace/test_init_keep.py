"""`headrace init --check` and `--update` in real repositories."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from test_core.calls import Done, Headrace
from test_core.monorepos import package, project, two
from test_core.repositories import GitRepository, make_repository

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

ALPHA = ".github/workflows/alpha.yml"


@pytest.fixture
def monorepo(headrace: Headrace) -> GitRepository:
    """One that is set up and committed."""
    repository = make_repository(headrace.home / "mono", two())
    assert headrace("init", "--no-pins", cwd=repository.root).status == 0
    repository.commit()
    return repository


def check(headrace: Headrace, repository: GitRepository) -> Done:
    """Where there is no uv and no index."""
    before = repository.git("status", "--porcelain")
    done = headrace("init", "--check", "--json", cwd=repository.root, UV_OFFLINE="1")
    assert repository.git("status", "--porcelain") == before
    return done


def change(repository: GitRepository, path: str, old: str, new: str) -> None:
    text = (repository.root / path).read_text()
    assert old in text
    repository.commit({path: text.replace(old, new)})


def test_what_was_just_set_up_is_as_it_should_be_and_edits_are_no_drift(headrace: Headrace, monorepo: GitRepository) -> None:
    assert check(headrace, monorepo).json == {"schema": "headrace.init-check/1", "drift": [], "edited": []}
    change(monorepo, ALPHA, "timeout-minutes: 10", "timeout-minutes: 7")
    done = check(headrace, monorepo)
    assert (done.status, done.json["drift"], done.json["edited"]) == (0, [], [ALPHA])
    done = headrace("init", "--check", cwd=monorepo.root)
    assert done.status == 0 and "1 file changed since, which stays" in done.out


def test_changed_facts_are_drift_until_an_update(headrace: Headrace, monorepo: GitRepository) -> None:
    change(monorepo, ALPHA, "['3.10', '3.13']", "['3.10', '3.12', '3.13']")
    monorepo.commit({**package("gamma", "alpha>=0.1"), "pkg/alpha/pyproject.toml": project("alpha", python=">=3.11")})
    done = check(headrace, monorepo)
    assert done.status == 1
    assert {(each["path"], each["what"]) for each in done.json["drift"]} == {
        (ALPHA, "changed"), (".github/workflows/beta.yml", "changed"), ("Makefile", "changed"), ("constraints.txt", "changed"),
        (".github/workflows/gamma.yml", "new"), ("pkg/gamma/Makefile", "new"),
    }  # fmt: skip
    shown = headrace("init", "--update", "--diff", cwd=monorepo.root)
    assert "+        python-version: ['3.11', '3.12', '3.13']" in shown.out and monorepo.git("status", "--porcelain") == ""
    done = headrace("init", "--update", "--no-pins", cwd=monorepo.root)
    assert done.status == 0 and "gamma" in done.out[done.out.index("What a push starts") :], done.err
    monorepo.commit()
    assert check(headrace, monorepo).status == 0
    assert (
        "0 files written" in headrace("init", "--update", cwd=monorepo.root).out and monorepo.git("status", "--porcelain") == ""
    )


def test_a_conflict_is_named_with_its_line_until_it_is_settled(headrace: Headrace, monorepo: GitRepository) -> None:
    change(monorepo, ALPHA, "timeout-minutes: 10", "timeout-minutes: 7")
    base = monorepo.root / ".github/headrace-init.json"  # as if the template had said something else
    monorepo.commit({".github/headrace-init.json": base.read_text().replace("timeout-minutes: 10", "timeout-minutes: 9")})
    done = headrace("init", "--update", cwd=monorepo.root)
    line = next(at for at, text in enumerate((monorepo.root / ALPHA).read_text().splitlines(), 1) if text.startswith("<<<<<<< "))
    assert done.status == 1 and f"{ALPHA}:{line}: you have changed what has changed here too" in done.err
    monorepo.commit()
    again = headrace("init", "--update", cwd=monorepo.root)
    assert again.status == 1 and monorepo.git("status", "--porcelain") == ""
    found = check(headrace, monorepo)
    assert found.status == 1 and {each["what"] for each in found.json["drift"]} == {"conflict"}
    text = (monorepo.root / ALPHA).read_text()
    settled = "".join(each for each in text.splitlines(keepends=True) if each[0] not in "<=>" and "minutes: 10" not in each)
    monorepo.commit({ALPHA: settled})
    assert check(headrace, monorepo).status == 0


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (("--update",), 2, "headrace init has not written anything here yet"),
        (("--check",), 1, ".github/workflows/alpha.yml: is missing"),
        (("--check", "--update"), 2, "--check changes and shows nothing else"),
    ],
)
def test_where_nothing_was_set_up_that_is_said(headrace: Headrace, options: tuple[str, ...], status: int, said: str) -> None:
    repository = make_repository(headrace.home / "mono", two())
    done = headrace("init", *options, cwd=repository.root)
    assert done.status == status and said in done.out + done.err and repository.git("status", "--porcelain") == ""


def test_what_an_option_has_said_once_needs_not_be_said_again(headrace: Headrace) -> None:
    repository = make_repository(headrace.home / "mono", two())
    assert headrace("init", "--no-pins", "--publish", "hardened", "--all-versions", cwd=repository.root).status == 0
    repository.commit()
    repository.git("checkout", "--quiet", "-b", "topic")  # another clone may take another branch for the main one
    repository.git("branch", "--delete", "--force", "main")
    assert check(headrace, repository).json["drift"] == []
    done = headrace("init", "--update", "--publish", "described", cwd=repository.root)
    text = (repository.root / ALPHA).read_text()
    assert done.status == 0 and "  build:" not in text and "'3.11', '3.12'" in text and "branches: [main]" in text


def test_an_update_that_is_killed_leaves_whole_files_and_the_next_one_finishes(
    headrace: Headrace, monorepo: GitRepository
) -> None:
    change(monorepo, ALPHA, "timeout-minutes: 10", "timeout-minutes: 7")
    monorepo.commit(package("gamma", "alpha>=0.1"))
    start = monorepo.git("rev-parse", "HEAD")
    begun = time.monotonic()
    assert headrace("init", "--update", "--no-pins", cwd=monorepo.root).status == 0
    takes = time.monotonic() - begun
    whole = _tree(monorepo)
    monorepo.git("reset", "--quiet", "--hard", start)
    monorepo.git("clean", "--quiet", "-fd")
    old = _tree(monorepo)
    dice = random.Random(7)
    killed = 0
    for _ in range(int(os.environ.get("HEADRACE_KILLS", "2"))):
        process = subprocess.Popen(
            headrace.command("init", "--update", "--no-pins"), cwd=monorepo.root, env=headrace.environment(),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            process.wait(takes * dice.uniform(0.1, 0.8))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            killed += process.wait() == -signal.SIGKILL
        for path, text in _tree(monorepo).items():
            assert path.endswith((".headrace-init-draft", ".new")) or text in (whole.get(path), old.get(path)), path
        assert headrace("init", "--update", "--no-pins", cwd=monorepo.root).status == 0
        assert _tree(monorepo) == whole
        monorepo.git("reset", "--quiet", "--hard", start)
        monorepo.git("clean", "--quiet", "-fd")
    assert killed  # else nothing was tried


def test_calls_at_one_time_come_one_after_the_other(headrace: Headrace) -> None:
    """Else one would take the drafts of the other for those of a call that was killed."""
    repository = make_repository(headrace.home / "mono", two())
    calls = [
        subprocess.Popen(
            headrace.command("init", "--no-pins"), cwd=repository.root, env=headrace.environment(), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )
        for _ in range(4)
    ]  # fmt: skip
    ends = [(*call.communicate(timeout=120), call.returncode) for call in calls]
    assert sorted(re.findall(r"^(\d+) files? written", out, re.MULTILINE)[0] for out, _, _ in ends) == ["0", "0", "0", "8"], ends
    assert {status for _, _, status in ends} == {0} and "ended in the middle" not in "".join(err for _, err, _ in ends)
    assert not [path for path in _tree(repository) if "draft" in path] and check(headrace, repository).status == 0


def _tree(repository: GitRepository) -> dict[str, bytes]:
    files = (path for path in Path(repository.root).rglob("*") if path.is_file())
    return {name: path.read_bytes() for path in files if not (name := str(path.relative_to(repository.root))).startswith(".git/")}
