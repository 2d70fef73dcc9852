"""The services as one ASGI application. Callers authenticate with a job's runtime token, or by a signed URL for bytes."""

from __future__ import annotations

import os

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from headrace.services import artifacts, blobs, caches, twirp
from headrace.services.artifacts import ArtifactService
from headrace.services.caches import CacheService
from headrace.services.caches_v1 import OldCacheService
from headrace.services.git import PREFIX, GitService
from headrace.services.grants import ISSUER
from headrace.services.identity import Issuer
from headrace.services.indexes import AUTHORITY, Indexes
from headrace.services.twirp import TwirpError
from headrace.store.artifacts import Artifacts
from headrace.store.caches import Caches

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Union

    Service = Union[ArtifactService, CacheService]

_LARGEST_MESSAGE = 1 << 20
_PREFIX = "github.actions.results.api.v1."


def create_app(
    store: str, key: bytes, repositories: Mapping[str, str] = {}, server: str = "", cache_store: str = "",
    indexes: Indexes | None = None, issuer: Issuer | None = None,
) -> Starlette:  # fmt: skip
    """The services: artifacts in the folder `store`, caches in `cache_store` (by default a folder in `store`). `key` is what
    runtime tokens have been issued with; it signs URLs too. `repositories`: lower-case `owner/name` → git directory, for
    `git fetch`; `server`: where all others are. `indexes`: those of the run, which listen elsewhere; `issuer`: theirs."""
    git = GitService(repositories, key, server)
    issuer = issuer or Issuer(store, key)
    artifact_shelf = Artifacts(store)
    cache_shelf = Caches(cache_store or os.path.join(store, "caches"))
    services: Mapping[str, Service] = {
        f"{_PREFIX}ArtifactService": ArtifactService(artifact_shelf, key),
        f"{_PREFIX}CacheService": CacheService(cache_shelf, key),
    }

    async def call(request: Request) -> Response:
        try:
            return await _call(request, services, key)
        except TwirpError as error:
            return error.response()

    async def artifact(request: Request) -> Response:
        if request.method == "PUT":
            return await blobs.upload(request, artifact_shelf, key)
        return await blobs.download(request, artifact_shelf, key, artifacts.kind_of)

    async def cache(request: Request) -> Response:
        if request.method == "PUT":
            return await blobs.upload(request, cache_shelf, key)
        return await blobs.download(request, cache_shelf, key, caches.kind_of)

    async def health(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def authority(request: Request) -> Response:
        """The certificate that clients of the indexes trust; 503 while it is being made."""
        found = indexes.certificate() if indexes is not None else b""
        return Response(found, 200 if found else 503 if indexes is not None else 404, media_type="application/x-pem-file")

    routes = [
        Route(AUTHORITY, authority, methods=["GET"]),
        Route("/twirp/{service}/{method}", call, methods=["POST"]),
        Route("/results/artifacts/{id}", artifact, methods=["PUT", "GET"]),
        Route("/results/caches/{id}", cache, methods=["PUT", "GET"]),
        *OldCacheService(cache_shelf, key).routes(),
        Route("/healthz", health, methods=["GET"]),
        Route(f"{ISSUER}/token", issuer.token, methods=["GET"]),
        Route(f"{ISSUER}/jwks", issuer.keys, methods=["GET"]),
        Route(f"{ISSUER}/.well-known/openid-configuration", issuer.discovery, methods=["GET"]),
        Route(f"{PREFIX}/{{path:path}}", git.serve, methods=["GET", "POST"]),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: _plain, ClientDisconnect: _gone})


async def _call(request: Request, services: Mapping[str, Service], key: bytes) -> Response:
    grant = twirp.granted(request.headers.get("Authorization", ""), key)
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


async def _plain(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return PlainTextResponse(f"{error.detail}\n", error.status_code)


async def _gone(request: Request, error: Exception) -> Response:
    """Nobody reads this answer: the client hung up in the middle of its request."""
    return Response(status_code=400)
