"""A run in plain lines."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from headrace.plan.model import Reason
from headrace.record.records import Lost
from headrace.report.colour import Style
from headrace.report.plain import HEARTBEAT_S, Depth, Plain
from headrace.report.stream import Observer

if TYPE_CHECKING:
    from tests.report.conftest import Told


def shown(told: Told, depth: Depth = "steps", style: Style = Style()) -> str:  # noqa: B008
    out = io.StringIO()
    observer = Observer([Plain(out, style, told.logs, depth)], told.logs, lambda run: str(told.folder))
    for record in told.records:
        observer(record)
    observer.close()
    return out.getvalue()


def test_every_line_says_its_job_and_a_failed_step_shows_its_last_lines(broken: Told) -> None:
    assert shown(broken).splitlines() == [
        "run 7: push of refs/heads/main (0123456789) in octo/hello",
        "CI/test (3.10) | started",
        "CI/test (3.10) | ▶ Run make",
        "CI/test (3.13) | started",
        "CI/test (3.13) | ▶ Run make",
        "CI/test (3.10) | ✓ Run make (1.2s)",
        "CI/test (3.10) | ✓ success in 2.0s",
        "CI/test (3.13) | error: src/a.py:3:7: undefined name 'x'",
        "CI/test (3.13) | ✗ Run make (1.2s) failed with exit code 2",
        "CI/test (3.13) |     hello",
        "CI/test (3.13) |     boom",
        "CI/test (3.13) |     Error: Process completed with exit code 2.",
        "CI/test (3.13) | ✗ failure in 5.0s",
    ]


def test_the_set_up_of_a_job_is_shown_where_it_fails_or_on_request(told: Told) -> None:
    told.start()
    leg = told.queue("test")
    told.begin(leg)
    told.step(leg, 1, "Set up job", "setup")
    assert "Set up job" not in shown(told)
    assert "▶ Set up job" in shown(told, "output")
    told.end_step(leg, 1, "failure")
    assert "✗ Set up job (1.2s) failed" in shown(told)


def test_quiet_shows_only_what_failed(broken: Told) -> None:
    lines = shown(broken, "failures").splitlines()
    assert lines[0] == "CI/test (3.13) | ✗ Run make (1.2s) failed with exit code 2"
    assert lines[-1] == "CI/test (3.13) | ✗ failure in 5.0s"
    assert not any("3.10" in line for line in lines)


def test_twice_quiet_shows_nothing(broken: Told) -> None:
    assert shown(broken, "silent") == ""


def test_verbose_streams_output_with_the_prefix_on_every_line(broken: Told) -> None:
    lines = shown(broken, "output").splitlines()
    assert "CI/test (3.10) | hello" in lines
    assert sum(line.endswith("boom") for line in lines) == 1, "what was streamed is not printed again when the step fails"


@pytest.mark.parametrize("depth", ["steps", "output"])
def test_no_control_characters_reach_what_is_no_terminal(broken: Told, depth: Depth) -> None:
    assert "\x1b" not in shown(broken, depth)


def test_where_we_colour_the_colours_of_steps_stay(broken: Told) -> None:
    assert "\x1b[31mboom" in shown(broken, "output", Style(colour=True))


def test_glyphs_are_ascii_where_the_locale_is(broken: Told) -> None:
    text = shown(broken, style=Style(utf8=False))
    assert text.isascii()
    assert "x Run make (1.2s) failed" in text


def test_a_skipped_step_is_told_only_among_decisions(told: Told) -> None:
    told.start()
    leg = told.queue("test")
    told.begin(leg)
    told.step(leg, 1, "Upload")
    told.end_step(leg, 1, "skipped", why=Reason("condition", facts={"condition": "failure()"}))
    assert "Upload" not in shown(told)
    assert "Upload skipped" in shown(told, "decisions")


def test_a_step_that_has_begun_is_told_at_the_next_tick(told: Told) -> None:
    told.start()
    leg = told.queue("test")
    told.begin(leg)
    told.step(leg, 1, "Sleep")
    out = io.StringIO()
    observer = Observer([Plain(out, Style(), told.logs)], told.logs, str)
    for record in told.records:
        observer(record)
    observer.tick(told.now)
    assert out.getvalue().endswith("| ▶ Sleep\n")


def test_a_silent_job_gives_a_sign_of_life_once_a_minute(told: Told) -> None:
    told.start()
    leg = told.queue("test")
    told.begin(leg)
    told.step(leg, 1, "Sleep")
    out = io.StringIO()
    observer = Observer([Plain(out, Style(), told.logs)], told.logs, str)
    for record in told.records:
        observer(record)
    observer.tick(told.now)
    before = out.getvalue()
    observer.tick(told.now + HEARTBEAT_S - 1)
    assert out.getvalue() == before
    observer.tick(told.now + HEARTBEAT_S)
    observer.tick(told.now + HEARTBEAT_S + 1)
    assert out.getvalue() == before + "CI/test | … Sleep, 1m00s so far\n"


def test_a_failure_that_does_not_count_says_so(told: Told) -> None:
    told.start()
    leg = told.queue("test", continue_on_error=True)
    told.begin(leg)
    told.step(leg, 1, "Try")
    told.end_step(leg, 1, "failure", conclusion="success", exit_code=1)
    told.end(leg, "failure")
    text = shown(told)
    assert "✗ Try (1.2s) failed with exit code 1; the job goes on (continue-on-error)" in text
    assert "✗ failure in 3.0s; counts as success (continue-on-error)" in text


def test_a_lost_job_is_told(told: Told) -> None:
    told.start()
    leg = told.queue("test")
    told.begin(leg)
    told.tell(Lost(leg, "killed"))
    assert "CI/test | ✗ lost: killed" in shown(told, "failures")


def test_a_name_cannot_forge_a_line_or_move_the_cursor(told: Told) -> None:
    told.start()
    leg = told.queue("test", name="a\nCI/evil | ✓ success\x1b[2J")
    told.begin(leg)
    told.step(leg, 1, "x\r\ny")
    lines = shown(told).splitlines()
    assert lines[1] == "CI/a CI/evil | ✓ success\\x1b[2J | started"
    assert lines[2].endswith("| ▶ x  y")


def test_output_that_is_not_utf8_is_shown_by_its_bytes(told: Told) -> None:
    told.start()
    leg = told.queue("test")
    told.begin(leg)
    told.step(leg, 1, "Print")
    told.log(leg, 1, b"caf\xe9\n")
    assert "CI/test | caf\\xe9\n" in shown(told, "output")


def test_a_progress_bar_leaves_its_last_state(told: Told) -> None:
    told.start()
    leg = told.queue("test")
    told.begin(leg)
    told.step(leg, 1, "Fetch")
    told.log(leg, 1, b"10%\r20%\r\x1b[K100%\n")
    assert "CI/test | 100%\n" in shown(told, "output")


def test_a_log_file_that_has_gone_costs_its_lines_only(broken: Told) -> None:
    for path in broken.folder.iterdir():
        path.unlink()
    assert "✗ Run make (1.2s) failed with exit code 2" in shown(broken)


def test_two_workflows_of_one_name_are_told_by_their_files(told: Told) -> None:
    told.start()
    first = told.queue("test")
    told.queue("test", workflow=".github/workflows/other.yml")
    told.begin(first)
    assert "ci.yml/test | started" in shown(told)


def test_what_is_waited_for_is_said(told: Told) -> None:
    told.start()
    told.wait()
    leg = told.queue("test")
    told.wait(leg)
    told.wait(leg, holder="7")
    assert shown(told).splitlines()[1:] == [
        "ci.yml | … waiting for the concurrency group 'deploy', held by run 5",
        "CI/test | … waiting for the concurrency group 'deploy', held by run 5",
        "CI/test | … waiting for the concurrency group 'deploy', held by this run itself",
    ]
    assert shown(told, "failures") == ""
