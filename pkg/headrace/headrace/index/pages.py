"""The read side as HTTP: simple pages, files with their metadata, PyPI's JSON pages, provenance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from headrace.index import simple
from headrace.index.model import File, Project, Release
from headrace.index.shelf import Shelf

_PIECE = 1 << 18
_FOREVER = {"Cache-Control": "max-age=31536000, immutable"}
_INTEGRITY = "application/vnd.pypi.integrity.v1+json"


class Pages:
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def routes(self) -> list[Route]:
        return [
            Route("/simple/", self.projects, methods=["GET"]),
            Route("/simple/{name}/", self.project, methods=["GET"]),
            Route("/simple/{name}", self.without_slash, methods=["GET"]),
            Route("/files/{start}/{rest}/{filename}", self.file, methods=["GET"]),
            Route("/pypi/{name}/json", self.json, methods=["GET"]),
            Route("/pypi/{name}/{version}/json", self.json, methods=["GET"]),
            Route("/integrity/{name}/{version}/{filename}/provenance", self.provenance, methods=["GET"]),
        ]

    async def projects(self, request: Request) -> Response:
        found = await run_in_threadpool(self._shelf.projects)
        return simple.answer(request, simple.projects_json(found), simple.projects_html(found))

    async def project(self, request: Request) -> Response:
        name = request.path_params["name"]
        normalized = canonicalize_name(name)
        if name != normalized:
            return RedirectResponse(f"/simple/{normalized}/", 301)
        found = await run_in_threadpool(self._shelf.project, normalized)
        if found is None:
            return simple.missing()
        origin = str(request.base_url)
        return simple.answer(request, simple.project_json(found, origin), simple.project_html(found, origin))

    async def without_slash(self, request: Request) -> Response:
        return RedirectResponse(f"/simple/{canonicalize_name(request.path_params['name'])}/", 301)

    async def file(self, request: Request) -> Response:
        """A distribution file, or with `.metadata` at its end what a wheel says of itself."""
        sha256, name = request.path_params["start"] + request.path_params["rest"], request.path_params["filename"]
        if name.endswith(".metadata"):
            content = await run_in_threadpool(self._shelf.metadata, sha256, name.removesuffix(".metadata"))
            return simple.missing() if content is None else Response(content, headers=_FOREVER)
        opened = await run_in_threadpool(self._shelf.open, sha256, name)
        if opened is None:
            return simple.missing()
        opened.seek(0, 2)
        headers = {"Content-Length": str(opened.tell()), "Content-Type": "application/octet-stream", **_FOREVER}
        opened.seek(0)
        return StreamingResponse(_pieces(opened), headers=headers)

    async def json(self, request: Request) -> Response:
        found = await run_in_threadpool(self._shelf.project, request.path_params["name"])
        said = _project_json(found, request.path_params.get("version"), str(request.base_url)) if found else None
        return JSONResponse({"message": "Not Found"}, 404) if said is None else JSONResponse(said)

    async def provenance(self, request: Request) -> Response:
        name, version, filename = (request.path_params[key] for key in ("name", "version", "filename"))
        accept = request.headers.get("Accept", "*/*")
        if not any(kind in accept for kind in (_INTEGRITY, "application/json", "*/*", "application/*")):
            return JSONResponse({"message": "Request not acceptable"}, 406)
        found = await run_in_threadpool(self._shelf.provenance, name, version, filename)
        if found is None:
            return JSONResponse({"message": f"No provenance available for {filename}"}, 404)
        return Response(found, media_type=_INTEGRITY)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE):
            yield piece


def _project_json(project: Project, version: str | None, origin: str) -> dict[str, Any] | None:
    """Of the newest release, or of the one that is named; None where there is none."""
    if version is None:
        stable = [each for each in project.releases if not Version(each.version).is_prerelease and each.yanked is None]
        chosen = (stable or list(project.releases))[-1:]
    else:
        try:
            asked = Version(version)
        except InvalidVersion:
            return None
        chosen = [each for each in project.releases if Version(each.version) == asked]
    if not chosen:
        return None
    release: Release = chosen[0]
    urls = [_file_json(file, origin) for file in release.files]
    info = {**release.info, "yanked": release.yanked is not None, "yanked_reason": release.yanked or None}
    said: dict[str, Any] = {"info": info, "urls": urls, "last_serial": sum(len(each.files) for each in project.releases)}
    if version is None:
        said["releases"] = {each.version: [_file_json(file, origin) for file in each.files] for each in project.releases}
    return said


def _file_json(file: File, origin: str) -> dict[str, Any]:
    when = simple.upload_time(file.uploaded)
    return {
        "filename": file.filename,
        "digests": {"sha256": file.sha256, "blake2b_256": file.blake2_256},
        "packagetype": file.kind,
        "python_version": file.pyversion,
        "requires_python": file.requires_python or None,
        "size": file.size,
        "upload_time": when.partition(".")[0],
        "upload_time_iso_8601": when,
        "url": origin + simple.file_path(file),
        "yanked": file.yanked is not None,
        "yanked_reason": file.yanked or None,
    }
