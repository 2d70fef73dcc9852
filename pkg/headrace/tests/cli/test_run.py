"""`headrace run`, from a call to its exit status."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import msgspec
import pytest
from headrace.report.documents import RecordLine, RunDocument
from test_core.processes import Running

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

if TYPE_CHECKING:
    from test_core.calls import Headrace
    from test_core.repositories import GitRepository

MIXED = """\
name: Mixed
on: push
jobs:
  good:
    runs-on: ubuntu-latest
    steps:
      - run: echo fine
  bad:
    runs-on: ubuntu-latest
    strategy: {fail-fast: false, matrix: {n: [1, 2]}}
    steps:
      - run: |
          echo "::error file=src/a.py,line=4::it is broken"
          exit ${{ matrix.n == 2 && 3 || 0 }}
  after:
    needs: bad
    runs-on: ubuntu-latest
    steps:
      - run: echo after
"""


def one(step: str, runs_on: str = "ubuntu-latest") -> str:
    return f"on: push\njobs:\n  one:\n    runs-on: {runs_on}\n    steps:\n      - run: {step}\n"


def only(repository: GitRepository, text: str) -> None:
    """The repository's single workflow."""
    repository.write({".github/workflows/ci.yml": text})


def test_a_green_run_is_status_0_and_its_progress_goes_to_stderr(headrace: Headrace, repository: GitRepository) -> None:
    only(repository, one("echo fine"))
    done = headrace("run")
    assert (done.status, done.out) == (0, "")
    lines = done.err.splitlines()
    assert lines[0] == "run 1: push of refs/heads/main (the working tree) in local/hello"
    assert "ci.yml/one | ▶ Run echo fine" in lines
    assert any(line.startswith("✓ success: 1 success in ") for line in lines)


def test_a_red_run_is_status_1_and_its_last_lines_start_the_mending(headrace: Headrace, repository: GitRepository) -> None:
    only(repository, MIXED)
    done = headrace("run", "--var", "A=b")
    assert done.status == 1
    last = done.err.splitlines()
    assert any(line.startswith("✗ failure: 1 failure, 2 success, 1 skipped in ") for line in last)
    assert last[-1] == "  again: headrace run --var A=b -W .github/workflows/ci.yml -j bad --matrix n=2"
    assert "  src/a.py:4: it is broken" in last
    assert "Mixed/after | ○ skipped: it needs bad, which failed" in last


def test_the_command_that_is_offered_repeats_just_that_leg(headrace: Headrace, repository: GitRepository) -> None:
    only(repository, MIXED)
    again = headrace("run").err.splitlines()[-1].removeprefix("  again: headrace ").split()
    done = headrace(*again, "--json")
    assert [(row["job"], row["matrix"], row["result"]) for row in done.json["jobs"]] == [("bad", {"n": 2}, "failure")]


def test_json_is_one_object_that_follows_its_schema(headrace: Headrace, repository: GitRepository) -> None:
    only(repository, MIXED)
    done = headrace("run", "--json", "-qq")
    assert (done.status, done.err) == (1, "")
    msgspec.json.decode(done.out, type=RunDocument)
    assert {(row["job"], json.dumps(row["matrix"]), row["result"]) for row in done.json["jobs"]} == {
        ("good", "null", "success"),
        ("bad", '{"n": 1}', "success"),
        ("bad", '{"n": 2}', "failure"),
        ("after", "null", "skipped"),
    }


def test_the_stream_is_one_record_a_line_whose_ranges_are_the_log(headrace: Headrace, repository: GitRepository) -> None:
    only(repository, one("echo fine"))
    done = headrace("run", "--json-stream", "-qq")
    assert done.status == 0
    lines = [msgspec.json.decode(line, type=RecordLine) for line in done.out.splitlines()]
    assert [line.seq for line in lines] == list(range(1, len(lines) + 1))
    kinds = [json.loads(line)["body"]["type"] for line in done.out.splitlines()]
    assert (kinds[0], kinds[-1]) == ("run-started", "run-finished")
    assert "log" in kinds


def test_what_cannot_run_here_is_never_green_unless_that_is_asked_for(headrace: Headrace, repository: GitRepository) -> None:
    only(repository, one("echo fine", "windows-latest"))
    done = headrace("run")
    assert done.status == 1
    assert "ci.yml/one | ⚠ unsupported: it runs on a machine that this one is not" in done.err
    assert headrace("run", "--skip-unsupported").status == 0


def test_a_broken_file_keeps_the_status_at_2_while_the_others_run(headrace: Headrace, repository: GitRepository) -> None:
    only(repository, one("echo fine"))
    repository.write({".github/workflows/bad.yml": "on: push\njobs: 1\n"})
    done = headrace("run")
    assert done.status == 2
    assert "1 success" in done.err
    assert done.err.startswith(".github/workflows/bad.yml:2:7: ")


def test_an_event_that_starts_nothing_is_status_0_in_one_line(headrace: Headrace, repository: GitRepository) -> None:
    only(repository, one("echo fine"))
    done = headrace("run", "release")
    assert (done.status, done.err.count("\n")) == (0, 1)
    assert "no workflow starts" in done.err
    assert headrace("run", "release", "--json").json["jobs"] == []


def test_secrets_are_not_shown_nor_kept(headrace: Headrace, repository: GitRepository) -> None:
    only(repository, one('echo "it is $T" && exit 1') + "        env: {T: '${{ secrets.T }}'}\n")
    done = headrace("run", "--secret", "T=hush-hush", "-v")
    assert done.status == 1
    assert "it is ***" in done.err
    assert "hush-hush" not in done.err
    assert all(b"hush-hush" not in path.read_bytes() for path in headrace.kept())


def test_a_run_is_listed_and_its_log_can_be_read_again(headrace: Headrace, repository: GitRepository) -> None:
    only(repository, one("echo fine"))
    headrace("run")
    assert headrace("ls", "--json").json["runs"][0]["result"] == "success"
    assert "fine" in headrace("logs", "one").out.splitlines()


def test_an_interruption_ends_the_jobs_and_is_status_130(headrace: Headrace, repository: GitRepository) -> None:
    only(repository, one("echo ready; exec sleep 60"))
    argv = headrace.command("run", "-v")
    with Running(argv, repository.root, headrace.environment()) as running:
        running.wait_for(r"\| ready$")
        running.signal(signal.SIGINT)
        assert running.wait() == 130
    assert "Traceback" not in running.output
    assert "again: headrace run -W .github/workflows/ci.yml -j one" in running.output


@pytest.mark.parametrize("words", [("--network", "private"), ("--network", "none"), ("--expose", "/x")])
def test_what_cannot_be_had_is_refused_and_not_ignored(
    headrace: Headrace, repository: GitRepository, words: tuple[str, str]
) -> None:
    done = headrace("run", *words)
    assert done.status == 2
    assert done.err.startswith(f"headrace: {words[0]}")
    assert done.err.count("\n") == 1


def test_the_isolation_is_said_once_and_what_is_left_out_of_the_users_configuration(
    headrace: Headrace, repository: GitRepository
) -> None:
    (headrace.home / ".npmrc").write_text("")
    only(repository, one("true"))
    done = headrace("run")
    assert done.err.count("isolation: host") == 1
    assert f"do not see {headrace.home}/.npmrc" in done.err
