"""A program for the tests: keeps what is PUT and gives it back on GET, in memory, on a loopback port that it prints."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BLOBS: dict[str, bytes] = {}


class Blobs(BaseHTTPRequestHandler):
    def do_PUT(self) -> None:
        BLOBS[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        blob = BLOBS.get(self.path)
        self.send_response(404 if blob is None else 200)
        self.send_header("Content-Length", str(len(blob or b"")))
        self.end_headers()
        self.wfile.write(blob or b"")


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Blobs)
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
