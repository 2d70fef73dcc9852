"""The client of a run's package indexes: https to where they listen, under the names of the real ones, which are never asked."""

from __future__ import annotations

import json
import os
import socket
import ssl
import time
from base64 import b64encode
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import quote, urlsplit

from headrace.actions.builtin.toolkit import ActionFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TIMEOUT_S = 300.0
_READY_S = 30.0
_AUTHORITY = "/index/authority"


class Refused(Exception):
    """The exchange went wrong; says why."""


class Answer:
    def __init__(self, status: int, reason: str, body: bytes) -> None:
        self.status, self.reason = status, reason
        self.text = body.decode("utf-8", "replace").strip()

    def json(self) -> dict[str, object]:
        """Raises ValueError where it is no object."""
        found = json.loads(self.text)
        if not isinstance(found, dict):
            raise ValueError("no object")
        return found


class _Connection(HTTPSConnection):
    """To `place`, while the certificate must be for `host`."""

    def __init__(self, host: str, place: tuple[str, int], context: ssl.SSLContext) -> None:
        super().__init__(host, timeout=_TIMEOUT_S, context=context)
        self._place, self._trusting = place, context

    def connect(self) -> None:
        plain = socket.create_connection(self._place, timeout=_TIMEOUT_S)
        self.sock = self._trusting.wrap_socket(plain, server_hostname=self.host)


class Index:
    """The index of the run that stands in for `host`. Raises ActionFailed where the run has none."""

    def __init__(self, host: str) -> None:
        place, services = os.environ.get("HEADRACE_INDEX", ""), os.environ.get("ACTIONS_RESULTS_URL", "")
        if not place or not services:
            raise ActionFailed(f"this run has no index that stands in for {host}")
        name, _, port = place.rpartition(":")
        self.host = host
        self._place = name, int(port)
        self._context = ssl.create_default_context(cadata=_authority(services))

    def request(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] = {}) -> Answer:
        """Raises ActionFailed where it cannot be reached."""
        connection = _Connection(self.host, self._place, self._context)
        try:
            connection.request(method, path, body or None, {"User-Agent": "headrace", **headers})
            response = connection.getresponse()
            return Answer(response.status, response.reason, response.read())
        except (OSError, HTTPException) as error:
            raise ActionFailed(f"the index that stands in for {self.host} does not answer: {error}") from None
        finally:
            connection.close()

    def post_json(self, path: str, said: object) -> Answer:
        return self.request("POST", path, json.dumps(said).encode(), {"Content-Type": "application/json"})

    def upload(self, path: str, fields: Mapping[str, Sequence[str]], filename: str, content: bytes, token: str) -> Answer:
        """One file, as twine sends it. Raises ActionFailed."""
        boundary = os.urandom(16).hex()
        parts: list[bytes] = []
        for name, values in fields.items():
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
            parts += [head + value.encode("utf-8", "surrogateescape") + b"\r\n" for value in values]
        shown = filename.replace('"', "%22")
        disposition = f'form-data; name="content"; filename="{shown}"\r\nContent-Type: application/octet-stream'
        parts += [f"--{boundary}\r\nContent-Disposition: {disposition}\r\n\r\n".encode(), content]
        parts.append(f"\r\n--{boundary}--\r\n".encode())
        secret = b64encode(f"__token__:{token}".encode()).decode()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Authorization": f"Basic {secret}"}
        return self.request("POST", path, b"".join(parts), headers)


def identity_token(audience: str) -> str:
    """From the issuer of the run. Raises Refused where the job may not have one."""
    url, secret = os.environ.get("ACTIONS_ID_TOKEN_REQUEST_URL", ""), os.environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "")
    if not url or not secret:
        raise Refused("GitHub: the job has no ACTIONS_ID_TOKEN_REQUEST_TOKEN, as it lacks the permission `id-token: write`")
    answer = _get(f"{url}&audience={quote(audience, safe='')}", {"Authorization": f"bearer {secret}"})
    try:
        value = answer.json().get("value") if answer.status == 200 else None
    except ValueError:
        value = None
    if not isinstance(value, str):
        raise Refused(f"GitHub: the request for an identity token was answered with {answer.status} {answer.reason}")
    return value


def _authority(services: str) -> str:
    """Raises ActionFailed."""
    parts = urlsplit(services)
    until = time.monotonic() + _READY_S
    while True:
        try:
            answer = _get(f"{parts.scheme}://{parts.netloc}{_AUTHORITY}", {})
        except Refused as error:
            raise ActionFailed(f"the services of the run do not answer: {error}") from None
        if answer.status == 200:
            return answer.text
        if answer.status != 503 or time.monotonic() > until:
            raise ActionFailed(f"this run has no package index: {answer.status} {answer.reason}")
        time.sleep(0.05)  # 503: the indexes are being opened, and nothing tells when they are


def _get(url: str, headers: dict[str, str]) -> Answer:
    """Raises Refused where nobody answers."""
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.netloc, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path, None, headers)
        response = connection.getresponse()
        return Answer(response.status, response.reason, response.read())
    except (OSError, HTTPException) as error:
        raise Refused(str(error) or type(error).__name__) from None
    finally:
        connection.close()
