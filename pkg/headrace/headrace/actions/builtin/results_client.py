"""The client of the artifact service: Twirp calls in JSON with the job's runtime token, and uploads in blocks to signed URLs."""

from __future__ import annotations

import json
import os
import time
from base64 import urlsafe_b64decode
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import quote, urlsplit

from headrace.actions.builtin import toolkit
from headrace.actions.builtin.toolkit import ActionFailed

_ATTEMPTS = 5
RETRIED = (429, 500, 502, 503, 504)
_TIMEOUT_S = 300.0


class CallFailed(Exception):
    """The service refused; `code` is Twirp's."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class Client:
    """Reads ACTIONS_RESULTS_URL (its origin only) and ACTIONS_RUNTIME_TOKEN; ActionFailed where one is missing or wrong."""

    def __init__(self) -> None:
        url, self._token = os.environ.get("ACTIONS_RESULTS_URL", ""), os.environ.get("ACTIONS_RUNTIME_TOKEN", "")
        if not self._token:
            raise ActionFailed("Unable to get the ACTIONS_RUNTIME_TOKEN env variable")
        if not url:
            raise ActionFailed("Unable to get the ACTIONS_RESULTS_URL env variable")
        parts = urlsplit(url)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self.run_id, self.job_id = _ids(self._token)

    def call(self, method: str, **fields: object) -> dict[str, object]:
        """One call of ArtifactService; the ids of run and job are added. Raises CallFailed and ActionFailed."""
        body = {"workflow_run_backend_id": self.run_id, "workflow_job_run_backend_id": self.job_id} | fields
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        url = f"{self._origin}/twirp/github.actions.results.api.v1.ArtifactService/{method}"
        status, reason, answer = request("POST", url, json.dumps(body).encode(), headers)
        try:
            data = json.loads(answer)
        except ValueError:
            data = None
        if status != 200 or not isinstance(data, dict):
            told = data if isinstance(data, dict) else {}
            text = f"Failed to {method}: Received non-retryable error: Failed request: ({status}) {reason}: {told.get('msg', '')}"
            raise CallFailed(text, str(told.get("code", "")))
        return data


class BlockWriter:
    """A file to write to that can only go on: it goes up in blocks of 8 MiB, of which `finish` makes the blob. Its methods raise
    ActionFailed."""

    def __init__(self, url: str, *, block_size: int = 8 << 20) -> None:
        from hashlib import sha256

        self._url, self._block_size = url, block_size
        self._pending = bytearray()
        self._ids: list[str] = []
        self._hash = sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self._pending += data
        self._hash.update(data)
        self.size += len(data)
        while len(self._pending) >= self._block_size:
            self._send(bytes(self._pending[: self._block_size]))
            del self._pending[: self._block_size]
        return len(data)

    def flush(self) -> None:
        """Nothing: a block goes when it is full."""

    def close(self) -> None:
        """Nothing: `finish` is what ends it."""

    def finish(self, content_type: str) -> str:
        """Make the blob; its digest as hex."""
        if self._pending or not self._ids:
            self._send(bytes(self._pending))
            self._pending.clear()
        listed = "".join(f"<Latest>{name}</Latest>" for name in self._ids)
        body = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{listed}</BlockList>'.encode()
        _put(self._url, body, "application/xml", "comp=blocklist")
        return self._hash.hexdigest()

    def _send(self, block: bytes) -> None:
        from base64 import b64encode

        name = b64encode(f"{len(self._ids):048d}".encode()).decode("ascii")  # all of a blob's ids have the same length: 64
        _put(self._url, block, "application/octet-stream", f"comp=block&blockid={quote(name, safe='')}")
        self._ids.append(name)


def _put(url: str, body: bytes, content_type: str, query: str) -> None:
    """One request of an upload; `query` is appended to the signed URL, which is kept as it is. Raises ActionFailed."""
    headers = {"Content-Type": content_type, "x-ms-version": "2024-11-04"}
    status, reason, answer = request("PUT", f"{url}&{query}", body, headers)
    if status != 201:
        told = answer.decode("utf-8", "replace").strip()
        raise ActionFailed(f"Failed to upload to blob storage: ({status}) {reason}: {told}")


def _ids(token: str) -> tuple[str, str]:
    try:
        payload = token.split(".")[1]
        claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        for scope in str(claims.get("scp", "")).split(" "):
            parts = scope.split(":")
            if parts[0] == "Actions.Results" and len(parts) == 3:
                return parts[1], parts[2]
    except (IndexError, ValueError, AttributeError):
        pass
    raise ActionFailed("Failed to get backend IDs: The provided JWT token is invalid")


def request(
    method: str, url: str, body: bytes, headers: dict[str, str], retried: tuple[int, ...] = RETRIED
) -> tuple[int, str, bytes]:
    """Status, reason and body. Overload and server errors are tried again; a connection that cannot be had is not. Raises
    ActionFailed."""
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    wait = 3.0
    for attempt in range(1, _ATTEMPTS + 1):
        connection = kind(parts.netloc, timeout=_TIMEOUT_S)
        try:
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            status, reason, answer = response.status, response.reason, response.read()
        except OSError as error:
            import errno

            name = errno.errorcode.get(error.errno or 0, type(error).__name__)
            raise ActionFailed(f"Unable to make request: {name}: {error}") from None
        except HTTPException as error:
            status, reason, answer = 502, f"{type(error).__name__}: {error}", b""
        finally:
            connection.close()
        if status not in retried or attempt == _ATTEMPTS:
            return status, reason, answer
        toolkit.info(
            f"Attempt {attempt} of {_ATTEMPTS} failed with error: ({status}) {reason}. Retrying request in {wait:.0f} s..."
        )
        time.sleep(wait)
        wait *= 1.5
    raise AssertionError("not reached")
