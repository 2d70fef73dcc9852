"""Whether a call of headrace leaves a process: whatever it starts, and whatever those start, comes to a foster in the end.

Run as a program it is the foster: it adopts orphans, starts a command, and says its pid, its status, and what stays alive.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_ROUNDS = 6000  # of a hundredth of a second each, until nothing may be left; deleting folders is part of it


class Fostered:
    """A command under a foster. `pid` is the command's own."""

    def __init__(self, command: Sequence[str], cwd: Path, env: Mapping[str, str]) -> None:
        reading, writing = os.pipe()
        here = str(Path(__file__).parents[1])
        self._process = subprocess.Popen(
            [sys.executable, "-m", "test_core.foster", str(writing), *command],
            cwd=cwd,
            env={**env, "PYTHONPATH": f"{env['PYTHONPATH']}:{here}"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            pass_fds=(writing,),
        )
        os.close(writing)
        self._says = open(reading)  # noqa: SIM115  # as long as the foster lives
        self.pid: int = self._told()
        self.err = ""

    def _told(self) -> Any:
        line = self._says.readline()
        assert line, f"the foster has ended:\n{self._process.communicate()[1]}"
        return json.loads(line)

    def lines_until(self, text: str) -> None:
        """Read its stderr up to a line with this text."""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.err += line
            if text in line:
                return
        raise AssertionError(f"{text!r} was not said:\n{self.err}")

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def status(self) -> int:
        """Wait for its end: -N for signal N."""
        status: int = self._told()
        return status

    def stayed(self) -> list[str]:
        """What does not end after it, once `status` has come."""
        found: list[str] = self._told()
        self.err += self._process.communicate()[1]
        self._says.close()
        return found

    @property
    def closed(self) -> bool:
        return self._says.closed

    def close(self) -> None:
        """End it, and all of it, if that has not happened."""
        if not self.closed:
            self._process.terminate()
            self._process.communicate()
            self._says.close()


def _command_line(pid: int) -> str:
    try:
        return f"{pid} {Path(f'/proc/{pid}/cmdline').read_bytes().replace(bytes(1), b' ').decode()}"
    except OSError:
        return str(pid)


def main(say: int, command: list[str]) -> None:
    from headrace.sandbox.children import adopt_orphans, children, descendants, end_all

    adopt_orphans()

    def end(number: int, frame: object) -> None:
        end_all()
        os._exit(1)

    signal.signal(signal.SIGTERM, end)
    with open(say, "w") as out:
        child = os.posix_spawnp(command[0], command, os.environ, setsigmask=(), setsigdef=(signal.SIGINT, signal.SIGPIPE))
        out.write(f"{child}\n")
        out.flush()
        out.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        out.flush()
        for _ in range(_ROUNDS):
            while children(os.getpid()) and os.waitpid(-1, os.WNOHANG)[0]:
                pass
            if not children(os.getpid()):
                break
            select.select([], [], [], 0.01)
        out.write(json.dumps([_command_line(pid) for pid in descendants(os.getpid())]) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
