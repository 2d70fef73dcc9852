"""A leg's line to its engine: records go up, an order to cancel comes down. Its end is the end of the leg."""

from __future__ import annotations

import select

from headrace.base.sockets import Socket
from headrace.record.codec import Frames, encode_body, frame
from headrace.record.records import Body
from headrace.runner.ticket import CancelOrder, decode_order


class EngineGone(Exception):
    """Nobody is left to report to."""


class Control:
    def __init__(self, sock: Socket) -> None:
        self._sock = sock
        self._frames = Frames()
        self._waiting: list[bytes] = []
        self._out = bytearray()
        self._poll = select.poll()
        self._poll.register(sock.fileno(), select.POLLIN)

    def fileno(self) -> int:
        return self._sock.fileno()

    def emit(self, body: Body) -> None:
        """Report something, at the next `flush`: what comes at once is sent at once."""
        self._out += frame(encode_body(body))

    def flush(self) -> None:
        """Send what has been reported; to be called before any wait. Raises EngineGone."""
        if self._out:
            try:
                self._sock.sendall(self._out)
            except OSError as error:
                raise EngineGone from error
            self._out.clear()

    def first(self) -> bytes:
        """The first message, which is the ticket. Raises EngineGone."""
        while not self._waiting:
            self._read()
        return self._waiting.pop(0)

    def order(self) -> CancelOrder | None:
        """An order that has come in, without waiting. Raises EngineGone."""
        while not self._waiting and self._poll.poll(0):
            self._read()
        return decode_order(self._waiting.pop(0)) if self._waiting else None

    def _read(self) -> None:
        try:
            data = self._sock.recv(1 << 16)
        except OSError as error:
            raise EngineGone from error
        if not data:
            raise EngineGone
        self._waiting += self._frames.feed(data)
