"""Downloads from the signed URLs of the artifact service."""

from __future__ import annotations

import time
from hashlib import sha256
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import NamedTuple
from urllib.parse import urlsplit

from headrace.actions.builtin import toolkit
from headrace.actions.builtin.toolkit import ActionFailed

_ATTEMPTS = 5
_WAIT_S = 5.0
_STALLED_S = 30.0


class Downloaded(NamedTuple):
    """What came with a download: `name` is the file name that the service suggests, `path` that of the URL."""

    digest: str
    mime: str
    name: str
    path: str


def download(url: str, path: str) -> Downloaded:
    """The bytes behind a signed URL as a file. What breaks off, or stands still for 30 seconds, is begun anew.

    Raises ActionFailed, OSError."""
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    why = ""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return _fetch(kind(parts.netloc, timeout=_STALLED_S), target, path)
        except (HTTPException, TimeoutError, ConnectionError) as error:
            why = str(error) or type(error).__name__
        if attempt < _ATTEMPTS:
            toolkit.debug(f"Failed to download artifact after {attempt} retries due to {why}. Retrying in 5 seconds...")
            time.sleep(_WAIT_S)
    raise ActionFailed(f"Artifact download failed after {_ATTEMPTS} retries: {why}")


def _fetch(connection: HTTPConnection, target: str, path: str) -> Downloaded:
    """Raises HTTPException for any answer but 200 and for one that is too short."""
    digest = sha256()
    try:
        connection.request("GET", target)
        response = connection.getresponse()
        if response.status != 200:
            raise HTTPException(f"Unexpected HTTP response from blob storage: {response.status} {response.reason}")
        with open(path, "wb") as file:
            while piece := response.read(1 << 20):
                digest.update(piece)
                file.write(piece)
        if response.length:
            raise HTTPException(f"{response.length} bytes are missing")
        headers = response.headers
        return Downloaded(digest.hexdigest(), headers.get_content_type(), headers.get_filename("") or "", urlsplit(target).path)
    finally:
        connection.close()
