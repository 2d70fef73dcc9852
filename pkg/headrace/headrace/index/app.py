"""The index as one ASGI application."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from headrace.index.database import Database
from headrace.index.exchange import UPLOAD, Exchange
from headrace.index.issuers import Issuers, Keys
from headrace.index.model import GITHUB, Limits
from headrace.index.pages import Pages
from headrace.index.shelf import Shelf
from headrace.index.upload import Mode, Uploads


class Settings(Struct, frozen=True):
    """What an index does. `issuers` are trusted, and tokens must be for `audience`; `relaxed` are the rules that only warn;
    without `publishing`, no token is given."""

    issuers: Sequence[str] = (GITHUB,)
    audience: str = "headrace"
    limits: Limits = Limits()
    relaxed: frozenset[str] = frozenset()
    mode: Mode = "open"
    publishing: bool = True


DEFAULT = Settings()


def create_app(
    folder: str, settings: Settings = DEFAULT, log: Callable[[str], None] | None = None, keys: Mapping[str, Keys] = {}
) -> Starlette:
    """The index in `folder`, which is made where it is missing. `log` gets a line for each thing that changes; none of them holds
    a token. `keys`: issuers whose keys are at hand, so that nobody fetches them. Raises UsageError for an issuer that cannot be
    trusted."""
    say = log or _to_stderr
    database = Database(folder)
    shelf = Shelf(database, settings.limits)
    issuers = Issuers(settings.issuers, settings.audience, keys)
    uploads = Uploads(database, shelf, say, mode=settings.mode, relaxed=settings.relaxed)
    exchange = Exchange(database, issuers, settings.audience, say, enabled=settings.publishing)
    routes = [
        *exchange.routes(),
        *Pages(shelf).routes(),
        Route(UPLOAD, uploads.post, methods=["POST"]),
        Route(UPLOAD.rstrip("/"), _with_slash, methods=["POST"]),
        Route("/healthz", _health, methods=["GET"]),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: _plain, ClientDisconnect: _gone})


async def _with_slash(request: Request) -> Response:
    answer = RedirectResponse(UPLOAD, 308)
    answer.body = b"An upload was attempted to /legacy but the expected upload URL is /legacy/ (with a trailing slash)\n"
    answer.headers["Content-Length"] = str(len(answer.body))
    return answer


async def _health(request: Request) -> Response:
    return PlainTextResponse("ok\n")


async def _plain(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return PlainTextResponse(f"{error.status_code} {error.detail}\n", error.status_code)


async def _gone(request: Request, error: Exception) -> Response:
    """Nobody reads this answer: the client hung up in the middle of its request."""
    return Response(status_code=400)


def _to_stderr(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
