"""The package indexes of a run: one stands in for PyPI, one for TestPyPI, both behind one port, told apart by the name that a
client asks for. Each is made when it is first asked, and stays with the run.

Below their folder: `pypi/`, `testpypi/` (stores as `headrace index serve --store` takes them) and `index.log`, with a line for
each request and each thing that changed. The authority's key goes when the run ends."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

if TYPE_CHECKING:
    import asyncio
    import ssl

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Message, Receive, Send], Awaitable[None]]
    Keys = Callable[[], list[dict[str, str]]]

HOSTS = {"upload.pypi.org": "pypi", "pypi.org": "pypi", "test.pypi.org": "testpypi"}
"""The name that a client asks for → the index, which is also the audience of its tokens."""

KNOWN = "known.json"
LOG = "index.log"
AUTHORITY = "/index/authority"
"""Where the services hand out the certificate of the indexes' authority."""


class Publisher(Struct, frozen=True):
    """A workflow file that may publish every project of the run."""

    slug: str
    workflow: str
    owner_id: str


class Known(Struct, frozen=True):
    """`issuer` is the URL that identity tokens of the run name; `projects` are there from the beginning, without a file."""

    issuer: str
    projects: tuple[str, ...] = ()
    publishers: tuple[Publisher, ...] = ()


def encode(known: Known) -> bytes:
    return msgspec.json.encode(known)


def known(folder: str) -> Known:
    """What the engine has left there. Raises OSError."""
    with open(os.path.join(folder, KNOWN), "rb") as file:
        return msgspec.json.decode(file.read(), type=Known)


class Indexes:
    """`keys`: those that the run's issuer signs with, as JSON web keys."""

    def __init__(self, folder: str, known: Known, keys: Keys) -> None:
        self._folder = folder
        self._known = known
        self._keys = keys
        self._apps: dict[str, App] = {}
        self._making: asyncio.Lock | None = None
        self._authority: Any = None

    def tls(self) -> ssl.SSLContext:
        """A certificate under the names of the real ones. Raises UsageError."""
        from headrace.index.authority import Authority

        self._authority = Authority(self._folder)
        context: ssl.SSLContext = self._authority.context(list(HOSTS))
        return context

    def certificate(self) -> bytes:
        """Of the authority, empty where there is none yet. Raises OSError."""
        if self._authority is None:
            return b""
        with open(self._authority.certificate, "rb") as file:
            return file.read()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "").partition(":")[0]
        status = 421

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            if host in HOSTS:
                app = await self._app(HOSTS[host])
                await app(scope, receive, noted)
            else:
                await noted({"type": "http.response.start", "status": 421, "headers": [(b"content-length", b"0")]})
                await noted({"type": "http.response.body", "body": b""})
        finally:
            self._say(f"{scope['method']} https://{host}{scope['path']} {status}")

    async def _app(self, name: str) -> App:
        import asyncio

        self._making = self._making or asyncio.Lock()
        async with self._making:
            if name not in self._apps:
                self._apps[name] = await asyncio.to_thread(self._made, name)
            return self._apps[name]

    def _made(self, name: str) -> App:
        from headrace.base.errors import UsageError
        from headrace.index.app import Settings, create_app
        from headrace.index.database import Database
        from headrace.index.publishers import Publishers

        folder = os.path.join(self._folder, name)
        publishers = Publishers(Database(folder))
        for project in self._known.projects:
            try:
                publishers.create(project)
                for each in self._known.publishers:
                    publishers.add(project, each.slug, each.workflow, each.owner_id, issuer=self._known.issuer)
            except UsageError as error:
                self._say(f"{name}: nobody may publish {project}: {error}")
        settings = Settings((self._known.issuer,), name)
        return create_app(folder, settings, lambda line: self._say(f"{name}: {line}"), keys={self._known.issuer: self._keys})

    def _say(self, line: str) -> None:
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        text = line.encode("unicode_escape").decode("ascii")
        with open(os.path.join(self._folder, LOG), "a", encoding="ascii") as log:
            log.write(f"{when} {text}\n")
