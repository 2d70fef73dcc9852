"""The host sandbox: what is started runs as asked, and nothing outlives it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from headrace.base.sockets import Socket
from headrace.sandbox import zygote
from headrace.sandbox.children import descendants
from headrace.sandbox.host import HostSandbox, open_host
from headrace.sandbox.inherit import inherited
from headrace.sandbox.protocol import Process, SandboxLost, SpawnError
from test_core.processes import ended

PATH = "/usr/local/bin:/usr/bin:/bin"


@pytest.fixture
def box() -> Iterator[HostSandbox]:
    box = open_host()
    yield box
    box.close()


def start(box: HostSandbox, script: str, cwd: str = "/", env: dict[str, str] | None = None) -> tuple[Process, int]:
    """The process, and where its stdout can be read."""
    out, out_end = os.pipe()
    process = box.spawn(["/bin/sh", "-c", script], {"PATH": PATH, **(env or {})}, cwd, out_end, 2)
    os.close(out_end)
    return process, out


def end(box: HostSandbox, process: Process) -> int:
    while process.status is None:
        box.pump()
    return process.status


def output(box: HostSandbox, script: str, **more: object) -> str:
    process, out = start(box, script, **more)  # type: ignore[arg-type]
    with open(out) as file:
        text = file.read()
    end(box, process)
    return text


def test_a_process_gets_its_folder_environment_and_an_empty_stdin(box: HostSandbox, tmp_path: Path) -> None:
    assert output(box, "pwd; echo $X; cat", cwd=str(tmp_path), env={"X": "a b"}) == f"{tmp_path}\na b\n"


def test_there_may_be_nothing_to_take_in(box: HostSandbox) -> None:
    """An answer that was waited for has brought it along."""
    process, _ = start(box, "exit 5")
    select.select([box], [], [])
    assert box.find("sh", PATH)
    assert process.status == 5
    box.pump()


@pytest.mark.parametrize(("script", "status"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137), ("kill -INT $$", 130)])
def test_the_status_is_as_shells_print_it(box: HostSandbox, script: str, status: int) -> None:
    process, out = start(box, script)
    os.close(out)
    assert end(box, process) == status


def test_a_process_has_pythons_ignored_signals_back_and_its_own_session(box: HostSandbox) -> None:
    assert output(box, f"exec {sys.executable} -c 'import os; print(os.getsid(0) == os.getpid())'") == "True\n"
    ignored = output(box, "grep SigIgn /proc/self/status")
    assert int(ignored.split()[1], 16) & (1 << (signal.SIGPIPE - 1)) == 0


def test_a_program_that_is_not_there_is_a_spawn_error(box: HostSandbox) -> None:
    with pytest.raises(SpawnError, match="No such file or directory: /nowhere/x"):
        box.spawn(["/nowhere/x"], {}, "/", 1, 2)
    with pytest.raises(SpawnError, match="/no such folder"):
        box.spawn(["/bin/true"], {}, "/no such folder", 1, 2)
    assert output(box, "echo still here") == "still here\n"


def test_programs_are_found_on_the_jobs_path(box: HostSandbox, tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\n")
    assert box.find("tool", f"{tmp_path}:{PATH}") is None
    tool.chmod(0o755)
    assert box.find("tool", f"{tmp_path}:{PATH}") == str(tool)
    assert box.find("sh", PATH) in ("/usr/bin/sh", "/bin/sh")
    assert box.find("no-such-tool", PATH) is None


def test_a_signal_reaches_the_process_and_only_it(box: HostSandbox) -> None:
    process, out = start(box, "trap 'echo got; exit 5' INT; echo ready; while :; do sleep 0.05; done")
    with open(out) as file:
        assert file.readline() == "ready\n"
        process.signal(signal.SIGINT)
        assert file.readline() == "got\n"
    assert end(box, process) == 5
    process.signal(signal.SIGKILL)  # has ended: nothing happens
    assert output(box, "echo on") == "on\n"


DAEMONS = {
    "background": "sleep 1000 & echo $!",
    "setsid": "setsid sh -c 'echo $$; exec sleep 1000' &",
    "double fork": "( ( sh -c 'echo $$; exec sleep 1000' & ) & ) &",
    "nohup, signals ignored": "trap '' INT TERM HUP; nohup sh -c 'echo $$; sleep 1000' &",
    "no tracking id": "env -i setsid sh -c 'echo $$; exec sleep 1000' &",
}


@pytest.mark.parametrize("script", DAEMONS.values(), ids=DAEMONS.keys())
def test_nothing_outlives_the_sandbox(script: str) -> None:
    box = open_host()
    out, out_end = os.pipe()
    process = box.spawn(["/bin/sh", "-c", script], {"PATH": PATH}, "/", out_end, 2)
    os.close(out_end)
    with open(out) as file:
        pid = int(file.readline())
    end(box, process)
    assert not ended(pid)
    box.close()
    assert ended(pid)
    assert descendants(os.getpid()) == []


def test_processes_that_fork_on_and_on_are_ended_too(box: HostSandbox) -> None:
    process, out = start(box, "f() { sleep 0.01; f & }; f & f & f & echo go; wait")
    with open(out) as file:
        file.readline()
        box.close()
    assert process.status is None
    assert descendants(os.getpid()) == []


def test_a_killed_init_is_noticed_and_its_orphans_end() -> None:
    box = open_host()
    process, out = start(box, "echo $$ $PPID; sleep 1000")
    with open(out) as file:
        pid, init = map(int, file.readline().split())
    os.kill(init, signal.SIGKILL)
    with pytest.raises(SandboxLost):
        while process.status is None:
            box.pump()
    box.close()
    assert ended(pid)


def test_only_regular_files_are_read(box: HostSandbox, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    os.mkfifo(tmp_path / "fifo")
    assert box.read(str(tmp_path / "file"), 3) == b"123"
    with pytest.raises(OSError, match="not a regular file"):
        box.read(str(tmp_path / "fifo"), 10)
    with pytest.raises(OSError):
        box.read("/dev/zero", 10)


def test_only_the_variables_of_the_table_are_inherited() -> None:
    given = {
        "LANG": "C",
        "LC_TIME": "C",
        "HTTPS_PROXY": "p",
        "TERM": "xterm",
        "GITHUB_TOKEN": "t",
        "MY_SECRET": "s",
        "PATH": "/venv/bin:/bin",
    }
    got = inherited(given, prepend=["/first"], hide=["/venv/bin"])
    assert got == {"LANG": "C", "LC_TIME": "C", "HTTPS_PROXY": "p", "PATH": "/first:/bin"}


@pytest.mark.parametrize("lacking", ["", "del _ctypes.call_function; "])
def test_orphans_come_to_the_one_who_adopts_them_whichever_way_there_is(lacking: str) -> None:
    code = (
        f"import os, subprocess, sys, _ctypes; {lacking}from headrace.sandbox.children import adopt_orphans, children, end_all\n"
        "def orphan():\n"
        "    out = subprocess.run(['sh', '-c', 'sleep 60 >/dev/null & echo $!'], stdout=subprocess.PIPE).stdout\n"
        "    return int(out)\n"
        "before = orphan()\n"
        "assert adopt_orphans()\n"
        "after = orphan()\n"
        "print(before in children(os.getpid()), after in children(os.getpid()))\n"
        "end_all(); os.kill(before, 9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout.split() == ["False", "True"]


class Idle:
    """Supervisors that do nothing."""

    def heed(self, run: dict[str, Any]) -> None:
        return

    def stand_by(self, close_private: Callable[[], None], run: dict[str, Any]) -> Callable[[Socket], None]:
        return lambda sock: None


def test_the_end_of_the_engine_ends_everything_below_it(tmp_path: Path) -> None:
    """The engine is a process of its own here, and is killed; what its leg had started is gone soon after."""
    pids = tmp_path / "pids"
    code = f"""
