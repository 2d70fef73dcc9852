"""The cache service, protocol version 2: an entry belongs to a ref and never changes. A job reads those of its own ref, then
those of the refs that its grant names."""

from __future__ import annotations

from headrace.services import signed
from headrace.services.grants import JobGrant
from headrace.services.proto import cache_pb2 as pb
from headrace.services.twirp import TwirpError
from headrace.store.artifacts import NotUploaded
from headrace.store.caches import LARGEST, Cache, Caches, KeyTaken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from google.protobuf.message import Message

_LONGEST = 512
_MOST = 10
DENIED = "cache write denied: this run may read the caches of {ref} and not add to them"
"""Clients know it by its beginning."""


class CacheService:
    """Answers the requests of jobs. `origin` is the service's address as the client knows it, without a slash at its end."""

    def __init__(self, store: Caches, key: bytes) -> None:
        self.store = store
        self._key = key

    def method(self, name: str) -> tuple[type[Message], Callable[[Any, JobGrant, str], Message]] | None:
        """The request's type and its handler; None for an unknown method. Handlers raise TwirpError."""
        match name:
            case "CreateCacheEntry":
                return pb.CreateCacheEntryRequest, self._create
            case "FinalizeCacheEntryUpload":
                return pb.FinalizeCacheEntryUploadRequest, self._finalize
            case "GetCacheEntryDownloadURL":
                return pb.GetCacheEntryDownloadURLRequest, self._url
        return None

    def _create(self, request: pb.CreateCacheEntryRequest, grant: JobGrant, origin: str) -> pb.CreateCacheEntryResponse:
        check(request.version, [request.key])
        if not writes(grant):
            return pb.CreateCacheEntryResponse(ok=False, message=DENIED.format(ref=grant.ref or "no ref"))
        try:
            cache = self.store.reserve(of(grant), grant.ref, request.key, request.version, owner(grant))
        except KeyTaken:
            raise TwirpError("already_exists", "cache entry with the same key, version, and scope already exists") from None
        return pb.CreateCacheEntryResponse(ok=True, signed_upload_url=origin + signed.sign(path_of(cache), "w", self._key))

    def _finalize(
        self, request: pb.FinalizeCacheEntryUploadRequest, grant: JobGrant, origin: str
    ) -> pb.FinalizeCacheEntryUploadResponse:
        check(request.version, [request.key])
        try:
            cache = self.store.reserved(of(grant), grant.ref, request.key, request.version, owner(grant))
            done = self.store.complete(cache, request.size_bytes)
        except KeyError:
            raise TwirpError("not_found", f"this job has begun no cache entry with the key {request.key!r}") from None
        except NotUploaded as error:
            return pb.FinalizeCacheEntryUploadResponse(ok=False, message=str(error))
        return pb.FinalizeCacheEntryUploadResponse(ok=True, entry_id=done.id)

    def _url(
        self, request: pb.GetCacheEntryDownloadURLRequest, grant: JobGrant, origin: str
    ) -> pb.GetCacheEntryDownloadURLResponse:
        keys = check(request.version, [request.key, *request.restore_keys])
        found = self.store.find(of(grant), grant.scopes, keys, request.version)
        if found is None:
            return pb.GetCacheEntryDownloadURLResponse(ok=False)
        url = origin + signed.sign(path_of(found), "r", self._key)
        return pb.GetCacheEntryDownloadURLResponse(ok=True, signed_download_url=url, matched_key=found.name)


def of(grant: JobGrant) -> str:
    """The repository whose caches a job has."""
    return grant.caches or grant.repository


def owner(grant: JobGrant) -> str:
    """Who may finish what it has begun."""
    return f"{grant.run_id}/{grant.job_id}"


def writes(grant: JobGrant) -> bool:
    return bool(grant.ref) and grant.writes


def check(version: str, keys: Sequence[str]) -> list[str]:
    """The keys that say something, within GitHub's limits. Raises TwirpError."""
    if not keys[0] or not version or len(version) > _LONGEST:
        raise TwirpError("invalid_argument", "a cache entry needs a key and a version")
    if len(keys) > _MOST:
        raise TwirpError("invalid_argument", f"there are at most {_MOST} keys")
    for key in keys:
        if len(key) > _LONGEST or "," in key:
            raise TwirpError("invalid_argument", f"a key has no comma and at most {_LONGEST} characters: {key[:_LONGEST]!r}")
    return [key for key in keys if key]


def path_of(cache: Cache) -> str:
    """Where its bytes go and come from. Clients that read the path as account, container and blob need three parts."""
    return f"/results/caches/{cache.id}"


def kind_of(cache: Cache) -> tuple[str, str]:
    """Media type and Content-Disposition of its bytes."""
    return "application/octet-stream", "attachment"


def too_large(size: int) -> bool:
    return size > LARGEST
