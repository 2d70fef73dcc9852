"""The services as one ASGI application. Callers authenticate with a job's runtime token, or by a signed URL for bytes."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from headrace.services import blobs, twirp
from headrace.services.artifacts import ArtifactService
from headrace.services.git import PREFIX, GitService
from headrace.services.grants import ISSUER, GrantError, JobGrant, verify
from headrace.services.identity import Issuer
from headrace.services.twirp import TwirpError
from headrace.store.artifacts import Artifacts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_LARGEST_MESSAGE = 1 << 20
_PREFIX = "github.actions.results.api.v1."


def create_app(store: str, key: bytes, repositories: Mapping[str, str] = {}, server: str = "") -> Starlette:
    """The services over the folder `store`. `key` is what runtime tokens have been issued with; it signs URLs too.
    `repositories`: lower-case `owner/name` → git directory, for `git fetch`; `server`: where all others are."""
    git = GitService(repositories, key, server)
    issuer = Issuer(store, key)
    artifacts = Artifacts(store)
    services: Mapping[str, ArtifactService] = {f"{_PREFIX}ArtifactService": ArtifactService(artifacts, key)}

    async def call(request: Request) -> Response:
        try:
            return await _call(request, services, key)
        except TwirpError as error:
            return error.response()

    async def upload(request: Request) -> Response:
        return await blobs.upload(request, artifacts, key)

    async def download(request: Request) -> Response:
        return await blobs.download(request, artifacts, key)

    async def health(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    routes = [
        Route("/twirp/{service}/{method}", call, methods=["POST"]),
        Route("/results/artifacts/{id}", upload, methods=["PUT"]),
        Route("/results/artifacts/{id}", download, methods=["GET"]),
        Route("/healthz", health, methods=["GET"]),
        Route(f"{ISSUER}/token", issuer.token, methods=["GET"]),
        Route(f"{ISSUER}/jwks", issuer.keys, methods=["GET"]),
        Route(f"{ISSUER}/.well-known/openid-configuration", issuer.discovery, methods=["GET"]),
        Route(f"{PREFIX}/{{path:path}}", git.serve, methods=["GET", "POST"]),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: _plain, ClientDisconnect: _gone})


async def _call(request: Request, services: Mapping[str, ArtifactService], key: bytes) -> Response:
    grant = _grant(request, key)
    service = services.get(request.path_params["service"])
    method = service.method(request.path_params["method"]) if service is not None else None
    if method is None:
        raise TwirpError("bad_route", f"no handler for path {request.url.path!r}")
    message, handler = method
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _LARGEST_MESSAGE:
            raise TwirpError("malformed", f"a request has at most {_LARGEST_MESSAGE} bytes")
    kind = request.headers.get("Content-Type", "")
    parsed = twirp.read(bytes(body), kind, message)
    origin = f"{request.url.scheme}://{request.url.netloc}"
    answer = await run_in_threadpool(handler, parsed, grant, origin)
    return twirp.write(answer, kind)


def _grant(request: Request, key: bytes) -> JobGrant:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise TwirpError("unauthenticated", "the request carries no runtime token")
    try:
        return verify(token.strip(), key)
    except GrantError as error:
        raise TwirpError("unauthenticated", str(error)) from None


async def _plain(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return PlainTextResponse(f"{error.detail}\n", error.status_code)


async def _gone(request: Request, error: Exception) -> Response:
    """Nobody reads this answer: the client hung up in the middle of its request."""
    return Response(status_code=400)
