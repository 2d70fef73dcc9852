"""The job's container as a sandbox: programs start in the container, files are those of the sandbox around it, which has the same
folders."""

from __future__ import annotations

import os
import select
from collections.abc import Mapping, Sequence
from typing import Any

from headrace.sandbox.children import kill
from headrace.sandbox.client import InitClient, SpawnedProcess
from headrace.sandbox.containers.paths import Mounts
from headrace.sandbox.containers.protocol import ContainerEngine
from headrace.sandbox.protocol import Sandbox

MARK = "GITHUB_OUTPUT"
"""A variable whose value no other step has: by it the processes of a step are known, whoever started them."""


class ContainerSandbox:
    """`around` has the job's files, and is where drop-ins run; `keeper` starts the engine's commands."""

    def __init__(
        self, around: Sandbox, keeper: InitClient, engine: ContainerEngine, container: str, mounts: Mounts, env: Mapping[str, str]
    ) -> None:
        self.around = around
        self.mounts = mounts
        self._keeper = keeper
        self._engine = engine
        self._container = container
        self._env = dict(env)  # of the engine's program
        self._epoll = select.epoll()
        for one in (around, keeper):
            self._epoll.register(one.fileno(), select.EPOLLIN)

    def fileno(self) -> int:
        return self._epoll.fileno()

    def pump(self) -> None:
        for fd, _ in self._epoll.poll(0):
            for one in (self.around, self._keeper):
                if one.fileno() == fd:
                    one.pump()

    def find(self, name: str, path: str) -> str | None:
        """Found in the container, when it is started: an image that lacks it makes the step fail."""
        return name

    def spawn(self, argv: Sequence[str], env: Mapping[str, str], cwd: str, out: int, err: int) -> ContainerProcess:
        words = [self.mounts.all_inside(word) for word in argv]
        command = self._engine.execute(self._container, words, env, self.mounts.inside(cwd))
        told = {**self._engine.told(env), **self._env}
        return ContainerProcess(self._keeper.spawn(command, told, "/", out, err), env.get(MARK, ""))

    def read(self, path: str, limit: int) -> bytes:
        return self.around.read(self.mounts.outside(path), limit)

    def write(self, new: Sequence[tuple[str, bytes]]) -> None:
        self.around.write(new)

    def renew(self, names: Sequence[tuple[str, str]]) -> None:
        self.around.renew(names)

    def make_folders(self, paths: Sequence[str]) -> None:
        self.around.make_folders(paths)

    def call(self, function: str, *arguments: Any) -> Any:
        return self.around.call(function, *arguments)

    def close(self) -> None:
        self._epoll.close()
        self._keeper.close()
        self.around.close()


class ContainerProcess:
    """A program in the container. The engine's own command ends with it; a signal goes to the program itself, where it can be
    found among the machine's processes, else to that command."""

    def __init__(self, command: SpawnedProcess, mark: str) -> None:
        self._command = command
        self._mark = mark

    @property
    def status(self) -> int | None:
        return self._command.status

    @property
    def alone(self) -> bool:
        return False  # what it has left in the container is not known

    def signal(self, number: int) -> None:
        if self.status is not None:
            return
        first = first_with(f"{MARK}={self._mark}") if self._mark else 0
        if first:
            kill(first, number)
        if not first or number == 9:
            self._command.signal(number)


def first_with(entry: str) -> int:
    """The process with this entry in its environment whose parent has it not; 0 where there is none that we may look at."""
    wanted = f"\0{entry}\0".encode("utf-8", "surrogateescape")
    found = {int(name) for name in os.listdir("/proc") if name.isdecimal() and wanted in _environment(name)}
    commands = {pid for pid in found if _is_command(pid)}
    return min((pid for pid in found - commands if _parent(pid) not in found - commands), default=0)


def _environment(pid: str) -> bytes:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return b"\0" + file.read()
    except OSError:
        return b""


def _is_command(pid: int) -> bool:
    """The engine's own program is given the environment too, and so are its helpers: they are in our process namespace."""
    try:
        return os.stat(f"/proc/{pid}/ns/pid").st_ino == os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return True


def _parent(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return 0
