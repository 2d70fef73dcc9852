"""The supervisor's side of an init: what every kind of sandbox that has one shares."""

from __future__ import annotations

import os
import select
from collections.abc import Mapping, Sequence
from typing import Any

from headrace.base.errors import Problem
from headrace.sandbox.channel import Channel, Closed
from headrace.sandbox.protocol import SandboxLost, SpawnError


class SpawnedProcess:
    """A `Process` whose end is reported by init."""

    def __init__(self, client: InitClient, number: int) -> None:
        self._client = client
        self._number = number
        self.status: int | None = None
        self.alone = False

    def signal(self, number: int) -> None:
        if self.status is None:
            self._client.request({"signal": number, "to": self._number})


class InitClient:
    """A `Sandbox` as far as a socket to an init makes one."""

    def __init__(self, channel: Channel, pid: int) -> None:
        self._channel = channel
        self._pid = pid
        self._count = 0
        self._processes: dict[int, SpawnedProcess] = {}

    def fileno(self) -> int:
        return self._channel.fileno()

    def request(self, message: dict[str, Any], fds: tuple[int, ...] = ()) -> None:
        try:
            self._channel.send(message, fds)
        except Closed:
            raise SandboxLost(Problem("the process that starts this job's steps was killed")) from None

    def pump(self) -> None:
        if select.select([self._channel], [], [], 0)[0]:  # else an answer that was waited for has brought it already
            self._take(self._receive())

    def _receive(self) -> dict[str, Any]:
        try:
            message, _ = self._channel.receive()
        except Closed:
            raise SandboxLost(Problem("the process that starts this job's steps was killed")) from None
        assert isinstance(message, dict)
        return message

    def _take(self, message: dict[str, Any]) -> None:
        match message:
            case {"exited": int(number), "status": int(status), "alone": bool(alone)} if number in self._processes:
                process = self._processes.pop(number)
                process.status, process.alone = status, alone

    def _await(self, key: str) -> dict[str, Any]:
        """The next message that has `key` or tells of a failure; ends of processes are taken in on the way."""
        while True:
            message = self._receive()
            if key in message or "failed" in message:
                return message
            self._take(message)

    def find(self, name: str, path: str) -> str | None:
        self.request({"find": name, "path": path})
        found = self._await("found")["found"]
        return found if isinstance(found, str) else None

    def spawn(self, argv: Sequence[str], env: Mapping[str, str], cwd: str, out: int, err: int) -> SpawnedProcess:
        self._count += 1
        process = self._processes[self._count] = SpawnedProcess(self, self._count)
        self.request({"spawn": self._count, "argv": list(argv), "env": dict(env), "cwd": cwd}, (out, err))
        answer = self._await("started")
        if "failed" in answer:
            del self._processes[self._count]
            raise SpawnError(Problem(str(answer["text"])))
        return process

    def close(self) -> None:
        """The end of file makes init end all; waiting for it means that nothing is left."""
        self._channel.close()
        try:
            os.waitpid(self._pid, 0)
        except ChildProcessError:
            return
