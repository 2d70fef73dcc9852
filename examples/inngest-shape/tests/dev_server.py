"""A server for integration tests: takes events, and tells which it has.

It listens on port 8288, or on any other where that one is taken, as two Pythons may be tried on one machine at a time. With
DEV_SERVER_LOGS set it writes what it is asked into `dev-server.log` beside this file.
"""

from __future__ import annotations

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PORT = 8288
LOG = Path(__file__).with_name("dev-server.log")


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        kind, _, app = self.path.strip("/").partition("/")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if kind != "e" or not app:
            self._answer(404, {"error": "unknown"})
            return
        try:
            self._answer(200, {"ids": self.server.take(app, json.loads(body))})
        except (ValueError, TypeError):
            self._answer(400, {"error": "these are no events"})

    def do_GET(self) -> None:
        kind, _, app = self.path.strip("/").rpartition("/")
        if kind == "v1/events":
            self._answer(200, self.server.events.get(app, []))
        else:
            self._answer(404, {"error": "unknown"})

    def _answer(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        self.server.note(format % args)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, log: Path | None) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.events: dict[str, list[dict[str, object]]] = {}
        self._log = log
        self._lock = threading.Lock()
        self._count = 0

    def take(self, app: str, events: list[dict[str, object]]) -> list[str]:
        with self._lock:
            ids = [str(self._count + number) for number, _ in enumerate(events, 1)]
            self._count += len(events)
            kept = [{**event, "id": id} for event, id in zip(events, ids, strict=True)]
            self.events.setdefault(app, []).extend(kept)
            return ids

    def note(self, line: str) -> None:
        if self._log is not None:
            with self._lock, self._log.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")


class DevServer:
    """Use as a context manager. `url` says where it is."""

    def __init__(self, port: int = PORT) -> None:
        log = LOG if os.environ.get("DEV_SERVER_LOGS") else None
        try:
            self._server = _Server(port, log)
        except OSError:
            self._server = _Server(0, log)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._server.note(f"listens on {self.url}")
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> DevServer:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def raw(self, app: str) -> str:
        """All that it has of an app, as it came."""
        return json.dumps(self._server.events.get(app, []))
