"""Groups over all runs of a machine: the table, who lives, who is told."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from headrace.base.errors import EngineError
from headrace.events.model import Repository
from headrace.plan.model import Claim, Reason
from headrace.record.groups import WAKE, Groups
from headrace.record.journal import Journal
from headrace.record.locks import is_alive, lock_run, tell
from headrace.record.queueing import MOST_WAITING, Standing
from headrace.record.records import RunStarted

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

HERE = Repository("octo/hello", "/r", "/r/.git")
SINGLE, CANCEL, MAX = Claim("Deploy"), Claim("deploy", cancel_in_progress=True), Claim("DEPLOY", queue="max")

Join = Callable[..., Groups]


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@pytest.fixture
def join(_state: None) -> Iterator[Join]:
    """A run of its own, alive, numbered from 1."""
    with ExitStack() as opened:

        def make(repository: Repository = HERE) -> Groups:
            journal = opened.enter_context(closing(Journal.open()))
            run, _ = journal.create(RunStarted("push", "r", "s", repository.full_name, "/r", "0"), [])
            opened.callback(os.close, lock_run(run))
            return Groups(journal, repository, run)

        yield make


def state(groups: Groups, key: str = "k") -> str:
    return groups.standings()[key].state


CHILD = r"""
import os, signal, sys
from headrace.events.model import Repository
from headrace.plan.model import Claim
from headrace.record.groups import Groups
from headrace.record.journal import Journal
from headrace.record.locks import lock_run
from headrace.record.records import RunStarted
journal = Journal.open()
run, _ = journal.create(RunStarted("push", "r", "s", "octo/hello", "/r", "0"), [])
lock = lock_run(run)
signal.signal(signal.SIGURG, lambda *_: os.write(1, b"called\n"))
signal.signal(signal.SIGINT, lambda *_: os.write(1, b"told\n"))
groups = Groups(journal, Repository("octo/hello", "/r", "/r/.git"), run)
if len(sys.argv) > 1:
    groups.take("k", Claim("deploy", queue="max"))
