"""Identity tokens: for the job that may ask, about nothing but what the engine says of it, and checked as anybody would."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from headrace.services.app import create_app
from headrace.services.grants import JobGrant, issue, issue_request, sign

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

KEY = b"0123456789abcdef0123456789abcdef"
CLAIMS = {"sub": "repo:o/r:ref:refs/heads/main", "repository": "o/r", "repository_owner": "o"}


def get(store: Path, url: str, token: str = "", app: Any = None) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app or create_app(str(store), KEY))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:1234") as client:
            return await client.get(url, headers={"Authorization": f"Bearer {token}"} if token else {})

    return asyncio.run(send())


def token(store: Path, audience: str = "") -> str:
    url = "/identity/token?api-version=2.0" + (f"&audience={audience}" if audience else "")
    answer = get(store, url, issue_request(CLAIMS, KEY))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["value"])


def checked(store: Path, text: str, audience: str) -> dict[str, Any]:
    """As one who trusts the issuer does it: discovery, keys, signature, audience, times."""
    found = get(store, "/identity/.well-known/openid-configuration").json()
    assert found["issuer"] == "http://127.0.0.1:1234/identity"
    keys = jwt.PyJWKSet.from_dict(get(store, found["jwks_uri"]).json())
    head = jwt.get_unverified_header(text)
    key = next(key for key in keys.keys if key.key_id == head["kid"])
    return jwt.decode(text, key.key, [head["alg"]], audience=audience, issuer=found["issuer"])


@pytest.mark.covers("runtime:9.7")
def test_a_token_is_good_for_its_audience_and_for_five_minutes(tmp_path: Path) -> None:
    text = token(tmp_path, "some%20index")
    said = checked(tmp_path, text, "some index")
    assert {name: said[name] for name in CLAIMS} == CLAIMS
    assert said["exp"] - said["iat"] == 300 and said["iat"] - said["nbf"] == 600 and abs(said["iat"] - time.time()) < 60
    with pytest.raises(jwt.InvalidAudienceError):
        checked(tmp_path, text, "another")
    head, body, signature = text.split(".")
    with pytest.raises(jwt.InvalidSignatureError):
        checked(tmp_path, ".".join((head, body, ("B" if signature[0] == "A" else "A") + signature[1:])), "some index")


@pytest.mark.covers("runtime:9.7")
def test_without_an_audience_it_is_the_owners_and_no_two_tokens_are_the_same(tmp_path: Path) -> None:
    one, other = token(tmp_path), token(tmp_path)
    assert checked(tmp_path, one, "https://github.com/o")["jti"] != checked(tmp_path, other, "https://github.com/o")["jti"]


def test_a_process_that_takes_over_signs_with_the_same_key_and_another_run_with_another(tmp_path: Path) -> None:
    before = get(tmp_path / "a", "/identity/jwks").json()
    assert get(tmp_path / "a", "/identity/jwks").json() == before
    assert get(tmp_path / "b", "/identity/jwks").json() != before
    assert (tmp_path / "a" / "identity.pem").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "nonsense",
        issue(JobGrant("run", "job", "o/r"), KEY),  # what every action has
        issue_request(CLAIMS, b"another key of the same length.."),
        issue_request(CLAIMS, KEY, lifetime_s=-1),
        sign({"scope": "identity", "exp": int(time.time()) + 60, "claims": "x"}, KEY),
    ],
)
def test_nobody_else_gets_one(tmp_path: Path, secret: str) -> None:
    answer = get(tmp_path, "/identity/token?api-version=2.0", secret)
    assert answer.status_code == 401
    assert not (tmp_path / "identity.pem").exists()
