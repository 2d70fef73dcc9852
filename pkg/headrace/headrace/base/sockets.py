"""The sockets between our own processes, from the built-in half of `socket`: the other half costs every call milliseconds."""

from __future__ import annotations

import _socket
from _socket import AF_INET, AF_UNIX, CMSG_SPACE, SCM_RIGHTS, SOCK_STREAM, SOL_SOCKET, socketpair

Socket = _socket.socket

__all__ = ["AF_INET", "AF_UNIX", "CMSG_SPACE", "SCM_RIGHTS", "SOCK_STREAM", "SOL_SOCKET", "Socket", "socketpair"]
