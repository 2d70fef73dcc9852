"""Files are written all together or not at all, whenever the call is killed, and never over one that a person has made."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from headrace.base.errors import UsageError
from headrace.init.make import File
from headrace.init.write import Taken, finish, write_all

BEFORE = {"b/old": "old\n", "edited": "1\n", "base": "old\n", "mine": "mine\n"}
FILES = [
    File("a/one", "1\n", "new"),
    File("two", "2\n", "new", executable=True),
    File("edited", "1\n2\n", "merged", was="1\n"),
    File("b/old", "", "gone", was="old\n"),
    File("base", "new\n", "base", was="old\n"),
]
WHOLE = {"a/one": "1\n", "two": "2\n", "edited": "1\n2\n", "base": "new\n", "mine": "mine\n"}


def tree(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file() and ".git/" not in f"{path}/"
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    fill(tmp_path)
    return tmp_path


def fill(root: Path) -> None:
    for name, text in BEFORE.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)


def test_all_is_written_and_nothing_is_left_of_the_work(root: Path) -> None:
    write_all(str(root), str(root / ".git"), FILES)
    assert tree(root) == WHOLE and not list((root / ".git").iterdir())
    assert not (root / "b").exists()
    assert os.access(root / "two", os.X_OK) and not os.access(root / "a/one", os.X_OK)
    assert finish(str(root), str(root / ".git")) == ""


KILLED = """
import json, os, signal, sys
from headrace.base.errors import UsageError
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
files = [File(path, text, state, was=was) for path, text, state, was in json.loads(sys.argv[3])]
write_all(sys.argv[1], sys.argv[1] + "/.git", files)
"""


@pytest.mark.slow
def test_a_call_that_is_killed_anywhere_is_finished_or_undone_by_the_next(tmp_path: Path) -> None:
    """At every step that it takes on files, one after another."""
    files = json.dumps([(file.path, file.text, file.state, file.was) for file in FILES])
    said = set()
    for step in range(1, 100):
        root = tmp_path / str(step)
        (root / ".git").mkdir(parents=True)
        fill(root)
        environment = {"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"]}
        done = subprocess.run([sys.executable, "-c", KILLED, str(root), str(step), files], env=environment, check=False)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
        word = finish(str(root), str(root / ".git"))
        said.add(word)
        left = tree(root)
        assert left == (BEFORE if left["base"] == "old\n" else WHOLE), (step, word)
        assert word != "finished" or left == WHOLE
        assert finish(str(root), str(root / ".git")) == ""
    else:
        raise AssertionError("it never came to its end")
    assert said == {"", "cleared", "finished"}


@pytest.mark.parametrize(("path", "text"), [("two", "somebody's\n"), ("edited", "edited again\n"), ("b/old", "edited too\n")])
def test_what_was_made_or_changed_meanwhile_stays_and_the_record_too(root: Path, path: str, text: str) -> None:
    """The next call merges all again, as the record does not say that it was done."""
    (root / path).write_text(text)
    with pytest.raises(Taken, match=f"{path}: it is another now than a moment ago"):
        write_all(str(root), str(root / ".git"), FILES)
    assert tree(root) == {**WHOLE, path: text, "base": "old\n"} and not list((root / ".git").iterdir())


def test_the_bits_of_a_file_stay_as_they_are(root: Path) -> None:
    (root / "edited").chmod(0o750)
    write_all(str(root), str(root / ".git"), FILES)
    assert (root / "edited").stat().st_mode & 0o777 == 0o750


def test_nothing_is_written_through_a_folder_that_leads_out_of_the_repository(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (root / "a").symlink_to(elsewhere)
    with pytest.raises(UsageError, match=r"a is a link to .*, outside of the repository"):
        write_all(str(root), str(root / ".git"), FILES)
    assert not list(elsewhere.iterdir()) and not (root / "two").exists()


def test_where_a_draft_cannot_be_written_nothing_is(root: Path) -> None:
    (root / "a").write_text("a file where a folder should be\n")
    before = tree(root)
    with pytest.raises(OSError, match="a"):
        write_all(str(root), str(root / ".git"), FILES)
    assert tree(root) == before and not list((root / ".git").iterdir())
