"""Upload and download of bytes by signed URL, as the block blob clients of the actions do it: blocks in any order, then their
list, or all in one request."""

from __future__ import annotations

from typing import Protocol, TypeVar
from xml.etree import ElementTree

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from headrace.services import signed
from headrace.store.blobs import Blob, Blobs, Draft

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_BUFFER = 1 << 20
_LARGEST_BLOCK = 256 << 20
_LARGEST_LIST = 8 << 20


class Entry(Protocol):
    """What bytes belong to. `key` is theirs; once it is `complete`, they stay as they are."""

    @property
    def key(self) -> str: ...
    @property
    def complete(self) -> bool: ...


_E = TypeVar("_E", bound=Entry)


class Shelf(Protocol[_E]):
    """An index of entries, and the store of their bytes."""

    @property
    def blobs(self) -> Blobs: ...
    def by_id(self, id: int, /) -> _E | None: ...
    def uploaded(self, entry: _E, blob: Blob, /) -> None: ...


async def upload(request: Request, store: Shelf[_E], key: bytes) -> Response:
    """PUT: `comp=block&blockid=…` stores a block, `comp=blocklist` makes the blob of them; without `comp` the body is all."""
    entry = await _permitted(request, store, key, "w")
    if entry.complete:
        raise HTTPException(409, "it is complete")
    match request.query_params.get("comp", ""):
        case "block":
            await _block(request, store, entry)
        case "blocklist":
            names = _listed(await _body(request, _LARGEST_LIST))
            if await run_in_threadpool(_is_complete, request, store):
                raise HTTPException(409, "it is complete")
            try:
                blob = await run_in_threadpool(store.blobs.join, entry.key, names)
            except KeyError as error:
                raise HTTPException(400, f"the list names a block that has not been stored: {error.args[0]}") from None
            await run_in_threadpool(store.uploaded, entry, blob)
        case "":
            with store.blobs.draft(entry.key) as draft:
                await receive(request, draft, None)
                if await run_in_threadpool(_is_complete, request, store):  # another request was quicker
                    raise HTTPException(409, "it is complete")
                blob = await run_in_threadpool(draft.commit)
            await run_in_threadpool(store.uploaded, entry, blob)
        case other:
            raise HTTPException(400, f"unknown comp={other}")
    return Response(status_code=201, headers={"x-ms-request-server-encrypted": "false"})


async def download(request: Request, store: Shelf[_E], key: bytes, kind: Callable[[_E], tuple[str, str]]) -> Response:
    """GET: the bytes of a complete entry, or the range of them that is asked for. `kind` gives their media type and what
    Content-Disposition says."""
    entry = await _permitted(request, store, key, "r")
    path = store.blobs.path(entry.key)
    if not entry.complete or path is None:
        raise HTTPException(404, "there is nothing here")
    mime, disposition = kind(entry)
    return FileResponse(path, media_type=mime, headers={"Content-Disposition": disposition})


async def _permitted(request: Request, store: Shelf[_E], key: bytes, permission: str) -> _E:
    if not signed.allowed(request.url.path, permission, request.query_params, key):
        raise HTTPException(403, "the signature of this URL is wrong or has expired")
    entry = await run_in_threadpool(store.by_id, int(request.path_params["id"]))
    if entry is None:
        raise HTTPException(404, "there is nothing here")
    return entry


def _is_complete(request: Request, store: Shelf[_E]) -> bool:
    entry = store.by_id(int(request.path_params["id"]))
    return entry is None or entry.complete


async def _block(request: Request, store: Shelf[_E], entry: _E) -> None:
    block = request.query_params.get("blockid", "")
    if not block:
        raise HTTPException(400, "a block needs a blockid")
    with store.blobs.block(entry.key, block) as draft:
        await receive(request, draft, _LARGEST_BLOCK)
        await run_in_threadpool(draft.place)


async def receive(request: Request, draft: Draft, limit: int | None) -> None:
    """A body that ends early (the client went away) leaves nothing: `stream` raises, and the draft is dropped."""
    pending = bytearray()
    async for piece in request.stream():
        pending += piece
        if limit is not None and draft.size + len(pending) > limit:
            raise HTTPException(413, f"a block has at most {limit} bytes")
        if len(pending) >= _BUFFER:
            data, pending = bytes(pending), bytearray()
            await run_in_threadpool(draft.write, data)
    await run_in_threadpool(draft.write, bytes(pending))


async def _body(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            raise HTTPException(413, f"at most {limit} bytes")
    return bytes(body)


class _Plain(ElementTree.TreeBuilder):
    """Whatever the encoding, a document type is where entities would be declared."""

    def doctype(self, name: str, pubid: str, system: str) -> None:
        raise HTTPException(400, "the list of blocks declares a document type")


def _listed(body: bytes) -> list[str]:
    """The block ids of a `<BlockList>`, in order."""
    try:
        root = ElementTree.fromstring(body, ElementTree.XMLParser(target=_Plain()))
    except ElementTree.ParseError as error:
        raise HTTPException(400, f"the list of blocks is no XML: {error}") from None
    return [(entry.text or "").strip() for entry in root if entry.tag in ("Latest", "Uncommitted", "Committed")]
