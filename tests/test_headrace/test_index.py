"""Trusted publishing on an index that is served: which tokens are given, to whom, and how often. Over https, on loopback."""

from __future__ import annotations

import json
import ssl
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from test_core.calls import Headrace
from test_core.indexes import CLAIMS, Index, Issuer

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

Answer = tuple[int, Any]


def call(index: Index, path: str, body: bytes | None = None, kind: str = "application/x-www-form-urlencoded") -> Answer:
    context = ssl.create_default_context(cafile=index.where["ca"])
    request = urllib.request.Request(index.url + path, body, {"Content-Type": kind} if body is not None else {})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        with error:
            said = error.read()
            return error.code, json.loads(said) if said.startswith(b"{") else said


def mint(index: Index, token: str, path: str = "/_/oidc/mint-token") -> Answer:
    return call(index, path, json.dumps({"token": token}).encode())


def code(answer: Answer) -> tuple[int, str, str]:
    status, said = answer
    assert said["message"] == "Token request failed"
    return status, said["errors"][0]["code"], said["errors"][0]["description"]


@pytest.mark.covers("release:1.1", "release:1.3.1", "release:1.3.4", "release:1.3.6")
def test_an_identity_token_becomes_an_upload_token_which_can_be_burned(index: Index, issuer: Issuer) -> None:
    index.publisher("Demo_Project", issuer=issuer.url)
    assert call(index, "/_/oidc/audience") == (200, {"audience": "headrace"})
    before = time.time()
    status, said = mint(index, issuer.token())
    assert (status, sorted(said), said["success"]) == (200, ["expires", "success", "token"], True)
    assert said["token"].startswith("pypi-")
    assert before + 899 <= said["expires"] <= time.time() + 901
    assert issuer.asked == 1
    for token in (said["token"], said["token"], "garbage"):
        answer = call(index, "/_/oidc/burn-token", json.dumps({"token": token}).encode(), "text/plain")
        assert answer == (202, {"message": "Accepted", "errors": []})
    assert call(index, "/_/oidc/burn-token", b"\xff") == (202, {"message": "Accepted", "errors": []})
    assert index.log.read_text().count("burned a token") == 1


@pytest.mark.covers("release:1.1")
def test_older_clients_find_the_old_address(index: Index, issuer: Issuer) -> None:
    index.publisher(issuer=issuer.url)
    assert mint(index, issuer.token(), "/_/oidc/github/mint-token")[0] == 200


@pytest.mark.covers("release:1.3")
def test_the_exchange_is_found_by_the_address_of_uploads(index: Index) -> None:
    status, said = call(index, f"/.well-known/pytp/{sha256(b'/legacy/').hexdigest()}")
    assert (status, said["mint-token-endpoint"]) == (200, f"{index.url}/_/oidc/mint-token")
    assert call(index, f"/.well-known/pytp/{sha256(b'/other/').hexdigest()}")[0] == 404


@pytest.mark.covers("release:1.3.5", "release:1.3.7")
@pytest.mark.parametrize(
    ("body", "description"),
    [
        (b"", "Input data was truncated"),
        (b"token=x", "JSON is malformed"),
        (b"{}", "Object missing required field `token`"),
        (b'{"token": 1}', "Expected `str`, got `int`"),
        (b'{"token": "nonsense"}', "malformed JWT"),
    ],
)
def test_what_is_no_payload_is_refused(index: Index, body: bytes, description: str) -> None:
    status, name, said = code(call(index, "/_/oidc/mint-token", body))
    assert (status, name) == (422, "invalid-payload")
    assert description in said


@pytest.mark.covers("release:1.3.7", "release:1.2")
def test_an_issuer_that_is_not_trusted_is_refused(index: Index) -> None:
    with Issuer() as other:
        assert code(mint(index, other.token())) == (422, "invalid-payload", "unknown trusted publishing issuer")
        assert other.asked == 0


BAD_TOKENS: dict[str, Callable[[Issuer], str]] = {
    "signed by another": lambda issuer: issuer.token(key=rsa.generate_private_key(65537, 2048)),
    "expired": lambda issuer: issuer.token(exp=int(time.time()) - 31),
    "of the future": lambda issuer: issuer.token(nbf=int(time.time()) + 60),
    "another audience": lambda issuer: issuer.token(aud="pypi"),
    "a list of audiences": lambda issuer: issuer.token(aud=["headrace"]),
    "no audience": lambda issuer: issuer.token(aud=None),
    "no time of issue": lambda issuer: issuer.token(iat=None),
    "no end": lambda issuer: issuer.token(exp=None),
    "no key id": lambda issuer: issuer.token(kid=None),
    "an unknown key id": lambda issuer: issuer.token(kid="two"),
    "no signature": lambda issuer: jwt.encode({"iss": issuer.url, **CLAIMS}, "", "none", headers={"kid": "one"}),
    "signed with a password": lambda issuer: jwt.encode({"iss": issuer.url}, "x" * 32, "HS256", headers={"kid": "one"}),
}


