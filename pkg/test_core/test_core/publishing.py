"""What the publishing drop-in is tried with: the indexes of a run as they are, but for uploads that fail when a test says so; and
repositories whose pipeline publishes."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import uvicorn
from headrace.engine.indexes import libraries
from headrace.services.app import create_app
from headrace.services.grants import ISSUER, issue_request
from headrace.services.identity import Issuer
from headrace.services.indexes import KNOWN, LOG, Indexes, Known, Publisher, encode, known
from headrace.services.serve import listen

from test_core.indexes import CLAIMS

KEY = b"0123456789abcdef0123456789abcdef"
FaultAt = Callable[[int], "int | None"]
"""The number of an upload, from 1 → the status that it is answered with, None where nothing goes wrong."""


class RunIndexes:
    """Use as a context manager. `fault` is asked for each upload; with `late` the index has stored the file by then."""

    def __init__(self, folder: Path, *projects: str, fault: FaultAt = lambda number: None, late: bool = False) -> None:
        self.folder = folder
        self.fault, self.late = fault, late
        self.uploads = 0
        self._services, self._index = listen("127.0.0.1:0"), listen("127.0.0.1:0")
        self.url = f"http://127.0.0.1:{self._services.getsockname()[1]}"
        folder.mkdir(parents=True)
        publishers = (Publisher("octo/demo", "release.yml", "17"),)
        (folder / KNOWN).write_bytes(encode(Known(f"{self.url}{ISSUER}", projects, publishers)))
        told = known(str(folder))
        issuer = Issuer(str(folder / "store"), KEY, told.issuer)
        self._indexes = Indexes(str(folder), told, issuer.public)
        app = create_app(str(folder / "store"), KEY, indexes=self._indexes, issuer=issuer)
        self._servers = [self._server(app, None), self._server(self._faulty, self._indexes.tls())]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @staticmethod
    def _server(app: Any, tls: Any) -> uvicorn.Server:
        config = uvicorn.Config(app, interface="asgi3", log_level="critical", lifespan="off", ws="none")
        config.load()
        config.ssl = tls
        return uvicorn.Server(config)

    def _serve(self) -> None:
        async def both() -> None:
            pairs = zip(self._servers, (self._services, self._index), strict=True)
            await asyncio.gather(*(server.serve(sockets=[listening]) for server, listening in pairs))

        asyncio.run(both())

    async def _faulty(self, scope: Any, receive: Any, send: Any) -> None:
        status = None
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"] == "/legacy/":
            self.uploads += 1
            status = self.fault(self.uploads)
        if status is None:
            await self._indexes(scope, receive, send)
            return
        if self.late:

            async def unheard(message: Any) -> None:
                pass

            await self._indexes(scope, receive, unheard)
        else:
            while (await receive()).get("more_body"):
                pass
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    def __enter__(self) -> RunIndexes:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for server in self._servers:
            server.should_exit = True
        self._thread.join()
        self._services.close()
        self._index.close()

    def environment(self, **claims: str) -> dict[str, str]:
        """Of a step in a job that may ask for an identity: CLAIMS, and what is changed."""
        port = self._index.getsockname()[1]
        return {
            "HEADRACE_INDEX": f"127.0.0.1:{port}",
            "HEADRACE_LIBRARIES": libraries(),
            "ACTIONS_RESULTS_URL": f"{self.url}/",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.url}{ISSUER}/token?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": issue_request({**CLAIMS, **claims}, KEY),
            "PATH": os.environ["PATH"],
        }

    def log(self) -> list[str]:
        """What the indexes were asked and what changed, without the times."""
        path = self.folder / LOG
        return [line.partition(" ")[2] for line in path.read_text().splitlines()] if path.exists() else []

    def asked(self) -> list[str]:
        """Method, path and status of each request."""
        return [line for line in self.log() if " https://" in line]
