"""How steps and legs end before their time: timeouts, orders to cancel, what lives on, what kills its parent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from test_core.legs import job, results, steps

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it


@pytest.mark.covers("runtime:1.8")
@pytest.mark.parametrize("script", [pytest.param("sleep 1000", marks=pytest.mark.slow), "exec sleep 1000"])
def test_a_step_timeout_of_a_fraction_of_a_minute_fails_the_step(tmp_path: Path, script: str) -> None:
    text = f"- {{name: n, run: '{script}', timeout-minutes: 0.002}}\n- {{if: failure(), run: echo after}}"
    ran = job(tmp_path, steps(text))
    assert (ran.result, results(ran)) == ("failure", ["failure", "success"])
    assert ran.errors == ["The action 'n' has timed out after 0.002 minutes."]


@pytest.mark.covers("runtime:1.7")
def test_a_cancelled_leg_ends_its_step_and_runs_what_always_runs(tmp_path: Path) -> None:
    text = """
- run: echo ready; exec sleep 1000
- {name: default, run: echo no}
- {name: failed, if: failure(), run: echo no}
- {name: cancelled, if: cancelled(), run: echo yes}
- {name: always, if: always(), run: 'echo ${{ job.status }}'}
"""
    ran = job(tmp_path, steps(text), cancel_at="ready")
    assert (ran.result, results(ran)) == ("cancelled", ["cancelled", "skipped", "skipped", "success", "success"])
    assert ran.errors == ["The operation was canceled."]
    assert ran.lines[-2] == "cancelled"


@pytest.mark.covers("runtime:1.7")
def test_a_running_step_whose_condition_still_holds_is_left_running(tmp_path: Path) -> None:
    text = "- {if: always(), run: 'echo ready; sleep 0.5; echo done'}\n- run: echo no"
    ran = job(tmp_path, steps(text), cancel_at="ready")
    assert (ran.result, results(ran)) == ("cancelled", ["success", "skipped"])
    assert "done" in ran.lines


@pytest.mark.slow  # 7.5 seconds are the rule
@pytest.mark.covers("runtime:1.7")
def test_signals_come_in_order_and_only_to_the_program_itself(tmp_path: Path) -> None:
    script = "import os,signal\nsignal.signal(signal.SIGINT, lambda *_: os.write(1, b'int\\n'))\n"
    script += "signal.signal(signal.SIGTERM, lambda *_: (os.write(1, b'term\\n'), os._exit(9)))\n"
    script += "os.write(1, b'ready\\n')\nwhile True: signal.pause()\n"
    body = "\n".join("    " + line for line in script.splitlines())
    ran = job(tmp_path, steps(f"- shell: python3 {{0}}\n  run: |\n{body}"), cancel_at="ready")
    assert (ran.result, ran.lines[-5:-2]) == ("cancelled", ["ready", "int", "term"])


def test_a_forced_cancel_kills_at_once_whatever_conditions_say(tmp_path: Path) -> None:
    text = "- {if: always(), run: 'trap \"\" INT TERM; echo ready; while :; do sleep 0.1; done'}\n- {if: always(), run: echo no}"
    ran = job(tmp_path, steps(text), force_at="ready")
    assert (ran.result, results(ran)) == ("cancelled", ["cancelled", "skipped"])


@pytest.mark.slow  # the step's output is read for 5 seconds after its end
def test_after_a_forced_cancel_nobody_waits_for_what_a_child_still_prints(tmp_path: Path) -> None:
    ran = job(tmp_path, steps("- run: (sleep 2; echo late) & echo ready; sleep 1000"), force_at="ready")
    assert (ran.result, results(ran)) == ("cancelled", ["cancelled"])
    assert "late" not in ran.lines
    waited = job(tmp_path / "twin", steps("- run: (sleep 2; echo late) & echo ready"))
    assert "late" in waited.lines


@pytest.mark.covers("runtime:1.13")
def test_a_daemon_that_keeps_the_pipe_does_not_hang_the_step_and_does_not_outlive_the_leg(tmp_path: Path) -> None:
    ran = job(tmp_path, steps("- run: setsid sleep 1000 & echo pid:$!\n- run: echo next"))
    assert ran.result == "success"
    pid = int(next(line for line in ran.lines if line.startswith("pid:"))[4:])
    assert not os.path.exists(f"/proc/{pid}")
    assert "next" in ran.lines


def test_a_step_that_kills_its_parent_loses_the_leg_and_nothing_is_left(tmp_path: Path) -> None:
    ran = job(tmp_path, steps("- run: setsid sleep 1000 & echo pid:$!; kill -9 $PPID; sleep 1000"))
    assert ran.result == "lost"
    assert ran.lost == ["the process that starts this job's steps was killed"]


def test_two_orders_that_arrive_at_once_both_count(tmp_path: Path) -> None:
    """In order, the first leaves an `always()` step running; the one by force must not wait for a third."""
    text = "- {if: always(), run: 'trap \"\" INT TERM; echo ready; while :; do sleep 0.1; done'}"
    ran = job(tmp_path, steps(text), cancel_at="ready", force_at="ready")
    assert (ran.result, results(ran)) == ("cancelled", ["cancelled"])
