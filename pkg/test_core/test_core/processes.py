"""Real processes: run one to its end, or start one, wait for a line of its output (never for a time) and end it."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple


class Finished(NamedTuple):
    """`status` is the exit status, -N where signal N ended the process."""

    status: int
    out: str
    err: str


def ended(pid: int | str) -> bool:
    """Whether a process has ended: it is gone, or waits to be collected (Z), or is just being removed (X)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):  # the second where it goes while it is read
        return True
    return state in ("Z", "X")


def run(argv: Sequence[str | Path], cwd: Path, env: Mapping[str, str] | None = None, timeout: float = 120.0) -> Finished:
    """Run `argv` with stdin closed. `env` is the whole environment, the caller's where it is None. Raises TimeoutExpired."""
    done = subprocess.run(
        [str(word) for word in argv],
        cwd=cwd,
        env=None if env is None else dict(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def environment(without: Iterable[str] = (), **more: str) -> dict[str, str]:
    """The caller's environment without some variables and with others."""
    left_out = set(without)
    return {name: value for name, value in os.environ.items() if name not in left_out} | more


def _group(leader: int) -> list[int]:
    """A pidfd of every process in the group but the leader."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdecimal() and int(name) != leader:
            try:
                fields = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()
                if int(fields[2]) == leader:
                    found.append(os.pidfd_open(int(name)))
            except OSError:
                continue  # it has ended
    return found


class Running:
    """A process in a group of its own; stdout and stderr arrive in one text, `output`. After a `with` the group is gone."""

    def __init__(self, argv: Sequence[str | Path], cwd: Path, env: Mapping[str, str] | None = None) -> None:
        self.output = ""
        self._process = subprocess.Popen(
            [str(word) for word in argv],
            cwd=cwd,
            env=None if env is None else dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def __enter__(self) -> Running:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.end()

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_for(self, pattern: str, timeout: float = 60.0) -> re.Match[str]:
        """Read until `pattern` (searched line-wise, in all output so far) is found. Raises AssertionError with the output at the
        end of output or after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        wanted = re.compile(pattern, re.MULTILINE)
        while not (match := wanted.search(self.output)):
            if not self._read(deadline - time.monotonic()):
                raise AssertionError(f"no line matches {pattern!r} in:\n{self.output}")
        return match

    def wait(self, timeout: float = 60.0) -> int:
        """Read to the end of the output and return the exit status."""
        deadline = time.monotonic() + timeout
        while self._read(deadline - time.monotonic()):
            pass
        return self._process.wait(max(0.0, deadline - time.monotonic()))

    def signal(self, number: int) -> None:
        """Send a signal to the process alone."""
        self._process.send_signal(number)

    def end(self) -> None:
        """End the process and whatever else is in its group, and wait until all have ended. Does nothing when called again."""
        members = _group(self._process.pid)
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()
        for member in members:
            select.select([member], [], [], 30.0)  # readable once the process has ended, whoever reaps it
            os.close(member)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _read(self, seconds: float) -> bool:
        """Take in what the process has written; False at the end of its output or when the time is over."""
        assert self._process.stdout is not None
        file = self._process.stdout.fileno()
        if seconds <= 0 or not select.select([file], [], [], seconds)[0]:
            return False
        chunk = os.read(file, 65536)
        self.output += chunk.decode(errors="replace")
        return bool(chunk)
