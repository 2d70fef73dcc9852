"""The sandbox without isolation: an own process tree on the machine as it is. Folders and environment are the runner's affair."""

from __future__ import annotations

import os
from collections.abc import Callable

from headrace.sandbox.channel import pair
from headrace.sandbox.children import adopt_orphans, end_all
from headrace.sandbox.client import InitClient
from headrace.sandbox.init import serve


class HostSandbox(InitClient):
    """`InitClient` over an init that was forked from this process; if that init is killed, its orphans come to us."""

    def close(self) -> None:
        self._channel.close()
        end_all()  # first: an init that a step has stopped would never see the end of file
        super().close()


def open_host(in_child: Callable[[], None] = lambda: None) -> HostSandbox:
    """Fork an init and return the sandbox. `in_child` runs first in the fork: it closes what init must not hold."""
    adopt_orphans()
    ours, theirs = pair()
    pid = os.fork()
    if pid == 0:
        try:
            ours.close()
            in_child()
            _prefer_for_oom_kill()
            serve(theirs)
        finally:
            os._exit(0)
    theirs.close()
    return HostSandbox(ours, pid)


def _prefer_for_oom_kill() -> None:
    """Out of memory, the kernel shall kill a step and not the engine: children inherit this value."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("500")
    except OSError:
        return
