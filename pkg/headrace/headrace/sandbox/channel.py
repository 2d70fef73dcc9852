"""Messages with file descriptors over a Unix stream socket: four bytes of length, then MessagePack.

The descriptors ride on the first byte.
"""

from __future__ import annotations

import _socket
import array
import os
from typing import Any

import msgspec

from headrace.base.sockets import AF_UNIX, CMSG_SPACE, SCM_RIGHTS, SOCK_STREAM, SOL_SOCKET, Socket, socketpair

_LENGTH = 4
_MAX_FDS = 8
_CLOSE_ON_EXEC = getattr(_socket, "MSG_CMSG_CLOEXEC", 0)  # Linux


class Closed(Exception):
    """The other end is gone. Every socket error counts as that: ECONNRESET arrives when it died with unread data."""


class Channel:
    """One end. `receive` blocks until a message is whole."""

    def __init__(self, sock: Socket) -> None:
        self.sock = sock

    def fileno(self) -> int:
        return self.sock.fileno()

    def send(self, message: Any, fds: tuple[int, ...] = ()) -> None:
        """Raises Closed."""
        body = msgspec.msgpack.encode(message)
        data = len(body).to_bytes(_LENGTH, "big") + body
        try:
            sent = 0
            if fds:
                rights = [(SOL_SOCKET, SCM_RIGHTS, array.array("i", fds).tobytes())]
                sent = self.sock.sendmsg([data], rights)
            self.sock.sendall(data[sent:])
        except OSError as error:
            raise Closed from error

    def receive(self) -> tuple[Any, list[int]]:
        """The next message and its descriptors (close-on-exec, now the caller's). Raises Closed at the end."""
        try:
            head, ancillary, _, _ = self.sock.recvmsg(_LENGTH, CMSG_SPACE(_MAX_FDS * 4), _CLOSE_ON_EXEC)
            fds = array.array("i")
            for level, kind, data in ancillary:
                if level == SOL_SOCKET and kind == SCM_RIGHTS:
                    fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
            if not head:
                raise Closed
            head += self._exactly(_LENGTH - len(head))
            return msgspec.msgpack.decode(self._exactly(int.from_bytes(head, "big"))), fds.tolist()
        except OSError as error:
            raise Closed from error

    def _exactly(self, count: int) -> bytes:
        parts = []
        while count:
            part = self.sock.recv(min(count, 1 << 20))
            if not part:
                raise Closed
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def close(self) -> None:
        self.sock.close()


def pair() -> tuple[Channel, Channel]:
    left, right = socketpair(AF_UNIX, SOCK_STREAM)
    return Channel(left), Channel(right)


def close_all(fds: list[int]) -> None:
    for fd in fds:
        os.close(fd)
