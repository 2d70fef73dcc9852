"""The sandbox without isolation: an own process tree on the machine as it is. Folders and environment are the runner's affair."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from headrace.sandbox import files
from headrace.sandbox.channel import Channel, pair
from headrace.sandbox.children import adopt_orphans, end_all
from headrace.sandbox.client import InitClient
from headrace.sandbox.init import serve
from headrace.sandbox.protocol import Function


class HostSandbox(InitClient):
    """`InitClient` over an init that was forked from this process; if that init is killed, its orphans come to us. The job's
    files are this machine's: nobody has to be asked for them."""

    def __init__(self, channel: Channel, pid: int, functions: Mapping[str, Function]) -> None:
        super().__init__(channel, pid)
        self._functions = functions

    def read(self, path: str, limit: int) -> bytes:
        return files.read(files.open_regular(path), limit)

    def write(self, new: Sequence[tuple[str, bytes]]) -> None:
        files.write_new(new)

    def renew(self, names: Sequence[tuple[str, str]]) -> None:
        files.renew(names)

    def make_folders(self, paths: Sequence[str]) -> None:
        files.make_folders(paths)

    def call(self, function: str, *arguments: Any) -> Any:
        return self._functions[function](*arguments)

    def close(self) -> None:
        self._channel.close()
        end_all()  # first: an init that a step has stopped would never see the end of file
        super().close()


def open_host(in_child: Callable[[], None] = lambda: None, functions: Mapping[str, Function] | None = None) -> HostSandbox:
    """Fork an init and return the sandbox. `in_child` runs first in the fork: it closes what init must not hold. `functions` are
    those that `call` knows."""
    adopt_orphans()
    ours, theirs = pair()
    pid = os.fork()
    if pid == 0:
        try:
            ours.close()
            in_child()
            prefer_for_oom_kill()
            serve(theirs)
        finally:
            os._exit(0)
    theirs.close()
    return HostSandbox(ours, pid, functions or {})


def prefer_for_oom_kill() -> None:
    """Out of memory, the kernel shall kill a step and not the engine: children inherit this value."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("500")
    except OSError:
        return
