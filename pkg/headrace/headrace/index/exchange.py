"""Trusted publishing: which audience, an upload token for an identity token, and the end of an upload token.

Source: warehouse, oidc/views.py; PEP 807 (draft) for the well-known address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from headrace.index import matching, messages, publishers, tokens
from headrace.index.database import Database
from headrace.index.issuers import LEEWAY_S, Issuers

_LARGEST = 1 << 16
_SLACK_S = 5
UPLOAD = "/legacy/"
_PYTP = "application/vnd.pypi.pytp.v1+json"


class _Payload(Struct, frozen=True):
    token: str


class NotMinted(Exception):
    """A refusal with PyPI's code for it."""

    def __init__(self, code: str, description: str, closest: matching.Closest | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.closest = closest


class Exchange:
    """`log` gets one line for each token that was minted or refused, without the token. `enabled`: else all is refused, as PyPI
    does when it is in trouble."""

    def __init__(
        self, database: Database, issuers: Issuers, audience: str, log: Callable[[str], None], *, enabled: bool = True
    ) -> None:
        self._database = database
        self._issuers = issuers
        self._audience = audience
        self._log = log
        self._enabled = enabled

    def routes(self) -> list[Route]:
        return [
            Route("/_/oidc/audience", self.audience, methods=["GET"]),
            Route("/_/oidc/mint-token", self.mint, methods=["POST"]),
            Route("/_/oidc/github/mint-token", self.mint, methods=["POST"]),
            Route("/_/oidc/burn-token", self.burn, methods=["POST"]),
            Route("/.well-known/pytp/{path}", self.discover, methods=["GET"]),
        ]

    async def audience(self, request: Request) -> Response:
        if not self._enabled:
            return JSONResponse({"message": messages.TP_DISABLED}, 403)
        return JSONResponse({"audience": self._audience})

    async def mint(self, request: Request) -> Response:
        """`{"token": JWT}` of any content type → an upload token. Every refusal is a 422 with an `errors` list, which clients
        index without looking; ours has a `report` beside it where a publisher comes close."""
        body = await _read(request)
        try:
            token, expires = await run_in_threadpool(self._mint, body)
        except NotMinted as error:
            report = str(error.closest) if error.closest else ""
            self._log(f"mint refused: {error.code}: {error}" + (f"; {report}" if report else ""))
            answer: dict[str, Any] = {
                "message": messages.TOKEN_FAILED,
                "errors": [{"code": error.code, "description": str(error)}],
            }
            if error.closest:
                answer["report"] = {
                    "text": report,
                    "publisher": error.closest.publisher.id,
                    "differences": [msgspec.to_builtins(each) for each in error.closest.differences],
                }
            return JSONResponse(answer, 422, {"Cache-Control": "no-store"})
        return JSONResponse({"success": True, "token": token, "expires": expires}, headers={"Cache-Control": "no-store"})

    def _mint(self, body: bytes) -> tuple[str, int]:
        """Raises NotMinted."""
        try:
            payload = msgspec.json.decode(body, type=_Payload)
        except (msgspec.DecodeError, UnicodeError) as error:
            raise NotMinted("invalid-payload", str(error)) from error
        try:
            issuer = self._issuers.issuer_of(payload.token)
        except ValueError:
            raise NotMinted("invalid-payload", messages.MALFORMED) from None
        if issuer is None:
            raise NotMinted("invalid-payload", messages.UNKNOWN_ISSUER)
        if not self._enabled:
            raise NotMinted("not-enabled", f"{_name(issuer)} trusted publishing functionality not enabled")
        claims = self._issuers.verify(payload.token, issuer)
        if claims is None:
            raise NotMinted("invalid-token", messages.BAD_TOKEN)
        try:
            return self._minted({**claims, "iss": issuer})
        except NotMinted as error:
            facts: dict[str, object] = {
                "code": error.code,
                "reason": str(error),
                "closest": str(error.closest or ""),
                "claims": _shown(claims),
            }
            publishers.Publishers(self._database).note("mint refused", facts)
            raise

    def _minted(self, claims: dict[str, Any]) -> tuple[str, int]:
        """From genuine claims: all of it in one transaction, so that of many calls with one token one has a result."""
        with self._database.writing() as database:
            stale = publishers.drop_stale(database, claims)
        if stale:
            raise NotMinted("invalid-pending-publisher", messages.PROJECT_EXISTS)
        with self._database.writing() as database:
            everyone = publishers.everyone(database)
            try:
                pending = matching.find([each for each in everyone if each.pending], claims)
            except matching.NoPublisher:
                pending = None
            if pending is not None:
                publishers.create_pending(database, pending)
                publishers.note(database, "project created", {"project": pending.pending, "publisher": pending.id})
            try:
                publisher = matching.find([each for each in publishers.everyone(database) if not each.pending], claims)
            except matching.NoPublisher as error:
                closest = matching.closest(everyone, claims) if error.closest or str(error) == messages.NOT_FOUND else None
                raise NotMinted("invalid-publisher", messages.no_publisher(str(error)), closest) from error
            if not tokens.use(database, claims["iss"], str(claims["jti"]), float(claims["exp"]) + LEEWAY_S + _SLACK_S):
                raise NotMinted("invalid-reuse-token", messages.USED_TOKEN)
            token, expires = tokens.mint(database, publisher.id, publisher.projects, _shown(claims))
            facts = {"publisher": publisher.id, "projects": list(publisher.projects), "claims": _shown(claims)}
            publishers.note(database, "minted", facts)
        self._log(f"minted a token for {', '.join(publisher.projects)}: {claims['job_workflow_ref']}")
        return token, expires

    async def burn(self, request: Request) -> Response:
        """Accepted, whatever it is."""
        body = await _read(request)
        try:
            token = msgspec.json.decode(body, type=_Payload).token
        except (msgspec.DecodeError, UnicodeError):
            token = ""
        burned: bool = await run_in_threadpool(tokens.burn, self._database, token) if token else False
        if burned:
            self._log("burned a token")
        return JSONResponse({"message": "Accepted", "errors": []}, 202)

    async def discover(self, request: Request) -> Response:
        """By the hash of the upload URL's path, where to go."""
        if not self._enabled or request.path_params["path"] != sha256(UPLOAD.encode()).hexdigest():
            return JSONResponse({"message": "Not Found"}, 404)
        origin = f"{request.url.scheme}://{request.url.netloc}"
        answer = {"audience-endpoint": f"{origin}/_/oidc/audience", "mint-token-endpoint": f"{origin}/_/oidc/mint-token"}
        return JSONResponse(answer, media_type=_PYTP)


async def _read(request: Request) -> bytes:
    """The body, as far as one of that kind may reach; what is longer is no JSON any more."""
    body = bytearray()
    async for piece in request.stream():
        body += piece[: max(0, _LARGEST - len(body))]
    return bytes(body)


def _name(issuer: str) -> str:
    return "GitHub" if issuer == "https://token.actions.githubusercontent.com" else issuer


_SHOWN = (
    "iss", "sub", "repository", "repository_owner", "repository_owner_id", "job_workflow_ref", "workflow_ref", "ref", "sha",
    "event_name", "environment", "actor", "run_id", "run_attempt",
)  # fmt: skip


def _shown(claims: Mapping[str, Any]) -> dict[str, Any]:
    """Those that are kept."""
    return {name: claims[name] for name in _SHOWN if claims.get(name) is not None}
