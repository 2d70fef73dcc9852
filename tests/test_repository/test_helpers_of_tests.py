"""pkg/test_core: the helpers of all suites do what they say."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from test_core.calls import Headrace
from test_core.processes import Running, ended, environment, run
from test_core.repositories import make_remote, make_repository

FILES: dict[str, str | bytes] = {"a.txt": "a\n", "b/c.sh": "#!/bin/sh\necho c\n", "ü b": b"\x00\xff"}


def test_calls_of_headrace_leave_jobs_on_the_machine_unless_somebody_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = Headrace(tmp_path, tmp_path, tmp_path)
    monkeypatch.delenv("HEADRACE_ISOLATION", raising=False)
    assert call.environment()["HEADRACE_ISOLATION"] == "host"
    assert call.environment({"HEADRACE_ISOLATION": "auto"})["HEADRACE_ISOLATION"] == "auto"
    monkeypatch.setenv("HEADRACE_ISOLATION", "namespaces")
    assert call.environment()["HEADRACE_ISOLATION"] == "namespaces"


def test_equal_content_gives_equal_commits(tmp_path: Path) -> None:
    one, two = make_repository(tmp_path / "one", FILES), make_repository(tmp_path / "two", FILES)
    assert one.head() == two.head()
    assert one.commit({"a.txt": "b\n"}) == two.commit({"a.txt": "b\n"}) != make_repository(tmp_path / "3", FILES).head()


def test_a_repository_holds_what_was_written_and_is_clean(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "a b", FILES)
    assert repository.git("status", "--porcelain") == ""
    assert repository.git("-c", "core.quotePath=false", "ls-files").splitlines() == ["a.txt", "b/c.sh", "ü b"]
    assert repository.git("ls-files", "--stage", "b/c.sh").startswith("100755 ")
    assert (repository.root / "ü b").read_bytes() == b"\x00\xff"


def test_a_repository_without_files_has_no_commit(tmp_path: Path) -> None:
    repository = make_repository(tmp_path)
    assert repository.refs() == {}
    with pytest.raises(subprocess.CalledProcessError):
        repository.head()


def test_the_persons_own_git_configuration_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home/.gitconfig").write_text("[user]\nname = Somebody\n[core]\nautocrlf = input\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    repository = make_repository(tmp_path / "tree", FILES)
    assert repository.git("log", "--format=%an <%ae>") == "Ada <ada@example.com>"


def test_a_remote_has_what_was_pushed_and_tags_are_refs(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "tree", FILES)
    remote = make_remote(repository, tmp_path / "remote.git")
    repository.tag("x@1")
    assert remote.refs() == {"refs/heads/main": repository.head()}
    assert repository.refs()["refs/tags/x@1"] == repository.head()


def test_a_command_that_ends_gives_status_and_both_outputs(tmp_path: Path) -> None:
    done = run(["sh", "-c", "cat; echo out; echo err >&2; exit 3"], tmp_path)
    assert done == (3, "out\n", "err\n")
    assert run(["sh", "-c", "kill -9 $$"], tmp_path).status == -signal.SIGKILL


def test_an_environment_lacks_what_was_left_out_and_has_what_was_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEFT", "1")
    made = environment(["LEFT", "NEVER_SET"], ADDED="2")
    assert "LEFT" not in made and made["ADDED"] == "2" and made["PATH"] == os.environ["PATH"]


TALKER = """
import sys, time
print("port 80", flush=True)
for line in sys.stdin: pass
print("going on", flush=True)
time.sleep(600)
"""


def test_a_line_is_waited_for_and_the_process_is_gone_after_the_block(tmp_path: Path) -> None:
    with Running([sys.executable, "-c", TALKER], tmp_path) as process:
        assert process.wait_for(r"^port (\d+)$")[1] == "80"
        process.wait_for("^going on$")
        pid = process.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_what_the_process_started_is_gone_too(tmp_path: Path) -> None:
    with Running(["sh", "-c", "sleep 600 & echo child $!; wait"], tmp_path) as process:
        child = int(process.wait_for(r"^child (\d+)$")[1])
    assert ended(child)


def test_a_line_that_never_comes_is_an_error_that_shows_the_output(tmp_path: Path) -> None:
    with Running(["sh", "-c", "echo something else >&2; exit 4"], tmp_path) as process:
        with pytest.raises(AssertionError, match="something else"):
            process.wait_for("^never$")
        assert process.wait() == 4


def test_a_signal_reaches_the_process(tmp_path: Path) -> None:
    with Running(["sh", "-c", "trap 'echo got it; exit 7' TERM; echo ready; while :; do sleep 0.05; done"], tmp_path) as process:
        process.wait_for("^ready$")
        process.signal(signal.SIGTERM)
        process.wait_for("^got it$")
        assert process.wait() == 7
