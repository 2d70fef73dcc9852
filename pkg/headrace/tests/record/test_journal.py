"""The journal: what was reported is there, and whether a run lives is known."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from headrace.base.errors import EngineError, UsageError
from headrace.record.journal import Journal, body_record
from headrace.record.locks import is_alive, lock_run
from headrace.record.records import Body, LegFinished, LegQueued, LegStarted, RunFinished, RunStarted

STARTED = RunStarted("push", "refs/heads/main", "a" * 40, "o/r", "/r", "0")
LEG = LegQueued("w:a:0", "w:a", "w", "a")


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "a state"))


@pytest.fixture
def open_journal(_state: None) -> Iterator[Callable[[], Journal]]:
    """Opens the journal of this test, as often as it is called; closed at the end."""
    with ExitStack() as opened:

        def make() -> Journal:
            return opened.enter_context(closing(Journal.open()))

        yield make


@pytest.fixture
def journal(open_journal: Callable[[], Journal]) -> Journal:
    return open_journal()


def test_records_come_back_in_order_and_add_up(journal: Journal, open_journal: Callable[[], Journal]) -> None:
    run, numbers = journal.create(STARTED, ["w"])
    bodies: list[Body] = [
        STARTED,
        LEG,
        LegStarted("w:a:0"),
        LegFinished("w:a:0", "success", {"x": "1"}),
        RunFinished("success", 2.5),
    ]
    journal.append([body_record(run, n, body) for n, body in enumerate(bodies, 1)])
    assert [record.body for record in open_journal().records(run)] == bodies
    state = open_journal().state(run)
    assert (state.result, state.legs["w:a:0"].outputs, numbers) == ("success", {"x": "1"}, {"w": 1})
    [line] = journal.runs()
    assert (line.run, line.result, line.seconds) == (run, "success", 2.5)


def test_run_numbers_count_per_workflow_and_repository(journal: Journal) -> None:
    other = RunStarted("push", "refs/heads/main", "a" * 40, "o/r", "/elsewhere", "0")
    assert journal.create(STARTED, ["a", "b"])[1] == {"a": 1, "b": 1}
    assert journal.create(STARTED, ["a"])[1] == {"a": 2}
    assert journal.create(other, ["a"])[1] == {"a": 1}


def test_a_repository_and_a_branch_with_odd_names_have_runs_too(journal: Journal) -> None:
    odd = RunStarted("push", "refs/heads/b\udcff", "a" * 40, "o/r", "/r\udcff", "0")
    run, numbers = journal.create(odd, ["w\udcff"])
    journal.append([body_record(run, 1, odd)])
    [line] = journal.runs(root=odd.root)
    assert (line.run, line.ref, journal.resolve("", odd.root), list(numbers.values())) == (run, "refs/heads/b\ufffd", run, [1])


def test_a_batch_is_written_whole_or_not_at_all(journal: Journal) -> None:
    run, _ = journal.create(STARTED, [])
    with pytest.raises(EngineError):
        journal.append([body_record(run, 1, STARTED), body_record(run, 1, LEG)])  # the same number twice
    assert list(journal.records(run)) == []
    journal.append([body_record(run, 1, STARTED)])
    assert len(list(journal.records(run))) == 1


def test_a_run_is_alive_while_its_engine_holds_the_lock(journal: Journal) -> None:
    run, _ = journal.create(STARTED, [])
    assert journal.state(run).result == "interrupted"
    lock = lock_run(run)
    assert is_alive(run)
    assert journal.state(run).result is None
    os.close(lock)
    assert journal.runs()[0].result == "interrupted"


def test_a_killed_writer_loses_nothing_that_it_had_written(open_journal: Callable[[], Journal]) -> None:
    code = (
        "import os, signal\n"
        "from headrace.record.journal import Journal, body_record\n"
        "from headrace.record.locks import lock_run\n"
        "from headrace.record.records import RunStarted, LegStarted\n"
        "j = Journal.open()\n"
        "run, _ = j.create(RunStarted('push', 'r', 's', 'o/r', '/r', '0'), [])\n"
        "lock = lock_run(run)\n"
        "for n in range(1, 51):\n"
        "    j.append([body_record(run, n, LegStarted(str(n)))])\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert done.returncode == -signal.SIGKILL
    journal = open_journal()
    run = journal.resolve()
    assert len(list(journal.records(run))) == 50
    assert journal.state(run).result == "interrupted"


def test_an_unknown_run_is_a_usage_error(journal: Journal) -> None:
    with pytest.raises(UsageError, match="no run yet"):
        journal.resolve()
    journal.create(STARTED, [])
    with pytest.raises(UsageError, match="there is no run 99"):
        journal.resolve("99")
    assert journal.resolve("1") == journal.resolve("") == "1"


def test_a_state_folder_that_cannot_be_made_is_an_engine_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(EngineError, match=r"journal\.db"):
        Journal.open()


def test_the_state_folder_is_its_owners_alone_whoever_made_it(tmp_path: Path) -> None:
    folder = tmp_path / "a state" / "headrace"
    folder.mkdir(parents=True, mode=0o755)
    Journal.open().close()
    assert folder.stat().st_mode & 0o777 == 0o700


def test_several_that_make_the_journal_at_once_all_get_it(tmp_path: Path) -> None:
    code = (
        "import multiprocessing, os, sys\n"
        "from headrace.record.journal import Journal\n"
        "def work(barrier):\n"
        "    for n in range(15):\n"
        "        os.environ['XDG_STATE_HOME'] = f'{sys.argv[1]}/{n}'\n"
        "        barrier.wait(30)\n"
        "        Journal.open().close()\n"
        "context = multiprocessing.get_context('fork')\n"
        "barrier = context.Barrier(4)\n"
        "workers = [context.Process(target=work, args=(barrier,)) for _ in range(4)]\n"
        "for worker in workers: worker.start()\n"
        "for worker in workers: worker.join()\n"
        "sys.exit(max(worker.exitcode for worker in workers))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], env=environment, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
