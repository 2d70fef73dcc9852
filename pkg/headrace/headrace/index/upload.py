"""`POST /legacy/`: one distribution file, checked in PyPI's order.

Source: warehouse, forklift/legacy.py. A refusal is JSON for who asks for it (uv shows `code`), else plain text; PyPI says it in
the HTTP reason phrase as well, which ASGI has no means for."""

from __future__ import annotations

import hashlib
import hmac
import io
import time
from base64 import b64decode
from collections.abc import Callable
from typing import IO, Any, Literal

from msgspec import Struct
from packaging.metadata import Metadata
from packaging.utils import canonicalize_name
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from headrace.index import archives, attestations, fields, filenames, form, messages, tokens
from headrace.index.database import Database
from headrace.index.model import Publisher, Refusal
from headrace.index.publishers import Publishers
from headrace.index.rules import Judge
from headrace.index.shelf import Shelf, Upload
from headrace.index.tokens import Token

Mode = Literal["open", "disabled", "read-only"]
_LONGEST_FIELD = 32 << 20
"""A description may be long."""
_MOST_FIELDS = 5000
_PIECE = 1 << 20
_TITLES = {400: "Bad Request", 403: "Forbidden", 404: "Not Found"}


class Arrived(Struct, frozen=True):
    """What a request holds; `file` is None where there was none."""

    fields: dict[str, list[str]]
    filename: str
    content_type: str
    file: Any


class Uploads:
    """`log` gets one line for each file that was stored or refused; `relaxed` are the rules that only warn."""

    def __init__(
        self,
        database: Database,
        shelf: Shelf,
        log: Callable[[str], None],
        *,
        mode: Mode = "open",
        relaxed: frozenset[str] = frozenset(),
    ) -> None:
        self._database = database
        self._shelf = shelf
        self._publishers = Publishers(database)
        self._log = log
        self._mode = mode
        self._relaxed = relaxed

    async def post(self, request: Request) -> Response:
        name = ""
        try:
            if self._mode != "open":
                raise Refusal("closed", messages.READ_ONLY if self._mode == "read-only" else messages.DISABLED, 403)
            token = await run_in_threadpool(self._authenticate, request.headers.get("Authorization", ""))
            async with request.form(max_files=2, max_fields=_MOST_FIELDS, max_part_size=_LONGEST_FIELD) as said:
                arrived = _arrived(list(said.multi_items()))
                name = arrived.filename
                judge = Judge(self._relaxed)
                stored = await run_in_threadpool(self._receive, arrived, token, judge)
        except Refusal as refusal:
            await _drain(request)
            await run_in_threadpool(self._note, refusal, name)
            return answer(request, refusal)
        if stored:
            self._log(f"stored {name}")
        return PlainTextResponse("".join(f"{warning}\n" for warning in judge.warnings))

    def _note(self, refusal: Refusal, filename: str) -> None:
        self._log(f"refused {filename or 'an upload'}: {refusal.rule}: {refusal.text}")
        self._publishers.note("upload refused", {"filename": filename, "rule": refusal.rule, "text": refusal.text})

    def _authenticate(self, header: str) -> Token:
        """Raises Refusal."""
        token = tokens.find(self._database, credential(header))
        if token is None:
            raise Refusal("credentials", messages.NO_CREDENTIALS, 403)
        return token

    def _receive(self, arrived: Arrived, token: Token, judge: Judge) -> bool:
        """Whether the file is new. Raises Refusal."""
        said = form.cleaned(arrived.fields)
        shape = form.read(said)
        metadata = fields.read(said, judge)
        if arrived.file is None:
            raise Refusal("no-file", messages.NO_FILE)
        project = self._shelf.shown_name(shape.name)
        if project is None:
            raise Refusal("project", messages.NO_NEW_PROJECTS)
        publisher = self._allowed(token, project)
        fields.check_description(metadata, judge)
        filenames.check_shape(arrived.filename, shape.kind)
        if arrived.content_type.startswith("image/"):
            raise Refusal("archive", "Invalid distribution file.")
        size, digests = _digests(arrived.file)
        self._shelf.check_size(project, size, judge)
        for kind, digest in shape.digests.items():
            if not hmac.compare_digest(digest, digests[kind]):
                raise Refusal("digest", messages.WRONG_DIGEST)
        upload = _upload(arrived.filename, shape, metadata, size, digests)
        if self._shelf.is_there(upload, judge):
            return False
        content = self._inspect(upload, arrived.file, metadata, project, judge)
        provenance = ""
        if "attestations" in said:
            found = attestations.read(said["attestations"][0], arrived.filename, digests["sha256"])
            attestations.check_source(found, publisher, token.claims)
            provenance = attestations.provenance(found, publisher)
        return self._shelf.add(_with(upload, content, provenance), arrived.file, judge)

    def _allowed(self, token: Token, project: str) -> Publisher:
        """Raises Refusal."""
        if token.expires <= time.time():
            raise Refusal("token", messages.EXPIRED, 403)
        if canonicalize_name(project) not in token.projects:
            raise Refusal("token", messages.bad_scope(project), 403)
        for publisher in self._publishers.all(project):
            if publisher.id == token.publisher and not publisher.pending:
                return publisher
        raise Refusal("token", messages.not_allowed(project), 403)

    def _inspect(self, upload: Upload, file: IO[bytes], metadata: Metadata, project: str, judge: Judge) -> bytes:
        """Look into the file; the metadata to serve beside it. Raises Refusal."""
        with archives.Archive(upload.filename, file, upload.size) as archive:
            licenses = metadata.license_files or []
            if upload.kind == "sdist":
                filenames.check_sdist(upload.filename, project, metadata.version)
                archives.check_licenses(archive, licenses)
                archives.check_same(archive.read(f"{archive.top}/PKG-INFO"), upload.filename, project, metadata.version)
                return b""
            filenames.check_wheel(upload.filename, project, metadata.version, judge)
            archives.check_licenses(archive, licenses)
            content = archives.check_wheel(archive)
            archives.check_same(content, upload.filename, project, metadata.version)
            return content


