"""A leg's line to its engine: records go up, an order to cancel comes down. Its end is the end of the leg."""

from __future__ import annotations

import select
import socket

from headrace.record.codec import Frames, encode_body, frame
from headrace.record.records import Body
from headrace.runner.ticket import CancelOrder, decode_order


class EngineGone(Exception):
    """Nobody is left to report to."""


class Control:
    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._frames = Frames()
        self._waiting: list[bytes] = []
        self._poll = select.poll()
        self._poll.register(sock.fileno(), select.POLLIN)

    def fileno(self) -> int:
        return self._sock.fileno()

    def emit(self, body: Body) -> None:
        """Raises EngineGone."""
        try:
            self._sock.sendall(frame(encode_body(body)))
        except OSError as error:
            raise EngineGone from error

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