print(run, flush=True)
sys.stdin.readline()
"""


class Child:
    """A run in a process of its own."""

    def __init__(self, *arguments: str) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", CHILD, *arguments],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.run = self.line()

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def child() -> Iterator[Callable[..., Child]]:
    with ExitStack() as started:

        def make(*arguments: str) -> Child:
            made = Child(*arguments)
            started.callback(made.kill)
            return made

        yield make


@pytest.mark.covers("language:10.1")
def test_one_holds_a_group_whatever_its_case_and_the_next_one_waits_until_it_leaves(join: Join) -> None:
    one, two = join(), join()
    one.take("k", SINGLE)
    two.take("k", Claim("DEPLOY"))
    assert one.standings() == {"k": Standing("holds", "Deploy")}
    assert two.standings() == {"k": Standing("waits", "DEPLOY", holder="1")}
    one.leave("k")
    assert (one.standings(), state(two)) == ({}, "holds")
    two.close()
    assert two.standings() == {}


@pytest.mark.covers("language:10.1")
def test_other_groups_and_other_repositories_are_no_rivals(join: Join) -> None:
    taken = [join(), join(), join(Repository("octo/other", "/o", "/o/.git")), join(Repository("Octo/Hello", "/c", "/c/.git"))]
    for groups, claim in zip(taken, (SINGLE, Claim("other"), SINGLE, SINGLE), strict=True):
        groups.take("k", claim)
    assert [state(groups) for groups in taken] == ["holds", "holds", "holds", "waits"]


@pytest.mark.covers("language:10.1")
def test_repositories_without_a_remote_compete_by_their_place_not_by_their_folders_name(join: Join, tmp_path: Path) -> None:
    places = [tmp_path / name / "demo" / ".git" for name in ("a", "b")]
    one, two, again = (join(Repository("local/demo", str(git.parent), str(git))) for git in (*places, places[0]))
    for groups in (one, two, again):
        groups.take("k", SINGLE)
    assert [state(groups) for groups in (one, two, again)] == ["holds", "holds", "waits"]


@pytest.mark.covers("language:10.1")
def test_a_newcomer_takes_the_place_of_the_one_that_waits(join: Join) -> None:
    one, two, three = join(), join(), join()
    for groups in (one, two, three):
        groups.take("k", SINGLE)
    assert [state(groups) for groups in (one, two, three)] == ["holds", "over", "waits"]
    message = "Canceling since a higher priority waiting request for 'Deploy' exists"
    assert two.standings()["k"].why == Reason("concurrency", facts={"group": "Deploy", "run": "3", "message": message})
    two.leave("k")
    one.leave("k")
    assert state(three) == "holds"


@pytest.mark.covers("language:10.1")
def test_cancel_in_progress_cancels_the_holder_which_stays_the_holder_until_it_leaves(join: Join) -> None:
    one, two, three = join(), join(), join()
    one.take("k", SINGLE)
    for groups in (two, three):
        groups.take("k", CANCEL)
    held = one.standings()["k"]
    assert (held.state, held.why and held.why.facts["run"]) == ("holds", "2")
    assert [state(two), state(three)] == ["over", "waits"]
    one.leave("k")
    assert three.standings() == {"k": Standing("holds", "deploy")}


@pytest.mark.covers("language:10.1")
def test_queue_max_is_first_come_first_served_and_full_at_a_hundred(join: Join) -> None:
    groups = join()
    keys = [str(number) for number in range(MOST_WAITING + 2)]
    for key in keys:
        groups.take(key, MAX)
    standings = groups.standings()
    assert [standings[key].state for key in keys] == ["holds", *["waits"] * MOST_WAITING, "over"]
    assert standings[keys[-1]].why == Reason("concurrency.full", facts={"group": "DEPLOY"})
    order = []
    for _ in keys[:-1]:
        [held] = [key for key, standing in groups.standings().items() if standing.state == "holds"]
        order.append(held)
        groups.leave(held)
    assert order == keys[:-1]


@pytest.mark.covers("language:10.1")
def test_a_killed_holder_is_in_nobodys_way(join: Join, child: Callable[..., Child]) -> None:
    holder = child("take")
    before, after = join(), join()
    before.take("k", MAX)
    assert before.standings()["k"].holder == holder.run
    os.kill(holder.process.pid, signal.SIGKILL)
    holder.process.wait()
    assert state(before) == "holds"
    after.take("k", MAX)
    assert after.standings()["k"].holder == "2"


@pytest.mark.covers("language:10.1")
def test_a_killed_waiter_is_passed_over(join: Join, child: Callable[..., Child]) -> None:
    holder = join()
    holder.take("k", MAX)
    waiter, last = child("take"), join()
    last.take("k", MAX)
    waiter.kill()
    holder.leave("k")
    assert state(last) == "holds"


def test_who_is_cancelled_and_whose_turn_it_is_is_called(join: Join, child: Callable[..., Child]) -> None:
    one = join()
    one.take("k", SINGLE)
    waits = child("take")
    one.leave("k")
    assert waits.line() == "called"
    one.take("k", CANCEL)
    assert waits.line() == "called"


def test_a_table_that_is_gone_is_an_engine_error(join: Join, tmp_path: Path) -> None:
    groups = join()
    with closing(sqlite3.connect(tmp_path / "headrace" / "journal.db")) as db:
        db.execute("DROP TABLE claims")
    with pytest.raises(EngineError, match="the concurrency groups cannot be used"):
        groups.take("k", SINGLE)


def test_a_journal_of_the_first_version_gets_the_table(tmp_path: Path) -> None:
    Journal.open().close()
    with closing(sqlite3.connect(tmp_path / "headrace" / "journal.db")) as db:
        db.executescript("DROP TABLE claims; PRAGMA user_version = 1;")
    with closing(Journal.open()) as journal:
        run, _ = journal.create(RunStarted("push", "r", "s", "o/r", "/r", "0"), [])
        groups = Groups(journal, HERE, run)
        groups.take("k", SINGLE)
        assert state(groups) == "holds"


# ---- the lock ----


def test_a_run_is_told_only_while_its_engine_lives(join: Join, child: Callable[..., Child]) -> None:
    run = child()
    assert tell(run.run, signal.SIGINT)
    assert run.line() == "told"
    run.kill()
    assert not tell(run.run, signal.SIGINT)
    assert not tell("99", signal.SIGINT)


def test_a_lock_file_that_names_a_process_which_does_not_hold_it_reaches_nobody(join: Join, child: Callable[..., Child]) -> None:
    """The number of an engine that died may be another program's by now."""
    bystander, dead = child(), child()
    dead.kill()
    lock = Path(os.environ["XDG_STATE_HOME"], "headrace", "runs", dead.run, "lock")
    lock.write_text(lock.read_text().replace(str(dead.process.pid), str(bystander.process.pid)))
    assert not tell(dead.run, signal.SIGINT)
    assert tell(bystander.run, WAKE)
    assert bystander.line() == "called"


def test_the_end_of_a_run_is_waited_for(child: Callable[..., Child]) -> None:
    run = child()
    waiting = subprocess.Popen(
        [sys.executable, "-c", f"from headrace.record.locks import wait_for_end; wait_for_end('{run.run}'); print('over')"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert is_alive(run.run)
    run.kill()
    assert waiting.communicate()[0] == "over\n"
    assert not is_alive(run.run)