def answer(request: Request, refusal: Refusal) -> Response:
    """In the form that the client asks for."""
    title = _TITLES.get(refusal.status, "Error")
    if "application/json" in request.headers.get("Accept", ""):
        body = {"message": refusal.text, "code": f"{refusal.status} {refusal.text}", "title": title}
        return JSONResponse(body, refusal.status)
    return PlainTextResponse(f"{refusal.status} {refusal.text}\n", refusal.status)


def credential(header: str) -> str:
    """The token in an Authorization header, "" where there is none that we know how to read.

    >>> credential("Bearer pypi-x"), credential("token pypi-x"), credential("Basic X190b2tlbl9fOnB5cGkteA==")
    ('pypi-x', 'pypi-x', 'pypi-x')
    >>> credential("Basic bWU6cHlwaS14"), credential("Basic =")
    ('', '')
    """
    scheme, _, value = header.partition(" ")
    if scheme.lower() in ("bearer", "token"):
        return value.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        user, _, password = b64decode(value.strip(), validate=True).decode("utf-8").partition(":")
    except ValueError:
        return ""
    return password.strip() if user.strip() == "__token__" else ""


def _arrived(items: list[tuple[str, UploadFile | str]]) -> Arrived:
    """Raises Refusal where a file stands in for a text."""
    texts: dict[str, list[str]] = {}
    file: UploadFile | None = None
    for name, value in items:
        if isinstance(value, str):
            texts.setdefault(name, []).append(value)
        elif name == "content":
            file = value
        elif name != "gpg_signature":
            raise Refusal("form", f"{name}: Should not be a tuple.")
    if texts.get(":action") != ["file_upload"]:
        raise Refusal("form", "Not Found", 404)
    if file is None:
        return Arrived(texts, "", "", None)
    return Arrived(texts, file.filename or "", file.content_type or "", io.BufferedReader(_Seekable(file.file)))


class _Seekable(io.RawIOBase):
    """A file of the form: before Python 3.11 such a one could seek and not say so, which zipfile asks for."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        self._file.seek(offset, whence)
        return self._file.tell()

    def tell(self) -> int:
        return self._file.tell()


def _digests(file: IO[bytes]) -> tuple[int, dict[str, str]]:
    """Bytes, and algorithm → hexadecimal digest."""
    hashes: dict[str, Any] = {
        "md5": hashlib.md5(usedforsecurity=False),
        "sha256": hashlib.sha256(),
        "blake2_256": hashlib.blake2b(digest_size=32),
    }
    size = 0
    file.seek(0)
    while piece := file.read(_PIECE):
        size += len(piece)
        for each in hashes.values():
            each.update(piece)
    return size, {name: each.hexdigest() for name, each in hashes.items()}


def _upload(filename: str, shape: form.Form, metadata: Metadata, size: int, digests: dict[str, str]) -> Upload:
    info = {
        "name": metadata.name,
        "version": str(metadata.version),
        "summary": metadata.summary,
        "description": metadata.description,
        "description_content_type": metadata.description_content_type,
        "keywords": metadata.keywords and ",".join(metadata.keywords),
        "author": metadata.author,
        "author_email": metadata.author_email,
        "maintainer": metadata.maintainer,
        "maintainer_email": metadata.maintainer_email,
        "license": metadata.license,
        "license_expression": metadata.license_expression,
        "license_files": metadata.license_files,
        "home_page": metadata.home_page,
        "project_urls": metadata.project_urls,
        "classifiers": metadata.classifiers or [],
        "requires_dist": [str(each) for each in metadata.requires_dist or ()] or None,
        "requires_python": str(metadata.requires_python) if metadata.requires_python is not None else None,
        "provides_extra": metadata.provides_extra,
        "dynamic": metadata.dynamic,
    }
    return Upload(
        filename, metadata.name, metadata.version, shape.kind, shape.pyversion, size, digests["sha256"], digests["blake2_256"],
        str(info["requires_python"] or ""), b"", info, "",
    )  # fmt: skip


def _with(upload: Upload, content: bytes, provenance: str) -> Upload:
    from msgspec.structs import replace

    return replace(upload, metadata=content, provenance=provenance)


async def _drain(request: Request) -> None:
    """Read what the client has not sent yet: one that is answered before it has done so sees a broken connection instead."""
    try:
        async for _ in request.stream():
            pass
    except RuntimeError:  # it has been read
        pass
