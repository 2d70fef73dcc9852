"""Serves the services on a loopback socket until told to stop."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
import sys
import time
from contextlib import contextmanager

from headrace.base.errors import EngineError, Problem, UsageError
from headrace.base.serving import server_log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
    from typing import Any, TextIO

    import uvicorn

    from headrace.services.indexes import Indexes

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]

_BACKLOG = 512


def listen(address: str) -> socket.socket:
    """A listening socket on `HOST:PORT` (port 0: any free one). Raises UsageError for what is no loopback address, EngineError if
    it cannot be had."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    if host == "localhost":
        host = "127.0.0.1"
    try:
        loopback = ipaddress.ip_address(host).is_loopback
        number = int(port)
    except ValueError:
        raise UsageError(Problem(f"not an address to listen on: {address!r}", hint="write it as 127.0.0.1:PORT")) from None
    if not loopback or not 0 <= number <= 65535:
        raise UsageError(Problem(f"the services listen on loopback only, not on {address!r}", hint="write it as 127.0.0.1:PORT"))
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, number))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise EngineError(f"cannot listen on {address}: {error.strerror}") from None
    return listening


def inherited(descriptor: int) -> socket.socket:
    """The listening socket behind a descriptor that our parent left open. Raises UsageError if it is none."""
    problem = UsageError(f"descriptor {descriptor} is no listening socket")
    try:
        given = socket.socket(fileno=descriptor)
    except OSError:
        raise problem from None
    if not given.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        given.detach()  # it stays our parent's
        raise problem
    return given


def serve(
    store: str, key: bytes, listening: socket.socket, *, caches: str = "", log: TextIO | None = None,
    until_eof: int | None = None, repositories: Mapping[str, str] | None = None, server: str = "",
    index: tuple[str, socket.socket] | None = None,
) -> None:  # fmt: skip
    """Serve until SIGTERM, SIGINT or, with `until_eof`, the end of file on that descriptor. Says where on stdout once ready.

    `repositories` and `server` are for `git fetch` (`create_app`); `index`: the folder of the run's indexes, and where they
    listen. `log` gets errors, and a line for each request where DEV_SERVER_LOGS is 1; without it stderr does. No line holds a
    token, a query or a body.
    """
    import uvicorn

    from headrace.services.app import create_app

    out = log or sys.stderr
    indexes, issuer = None, None
    if index is not None:
        from headrace.services.identity import Issuer
        from headrace.services.indexes import Indexes, known

        told = known(index[0])
        issuer = Issuer(store, key, told.issuer)
        indexes = Indexes(index[0], told, issuer.public)
    app: App = create_app(store, key, repositories or {}, server, caches, indexes, issuer)
    if os.environ.get("DEV_SERVER_LOGS") == "1":
        app = _logged(app, out)
    beside = _beside(indexes, index[1], out) if indexes is not None and index is not None else None
    asyncio.run(_serve(uvicorn.Server(_config(app, out)), listening, until_eof, beside))


def _config(app: Any, out: TextIO) -> uvicorn.Config:
    import uvicorn

    return uvicorn.Config(
        app,
        log_config=server_log(out),
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=2,
        ws="none",
    )


def _beside(indexes: Indexes, listening: socket.socket, out: TextIO) -> Callable[[uvicorn.Server], Awaitable[None]]:
    """Serves the indexes as long as the given server serves. Their certificate takes a moment, which nobody else waits for."""
    import uvicorn

    class Follower(uvicorn.Server):
        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield  # they are the other's

    async def serve_indexes(leader: uvicorn.Server) -> None:
        tls = await asyncio.to_thread(indexes.tls)
        config = _config(indexes, out)
        config.load()
        config.ssl = tls  # made in memory, where uvicorn itself would read files
        follower = Follower(config)

        async def follow() -> None:
            while not leader.should_exit:
                await asyncio.sleep(0.1)
            follower.should_exit = True

        await asyncio.gather(follower.serve(sockets=[listening]), follow())

    return serve_indexes


async def _serve(
    server: uvicorn.Server, listening: socket.socket, until_eof: int | None,
    beside: Callable[[uvicorn.Server], Awaitable[None]] | None = None,
) -> None:  # fmt: skip
    loop = asyncio.get_running_loop()

    def readable() -> None:
        if until_eof is not None and not os.read(until_eof, 65536):
            loop.remove_reader(until_eof)
            server.should_exit = True

    if until_eof is not None:
        try:
            loop.add_reader(until_eof, readable)
        except PermissionError:  # a plain file or /dev/null, which epoll does not take: at its end already
            return
    host, port = listening.getsockname()[:2]
    sys.stdout.write(f"listening on http://{f'[{host}]' if ':' in host else host}:{port}\n")
    sys.stdout.flush()
    await asyncio.gather(server.serve(sockets=[listening]), *([beside(server)] if beside is not None else []))


def _logged(app: App, out: TextIO) -> App:
    async def logged(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        status, size, start = 0, 0, time.perf_counter()

        async def noted(message: MutableMapping[str, Any]) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                size += len(message.get("body", b""))
            await send(message)

        try:
            await app(scope, receive, noted)
        finally:
            took = (time.perf_counter() - start) * 1000
            when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            path = scope["path"].encode("unicode_escape").decode("ascii")
            out.write(f"{when} {scope['method']} {path} {status} {size}B {took:.1f}ms\n")
            out.flush()

    return logged
