"""The last screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from headrace.plan.model import Reason
from headrace.report.colour import Style
from headrace.report.summary import summary

if TYPE_CHECKING:
    from tests.report.conftest import Told


def shown(told: Told, *argv: str) -> list[str]:
    return summary(told.state, told.logs, argv or ("run",), Style())


def test_a_red_run_says_what_broke_where_and_how_to_repeat_just_that_job(broken: Told) -> None:
    assert shown(broken, "run", "push", "--var", "A=b c", "-v") == [
        "",
        "✗ failure: 1 failure, 1 success in 5.5s (7.0s of jobs)",
        "  slowest: CI/test (3.13) 5.0s, CI/test (3.10) 2.0s",
        "",
        "✗ CI/test (3.13) failure",
        "  step 2: Run make, exit code 2",
        "  src/a.py:3:7: undefined name 'x'",
        "    hello",
        "    boom",
        "    Error: Process completed with exit code 2.",
        f"  log: {broken.folder}/test-1.log",
        "  again: headrace run push --var 'A=b c' -W .github/workflows/ci.yml -j test --matrix python=3.13",
    ]


@pytest.mark.parametrize(("program", "said"), [("fastlane", True), ("somebodys-own", False)])
def test_a_program_that_only_hosted_machines_have_is_said_below_the_output_that_misses_it(
    told: Told, monkeypatch: pytest.MonkeyPatch, program: str, said: bool
) -> None:
    monkeypatch.setenv("PATH", "")
    told.start()
    leg = told.queue("test")
    told.begin(leg)
    told.step(leg, 1, "Run x")
    told.log(leg, 1, f"x.sh: line 1: {program}: command not found\n".encode())
    told.end_step(leg, 1, "failure", exit_code=127)
    told.end(leg, "failure")
    told.finish("failure")
    lines = shown(told)
    at = lines.index(f"    x.sh: line 1: {program}: command not found")
    assert (lines[at + 1] == f"  GitHub's machines have {program}, this one has not") is said


def test_a_green_run_is_two_lines(told: Told) -> None:
    told.start()
    for job in ("lint", "test"):
        leg = told.queue(job)
        told.begin(leg)
        told.end(leg)
    told.finish()
    assert shown(told) == ["", "✓ success: 2 success in 4.0s (6.0s of jobs)", "  slowest: CI/lint 3.0s, CI/test 3.0s"]


def test_what_the_runner_warns_of_at_the_end_of_a_job_stands_below_a_green_headline(told: Told) -> None:
    told.start()
    for index in (0, 1):
        leg = told.queue("test", index=index, matrix={"n": index})
        told.begin(leg)
        told.step(leg, 1, "Run make")
        told.note(leg, 1, "the step's own", level="warning")
        told.step(leg, 2, "Complete job", "complete")
        told.note(leg, 2, "the job changed /etc/x", level="warning")
        told.note(leg, 2, "by the way", level="notice")
        told.end(leg)
    told.finish()
    assert shown(told)[3:] == ["", "warning: CI/test and 1 more leg: the job changed /etc/x"]


def test_an_engine_that_died_leaves_its_jobs_unfinished(told: Told) -> None:
    told.start()
    leg = told.queue("test")
    told.begin(leg)
    told.step(leg, 1, "Run make")
    told.log(leg, 1, b"compiling\n")
    lines = shown(told)
    assert lines[1] == "⊘ interrupted: 1 unfinished"
    assert "⊘ CI/test unfinished" in lines
    assert "  step 1: Run make" in lines
    assert "    compiling" in lines
    assert lines[-1] == "  again: headrace run -W .github/workflows/ci.yml -j test"


def test_what_was_not_run_says_why_and_offers_no_repeat(told: Told) -> None:
    told.start()
    leg = told.queue("build")
    told.end(leg, "unsupported", seconds=0, why=Reason("no-such-rule", facts={"label": "windows-latest"}))
    told.finish("failure")
    lines = shown(told)
    assert lines[-1] == "⚠ CI/build unsupported: no-such-rule (label: windows-latest)"
    assert not any("again:" in line for line in lines)


def test_skipped_jobs_are_counted_and_not_listed(told: Told) -> None:
    told.start()
    told.end(told.queue("deploy"), "skipped", seconds=0)
    told.finish("skipped")
    assert shown(told) == ["", "○ skipped: 1 skipped in 4.0s"]


def test_a_failed_step_that_did_not_count_is_not_blamed(told: Told) -> None:
    told.start()
    leg = told.queue("test")
    told.begin(leg)
    told.step(leg, 1, "Try")
    told.end_step(leg, 1, "failure", conclusion="success", exit_code=1)
    told.step(leg, 2, "Do")
    told.end_step(leg, 2, "failure", exit_code=3)
    told.end(leg, "failure")
    told.finish("failure")
    lines = shown(told)
    assert "  step 2: Do, exit code 3" in lines
    assert not any("Try" in line for line in lines)


def test_matrix_values_that_the_command_line_cannot_give_are_left_out(told: Told) -> None:
    told.start()
    leg = told.queue("test", matrix={"os": {"name": "x"}, "n": 3.0, "on": True})
    told.begin(leg)
    told.end(leg, "failure")
    told.finish("failure")
    assert shown(told)[-1].endswith("-j test --matrix n=3 --matrix on=true")


def test_what_cannot_run_here_is_one_line_a_job_and_reason_before_what_failed(told: Told) -> None:
    told.start()
    windows, macos = (Reason("runs-on", facts={"label": label}) for label in ("windows-latest", "macos-latest"))
    legs = [told.queue("test", index=i, name=f"test ({version})") for i, version in enumerate(("3.10", "3.11", "3.12"))]
    broken, other = told.queue("build"), told.queue("lint")
    told.begin(broken)
    told.end(broken, "failure")
    for leg, why in zip([*legs, other], (windows, macos, windows, windows), strict=True):
        told.end(leg, "unsupported", seconds=0, why=why)
    told.finish("failure")
    lines = shown(told)
    assert lines[1].startswith("✗ failure: 1 failure, 4 unsupported")
    assert lines[2:8] == [
        "",
        "⚠ CI/test (3.10) and 1 more leg unsupported: runs-on (label: windows-latest)",
        "⚠ CI/test (3.11) unsupported: runs-on (label: macos-latest)",
        "⚠ CI/lint unsupported: runs-on (label: windows-latest)",
        "",
        "✗ CI/build failure",
    ]
