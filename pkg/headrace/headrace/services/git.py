"""The repository of a run over git's smart HTTP protocol, for reading: `git fetch` in a job talks to it. git itself serves it."""

from __future__ import annotations

import asyncio
import base64
import binascii
import os
import shutil

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from headrace.services.grants import READING, GrantError, check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

PREFIX = "/git"
_PIECE = 1 << 16
_LARGEST_HEAD = 1 << 16
_READING = "git-upload-pack"
_NO_PUSH = "jobs cannot push here: the repository is served for reading"


class GitService:
    """`repositories`: lower-case `owner/name` → git directory. Others are GitHub's, where the caller is sent on to (`server`)."""

    def __init__(self, repositories: Mapping[str, str], key: bytes, server: str) -> None:
        self._repositories = repositories
        self._key = key
        self._server = server

    async def serve(self, request: Request) -> Response:
        """Any request below `PREFIX`. Raises HTTPException."""
        name, path = _split(request.path_params["path"])
        folder = self._repositories.get(name.lower())
        if folder is None:
            if request.method == "GET" and name:
                query = f"?{request.url.query}" if request.url.query else ""
                return RedirectResponse(f"{self._server}/{name}{path}{query}", 302)
            raise HTTPException(404, "there is no such repository here")
        if self._granted(request).lower() != name.lower():
            raise HTTPException(403, "this token is another repository's")
        if "git-receive-pack" in (path.removeprefix("/"), request.query_params.get("service")):
            raise HTTPException(403, _NO_PUSH)
        if (request.method, path) not in (("GET", "/info/refs"), ("POST", f"/{_READING}")):
            raise HTTPException(404, "that is no request of git's smart protocol")
        return await _backend(request, folder, path)

    def _granted(self, request: Request) -> str:
        """The repository that the caller may read."""
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        refused = HTTPException(401, "the request carries no token", {"WWW-Authenticate": 'Basic realm="git"'})
        if scheme.lower() != "basic":
            raise refused
        try:
            token = base64.b64decode(given, validate=True).decode("utf-8").partition(":")[2]
            claims = check(token, self._key)
        except (binascii.Error, UnicodeDecodeError, GrantError):
            raise refused from None
        if claims.get("scope") != READING:
            raise refused
        return str(claims.get("repository", ""))


def _split(path: str) -> tuple[str, str]:
    """`owner/name` and the rest, of a path with or without `.git`.

    >>> _split("o/r.git/info/refs"), _split("o/r/git-upload-pack"), _split("o")
    (('o/r', '/info/refs'), ('o/r', '/git-upload-pack'), ('', ''))
    """
    parts = path.split("/", 2)
    if len(parts) < 3 or not all(parts):
        return "", ""
    return f"{parts[0]}/{parts[1].removesuffix('.git')}", f"/{parts[2]}"


async def _backend(request: Request, folder: str, path: str) -> Response:
    """`git http-backend`, which is a CGI program. Its answer is passed on as it comes."""
    git = shutil.which("git")
    if git is None:
        raise HTTPException(501, "there is no git on this machine")
    env = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_PROJECT_ROOT": folder,
        "PATH_INFO": path,
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": request.url.query,
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
    }
    process = await asyncio.create_subprocess_exec(
        git, "http-backend", env=env, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    feeding = asyncio.create_task(_feed(request, process))
    assert process.stdout is not None
    try:
        status, headers = await _head(process.stdout)
    except ValueError:
        await _end(process, feeding)
        raise HTTPException(502, "git gave no answer") from None

    async def body() -> AsyncIterator[bytes]:
        assert process.stdout is not None
        try:
            while piece := await process.stdout.read(_PIECE):
                yield piece
        finally:
            await _end(process, feeding)

    return StreamingResponse(body(), status, headers)


async def _feed(request: Request, process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    try:
        async for piece in request.stream():
            process.stdin.write(piece)
            await process.stdin.drain()
        process.stdin.close()
    except (OSError, RuntimeError):  # one of the two has gone
        process.stdin.close()


async def _head(out: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """Status and headers of a CGI program's answer. Raises ValueError."""
    headers: dict[str, str] = {}
    status, size = 200, 0
    while line := (await out.readline()).decode("latin-1"):
        size += len(line)
        if size > _LARGEST_HEAD:
            break
        name, colon, value = line.strip().partition(":")
        if not name:
            return status, headers
        if name.lower() == "status":
            status = int(value.split()[0])
        elif colon:
            headers[name] = value.strip()
    raise ValueError("no head")


async def _end(process: asyncio.subprocess.Process, feeding: asyncio.Task[None]) -> None:
    feeding.cancel()
    if process.returncode is None:
        try:
            process.kill()
        except ProcessLookupError:
            pass
    await process.wait()