import os, signal, socket, time
from headrace.base.sockets import Socket
from headrace.sandbox import zygote
from headrace.sandbox.host import open_host
class Entry:
    def stand_by(self, close, run):
        return lambda sock: self.serve(sock, open_host(close))
    def serve(self, sock, box):
        script = "setsid sh -c 'echo $$; sleep 1000' >{pids} & sleep 1000"
        box.spawn(["/bin/sh", "-c", script], {{"PATH": "{PATH}"}}, "/", 1, 2)
        sock.recv(1)
        box.close()
sock, pid = zygote.start(Entry)
nursery = zygote.Zygote(sock, pid)
ours, theirs = socket.socketpair()
nursery.fork(theirs)
print(pid, flush=True)
time.sleep(1000)
"""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE) as engine:
        assert engine.stdout is not None
        zygote_pid = int(engine.stdout.readline())
        while not (pids.exists() and pids.read_text().endswith("\n")):
            select.select([], [], [], 0.01)
        daemon = int(pids.read_text())
        whole = [zygote_pid, *descendants(zygote_pid)]
        assert daemon in whole
        assert len(whole) >= 5
        pidfds = [os.pidfd_open(pid) for pid in whole]
        engine.kill()
        for pidfd in pidfds:
            assert select.select([pidfd], [], [], 30)[0], "a process is still there"
            os.close(pidfd)


def test_the_trash_is_removed_in_the_background(tmp_path: Path) -> None:
    from headrace.sandbox.zygote import Zygote

    (tmp_path / "old" / "deep").mkdir(parents=True)
    (tmp_path / "old" / "deep" / "file").write_text("x")
    (tmp_path / "old" / "deep").chmod(0)
    sock, pid = zygote.start(Idle)
    nursery = Zygote(sock, pid)
    nursery.remove(str(tmp_path / "old"))
    nursery.close()
    os.waitpid(pid, 0)
    for _ in range(3000):  # the cleaner is the zygote's child: it may end a little after it
        if not (tmp_path / "old").exists():
            break
        select.select([], [], [], 0.01)
    assert not (tmp_path / "old").exists()
