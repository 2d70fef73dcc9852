"""The working tree as a commit: what is in it, that it is the same each time, and that nothing of the user's changes."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from headrace.base.errors import EngineError
from headrace.base.git import GitError
from headrace.events.snapshot import ObjectStore
from headrace.events.status import parse_status

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

RepoMaker = Callable[..., Any]
Tree = Callable[[Any], dict[str, str]]


def test_it_holds_what_add_all_would(repo: Any, store: ObjectStore, tree: Tree) -> None:
    repo.commit("second", _gitignore="*.log\nbuild/\n", gone="x", staged="1", both="1", dir="file", mode="m")
    repo.write("a.py", "2\n")
    repo.write("trace.log")
    repo.write("build/out")
    (repo.path / "gone").unlink()
    (repo.path / "dir").unlink()
    repo.write("dir/inside", "i")
    repo.write("staged", "2")
    repo.git("add", "staged")
    repo.write("both", "2")
    repo.git("add", "both")
    repo.write("both", "3")
    (repo.path / "mode").chmod(0o755)
    repo.write("wanted", "w")
    repo.git("add", "--intent-to-add", "wanted")
    repo.write('new ü/"quoted"\n', "n")
    (repo.path / "link").symlink_to("a.py")
    (repo.path / "empty").mkdir()
    assert tree(repo.event(store=store)) == {
        ".gitignore": "100644 *.log\nbuild/\n",
        "a.py": "100644 2\n",
        "both": "100644 3",
        "dir/inside": "100644 i",
        "link": "120000 a.py",
        "mode": "100755 m",
        '"new ü/\\"quoted\\"\\n"': "100644 n",
        "staged": "100644 2",
        "wanted": "100644 w",
    }


def test_a_file_that_is_ignored_but_tracked_stays_in(repo: Any, store: ObjectStore, tree: Tree) -> None:
    repo.write("kept.log", "1")
    repo.git("add", "--force", "kept.log")
    repo.commit("second", _gitignore="*.log\n")
    repo.write("kept.log", "2")
    repo.write("other.log", "")
    files = tree(repo.event(store=store))
    assert files["kept.log"] == "100644 2"
    assert "other.log" not in files


def test_a_file_taken_out_of_the_index_alone_is_still_in_the_tree(repo: Any, store: ObjectStore, tree: Tree) -> None:
    repo.git("rm", "--quiet", "--cached", "a.py")
    event = repo.event(store=store)
    assert tree(event) == {"a.py": "100644 1\n"}
    assert event.sha == repo.git("rev-parse", "HEAD"), "the same tree needs no commit"


def test_a_conflict_is_committed_as_it_lies_there(repo: Any, store: ObjectStore, tree: Tree) -> None:
    repo.git("checkout", "--quiet", "-b", "other")
    repo.commit("theirs", a_py="theirs\n")
    repo.git("checkout", "--quiet", "main")
    repo.commit("ours", a_py="ours\n")
    subprocess.run(["git", "merge", "other"], cwd=repo.path, capture_output=True, check=False)
    assert "<<<<<<<" in tree(repo.event(store=store))["a.py"]


def test_the_same_tree_gives_the_same_commit(repo: Any, store: ObjectStore, tmp_path: Path) -> None:
    repo.write("a.py", "2\n")
    sha = repo.event(store=store).sha
    os.utime(repo.path / "a.py", (1, 1))
    assert repo.event(store=store).sha == sha
    assert repo.event(store=ObjectStore(str(tmp_path / "other"))).sha == sha
    repo.write("a.py", "3\n")
    assert repo.event(store=store).sha != sha


def test_the_commit_is_headraces_own_and_dated_like_head(repo: Any, store: ObjectStore) -> None:
    repo.write("a.py", "2\n")
    event = repo.event(store=store)
    command = ["git", "--git-dir", store.path, "show", "-s", "--format=%an <%ae> %ci|%cn", event.sha]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert shown == f"headrace <headrace@localhost> {repo.git('show', '-s', '--format=%ci')}|headrace"


def _listing(path: Path) -> str:
    """Names, sizes, modes and times. Objects and shared indexes never change: of these no times, which git renews."""
    unchanging = ["(", "-path", "*/.git/objects/*", "-o", "-name", "sharedindex.*", ")"]
    files = ["find", str(path), "-not", *unchanging, "-printf", "%p %T@ %C@ %s %m\n"]
    objects = ["find", str(path), *unchanging, "-printf", "%p %s %m\n"]
    return "".join(subprocess.run(command, capture_output=True, text=True, check=True).stdout for command in (files, objects))


def _every_kind_of_change(repo: Any) -> None:
    repo.write("a.py", "2\n")
    repo.write("new", "")
    repo.write("staged", "")
    repo.git("add", "staged")


@pytest.mark.parametrize("option", ["", "core.splitIndex", "core.untrackedCache"])
def test_nothing_in_the_users_repository_is_written(pushed: Any, store: ObjectStore, option: str) -> None:
    _every_kind_of_change(pushed)
    if option:
        pushed.git("config", option, "true")
        pushed.git("add", "staged")
    before = _listing(pushed.path)
    for name in ("push", "pull_request", "workflow_dispatch"):
        assert pushed.event(name).snapshot
        assert pushed.event(name, store=store).snapshot
    assert _listing(pushed.path) == before


def test_a_split_index_is_read_and_not_split_again(repo: Any, store: ObjectStore, tree: Tree) -> None:
    repo.git("update-index", "--split-index")
    repo.commit("second", b_py="")
    repo.write("a.py", "2\n")
    before = set(os.listdir(repo.path / ".git"))
    assert tree(repo.event(store=store)) == {"a.py": "100644 2\n", "b.py": "100644 "}
    assert set(os.listdir(repo.path / ".git")) == before


def test_the_store_holds_no_leftovers(repo: Any, store: ObjectStore) -> None:
    repo.write("a.py", "2\n")
    repo.event(store=store)
    assert sorted(os.listdir(store.path)) == ["HEAD", "config", "objects", "refs"]
    subprocess.run(["git", "--git-dir", store.path, "fsck", "--full"], check=True, capture_output=True)


def test_a_tree_that_git_cannot_read_is_named_and_leaves_nothing(repo: Any, store: ObjectStore) -> None:
    repo.git("config", "filter.broken.clean", "false")
    repo.git("config", "filter.broken.required", "true")
    repo.write(".gitattributes", "*.bin filter=broken\n")
    repo.write("x.bin", "x")
    with pytest.raises(GitError, match=r"x\.bin"):
        repo.event(store=store)
    assert sorted(os.listdir(store.path)) == ["HEAD", "config", "objects", "refs"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_store_that_cannot_be_written_is_the_engines_failure_without_rights(repo: Any, tmp_path: Path) -> None:
    repo.write("a.py", "2\n")
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(EngineError, match="cannot keep the snapshot"):
        repo.event(store=ObjectStore(str(tmp_path / "closed" / "store")))


def test_a_store_that_cannot_be_written_is_the_engines_failure(repo: Any, tmp_path: Path) -> None:
    repo.write("a.py", "2\n")
    (tmp_path / "file").touch()
    with pytest.raises(EngineError, match="cannot keep the snapshot"):
        repo.event(store=ObjectStore(str(tmp_path / "file" / "store")))


def test_two_processes_may_use_one_store(repo: Any, store: ObjectStore) -> None:
    for number in range(60):
        repo.write(f"n{number}", str(number))
    code = textwrap.dedent(
        f"""
        from headrace.events.build import build_event
        from headrace.events.detect import open_repository
        from headrace.events.request import EventRequest
        from headrace.events.snapshot import ObjectStore
        for _ in range(5):
            print(build_event(open_repository({str(repo.path)!r}), "push", EventRequest(), ObjectStore({store.path!r})).sha)
        """
    )
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    running = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=env) for _ in range(3)]
    shas = {line for process in running for line in process.communicate()[0].split()}
    assert [process.returncode for process in running] == [0, 0, 0]
    assert len(shas) == 1
    subprocess.run(["git", "--git-dir", store.path, "fsck", "--full"], check=True, capture_output=True)


def test_a_store_follows_a_repository_that_moved(repo: Any, store: ObjectStore, tree: Tree, tmp_path: Path) -> None:
    repo.write("a.py", "2\n")
    repo.event(store=store)
    repo.path.rename(tmp_path / "moved ü")
    repo.path = tmp_path / "moved ü"
    assert tree(repo.event(store=store)) == {"a.py": "100644 2\n"}


def test_long_ids_work(new_repo: RepoMaker, store: ObjectStore, tree: Tree) -> None:
    made = new_repo("long", "--object-format=sha256")
    made.write("first", "1")
    assert len(made.event().sha) == 64
    assert tree(made.event(store=store)) == {"first": "100644 1"}
    made.commit("x", a="1")
    made.write("b", "2")
    event = made.event(store=store)
    assert len(event.sha) == 64
    assert tree(event) == {"a": "100644 1", "b": "100644 2", "first": "100644 1"}
    assert event.changed_files == ("b",)


def test_a_linked_worktree_gives_its_own_tree(repo: Any, store: ObjectStore, tree: Tree, tmp_path: Path) -> None:
    repo.git("worktree", "add", "--quiet", "-b", "topic", str(tmp_path / "elsewhere"))
    (tmp_path / "elsewhere" / "own").write_text("o")
    repo.write("not mine", "")
    repo.path = tmp_path / "elsewhere"
    event = repo.event(store=store)
    assert event.ref == "refs/heads/topic"
    assert tree(event) == {"a.py": "100644 1\n", "own": "100644 o"}


def test_a_submodule_counts_by_its_commit_and_not_by_its_files(
    repo: Any, new_repo: RepoMaker, store: ObjectStore, tree: Tree
) -> None:
    inner = new_repo("inner")
    first = inner.commit("inner", x="1")
    repo.git("submodule", "--quiet", "add", str(inner.path), "lib")
    repo.commit("with lib")
    (repo.path / "lib" / "x").write_text("dirty")
    assert not repo.event(store=store).snapshot
    within = ["git", "-c", "user.name=a", "-c", "user.email=b", "commit", "--quiet", "--all", "--message", "y"]
    subprocess.run(within, cwd=repo.path / "lib", check=True)
    event = repo.event(store=store)
    assert event.snapshot
    assert tree(event)["lib"] != f"160000 {first}"
    assert event.changed_files == ("lib",)


def test_a_repository_inside_the_tree_is_not_part_of_it(repo: Any, new_repo: RepoMaker, store: ObjectStore, tree: Tree) -> None:
    new_repo("hello/nested").commit("n", x="1")
    new_repo("hello/unborn")
    repo.write("b", "")
    assert tree(repo.event(store=store)) == {"a.py": "100644 1\n", "b": "100644 "}


@pytest.fixture
def filtered(repo: Any, tmp_path: Path) -> Path:
    """A repository with a content filter that leaves a trace of having run."""
    canary = tmp_path / "canary"
    script = tmp_path / "filter"
    script.write_text(f"#!/bin/sh\ntouch '{canary}'\nsed s/secret/hidden/\n")
    script.chmod(0o755)
    repo.commit("attributes", _gitattributes="*.txt filter=hide\n", x_txt="hidden\n")
    repo.git("config", "filter.hide.clean", str(script))
    repo.git("config", "filter.hide.required", "true")
    repo.write("x.txt", "secret\n")
    return canary


def test_planning_runs_no_filter(repo: Any, filtered: Path) -> None:
    assert repo.event().changed_files == ("x.txt",)
    assert not filtered.exists()


def test_a_snapshot_holds_what_a_commit_would(repo: Any, filtered: Path, store: ObjectStore, tree: Tree) -> None:
    assert not repo.event(store=store).snapshot, "the filtered content is what HEAD has"
    repo.write("x.txt", "secret 2\n")
    assert tree(repo.event(store=store))["x.txt"] == "100644 hidden 2\n"
    assert filtered.exists()


def test_line_ends_are_stored_as_git_would(repo: Any, store: ObjectStore, tree: Tree) -> None:
    repo.commit("attributes", _gitattributes="* text=auto\n")
    (repo.path / "dos").write_bytes(b"a\r\nb\r\n")
    assert tree(repo.event(store=store))["dos"] == "100644 a\nb\n"


def test_names_in_no_known_encoding_do_not_break_the_event(repo: Any, store: ObjectStore) -> None:
    try:
        (Path(os.fsdecode(os.fsencode(repo.path) + b"/\xff.py"))).touch()
    except OSError:
        pytest.skip("the file system takes UTF-8 only")
    planned, run = repo.event(), repo.event(store=store)
    assert planned.changed_files == run.changed_files == ("\ufffd.py",)


@pytest.mark.parametrize(
    ("listing", "tracked", "untracked"),
    [
        (b"", (), ()),
        (b"1 .M N... 100644 100644 100644 a b x y z\0", ("x y z",), ()),
        (b"u UU N... 1 2 3 4 a b c x\0? y\0? repo/\0! z\0", ("x",), ("y",)),
        (b"# branch.oid 1\0? \n\0", (), ("\n",)),
    ],
)
def test_status_lines_are_read(listing: bytes, tracked: tuple[str, ...], untracked: tuple[str, ...]) -> None:
    status = parse_status(listing)
    assert (status.tracked, status.untracked) == (tracked, untracked)
