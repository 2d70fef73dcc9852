"""The issuer of identity tokens: a key of the run's own, a document that says where it is, and a token for the job that asks.

What a token says was decided by the engine, and comes here signed in the secret that only its job has."""

from __future__ import annotations

import hashlib
import json
import os
import time
import uuid
from base64 import urlsafe_b64encode
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from headrace.services.grants import IDENTITY, ISSUER, GrantError, check

LIFETIME_S = 300
_BACK_S = 600  # "not before" lies so far back, for clocks that go wrong
_CLAIMS = ("sub", "aud", "exp", "iat", "iss", "jti", "nbf", "ref", "repository", "repository_owner", "repository_owner_id",
           "job_workflow_ref", "workflow_ref", "environment", "event_name", "sha")  # fmt: skip


class Issuer:
    """`folder` keeps the key, so that a process which takes over signs with the same; `key` is what requests are signed with.
    `url` is the issuer's, wherever it is asked; empty: as it is asked."""

    def __init__(self, folder: str, key: bytes, url: str = "") -> None:
        self._file = os.path.join(folder, "identity.pem")
        self._key = key
        self._url = url
        self._private: Any = None

    async def token(self, request: Request) -> Response:
        """`GET …?audience=…` with the job's secret: `{"value": JWT}`. Raises HTTPException."""
        import jwt

        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        try:
            asked = check(secret.strip(), self._key) if scheme.lower() == "bearer" else {}
        except GrantError:
            asked = {}
        claims = asked.get("claims")
        if asked.get("scope") != IDENTITY or not isinstance(claims, dict):
            raise HTTPException(401, "the request carries no secret of a job that may ask for identity tokens")
        audience = request.query_params.get("audience") or f"https://github.com/{claims.get('repository_owner', '')}"
        now = int(time.time())
        said = {
            **claims, "iss": self._issuer(request), "aud": audience, "jti": str(uuid.uuid4()),
            "iat": now, "nbf": now - _BACK_S, "exp": now + LIFETIME_S,
        }  # fmt: skip
        private = self._load()
        kid = _thumbprint(_public(private))
        token = jwt.encode(said, private, "RS256", headers={"kid": kid, "x5t": kid})
        return JSONResponse({"count": len(token), "value": token}, headers={"Cache-Control": "no-store"})

    async def discovery(self, request: Request) -> Response:
        issuer = self._issuer(request)
        return JSONResponse(
            {
                "issuer": issuer,
                "jwks_uri": f"{_asked(request)}/jwks",  # where whoever asks can reach it
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public", "pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "claims_supported": list(_CLAIMS),
                "scopes_supported": ["openid"],
            }
        )

    async def keys(self, request: Request) -> Response:
        return JSONResponse({"keys": self.public()})

    def public(self) -> list[dict[str, str]]:
        """The keys that say whether a token is ours. Raises OSError."""
        public = _public(self._load())
        return [{**public, "alg": "RS256", "use": "sig", "kid": _thumbprint(public)}]

    def _issuer(self, request: Request) -> str:
        return self._url or _asked(request)

    def _load(self) -> Any:
        """The private key, made at the first use. Raises OSError."""
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        from headrace.base.files import write_atomic

        if self._private is None:
            if not os.path.exists(self._file):
                made = rsa.generate_private_key(65537, 2048)
                form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                os.makedirs(os.path.dirname(self._file), mode=0o700, exist_ok=True)
                write_atomic(self._file, made.private_bytes(*form))
            with open(self._file, "rb") as file:
                self._private = serialization.load_pem_private_key(file.read(), None)
        return self._private


def _asked(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}{ISSUER}"


def _public(private: Any) -> dict[str, str]:
    numbers = private.public_key().public_numbers()
    return {"e": _number(numbers.e), "kty": "RSA", "n": _number(numbers.n)}


def _number(value: int) -> str:
    return urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8, "big")).rstrip(b"=").decode("ascii")


def _thumbprint(public: dict[str, str]) -> str:
    """RFC 7638."""
    text = json.dumps(public, separators=(",", ":"), sort_keys=True)
    return urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode("ascii")
