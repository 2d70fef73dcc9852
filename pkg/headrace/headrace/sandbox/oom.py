"""Whom the kernel kills when memory is short, of the machine or of a job: a step, and neither the engine nor process 1 of the
job, which is to report it."""

from __future__ import annotations

import os

from headrace.sandbox import kernel

_MORE, _MOST = 500, 1000  # what the score of a step has more than that of process 1, and the highest there is


class OomScore:
    """That of this process, made in it and before its first step: what it starts between `give_up` and `take_back` inherits the
    score of a step. Where the kernel refuses, steps have that of this process."""

    def __init__(self) -> None:
        self._fd, self._own = -1, 0
        hidden = kernel.is_hidden_from_peers()
        if hidden:  # its files in /proc are real root's while it is
            kernel.show_to_peers()
        try:
            self._fd = os.open("/proc/self/oom_score_adj", os.O_RDWR | os.O_CLOEXEC)
            self._own = int(os.read(self._fd, 16))
        except (OSError, ValueError):
            pass
        finally:
            if hidden:
                kernel.hide_from_peers()

    def give_up(self) -> None:
        self._write(min(self._own + _MORE, _MOST))

    def take_back(self) -> None:
        self._write(self._own)

    def _write(self, score: int) -> None:
        try:
            os.pwrite(self._fd, str(score).encode(), 0)
        except OSError:
            return
