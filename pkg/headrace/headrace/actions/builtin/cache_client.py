"""The client of the cache service, version 2, and the transport of archives to and from signed URLs."""

from __future__ import annotations

import json
import os
import time
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import NamedTuple
from urllib.parse import urlsplit

from headrace.actions.builtin import toolkit
from headrace.actions.builtin.results_client import BlockWriter, request
from headrace.actions.builtin.toolkit import ActionFailed

_RETRIED = (500, 502, 503, 504)
_PIECE = 1 << 20
_BLOCK = 32 << 20
_TIMEOUT_S = 60.0
_ATTEMPTS = 3


class Failed(Exception):
    """The service cannot be had, or refuses; says why."""


class Hit(NamedTuple):
    key: str
    url: str


class CacheClient:
    """Reads ACTIONS_RESULTS_URL (its origin only) and ACTIONS_RUNTIME_TOKEN; ActionFailed where one is missing."""

    def __init__(self) -> None:
        url, self._token = os.environ.get("ACTIONS_RESULTS_URL", ""), os.environ.get("ACTIONS_RUNTIME_TOKEN", "")
        if not self._token:
            raise ActionFailed("Unable to get the ACTIONS_RUNTIME_TOKEN env variable")
        parts = urlsplit(url)
        self._origin = f"{parts.scheme}://{parts.netloc}"

    def find(self, key: str, others: list[str], version: str) -> Hit | None:
        """Raises Failed."""
        answer = self._call("GetCacheEntryDownloadURL", key=key, restore_keys=others, version=version)
        if not answer.get("ok"):
            return None
        return Hit(_text(answer, "matched_key", "matchedKey"), _text(answer, "signed_download_url", "signedDownloadUrl"))

    def create(self, key: str, version: str) -> str:
        """The URL for the bytes of a new entry. Raises Failed."""
        answer = self._call("CreateCacheEntry", key=key, version=version)
        if not answer.get("ok"):
            raise Failed(_text(answer, "message") or "Response was not ok")
        return _text(answer, "signed_upload_url", "signedUploadUrl")

    def finish(self, key: str, version: str, size: int) -> None:
        """Raises Failed."""
        answer = self._call("FinalizeCacheEntryUpload", key=key, version=version, size_bytes=str(size))
        if not answer.get("ok"):
            told = _text(answer, "message")
            raise Failed(told or f"Unable to finalize cache with key {key}, another job may be finalizing this cache.")

    def _call(self, method: str, **fields: object) -> dict[str, object]:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        url = f"{self._origin}/twirp/github.actions.results.api.v1.CacheService/{method}"
        try:
            status, reason, answer = request("POST", url, json.dumps(fields).encode(), headers, _RETRIED)
        except ActionFailed as failure:
            raise Failed(f"Failed to {method}: {failure}") from None
        try:
            data = json.loads(answer)
        except ValueError:
            data = None
        if status != 200 or not isinstance(data, dict):
            told = data.get("msg", "") if isinstance(data, dict) else ""
            tried = "Failed to make request after 5 attempts" if status in _RETRIED else "Received non-retryable error"
            raise Failed(f"Failed to {method}: {tried}: Failed request: ({status}) {reason}{f': {told}' if told else ''}")
        return data


def upload(url: str, path: str) -> None:
    """Raises ActionFailed and OSError."""
    begun = time.monotonic()
    writer = BlockWriter(url, block_size=_BLOCK)
    with open(path, "rb") as file:
        while piece := file.read(_PIECE):
            writer.write(piece)
    writer.finish("application/octet-stream")
    speed = writer.size / (1 << 20) / max(time.monotonic() - begun, 0.001)
    toolkit.info(f"Sent {writer.size} of {writer.size} (100.0%), {speed:.1f} MBs/sec")


def download(url: str, path: str) -> None:
    """Raises Failed and OSError."""
    for attempt in range(1, _ATTEMPTS + 1):
        status = _get(url, path)
        if status == 200:
            return
        if status < 500 or attempt == _ATTEMPTS:
            raise Failed(f"Cache service responded with {status}")
        time.sleep(1)


def _get(url: str, path: str) -> int:
    """One attempt; the answer's status. Raises Failed and OSError."""
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.netloc, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path)
        response = connection.getresponse()
        if response.status != 200:
            return response.status
        expected, size = response.headers.get("Content-Length"), 0
        with open(path, "wb") as file:
            while piece := response.read(_PIECE):
                file.write(piece)
                size += len(piece)
        if expected is not None and size != int(expected):
            raise Failed(f"Incomplete download. Expected file size: {expected}, actual file size: {size}")
    except (HTTPException, ValueError) as error:
        raise Failed(f"Incomplete download. {type(error).__name__}: {error}") from None
    finally:
        connection.close()
    return 200


def _text(answer: dict[str, object], *names: str) -> str:
    return next((str(answer[name]) for name in names if answer.get(name)), "")