@pytest.mark.covers("release:1.3.9", "release:1.2")
def test_a_token_that_is_not_genuine_is_refused_without_a_reason(index: Index, issuer: Issuer) -> None:
    index.publisher(issuer=issuer.url)
    for name, make in BAD_TOKENS.items():
        assert code(mint(index, make(issuer))) == (422, "invalid-token", "malformed or invalid token"), name
    assert issuer.asked <= 2  # an unknown key makes it ask again, once a minute
    assert mint(index, issuer.token(exp=int(time.time()) - 20))[0] == 200  # half a minute is let pass


@pytest.mark.covers("release:1.2")
def test_an_empty_key_set_is_not_remembered(index: Index, issuer: Issuer) -> None:
    index.publisher(issuer=issuer.url)
    issuer.empty = True
    assert mint(index, issuer.token())[0] == 422
    issuer.empty = False
    assert mint(index, issuer.token())[0] == 200


NOT_OURS: list[tuple[dict[str, Any], str, str]] = [
    ({"jti": None}, "Missing claim 'jti'", ""),
    ({"sha": None}, "Missing claim 'sha'", ""),
    ({"event_name": None}, "Missing claim 'event_name'", ""),
    ({"repository_owner_id": "18"}, "Publisher with matching claims was not found", "owner id is '17', the token says '18'"),
    ({"repository": "octo/Demo"}, "Publisher with matching claims was not found", "repository is 'demo', the token says 'Demo'"),
    ({"repository": "evil/demo", "repository_owner": "evil", "repository_owner_id": "1"},
     "Publisher with matching claims was not found", "owner is 'octo', the token says 'evil'; owner id is '17', the token says '1'"),
    ({"job_workflow_ref": "octo/demo/.github/workflows/ci.yml@refs/tags/demo@1.0"},
     "Publisher with matching claims was not found", "workflow is 'release.yml', the token says 'ci.yml'"),
    ({"repository_owner": "evil"}, "Check failed for required claim 'repository_owner'", ""),
    ({"job_workflow_ref": "octo/demo/.github/workflows/release.yml@refs/heads/x", "sha": ""},
     "The job_workflow_ref claim does not match, expecting one of ['octo/demo/.github/workflows/release.yml@refs/tags/demo@1.0'], got "
     "'octo/demo/.github/workflows/release.yml@refs/heads/x'", ""),
    ({"ref": "", "sha": ""}, "The ref and sha claims are empty", ""),
    ({"event_name": "pull_request_target"}, "Publishing from a workflow invoked via 'pull_request_target' is not supported.", ""),
]  # fmt: skip


@pytest.mark.covers("release:1.3.11", "release:1.2", "release:1.8")
def test_a_genuine_token_of_somebody_else_is_refused_with_the_field_that_differs(index: Index, issuer: Issuer) -> None:
    index.publisher(issuer=issuer.url)
    answer = mint(index, issuer.token(repository_owner="evil"))
    assert code(answer)[2] == "valid token, but no corresponding publisher (Publisher with matching claims was not found)"
    assert answer[1]["report"]["text"] == "publisher 1 of demo would be it: Check failed for required claim 'repository_owner'"
    assert mint(index, issuer.token())[0] == 200  # from now on it is no pending one
    for changes, reason, report in NOT_OURS:
        answer = mint(index, issuer.token(**changes))
        text = f"valid token, but no corresponding publisher ({reason})"
        assert code(answer) == (422, "invalid-publisher", text)
        assert answer[1].get("report", {}).get("text", "").endswith(report), changes
        assert bool(report) == ("report" in answer[1]), changes
    answer = mint(index, issuer.token(repository="a/b", repository_owner="a", repository_owner_id="1"))
    assert "report" not in answer[1]  # whose publishers those are is none of its business
    assert "owner id is '17', the token says '18'" in index.log.read_text()


@pytest.mark.covers("release:1.2")
def test_an_environment_that_is_registered_must_be_the_tokens(index: Index, issuer: Issuer) -> None:
    index.publisher(issuer=issuer.url, environment="PyPI")
    for environment in (None, "staging"):
        answer = mint(index, issuer.token(environment=environment))
        assert code(answer)[1] == "invalid-publisher"
        assert f"environment is 'pypi', the token says {environment or ''!r}" in answer[1]["report"]["text"]
    assert mint(index, issuer.token(environment="pypi"))[0] == 200
    index.publisher("other", issuer=issuer.url)  # any environment, of the same file
    assert mint(index, issuer.token(environment="staging"))[0] == 200
    assert index.log.read_text().rstrip().splitlines()[-2].find("minted a token for other") > 0


@pytest.mark.covers("release:1.2")
def test_a_publisher_without_a_ref_is_known_by_its_commit(index: Index, issuer: Issuer) -> None:
    index.publisher(issuer=issuer.url)
    reference = f"octo/demo/.github/workflows/release.yml@{CLAIMS['sha']}"
    assert mint(index, issuer.token(ref="", job_workflow_ref=reference))[0] == 200


