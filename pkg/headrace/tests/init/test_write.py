"""Files are written all together or not at all, whenever the call is killed, and never over one that a person has made."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from headrace.init.make import File
from headrace.init.write import Taken, finish, write_all

FILES = [File("a/one", "1\n", "new"), File("two", "2\n", "new", executable=True), File("base", "new\n", "base")]
WHOLE = {"a/one": "1\n", "two": "2\n", "base": "new\n", "mine": "mine\n"}


def tree(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file() and ".git/" not in f"{path}/"
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "base").write_text("old\n")
    (tmp_path / "mine").write_text("mine\n")
    return tmp_path


def test_all_is_written_and_nothing_is_left_of_the_work(root: Path) -> None:
    write_all(str(root), str(root / ".git"), FILES)
    assert tree(root) == WHOLE and not list((root / ".git").iterdir())
    assert os.access(root / "two", os.X_OK) and not os.access(root / "a/one", os.X_OK)
    assert finish(str(root), str(root / ".git")) == ""


KILLED = """
import os, signal, sys
from headrace.init.make import File
from headrace.init.write import write_all
calls, last = 0, int(sys.argv[2])
def audit(event, arguments):
    global calls
    if event in ("open", "os.rename", "os.link", "os.remove", "os.mkdir") and sys.argv[1] in str(arguments):
        calls += 1
        if calls == last:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(audit)
files = [File("a/one", "1\\n", "new"), File("two", "2\\n", "new", executable=True), File("base", "new\\n", "base")]
write_all(sys.argv[1], sys.argv[1] + "/.git", files)
"""


@pytest.mark.slow
def test_a_call_that_is_killed_anywhere_is_finished_or_undone_by_the_next(tmp_path: Path) -> None:
    """At every step that it takes on files, one after another."""
    before = {"base": "old\n", "mine": "mine\n"}
    said = set()
    for step in range(1, 100):
        root = tmp_path / str(step)
        (root / ".git").mkdir(parents=True)
        for name, text in before.items():
            (root / name).write_text(text)
        environment = {"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"]}
        done = subprocess.run([sys.executable, "-c", KILLED, str(root), str(step)], env=environment, check=False)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
        word = finish(str(root), str(root / ".git"))
        said.add(word)
        left = tree(root)
        assert left == (before if left["base"] == "old\n" else WHOLE), (step, word)
        assert word != "finished" or left == WHOLE
        assert finish(str(root), str(root / ".git")) == ""
    else:
        raise AssertionError("it never came to its end")
    assert said == {"", "cleared", "finished"}


def test_a_file_that_came_into_being_meanwhile_stays(root: Path) -> None:
    (root / "two").write_text("somebody's\n")
    with pytest.raises(Taken, match="two: there is one now that was not there before"):
        write_all(str(root), str(root / ".git"), FILES)
    assert tree(root) == {**WHOLE, "two": "somebody's\n"}


def test_where_a_draft_cannot_be_written_nothing_is(root: Path) -> None:
    (root / "a").write_text("a file where a folder should be\n")
    before = tree(root)
    with pytest.raises(OSError, match="a"):
        write_all(str(root), str(root / ".git"), FILES)
    assert tree(root) == before and not list((root / ".git").iterdir())
