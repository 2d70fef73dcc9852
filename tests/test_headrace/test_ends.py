"""Ends before their time: Ctrl-C, kill -9, a full disk. What was reported is kept, and nothing is left alive."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from test_core.calls import Headrace, lines_until, until

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

KILLS = int(os.environ.get("HEADRACE_KILLS", "6"))
MARK = "HEADRACE_TEST_MARK"

# each leg leaves daemons behind that carry the mark in their environment and nothing else
JOBS = """\
  a:
    runs-on: ubuntu-latest
    strategy: {matrix: {n: [1, 2]}}
    steps:
      - run: |
          env -i MARK_OF_TEST setsid sleep 900 >/dev/null 2>&1 &
          (env -i MARK_OF_TEST setsid sh -c 'sleep 900 & sleep 900' >/dev/null 2>&1 &)
          seq 1 300
      - run: seq 1 300; sleep 0.3
      - run: env MARK_OF_TEST sleep 900
  b:
    runs-on: ubuntu-latest
    steps: [{run: 'for i in 1 2 3 4 5 6 7 8 9; do echo $i; sleep 0.05; done'}]
"""


@pytest.fixture
def marked(headrace: Headrace) -> tuple[Headrace, str, Path]:
    mark = f"{MARK}={headrace.home.name}-{os.urandom(4).hex()}"
    return headrace, mark, headrace.repository(JOBS.replace("MARK_OF_TEST", mark)).root


def test_kill_9_of_the_engine_at_any_moment_loses_nothing_and_leaves_nothing(
    marked: tuple[Headrace, str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    headrace, mark, root = marked
    monkeypatch.setenv("XDG_STATE_HOME", str(headrace.home / "state"))
    moments = random.Random(int(os.environ.get("HEADRACE_SEED", "7")))
    for _ in range(KILLS):
        process = headrace.start("run", "--json-stream", "-v", cwd=root)
        try:
            out, _ = process.communicate(timeout=moments.uniform(0.05, 1.6))
        except subprocess.TimeoutExpired:
            process.kill()
            out, _ = process.communicate()
        assert process.returncode == -signal.SIGKILL
        reported = [json.loads(line) for line in out.splitlines() if line.endswith("}")]
        until(lambda: not headrace.alive(mark), "a process of the run is still alive")
        runs = headrace("ls", "--json", cwd=root).json["runs"]
        if reported:
            assert {run["run"]: run["result"] for run in runs}[reported[0]["run"]] == "interrupted"
            shown = [{key: record[key] for key in ("run", "seq", "at", "body")} for record in reported]
            assert kept(headrace, reported[0]["run"], len(reported)) == shown
        until(lambda: not list((headrace.jobs / "work").glob("*")), "a work folder is still there", 10)
        until(lambda: not list((headrace.jobs / "trash").glob("*")), "the trash is still full", 10)
    assert headrace.run("  a:\n    runs-on: ubuntu-latest\n    steps: [{run: 'true'}]\n", folder="other").status == 0


def kept(headrace: Headrace, run: str, count: int) -> list[object]:
    """The first records of a run as the journal has them."""
    code = (
        "import sys; from headrace.record.journal import Journal; from headrace.record.codec import to_json\n"
        "for record in Journal.open().records(sys.argv[1]): print(to_json(record).decode())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, run], env=headrace.environment(), capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()][:count]


def test_ctrl_c_ends_jobs_in_order_and_says_130(headrace: Headrace) -> None:
    jobs = """\
  a:
    runs-on: ubuntu-latest
    steps:
      - run: echo ready; exec sleep 900
      - run: echo not this
      - if: always()
        run: echo in the end
  b:
    needs: a
    runs-on: ubuntu-latest
    steps: [{run: 'echo not this'}]
  c:
    needs: a
    if: always()
    runs-on: ubuntu-latest
    steps: [{run: 'echo c runs on'}]
"""
    root = headrace.repository(jobs).root
    process = headrace.start("run", "-v", "--json", cwd=root)
    said = lines_until(process, "| ready")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    said += err
    assert process.returncode == 130
    results = {row["job"]: row["result"] for row in json.loads(out)["jobs"]}
    assert results == {"a": "cancelled", "b": "skipped", "c": "success"}
    assert "in the end" in said
    assert "c runs on" in said
    assert "not this" not in [line.rpartition("| ")[2].strip() for line in said.splitlines()]
    assert "1 cancelled" in said


def test_a_second_ctrl_c_kills(headrace: Headrace) -> None:
    jobs = "  a:\n    runs-on: ubuntu-latest\n    steps: [{if: always(), run: 'trap \"\" INT TERM; echo ready; while :; do sleep 0.1; done'}]\n"
    root = headrace.repository(jobs).root
    process = headrace.start("run", "-v", cwd=root)
    lines_until(process, "| ready")
    process.send_signal(signal.SIGINT)
    lines_until(process, "again kills")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130


@pytest.mark.host_only("its job kills what no job in namespaces sees")
def test_a_killed_supervisor_makes_its_leg_lost_the_others_go_on_and_the_status_is_3(headrace: Headrace) -> None:
    lost = (
        "  a:\n    runs-on: ubuntu-latest\n    steps: [{run: 'echo $PPID; "
        "kill -9 $(grep PPid: /proc/$PPID/status | cut -f2); sleep 900'}]\n"
    )
    done = headrace.run(lost + "  b:\n    runs-on: ubuntu-latest\n    steps: [{run: 'sleep 0.3'}]\n")
    assert done.status == 3
    assert done.results == {"a": "failure", "b": "success"}
    assert "killed" in done.err


def test_a_full_disk_is_said_and_the_status_is_3(headrace: Headrace, tmp_path: Path) -> None:
    """The state lies on a small file system of its own."""
    root = headrace.repository(
        "  a:\n    runs-on: ubuntu-latest\n    steps: [{run: 'yes 0123456789abcdef | head -c 60000000'}]\n"
    ).root
    (headrace.home / "state").mkdir(exist_ok=True)
    script = f"mount -t tmpfs -o size=8m tmpfs {headrace.home}/state && exec " + " ".join(headrace.command("run"))
    probe = subprocess.run(["unshare", "-Urm", "true"], capture_output=True)
    if probe.returncode:
        pytest.skip("no user namespaces here")
    done = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", script], cwd=root, env=headrace.environment(), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 3, done.stderr
    assert "No space left on device" in done.stderr or "disk is full" in done.stderr
    assert "Traceback" not in done.stderr
