"""`ls` and `logs`, from a journal that a run left behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from headrace.record.journal import Journal, body_record
from headrace.record.records import (
    Body,
    LegFinished,
    LegQueued,
    LegStarted,
    LogChunk,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
)

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

if TYPE_CHECKING:
    from test_core.calls import Headrace
    from test_core.repositories import GitRepository


@pytest.fixture
def past(headrace: Headrace, repository: GitRepository, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A run of this repository whose job `test` failed in its second step, and one of another repository."""
    monkeypatch.setenv("XDG_STATE_HOME", str(headrace.home / "state"))
    journal = Journal.open()
    other = RunStarted("push", "refs/heads/x", "b" * 40, "octo/other", "/elsewhere", "0.1.0")
    mine = RunStarted("push", "refs/heads/main", "a" * 40, "octo/hello", os.path.realpath(repository.root), "0.1.0")
    run, _ = journal.create(mine, [])
    leg = ".github/workflows/ci.yml:test:0"
    log = b"##[group]Run make\nmake\n##[endgroup]\n\x1b[31mboom\x1b[0m\n##[error]it broke\n"
    bodies: list[Body] = [
        mine,
        LegQueued(leg, leg[:-2], leg[:-7], "test (3.10)", workflow_name="CI", log="logs/0.log"),
        LegStarted(leg),
        StepStarted(leg, 1, "Set up job", "setup"),
        LogChunk(leg, 1, 0, 6),
        StepFinished(leg, 1, "success", "success", 0.5),
        StepStarted(leg, 2, "Run make"),
        LogChunk(leg, 2, 6, len(log)),
        StepFinished(leg, 2, "failure", "failure", 1.5, 2),
        LegFinished(leg, "failure", seconds=2.0),
        RunFinished("failure", 2.5),
    ]
    journal.append(body_record(run, number, body) for number, body in enumerate(bodies, 1))
    folder = headrace.state / "runs" / run / "logs"
    folder.mkdir(parents=True)
    (folder / "0.log").write_bytes(b"setup\n" + log)
    journal.create(other, [])
    yield run
    journal.close()


def test_ls_shows_the_runs_of_this_repository(headrace: Headrace, past: str) -> None:
    done = headrace("ls")
    assert done.status == 0
    titles, row = done.out.splitlines()
    assert titles.split() == ["run", "when", "event", "ref", "repository", "result", "took"]
    assert row.split()[0] == past
    assert row.split()[3:] == ["push", "refs/heads/main", "octo/hello", "failure", "2.5s"]


def test_ls_all_shows_the_others_too_and_an_engine_that_died(headrace: Headrace, past: str) -> None:
    runs = headrace("ls", "--all", "--json").json
    assert runs["schema"] == "headrace.runs/1"
    assert [(each["repository"], each["result"]) for each in runs["runs"]] == [
        ("octo/other", "interrupted"),
        ("octo/hello", "failure"),
    ]


def test_ls_without_runs_says_how_to_make_one(headrace: Headrace) -> None:
    done = headrace("ls")
    assert (done.status, done.out) == (0, "there is no run yet; `headrace run` makes one\n")


def test_logs_prints_the_newest_run_with_a_heading_a_step(headrace: Headrace, past: str) -> None:
    done = headrace("logs")
    assert done.status == 0
    assert done.out.splitlines() == [
        "CI/test (3.10) step 1 ✓ Set up job (0.5s)",
        "setup",
        "CI/test (3.10) step 2 ✗ Run make (1.5s) failed with exit code 2",
        "Run make",
        "make",
        "boom",
        "Error: it broke",
    ]


@pytest.mark.parametrize("arguments", [["logs", "--failed"], ["logs", "--step", "2"], ["logs", "1", "test", "--failed"]])
def test_logs_of_one_step(headrace: Headrace, past: str, arguments: list[str]) -> None:
    assert headrace(*arguments).out.splitlines()[0].startswith("CI/test (3.10) step 2 ")


@pytest.mark.parametrize("job", ["test", "TEST", "test (3.10)", "CI/test (3.10)", ".github/workflows/ci.yml:test"])
def test_logs_takes_a_job_by_any_of_its_names(headrace: Headrace, past: str, job: str) -> None:
    assert "boom" in headrace("logs", job).out


def test_raw_logs_are_the_bytes_of_the_file(headrace: Headrace, past: str) -> None:
    assert headrace("logs", "--raw").out == (headrace.state / "runs" / past / "logs" / "0.log").read_text()


def test_colour_on_request_keeps_the_colours_of_the_log(headrace: Headrace, past: str) -> None:
    assert "\x1b[31mboom\x1b[0m" in headrace("logs", "--color", "always").out


def test_a_job_that_is_not_there_names_those_that_are(headrace: Headrace, past: str) -> None:
    done = headrace("logs", past, "tset")
    assert done.status == 2
    assert done.err == f"headrace: run {past} has no job 'tset'; its jobs are: test\n"


def test_ls_outside_of_a_repository_shows_all(headrace: Headrace, past: str) -> None:
    assert len(headrace("ls", cwd=headrace.home).out.splitlines()) == 3


def test_a_repository_that_is_none_is_refused(headrace: Headrace, past: str) -> None:
    done = headrace("ls", "--repo", str(headrace.home))
    assert done.status == 2
    assert "not a git repository" in done.err
