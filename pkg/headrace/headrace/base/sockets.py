"""The sockets between our own processes, from the built-in half of `socket`: the other half costs every call milliseconds."""

from __future__ import annotations

from _socket import AF_INET, AF_UNIX, CMSG_SPACE, SCM_RIGHTS, SOCK_STREAM, SOL_SOCKET, socketpair
from _socket import socket as Socket  # noqa: N812

__all__ = ["AF_INET", "AF_UNIX", "CMSG_SPACE", "SCM_RIGHTS", "SOCK_STREAM", "SOL_SOCKET", "Socket", "socketpair"]
