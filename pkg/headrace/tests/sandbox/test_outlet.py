"""The proxy of a job's network, over real sockets: where it goes, through what, and where it does not."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator

import pytest
from headrace.sandbox import outlet, slirp


class Heard:
    """A server that keeps what it was sent first, and answers `answer`."""

    def __init__(self, answer: bytes) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.got: list[bytes] = []
        self._answer = answer
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            with client:
                data = b""
                while b"\r\n\r\n" not in data and (more := client.recv(4096)):
                    data += more
                self.got.append(data)
                client.sendall(self._answer)


@pytest.fixture
def upstream() -> Iterator[Heard]:
    heard = Heard(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nup")
    yield heard
    heard.server.close()


def ask(request: bytes, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> bytes:
    """What a proxy with this environment answers."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    pid = outlet.start(listener, [], environ)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
            client.sendall(request)
            data = b""
            while more := client.recv(4096):
                data += more
        return data
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254"])
@pytest.mark.parametrize("proxied", [False, True])
def test_this_machine_is_refused_whatever_a_proxy_would_say(
    host: str, proxied: bool, upstream: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {"http_proxy": f"http://127.0.0.1:{upstream.port}", "https_proxy": f"127.0.0.1:{upstream.port}"} if proxied else {}
    for request in (f"GET http://{host}:9/ HTTP/1.1\r\nHost: x\r\n\r\n", f"CONNECT {host}:9 HTTP/1.1\r\n\r\n"):
        assert ask(request.encode(), environ, monkeypatch).startswith(b"HTTP/1.1 403 ")
    assert upstream.got == []


def test_requests_go_through_the_proxy_that_the_machine_needs(upstream: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {"http_proxy": f"http://127.0.0.1:{upstream.port}", "HTTPS_PROXY": f"http://127.0.0.1:{upstream.port}/"}
    answer = ask(b"GET http://example.invalid/a?b HTTP/1.1\r\nHost: h\r\nProxy-Connection: x\r\n\r\n", environ, monkeypatch)
    assert answer.endswith(b"up")
    assert upstream.got == [b"GET http://example.invalid/a?b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"]
    assert ask(b"CONNECT example.invalid:443 HTTP/1.1\r\n\r\n", environ, monkeypatch).startswith(b"HTTP/1.1 200 ")
    assert upstream.got[1].startswith(b"CONNECT example.invalid:443 HTTP/1.1\r\n")


def test_what_the_machine_needs_no_proxy_for_is_asked_directly(upstream: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {"http_proxy": f"http://127.0.0.1:{upstream.port}", "no_proxy": ".invalid"}
    answer = ask(b"GET http://example.invalid/ HTTP/1.0\r\n\r\n", environ, monkeypatch)
    assert answer.startswith(b"HTTP/1.1 502 ")  # there is no such host
    assert upstream.got == []


@pytest.mark.parametrize("request_", [b"nonsense\r\n\r\n", b"GET /local HTTP/1.1\r\n\r\n", b"GET ftp://x/ HTTP/1.1\r\n\r\n"])
def test_what_is_no_request_to_a_proxy_is_told(request_: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(request_, {}, monkeypatch).startswith(b"HTTP/1.1 400 ")


def test_behind_a_proxy_of_the_machines_own_jobs_get_one_too() -> None:
    assert slirp.usable({"PATH": os.environ["PATH"], "https_proxy": "http://127.0.0.1:3128"}) == ""
    assert slirp.usable({"PATH": ""}) in ("", "/usr/bin/slirp4netns", "/usr/sbin/slirp4netns")
