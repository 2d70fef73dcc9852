"""Whether a process is on its way out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from headrace.sandbox.children import _says_dying, is_dying

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked at in /proc")


def test_a_process_is_dying_from_its_kill_until_it_has_been_collected_and_after() -> None:
    process = subprocess.Popen(["sleep", "900"])
    try:
        assert not is_dying(process.pid)
        process.send_signal(signal.SIGSTOP)
        assert not is_dying(process.pid)
    finally:
        process.kill()
    assert is_dying(process.pid)  # whether it has had the time or not
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert is_dying(process.pid)
    process.wait()
    assert is_dying(process.pid)


@pytest.mark.parametrize(
    ("state", "own", "shared", "dying"),
    [
        ("S (sleeping)", 0, 0, False),
        ("T (stopped)", 0, 1 << (signal.SIGTERM - 1), False),
        ("R (running)", 0, 1 << (signal.SIGKILL - 1), True),
        ("D (disk sleep)", 1 << (signal.SIGKILL - 1), 0, True),
        ("Z (zombie)", 0, 0, True),
        ("X (dead)", 0, 0, True),
    ],
)
def test_a_kill_that_waits_to_be_obeyed_counts(state: str, own: int, shared: int, dying: bool) -> None:
    text = f"Name:\tx: y\nState:\t{state}\nSigPnd:\t{own:016x}\nShdPnd:\t{shared:016x}\nSigBlk:\t{-1 % 2**64:016x}\n"
    assert _says_dying(text.encode()) is dying
