"""The git runner: what it returns, what it refuses, and that a repository's own settings start nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from headrace.base import git
from headrace.base.errors import HeadraceError


@pytest.fixture(autouse=True)
def no_outer_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "none"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def repo(tmp_path: Path) -> str:
    path = tmp_path / "a b ü"
    path.mkdir()
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    subprocess.run(["git", "init", "-q", "--initial-branch=main", "."], cwd=path, check=True)
    (path / "file").write_text("text\n")
    subprocess.run(["git", "add", "."], cwd=path, check=True)
    subprocess.run(["git", *identity, "commit", "-q", "-m", "first"], cwd=path, check=True)
    return str(path)


def test_run_returns_what_git_prints(repo: str) -> None:
    assert git.run(repo, "rev-parse", "--show-toplevel").decode() == repo + "\n"


def test_a_failure_is_gits_own_complaint_with_its_status(repo: str) -> None:
    with pytest.raises(git.GitError, match="Needed a single revision") as caught:
        git.run(repo, "rev-parse", "--verify", "nowhere")
    assert caught.value.code == 128
    assert isinstance(caught.value, HeadraceError)


def test_a_folder_without_repository_says_so(tmp_path: Path) -> None:
    with pytest.raises(git.GitError, match="not a git repository"):
        git.run(str(tmp_path), "rev-parse", "--git-dir")


def test_a_missing_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(git.GitError, match="no such directory"):
        git.run(str(tmp_path / "gone"), "rev-parse", "--git-dir")


def test_a_machine_without_git_says_so(repo: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(git.GitError, match="git is not installed"):
        git.run(repo, "status")
    with pytest.raises(git.GitError, match="git is not installed"):
        git.Objects(repo)
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a folder away takes root")
def test_a_repository_of_another_user_is_refused_with_the_way_out(repo: str) -> None:
    os.chown(repo, 4321, 4321)
    os.chown(os.path.join(repo, ".git"), 4321, 4321)
    with pytest.raises(git.GitError, match=r"belongs to another user.*safe\.directory"):
        git.run(repo, "rev-parse", "--git-dir")


def test_input_and_both_outputs_may_be_larger_than_a_pipe(repo: str) -> None:
    data = os.urandom(1 << 19)
    oid = git.run(repo, "hash-object", "-w", "--stdin", data=data).decode().strip()
    assert git.run(repo, "cat-file", "blob", oid) == data
    done = git.start(repo, "cat-file", "--batch", data=b"missing\n" * 20_000).finish()
    assert done.out.count(b"missing missing") == 20_000


def test_input_that_git_does_not_read_is_no_error(repo: str) -> None:
    assert git.start(repo, "rev-parse", "--git-dir", data=b"x" * (1 << 20)).finish().code == 0


def test_calls_may_overlap(repo: str) -> None:
    running = [git.start(repo, "rev-parse", "--abbrev-ref", "HEAD") for _ in range(5)]
    assert {call.finish().out for call in running} == {b"main\n"}


def test_the_callers_git_variables_point_nowhere(repo: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_CONFIG_PARAMETERS"):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_TRACE", str(tmp_path / "trace"))
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert git.run(repo, "rev-parse", "--show-toplevel").decode() == repo + "\n"
    assert not (tmp_path / "trace").exists()


def test_configuration_that_the_caller_gives_through_the_environment_counts(repo: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "user.name")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "Grace")
    assert git.run(repo, "config", "user.name") == b"Grace\n"


def test_a_hostile_fsmonitor_and_hook_start_nothing(repo: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    script = tmp_path / "evil"
    script.write_text(f"#!/bin/sh\ntouch '{canary}'\n")
    script.chmod(0o755)
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks" / "post-index-change").symlink_to(script)
    subprocess.run(["git", "config", "core.fsmonitor", str(script)], cwd=repo, check=True)
    subprocess.run(["git", "config", "core.hooksPath", str(tmp_path / "hooks")], cwd=repo, check=True)
    os.utime(os.path.join(repo, "file"))
    git.run(repo, "status")
    git.run(repo, "update-index", "--refresh")
    assert not canary.exists()
    subprocess.run(["git", "status"], cwd=repo, check=True, capture_output=True)
    assert canary.exists(), "the same without our options runs it"


def test_status_does_not_rewrite_the_index(repo: str) -> None:
    index = os.path.join(repo, ".git", "index")
    os.utime(os.path.join(repo, "file"))
    before = os.stat(index).st_mtime_ns
    git.run(repo, "status")
    assert os.stat(index).st_mtime_ns == before


def test_objects_are_found_by_any_name_through_one_process(repo: str) -> None:
    with git.Objects(repo) as objects:
        head = objects.commit("HEAD")
        assert head is not None
        assert head.kind == "commit"
        assert objects.commit("refs/heads/main") == head
        assert objects.get(head.oid) == head
        blob = objects.get("HEAD:file")
        assert blob is not None
        assert blob.data == b"text\n"
        assert objects.get("HEAD:file^{commit}") is None
        assert objects.get("refs/heads/no such ü") is None
        assert objects.get("with\nline break") is None
        assert objects.get("") is None
        assert objects.commit("HEAD") == head


def test_a_large_object_comes_whole_and_the_next_one_after_it(repo: str) -> None:
    data = os.urandom(2 << 20)
    oid = git.run(repo, "hash-object", "-w", "--stdin", data=data).decode().strip()
    with git.Objects(repo) as objects:
        found = objects.get(oid)
        assert found is not None
        assert found.data == data
        assert objects.commit("HEAD") is not None


def test_objects_of_a_folder_without_repository_are_an_error_not_a_wait(tmp_path: Path) -> None:
    with git.Objects(str(tmp_path)) as objects, pytest.raises(git.GitError):
        objects.get("HEAD")


def test_no_file_descriptors_are_left(repo: str) -> None:
    before = sorted(os.listdir("/proc/self/fd"))
    git.run(repo, "status")
    git.run(repo, "hash-object", "--stdin", data=b"x")
    with git.Objects(repo) as objects:
        objects.get("HEAD")
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_settings_are_read_with_their_scope(repo: str) -> None:
    subprocess.run(["git", "config", "filter.x.clean", "a\nb"], cwd=repo, check=True)
    settings = git.parse_config(git.run(repo, *git.CONFIG))
    assert git.Setting("local", "filter.x.clean", "a\nb") in settings


def test_the_runner_works_where_standard_input_and_output_are_closed(repo: str) -> None:
    code = f"from headrace.base import git\nassert git.run({repo!r}, 'hash-object', '--stdin', data=b'x')\nopen('ok', 'w')"
    target = os.path.dirname(repo)
    shell = f'exec "{sys.executable}" -c "$0" <&- >&- 2>&-'
    subprocess.run(["sh", "-c", shell, code], cwd=target, check=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    assert os.path.exists(os.path.join(target, "ok"))


def test_the_runner_imports_no_heavy_module() -> None:
    heavy = ("subprocess", "signal", "tempfile", "hashlib")
    measure = f"print({{*{heavy}}} & ({{*sys.modules}} - before))"
    code = f"import sys, msgspec; before = {{*sys.modules}}\nfrom headrace.base import git\n{measure}"
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    assert (
        subprocess.run([sys.executable, "-S", "-c", code], env=env, capture_output=True, text=True, check=True).stdout
        == "set()\n"
    )
