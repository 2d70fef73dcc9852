"""What a package index has. Asked through `Index`, so that PyPI, an index of one's own and the embedded one are alike."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Protocol
from urllib.parse import urlsplit

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version

from headrace.base.errors import HeadraceError, Problem
from headrace.release.model import Finding, Wanted
from headrace.release.versions import normal, read

JSON = "application/vnd.pypi.simple.v1+json"
PYPI = "https://pypi.org/simple/"
_SIMPLE = {"upload.pypi.org": PYPI, "test.pypi.org": "https://test.pypi.org/simple/"}


class IndexSilent(HeadraceError):
    """The index gave no answer that can be read: what it has is unknown."""

    status = 1


class Index(Protocol):
    """`url` is what a person is told."""

    @property
    def url(self) -> str: ...

    def files(self, project: str) -> dict[str, str] | None:
        """File name → sha256 (empty where the index does not say); None where it has no such project. Raises IndexSilent."""


class SimpleIndex:
    """The simple API over HTTP in its JSON form (PEP 691), which PyPI and our own index speak alike."""

    def __init__(self, url: str, timeout: float = 15.0) -> None:
        self._url, self._timeout = url.rstrip("/") + "/", timeout

    @property
    def url(self) -> str:
        return self._url

    def files(self, project: str) -> dict[str, str] | None:
        from http.client import HTTPException
        from urllib.error import HTTPError
        from urllib.request import Request, urlopen

        address = f"{self._url}{normal(project)}/"
        if urlsplit(address).scheme not in ("http", "https"):
            raise IndexSilent(Problem(f"{self._url} is no address of an index", hint="say one such as https://host/simple/"))
        request = Request(address, headers={"Accept": JSON, "Cache-Control": "no-cache", "User-Agent": "headrace"})
        try:
            with urlopen(request, timeout=self._timeout) as answer:
                kind, body = answer.headers.get_content_type(), answer.read()
        except HTTPError as error:
            if error.code == 404:
                return None
            raise IndexSilent(Problem(f"{address} answers {error.code} {error.reason}")) from None
        except (OSError, HTTPException) as error:
            raise IndexSilent(Problem(f"{address} does not answer: {getattr(error, 'reason', error)}")) from None
        try:
            return _listed(json.loads(body))
        except (ValueError, TypeError, KeyError):
            raise IndexSilent(Problem(f"{address} does not speak JSON ({kind})")) from None


def _listed(page: Any) -> dict[str, str]:
    return {str(file["filename"]): str((file.get("hashes") or {}).get("sha256", "")) for file in page["files"]}


def simple_of(upload: str) -> str:
    """The simple API of the index that a pipeline uploads to; PyPI's where it does not say.

    >>> simple_of(""), simple_of("https://test.pypi.org/legacy/"), simple_of("https://index.example.org:8443/legacy/")
    ('https://pypi.org/simple/', 'https://test.pypi.org/simple/', 'https://index.example.org:8443/simple/')
    """
    address = urlsplit(upload)
    if not address.hostname:
        return PYPI
    path = address.path.rstrip("/").removesuffix("/legacy")
    return _SIMPLE.get(address.hostname, f"{address.scheme}://{address.netloc}{path}/simple/")


def version_in(file: str) -> Version | None:
    """The version in the name of a file that an index holds; old kinds of files are read as well as they can be.

    >>> version_in("a_b-1.0-py3-none-any.whl"), version_in("a_b-1.0rc1.tar.gz"), version_in("a-1.2.zip"), version_in("readme")
    (<Version('1.0')>, <Version('1.0rc1')>, <Version('1.2')>, None)
    """
    try:
        if file.endswith(".whl"):
            return parse_wheel_filename(file)[1]
        return parse_sdist_filename(file)[1]
    except (InvalidWheelFilename, InvalidSdistFilename):
        for ending in (".tar.bz2", ".egg", ".exe", ".tgz"):
            if file.endswith(ending):
                return read(file[: -len(ending)].split("-")[1] if file.count("-") else "")
        return None


def versions_in(files: Iterable[str]) -> Iterator[Version]:
    yield from {version for file in files if (version := version_in(file)) is not None}


def check_index(wanted: Wanted, index: Index, files: Iterable[str]) -> Iterator[Finding]:
    """Files of this version that are there already: no version can be had twice."""
    version = read(wanted.version)
    taken = sorted(file for file in files if version is not None and version_in(file) == version)
    if taken:
        text = f"{wanted.version} of {wanted.package} is on {index.url} already: {', '.join(taken)}"
        yield Finding("on-index", Problem(text, hint="release the next version"), wanted.package)
