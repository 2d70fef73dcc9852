"""Simple pages: HTML and JSON with the same content. Pure, apart from the answer.

Source: PEP 503, 592, 629, 658, 691, 700, 714, 740, 792."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from html import escape
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from headrace.index.model import File, Project

API = "1.4"
JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"
PLAIN = "text/html"
_LATEST = {"application/vnd.pypi.simple.latest+json": JSON, "application/vnd.pypi.simple.latest+html": HTML}


def wanted(accept: str) -> str:
    """The type of the answer: the best that the client takes, HTML where it takes none of ours.

    >>> wanted(""), wanted("*/*"), wanted("application/vnd.pypi.simple.v1+json, text/html;q=0.1")
    ('text/html', 'text/html', 'application/vnd.pypi.simple.v1+json')
    >>> wanted("application/vnd.pypi.simple.v1+html;q=0.2, application/vnd.pypi.simple.v1+json;q=0")
    'application/vnd.pypi.simple.v1+html'
    """
    best, found = 0.0, PLAIN
    for part in accept.split(","):
        name, *parameters = (word.strip().lower() for word in part.split(";"))
        name = _LATEST.get(name, name)
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = float(parameter[2:])
                except ValueError:
                    weight = 0.0
        if name in (JSON, HTML, PLAIN) and weight > best:
            best, found = weight, name
    return found


def files_of(project: Project) -> Iterator[File]:
    """Every file, the oldest release first."""
    for release in project.releases:
        yield from release.files


def file_path(file: File) -> str:
    """Below the origin; the same bytes for ever."""
    return f"files/{file.sha256[:2]}/{file.sha256[2:]}/{quote(file.filename)}"


def upload_time(seconds: float) -> str:
    """
    >>> upload_time(0.5)
    '1970-01-01T00:00:00.500000Z'
    """
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def provenance_path(file: File) -> str:
    return f"integrity/{file.project}/{quote(file.version)}/{quote(file.filename)}/provenance"


def project_json(project: Project, origin: str) -> dict[str, Any]:
    """`origin` is where the index is, with a slash at its end."""
    return {
        "meta": {"api-version": API},
        "name": project.normalized,
        "project-status": {"status": "active"},
        "versions": [release.version for release in project.releases if release.files],
        "files": [_file_json(file, origin) for file in files_of(project)],
    }


def _file_json(file: File, origin: str) -> dict[str, Any]:
    core = {"sha256": file.metadata_sha256} if file.metadata_sha256 else False
    entry: dict[str, Any] = {
        "filename": file.filename,
        "url": origin + file_path(file),
        "hashes": {"sha256": file.sha256},
        "size": file.size,
        "upload-time": upload_time(file.uploaded),
        "yanked": False if file.yanked is None else file.yanked or True,
        # Its old name, `dist-info-metadata`, makes pip before 23.1 fail, so PyPI does not say it here either.
        "core-metadata": core,
        "provenance": origin + provenance_path(file) if file.attested else None,
    }
    return entry | ({"requires-python": file.requires_python} if file.requires_python else {})


def project_html(project: Project, origin: str) -> str:
    lines = []
    for file in files_of(project):
        attributes = {"href": f"{origin}{file_path(file)}#sha256={file.sha256}"}
        if file.requires_python:
            attributes["data-requires-python"] = file.requires_python
        if file.yanked is not None:
            attributes["data-yanked"] = file.yanked
        if file.metadata_sha256:
            attributes["data-core-metadata"] = attributes["data-dist-info-metadata"] = f"sha256={file.metadata_sha256}"
        if file.attested:
            attributes["data-provenance"] = origin + provenance_path(file)
        said = " ".join(f'{name}="{escape(value)}"' for name, value in attributes.items())
        lines.append(f"    <a {said}>{escape(file.filename)}</a><br />")
    status = '    <meta name="pypi:project-status" content="active">\n'
    return _page(f"Links for {project.normalized}", lines, status)


def projects_json(projects: list[Project]) -> dict[str, Any]:
    return {"meta": {"api-version": API}, "projects": [{"name": project.name} for project in projects]}


def projects_html(projects: list[Project]) -> str:
    lines = [f'    <a href="/simple/{project.normalized}/">{escape(project.name)}</a><br />' for project in projects]
    return _page("Simple index", lines)


def _page(title: str, lines: list[str], more: str = "") -> str:
    body = "\n".join(lines)
    return (
        f'<!DOCTYPE html>\n<html>\n  <head>\n    <meta name="pypi:repository-version" content="{API}">\n{more}'
        f"    <title>{escape(title)}</title>\n  </head>\n  <body>\n    <h1>{escape(title)}</h1>\n{body}\n  </body>\n</html>\n"
    )


def answer(request: Request, as_json: dict[str, Any], as_html: str) -> Response:
    """In the form that the client takes."""
    kind = wanted(request.headers.get("Accept", ""))
    body = json.dumps(as_json) if kind == JSON else as_html
    # Whoever has just published asks at once whether the file is there.
    return Response(body, media_type=kind, headers={"Vary": "Accept", "Cache-Control": "max-age=0, no-cache"})


def missing() -> Response:
    return PlainTextResponse("404 Not Found\n", 404)