@pytest.mark.covers("release:1.3.12", "release:2.1")
def test_fifty_at_once_with_one_token_get_one_token(headrace: Headrace, index: Index, issuer: Issuer) -> None:
    """Half of them at another server of the same folder."""
    index.publisher(issuer=issuer.url)
    with Index(headrace, index.store, "--issuer", issuer.url) as other, ThreadPoolExecutor(50) as pool:
        for _ in range(3):
            token = issuer.token()
            answers = list(pool.map(mint, [index, other] * 25, [token] * 50))
            assert sorted(status for status, _ in answers) == [200, *[422] * 49]
            refused = {code(answer) for answer in answers if answer[0] == 422}
            assert refused == {(422, "invalid-reuse-token", "invalid token: already used")}


@pytest.mark.covers("release:1.3.10")
def test_a_pending_publisher_creates_its_project_once(index: Index, issuer: Issuer) -> None:
    index.publisher(issuer=issuer.url)
    index.publisher(issuer=issuer.url, workflow="other.yml")
    assert mint(index, issuer.token())[0] == 200
    other = "octo/demo/.github/workflows/other.yml@refs/tags/demo@1.0"
    expected = (422, "invalid-pending-publisher", "valid token, but project already exists")
    assert code(mint(index, issuer.token(job_workflow_ref=other))) == expected
    assert code(mint(index, issuer.token(job_workflow_ref=other)))[1] == "invalid-publisher"
    assert mint(index, issuer.token())[0] == 200


@pytest.mark.covers("release:1.3")
def test_two_new_projects_of_one_file_come_one_after_the_other(index: Index, issuer: Issuer) -> None:
    index.publisher("one", issuer=issuer.url)
    given = ("--repository", "octo/demo", "--workflow", "release.yml", "--owner-id", "17", "--issuer", issuer.url)
    done = index.headrace("index", "publisher", "add", "two", "--store", str(index.store), *given)
    assert done.status == 2
    assert "waits to create one; give the project a workflow file or an environment of its own" in done.err
    assert mint(index, issuer.token())[0] == 200
    index.publisher("two", issuer=issuer.url)
    assert mint(index, issuer.token())[0] == 200
    listed = index.headrace("index", "publisher", "ls", "--json", "--store", str(index.store))
    assert [each["projects"] for each in json.loads(listed.out)["publishers"]] == [["one", "two"]]


@pytest.mark.covers("release:1.3.2", "release:1.3.8")
def test_trusted_publishing_can_be_switched_off(headrace: Headrace, issuer: Issuer, tmp_path: Path) -> None:
    with Index(headrace, tmp_path / "index", "--issuer", issuer.url, "--no-publishing") as index:
        assert call(index, "/_/oidc/audience") == (403, {"message": "Trusted publishing functionality not enabled"})
        text = f"{issuer.url} trusted publishing functionality not enabled"
        assert code(mint(index, issuer.token())) == (422, "not-enabled", text)


@pytest.mark.covers("release:1.3.3")
def test_what_is_no_index_with_trusted_publishing_has_no_audience(index: Index) -> None:
    assert call(index, "/other/_/oidc/audience")[0] == 404


def test_a_publisher_that_is_removed_loses_its_tokens(index: Index, issuer: Issuer) -> None:
    index.publisher(issuer=issuer.url)
    assert mint(index, issuer.token())[0] == 200
    done = index.headrace("index", "publisher", "rm", "1", "--store", str(index.store))
    assert (done.status, done.out.startswith("removed: 1  demo  octo/demo")) == (0, True)
    assert code(mint(index, issuer.token()))[1] == "invalid-publisher"
    done = index.headrace("index", "publisher", "rm", "1", "--store", str(index.store))
    assert (done.status, done.err.count("\n")) == (2, 1)


@pytest.mark.covers("release:1.1", "release:5.11")
def test_no_token_is_kept_or_logged(index: Index, issuer: Issuer) -> None:
    index.publisher(issuer=issuer.url)
    identity = issuer.token()
    secret = mint(index, identity)[1]["token"]
    mint(index, identity)
    call(index, "/_/oidc/burn-token", json.dumps({"token": secret}).encode())
    kept = b"".join(path.read_bytes() for path in (*index.store.rglob("*"), index.log) if path.is_file())
    for text in (identity, secret, identity.split(".")[2], secret.removeprefix("pypi-")):
        assert text.encode() not in kept
        assert text not in index.running.output
    assert "POST /_/oidc/mint-token 200" in index.log.read_text()


@pytest.mark.parametrize("arguments", [["--tls", "x"], ["--tls", "no,files"], ["--issuer", "http://example.com"], ["--warn", "x"],
                                       ["--store", "/dev/null/x"], ["--log", "/dev/null/x"]])  # fmt: skip
def test_a_wrong_call_says_so(headrace: Headrace, arguments: list[str]) -> None:
    done = headrace("index", "serve", *arguments)
    assert done.status == 2 and len(done.err.splitlines()) <= 3, done.err
