"""What an index is tried with: distributions, an issuer of identity tokens, and an index that is served over https."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
import threading
import time
import uuid
import zipfile
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from test_core.calls import Headrace
from test_core.processes import Running, environment

CLAIMS = {
    "repository": "octo/demo",
    "repository_owner": "octo",
    "repository_owner_id": "17",
    "job_workflow_ref": "octo/demo/.github/workflows/release.yml@refs/tags/demo@1.0",
    "workflow_ref": "octo/demo/.github/workflows/release.yml@refs/tags/demo@1.0",
    "ref": "refs/tags/demo@1.0",
    "sha": "0123456789012345678901234567890123456789",
    "event_name": "push",
    "sub": "repo:octo/demo:ref:refs/tags/demo@1.0",
}
"""Of a tag's pipeline in octo/demo, whose owner has the number 17."""


def metadata(name: str = "demo", version: str = "1.0", **more: str) -> str:
    """A METADATA file."""
    lines = {"Metadata-Version": "2.4", "Name": name, "Version": version, "Summary": "A demo", "Requires-Python": ">=3.8", **more}
    return "".join(f"{key.replace('_', '-')}: {value}\n" for key, value in lines.items() if value) + "\nHello.\n"


def wheel_members(name: str = "demo", version: str = "1.0", tag: str = "py3-none-any", **more: str) -> dict[str, str]:
    """Path → text of a small wheel's members."""
    info = f"{name}-{version}.dist-info"
    members = {
        f"{name}/__init__.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": metadata(name, version, **more),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    rows = [f"{path},sha256={_digest(text)},{len(text.encode())}" for path, text in members.items()]
    return {**members, f"{info}/RECORD": "\n".join([*rows, f"{info}/RECORD,,", ""])}


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def zipped(members: Mapping[str, str | bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for path, text in members.items():
            archive.writestr(zipfile.ZipInfo(path), text, compression)
    return out.getvalue()


def tarred(members: Mapping[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for path, text in members.items():
            content = text.encode() if isinstance(text, str) else text
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def wheel(name: str = "demo", version: str = "1.0", **more: str) -> bytes:
    return zipped(wheel_members(name, version, **more))


def sdist(name: str = "demo", version: str = "1.0", **more: str) -> bytes:
    """Its build backend stands in the tree itself, so that it installs without a network."""
    top = f"{name}-{version}"
    return tarred(
        {f"{top}/PKG-INFO": metadata(name, version, **more), f"{top}/{name}/__init__.py": "", f"{top}/pyproject.toml": ""}
    )


def write_dist(folder: Path, name: str = "demo", version: str = "1.0", **more: str) -> list[Path]:
    """A wheel and an sdist below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {
        f"{name}-{version}-py3-none-any.whl": wheel(name, version, **more),
        f"{name}-{version}.tar.gz": sdist(name, version, **more),
    }
    for filename, content in made.items():
        (folder / filename).write_bytes(content)
    return [folder / filename for filename in made]


class Issuer:
    """An issuer of identity tokens on loopback, which says whatever it is asked to say. Use as a context manager."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(65537, 2048)
        self.asked = 0  # for its keys
        self.empty = False  # whether it has no keys to show
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/keys":
                    issuer.asked += 1
                said = issuer._keys() if self.path == "/keys" else {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys"}
                body = json.dumps(said).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def _keys(self) -> dict[str, Any]:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key()))
        return {"keys": [] if self.empty else [{**public, "kid": "one", "alg": "RS256", "use": "sig"}]}

    def token(self, kid: str | None = "one", key: Any = None, **changes: Any) -> str:
        """A token for the audience `headrace` with CLAIMS and what is changed; None takes a claim away."""
        now = int(time.time())
        said = {"iss": self.url, "aud": "headrace", "iat": now, "nbf": now - 600, "exp": now + 300, "jti": str(uuid.uuid4())}
        claims = {name: value for name, value in {**said, **CLAIMS, **changes}.items() if value is not None}
        return jwt.encode(claims, key or self._key, "RS256", headers={"kid": kid} if kid else {})

    def __enter__(self) -> Issuer:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()


class Index:
    """`headrace index serve` on a free port over https. Use as a context manager."""

    def __init__(self, headrace: Headrace, store: Path, *options: str, **extra: str) -> None:
        self.headrace = headrace
        self.store = store
        self.log = store.parent / f"{store.name}.log"
        argv = headrace.command("index", "serve", "--store", str(store), "--log", str(self.log), "--json", *options)
        self.running = Running(argv, store.parent, headrace.environment({"DEV_SERVER_LOGS": "1", **extra}))
        self.where: dict[str, str] = {}

    def __enter__(self) -> Index:
        self.where = json.loads(self.running.wait_for(r"^\{.*\}$").group())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.running.end()

    @property
    def url(self) -> str:
        return self.where["url"]

    def environment(self, **more: str) -> dict[str, str]:
        """For clients: with the index's authority, and nothing of the caller's own settings."""
        bundle = self.where["bundle"]
        names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE")
        kept = environment(without=("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_INDEX_URL", "UV_DEFAULT_INDEX", "PYTHONPATH"))
        home = str(self.headrace.home)
        own = {"HOME": home, "PIP_CONFIG_FILE": "/dev/null", "UV_NO_CONFIG": "1", "UV_CACHE_DIR": f"{home}/uv-cache"}
        return {**kept, **own, **dict.fromkeys(names, bundle), **more}

    def publisher(self, project: str = "demo", **more: str) -> None:
        """Let octo/demo's release.yml publish."""
        given = {"repository": "octo/demo", "workflow": "release.yml", "owner-id": "17", **more}
        options = [word for name, value in given.items() for word in (f"--{name}", value)]
        done = self.headrace("index", "publisher", "add", project, "--store", str(self.store), *options)
        assert done.status == 0, done.err
