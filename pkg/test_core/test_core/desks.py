"""An index whose projects may be written to, called in this process."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import httpx
from headrace.index import tokens
from headrace.index.app import Settings, create_app
from headrace.index.database import Database
from headrace.index.model import GITHUB, Publisher
from headrace.index.publishers import Publishers, create_pending

from test_core.indexes import CLAIMS


class Desk:
    """Where files are handed in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = Settings()
        self.lines: list[str] = []
        self.database = Database(str(folder))
        self.publishers = Publishers(self.database)
        self.token = self.token_for(self.create("demo"))

    def create(self, project: str, workflow: str = "release.yml") -> Publisher:
        """A project with its publisher."""
        pending = self.publishers.add(project, "octo/demo", workflow, "17", issuer=GITHUB)
        if pending.pending:
            with self.database.writing() as database:
                create_pending(database, pending)
        return self.publishers.all(project)[0]

    def token_for(self, publisher: Publisher, **claims: str) -> str:
        with self.database.writing() as database:
            return tokens.mint(database, publisher.id, publisher.projects, {**CLAIMS, **claims})[0]

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(create_app(str(self.folder), self.settings, self.lines.append))
            async with httpx.AsyncClient(transport=transport, base_url="https://index.test") as client:
                return await client.request(method, path, **more)

        return asyncio.run(send())

    def upload(
        self,
        filename: str,
        content: bytes | None,
        *,
        token: str | None = None,
        headers: Any = None,
        **changes: Any,
    ) -> httpx.Response:
        """As twine does it; `changes` are fields, None takes one away. Without `content` there is no file part."""
        name, _, rest = filename.partition("-")
        kind = "bdist_wheel" if filename.endswith(".whl") else "sdist"
        said = {
            ":action": "file_upload",
            "protocol_version": "1",
            "metadata_version": "2.4",
            "name": name,
            "version": rest.partition("-")[0].removesuffix(".tar.gz").removesuffix(".zip"),
            "filetype": kind,
            "pyversion": "py3" if kind == "bdist_wheel" else "source",
            "requires_python": ">=3.8",
            "sha256_digest": hashlib.sha256(content or b"").hexdigest(),
        }
        data = {name.lstrip("_"): value for name, value in {**said, **changes}.items() if value is not None}
        files = {} if content is None else {"content": (filename, content, "application/octet-stream")}
        auth = httpx.BasicAuth("__token__", self.token if token is None else token)
        if not files:  # a form in parts, although there is no file
            files = {"gpg_signature": ("x", b"", "text/plain")}
        return self.request("POST", "/legacy/", data=data, files=files, auth=auth, headers=headers or {})
