"""The artifact service answers as its clients expect, and answers a job about its own run only."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import httpx
import pytest
from headrace.services.app import create_app
from headrace.services.grants import JobGrant, issue
from headrace.services.proto import artifact_pb2 as pb

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

KEY = b"0123456789abcdef"
BASE = "/twirp/github.actions.results.api.v1.ArtifactService/"
IDS = {"workflow_run_backend_id": "run", "workflow_job_run_backend_id": "job"}


class Client:
    """Speaks to the application without a socket."""

    def __init__(self, store: str) -> None:
        self._app = create_app(store, KEY)

    def request(self, method: str, url: str, **more: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:1234") as client:
                return await client.request(method, url, **more)

        return asyncio.run(send())

    def get(self, url: str) -> httpx.Response:
        return self.request("GET", url)

    def put(self, url: str, **more: Any) -> httpx.Response:
        return self.request("PUT", url, **more)

    def post(self, url: str, **more: Any) -> httpx.Response:
        return self.request("POST", url, **more)


class Caller:
    def __init__(self, client: Client, run: str, job: str) -> None:
        self.client = client
        self.ids = {"workflow_run_backend_id": run, "workflow_job_run_backend_id": job}
        self.headers = {"Authorization": f"Bearer {issue(JobGrant(run, job), KEY)}"}

    def call(self, method: str, **fields: Any) -> Any:
        return self.client.post(BASE + method, json=self.ids | fields, headers=self.headers)

    def upload(self, name: str, data: bytes = b"bytes", **fields: Any) -> Any:
        url = self.call("CreateArtifact", name=name, version=4, **fields).json()["signed_upload_url"]
        assert self.client.put(url, content=data).status_code == 201
        return self.call("FinalizeArtifact", name=name, size=str(len(data)))


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return Client(str(tmp_path))


@pytest.fixture
def job(client: Client) -> Caller:
    return Caller(client, "run", "job")


@pytest.mark.covers("runtime:9.4")
def test_an_artifact_from_creation_to_download(client: Client, job: Caller) -> None:
    created = job.call("CreateArtifact", name="logs", version=4)
    assert (created.status_code, created.json()["ok"]) == (200, True)
    url = created.json()["signed_upload_url"]
    assert url.startswith("http://127.0.0.1:1234/")
    assert url.split("?")[0].removeprefix("http://127.0.0.1:1234/").count("/") == 2
    second = client.put(f"{url}&comp=block&blockid=Yg%3D%3D", content=b"world", headers={"x-ms-version": "2024-11-04"})
    first = client.put(f"{url}&comp=block&blockid=YQ%3D%3D", content=b"hello ")
    body = '<?xml version="1.0" encoding="utf-8"?><BlockList><Latest>YQ==</Latest><Latest>Yg==</Latest></BlockList>'
    listed = client.put(f"{url}&comp=blocklist", content=body, headers={"x-ms-blob-content-type": "zip"})
    assert (first.status_code, second.status_code, listed.status_code) == (201, 201, 201)
    digest = "sha256:" + hashlib.sha256(b"hello world").hexdigest()
    done = job.call("FinalizeArtifact", name="logs", size="11", hash=digest)
    assert done.json() == {"ok": True, "artifact_id": "1"}

    rows = job.call("ListArtifacts").json()["artifacts"]
    created_at = rows[0].pop("created_at")
    assert created_at[-1] == "Z"
    assert rows == [IDS | {"database_id": "1", "name": "logs", "size": "11", "digest": digest}]
    signed = job.call("GetSignedArtifactURL", name="logs").json()["signed_url"]
    got = client.get(signed)
    assert (got.status_code, got.content, got.headers["Content-Type"]) == (200, b"hello world", "application/zip")
    assert 'filename="logs.zip"' in got.headers["Content-Disposition"]


def test_a_single_put_makes_the_blob_too(job: Caller) -> None:
    assert job.upload("logs", b"x" * 3_000_000).json()["ok"] is True
    assert job.call("ListArtifacts").json()["artifacts"][0]["size"] == "3000000"


@pytest.mark.covers("runtime:9.4")
def test_a_name_can_be_used_once_in_a_run_by_all_its_jobs(client: Client, job: Caller) -> None:
    job.upload("logs")
    again = Caller(client, "run", "another-job").call("CreateArtifact", name="logs", version=4)
    assert again.status_code == 409
    assert again.json() == {
        "code": "already_exists",
        "msg": "an artifact with this name already exists on the workflow run",
    }
    assert Caller(client, "run-2", "job").call("CreateArtifact", name="logs", version=4).status_code == 200
    assert job.call("DeleteArtifact", name="logs").json() == {"ok": True, "artifact_id": "1"}
    assert job.upload("logs").json()["artifact_id"] == "3"


@pytest.mark.covers("runtime:9.4")
def test_listing_filters(job: Caller) -> None:
    job.upload("a")
    job.upload("b")
    listed = [
        [row["name"] for row in job.call("ListArtifacts", **filters).json().get("artifacts", [])]
        for filters in ({}, {"name_filter": "b"}, {"id_filter": "1"}, {"name_filter": "none"}, {"nameFilter": "a"})
    ]
    assert listed == [["a", "b"], ["b"], ["a"], [], ["a"]]


def test_a_raw_file_keeps_its_name_and_type(client: Client, job: Caller) -> None:
    job.upload("page.html", b"<p>", mime_type="text/html")
    got = client.get(job.call("GetSignedArtifactURL", name="page.html").json()["signed_url"])
    assert got.headers["Content-Type"].startswith("text/html")
    assert 'filename="page.html"' in got.headers["Content-Disposition"]


def test_protobuf_in_protobuf_out(client: Client, job: Caller) -> None:
    headers = job.headers | {"Content-Type": "application/protobuf"}
    request = pb.CreateArtifactRequest(name="logs", version=4, workflow_run_backend_id="run", workflow_job_run_backend_id="job")
    answer = client.post(f"{BASE}CreateArtifact", content=request.SerializeToString(), headers=headers)
    assert answer.headers["Content-Type"] == "application/protobuf"
    assert pb.CreateArtifactResponse.FromString(answer.content).ok
    broken = client.post(f"{BASE}CreateArtifact", content=b"\xff\xff\xff", headers=headers)
    assert (broken.status_code, broken.json()["code"]) == (400, "malformed")


def test_a_job_never_sees_another_run(client: Client, job: Caller) -> None:
    job.upload("secret")
    other = Caller(client, "run-2", "job")
    assert other.call("ListArtifacts").json().get("artifacts", []) == []
    other.ids = job.ids
    for method in ("ListArtifacts", "GetSignedArtifactURL", "DeleteArtifact", "CreateArtifact", "FinalizeArtifact"):
        refused = other.call(method, name="secret")
        assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    assert len(job.call("ListArtifacts").json()["artifacts"]) == 1


def test_another_job_of_the_run_may_read_but_not_create_in_the_jobs_name(client: Client, job: Caller) -> None:
    job.upload("logs")
    other = Caller(client, "run", "other")
    other.ids = job.ids
    assert other.call("GetSignedArtifactURL", name="logs").status_code == 200
    assert other.call("CreateArtifact", name="more").status_code == 403


@pytest.mark.parametrize("header", ["", "Basic abc", "Bearer ", "Bearer a.b.c", "Bearer nonsense"])
def test_without_a_token_of_ours_nothing_is_answered(client: Client, header: str) -> None:
    answer = client.post(f"{BASE}ListArtifacts", json=IDS, headers={"Authorization": header} if header else {})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize(
    ("method", "fields", "status", "code"),
    [
        ("Nonsense", {}, 404, "bad_route"),
        ("MigrateArtifact", {}, 404, "bad_route"),
        ("GetSignedArtifactURL", {"name": "none"}, 404, "not_found"),
        ("DeleteArtifact", {"name": "none"}, 404, "not_found"),
        ("FinalizeArtifact", {"name": "none"}, 404, "not_found"),
        ("CreateArtifact", {"name": ""}, 400, "invalid_argument"),
        ("CreateArtifact", {"name": "a/b"}, 400, "invalid_argument"),
        ("CreateArtifact", {"name": "a\nb"}, 400, "invalid_argument"),
        ("CreateArtifact", {"name": ".."}, 400, "invalid_argument"),
        ("CreateArtifact", {"name": " "}, 400, "invalid_argument"),
        ("CreateArtifact", {"name": "a\0b"}, 400, "invalid_argument"),
        ("CreateArtifact", {"name": "\x1b[31m"}, 400, "invalid_argument"),
        ("CreateArtifact", {"name": "..a"}, 200, None),
        ("CreateArtifact", {"name": 5}, 400, "malformed"),
        ("CreateArtifact", {"name": "x", "unknown_field": 1}, 200, None),
    ],
)
def test_wrong_calls(job: Caller, method: str, fields: dict[str, Any], status: int, code: str | None) -> None:
    answer = job.call(method, **fields)
    assert (answer.status_code, answer.json().get("code")) == (status, code)


def test_finalize_before_the_bytes_or_with_other_bytes_is_refused(client: Client, job: Caller) -> None:
    url = job.call("CreateArtifact", name="logs").json()["signed_upload_url"]
    assert job.call("FinalizeArtifact", name="logs", size="0").status_code == 412
    client.put(url, content=b"abc")
    assert job.call("FinalizeArtifact", name="logs", size="4").status_code == 412
    assert job.call("FinalizeArtifact", name="logs", size="3", hash="sha256:00").status_code == 412
    assert job.call("FinalizeArtifact", name="logs", size="3").status_code == 200
    assert client.put(url, content=b"changed").status_code == 409


def test_signed_urls_allow_one_thing_for_one_artifact(client: Client, job: Caller) -> None:
    write = job.call("CreateArtifact", name="logs").json()["signed_upload_url"]
    job.call("CreateArtifact", name="other")
    assert client.put(write.replace("/1?", "/2?"), content=b"x").status_code == 403
    assert client.put(write.replace("se=", "se=9"), content=b"x").status_code == 403
    assert client.put(write.split("?")[0], content=b"x").status_code == 403
    assert client.put(f"/results/artifacts/1?sp=w&se={'9' * 5000}&sig=x", content=b"x").status_code == 403
    assert client.put(f"/results/artifacts/{'9' * 5000}?sp=w&se=9999999999&sig=x", content=b"x").status_code == 403
    assert client.put("/results/artifacts/one?sp=w&se=9999999999&sig=x", content=b"x").status_code == 403
    assert client.get(write).status_code == 403
    assert client.put(write, content=b"x").status_code == 201
    job.call("FinalizeArtifact", name="logs", size="1")
    read = job.call("GetSignedArtifactURL", name="logs").json()["signed_url"]
    assert client.put(read, content=b"y").status_code == 403
    assert client.get(read).content == b"x"


@pytest.mark.parametrize(
    ("query", "body", "status"),
    [
        ("comp=block", b"x", 400),
        ("comp=blocklist", b"<nonsense", 400),
        ("comp=blocklist", b"<BlockList><Latest>unknown</Latest></BlockList>", 400),
        ("comp=blocklist", b'<!DOCTYPE x [<!ENTITY a "b">]><BlockList/>', 400),
        ("comp=blocklist", '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><BlockList/>'.encode("utf-16"), 400),
        ("comp=metadata", b"", 400),
    ],
)
def test_wrong_uploads(client: Client, job: Caller, query: str, body: bytes, status: int) -> None:
    url = job.call("CreateArtifact", name="logs").json()["signed_upload_url"]
    assert client.put(f"{url}&{query}", content=body).status_code == status
