"""Serves an index until told to stop."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TextIO

from msgspec import Struct

from headrace.base.errors import EngineError
from headrace.base.serving import server_log

_BACKLOG = 512
_Message = MutableMapping[str, Any]
_App = Callable[[_Message, Callable[[], Awaitable[_Message]], Callable[[_Message], Awaitable[None]]], Awaitable[None]]


class Address(Struct, frozen=True):
    """Where an index is. `ca` and `bundle` are files, "" where no authority of its own was made."""

    url: str
    upload: str
    simple: str
    ca: str
    bundle: str


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 is any free one. Raises EngineError."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listening = socket.socket(family, kind)
    except OSError as error:
        raise EngineError(f"cannot listen on {host}: {error.strerror}") from None
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise EngineError(f"cannot listen on {host}:{port}: {error.strerror}") from None
    return listening


def address_of(listening: socket.socket, name: str, secure: bool, ca: str = "", bundle: str = "") -> Address:
    """`name` is what clients call the machine."""
    port = listening.getsockname()[1]
    origin = f"{'https' if secure else 'http'}://{f'[{name}]' if ':' in name else name}:{port}"
    return Address(origin, f"{origin}/legacy/", f"{origin}/simple/", ca, bundle)


def serve(
    make: Callable[[Callable[[str], None]], _App],
    listening: socket.socket,
    tls: ssl.SSLContext | None,
    ready: Callable[[], None],
    log: TextIO | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT what `make` makes of a function that logs a line. `log` gets those lines and errors, and with
    DEV_SERVER_LOGS=1 a line for each request; stderr does without it. No line holds a token, a query or a body."""
    import uvicorn

    out = log or sys.stderr

    def say(line: str) -> None:
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        out.write(f"{when} {line.encode('unicode_escape').decode('ascii')}\n")
        out.flush()

    app = make(say)
    if os.environ.get("DEV_SERVER_LOGS") == "1":
        app = _logged(app, say)
    config = uvicorn.Config(
        app,
        log_config=server_log(out),
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=2,
        ws="none",
    )
    config.load()
    config.ssl = tls  # made in memory, where uvicorn itself would read files
    server = uvicorn.Server(config)

    async def run() -> None:
        ready()
        await server.serve(sockets=[listening])

    asyncio.run(run())


def _logged(app: _App, say: Callable[[str], None]) -> _App:
    async def logged(
        scope: _Message, receive: Callable[[], Awaitable[_Message]], send: Callable[[_Message], Awaitable[None]]
    ) -> None:
        status, start = 0, time.perf_counter()

        async def noted(message: _Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await app(scope, receive, noted)
        finally:
            if scope["type"] == "http":
                say(f"{scope['method']} {scope['path']} {status} {(time.perf_counter() - start) * 1000:.1f}ms")

    return logged
