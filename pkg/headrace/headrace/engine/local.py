"""Runs legs on this machine: each is a supervisor that the zygote forks, with a socket to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from headrace.base.sockets import AF_UNIX, SOCK_STREAM, Socket, socketpair
from headrace.plan.model import Reason
from headrace.record.codec import Frames, decode_body, frame
from headrace.record.records import Body
from headrace.runner.messages import JOB_TIMEOUT
from headrace.runner.ticket import CancelOrder, JobTicket, encode_ticket
from headrace.sandbox.zygote import Zygote


class LocalAttempt:
    def __init__(self, sock: Socket, kill: Callable[[], None]) -> None:
        self._sock = sock
        self.kill = kill
        self._frames = Frames()

    def fileno(self) -> int:
        return self._sock.fileno()

    def records(self) -> Iterable[Body]:
        try:
            data = self._sock.recv(1 << 18)
        except OSError as error:
            raise EOFError from error
        if not data:
            raise EOFError
        return [decode_body(message) for message in self._frames.feed(data)]

    def cancel(self, why: Reason, force: bool) -> None:
        try:
            self._sock.sendall(frame(msgspec.msgpack.encode(CancelOrder(cancel_message(why), force))))
        except OSError:
            return  # it has just ended; `records` will say so

    def close(self) -> None:
        self._sock.close()


def cancel_message(why: Reason) -> str:
    """The hosted service's words for a reason to cancel; empty where it says none."""
    if why.rule == "timeout":
        return JOB_TIMEOUT.format(runner=why.facts["runner"], minutes=why.facts["minutes"])
    return why.facts.get("message", "")


class LocalExecutor:
    def __init__(self, zygote: Zygote) -> None:
        self._zygote = zygote
        self._count = 0

    def start(self, ticket: JobTicket) -> LocalAttempt:
        """Raises EngineError where the zygote is gone."""
        ours, theirs = socketpair(AF_UNIX, SOCK_STREAM)
        self._zygote.fork(theirs)
        number, self._count = self._count, self._count + 1
        ours.sendall(frame(encode_ticket(ticket)))
        return LocalAttempt(ours, lambda: self._zygote.end(number))
