"""The cache service, protocol version 1: plain JSON, and archives that come in ranges. Its entries are those of version 2."""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from headrace.services import signed
from headrace.services.blobs import receive
from headrace.services.caches import DENIED, check, of, owner, path_of, too_large, writes
from headrace.services.grants import JobGrant
from headrace.services.twirp import TwirpError, granted
from headrace.store.artifacts import NotUploaded
from headrace.store.caches import Cache, Caches, KeyTaken, piece_name

BASE = "/_apis/artifactcache"
_LARGEST_MESSAGE = 1 << 16
_LARGEST_PIECE = 512 << 20
_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(?:\*|\d+)")


class Refused(Exception):
    """Answered with this status and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class OldCacheService:
    def __init__(self, store: Caches, key: bytes) -> None:
        self._store = store
        self._key = key

    def routes(self) -> list[Route]:
        return [
            Route(f"{BASE}/cache", self._find, methods=["GET"]),
            Route(f"{BASE}/caches", self._many, methods=["GET", "POST"]),
            Route(f"{BASE}/caches/{{id:int}}", self._one, methods=["PATCH", "POST"]),
        ]

    async def _find(self, request: Request) -> Response:
        try:
            grant = granted(request.headers.get("Authorization", ""), self._key)
            keys = request.query_params.get("keys", "").split(",")
            version = request.query_params.get("version", "")
            found = await run_in_threadpool(self._store.find, of(grant), grant.scopes, check(version, keys), version)
        except TwirpError as error:
            return _refusal(error)
        if found is None:
            return Response(status_code=204)
        origin = f"{request.url.scheme}://{request.url.netloc}"
        return JSONResponse(_shown(found) | {"archiveLocation": origin + signed.sign(path_of(found), "r", self._key)})

    async def _many(self, request: Request) -> Response:
        try:
            grant = granted(request.headers.get("Authorization", ""), self._key)
            if request.method != "POST":
                beginning = request.query_params.get("key", "")
                rows = await run_in_threadpool(self._store.listed, of(grant), grant.scopes, beginning)
                return JSONResponse({"totalCount": len(rows), "artifactCaches": [_shown(row) for row in rows]})
            body = await _json(request)
            return JSONResponse({"cacheId": (await run_in_threadpool(self._reserve, grant, body)).id}, 201)
        except (TwirpError, Refused) as error:
            return _refusal(error)

    async def _one(self, request: Request) -> Response:
        try:
            grant = granted(request.headers.get("Authorization", ""), self._key)
            cache = await run_in_threadpool(self._store.by_id, int(request.path_params["id"]))
            if cache is None or cache.complete or cache.repository != of(grant) or cache.owner != owner(grant):
                raise Refused(404, "this job has begun no such cache entry")
            if request.method == "POST":
                await run_in_threadpool(self._commit, cache, await _json(request))
            else:
                await self._piece(request, cache)
        except (TwirpError, Refused) as error:
            return _refusal(error)
        return Response(status_code=204)

    def _reserve(self, grant: JobGrant, body: dict[str, Any]) -> Cache:
        key, version, size = str(body.get("key", "")), str(body.get("version", "")), body.get("cacheSize")
        check(version, [key])
        if isinstance(size, int) and too_large(size):
            raise Refused(400, f"a cache of {size} bytes is larger than what a repository may have")
        if not writes(grant):
            raise Refused(403, DENIED.format(ref=grant.ref or "no ref"))
        try:
            return self._store.reserve(of(grant), grant.ref, key, version, owner(grant))
        except KeyTaken:
            raise Refused(409, "cache entry with the same key, version, and scope already exists") from None

    async def _piece(self, request: Request, cache: Cache) -> None:
        given = _RANGE.fullmatch(request.headers.get("Content-Range", ""))
        if given is None:
            raise Refused(400, "a piece needs a Content-Range")
        start, size = int(given[1]), int(given[2]) - int(given[1]) + 1
        if not 0 < size <= _LARGEST_PIECE or too_large(start + size):
            raise Refused(400, "a piece of this size cannot be stored")
        with self._store.blobs.block(cache.key, piece_name(start)) as draft:
            await receive(request, draft, size)
            if draft.size != size:
                raise Refused(400, f"{draft.size} bytes have come, Content-Range announced {size}")
            await run_in_threadpool(draft.place)
        await run_in_threadpool(self._store.piece, cache, start, size)

    def _commit(self, cache: Cache, body: dict[str, Any]) -> None:
        size = body.get("size")
        if not isinstance(size, int):
            raise Refused(400, "the size of a cache is a number")
        try:
            self._store.join(cache, size)
            self._store.complete(cache, size)
        except (NotUploaded, KeyError) as error:
            raise Refused(400, str(error)) from None


async def _json(request: Request) -> dict[str, Any]:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _LARGEST_MESSAGE:
            raise Refused(413, f"a request has at most {_LARGEST_MESSAGE} bytes")
    try:
        data = json.loads(bytes(body))
    except (ValueError, RecursionError):
        raise Refused(400, "the request is no JSON") from None
    if not isinstance(data, dict):
        raise Refused(400, "the request is no JSON object")
    return data


def _shown(cache: Cache) -> dict[str, Any]:
    when = datetime.fromtimestamp(cache.created, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return {"cacheKey": cache.name, "scope": cache.scope, "cacheVersion": cache.version, "creationTime": when}


def _refusal(error: TwirpError | Refused) -> Response:
    return JSONResponse({"message": str(error)}, error.status)
