"""The cache service answers as its clients expect, in both versions, and lets a job read and write what its grant says."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from headrace.services.app import create_app
from headrace.services.grants import JobGrant, issue

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

KEY = b"0123456789abcdef"
TWIRP = "/twirp/github.actions.results.api.v1.CacheService/"
OLD = "/_apis/artifactcache/"
MAIN, TOPIC, PULL = "refs/heads/main", "refs/heads/topic", "refs/pull/7/merge"


class Service:
    """Speaks to the application without a socket."""

    def __init__(self, store: str) -> None:
        self._app = create_app(store, KEY)

    def request(self, method: str, url: str, **more: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:1234") as client:
                return await client.request(method, url, **more)

        return asyncio.run(send())


class Job:
    def __init__(self, service: Service, ref: str = MAIN, *reads: str, writes: bool = True, run: str = "1", name: str = "job",
                 repository: str = "octo/repo") -> None:  # fmt: skip
        self.service = service
        grant = JobGrant(run, name, repository, ref, f"{repository}@0", reads, writes)
        self.headers = {"Authorization": f"Bearer {issue(grant, KEY)}"}

    def call(self, method: str, **fields: Any) -> httpx.Response:
        return self.service.request("POST", TWIRP + method, json=fields, headers=self.headers)

    def save(self, key: str, data: bytes = b"bytes", version: str = "v") -> dict[str, Any]:
        created = self.call("CreateCacheEntry", key=key, version=version).json()
        put = self.service.request("PUT", created["signed_upload_url"], content=data, headers={"x-ms-blob-type": "BlockBlob"})
        assert put.status_code == 201
        answer = self.call("FinalizeCacheEntryUpload", key=key, version=version, size_bytes=str(len(data))).json()
        assert isinstance(answer, dict)
        return answer

    def found(self, key: str, *others: str, version: str = "v") -> str:
        answer = self.call("GetCacheEntryDownloadURL", key=key, restore_keys=others, version=version)
        assert answer.status_code == 200
        return str(answer.json()["matched_key"])

    def old(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = self.headers | {"Accept": "application/json;api-version=6.0-preview.1"} | more.pop("headers", {})
        return self.service.request(method, OLD + path, headers=headers, **more)


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(str(tmp_path))


@pytest.fixture
def job(service: Service) -> Job:
    return Job(service)


@pytest.mark.covers("runtime:9.5")
def test_an_entry_from_creation_to_download(service: Service, job: Job) -> None:
    miss = job.call("GetCacheEntryDownloadURL", key="k", restore_keys=[], version="v")
    assert (miss.status_code, miss.json()) == (200, {"ok": False, "signed_download_url": "", "matched_key": ""})
    created = job.call("CreateCacheEntry", key="k", version="v", metadata={"repository_id": "1"}).json()
    url = created["signed_upload_url"]
    assert created["ok"] is True
    assert url.split("?")[0].removeprefix("http://127.0.0.1:1234/").count("/") == 2
    for block, data in (("Yg%3D%3D", b"world"), ("YQ%3D%3D", b"hello ")):
        assert service.request("PUT", f"{url}&comp=block&blockid={block}", content=data).status_code == 201
    body = '<?xml version="1.0" encoding="utf-8"?><BlockList><Latest>YQ==</Latest><Latest>Yg==</Latest></BlockList>'
    assert service.request("PUT", f"{url}&comp=blocklist", content=body).status_code == 201
    assert job.found("k") == ""
    done = job.call("FinalizeCacheEntryUpload", key="k", version="v", size_bytes="11").json()
    assert (done["ok"], done["entry_id"]) == (True, "1")
    hit = job.call("GetCacheEntryDownloadURL", key="k", restore_keys=[], version="v").json()
    got = service.request("GET", hit["signed_download_url"])
    assert (hit["ok"], hit["matched_key"], got.content, got.headers["Content-Length"]) == (True, "k", b"hello world", "11")
    part = service.request("GET", hit["signed_download_url"], headers={"Range": "bytes=6-"})
    assert (part.status_code, part.content) == (206, b"world")


@pytest.mark.covers("runtime:9.5")
def test_an_entry_never_changes(service: Service, job: Job) -> None:
    url = job.call("CreateCacheEntry", key="k", version="v").json()["signed_upload_url"]
    second = Job(service, run="2").call("CreateCacheEntry", key="k", version="v")
    assert (second.status_code, second.json()["code"]) == (409, "already_exists")
    assert service.request("PUT", url, content=b"first").status_code == 201
    assert job.call("FinalizeCacheEntryUpload", key="k", version="v", size_bytes="5").json()["ok"]
    assert job.call("CreateCacheEntry", key="k", version="v").status_code == 409
    assert service.request("PUT", url, content=b"other").status_code == 409
    assert job.call("FinalizeCacheEntryUpload", key="k", version="v", size_bytes="5").status_code == 404
    assert job.save("k", version="w")["ok"]


def test_what_was_announced_must_have_come(service: Service, job: Job) -> None:
    url = job.call("CreateCacheEntry", key="k", version="v").json()["signed_upload_url"]
    assert service.request("PUT", url, content=b"four").status_code == 201
    wrong = job.call("FinalizeCacheEntryUpload", key="k", version="v", size_bytes="5").json()
    assert wrong["ok"] is False
    assert "4 bytes" in wrong["message"]
    assert job.found("k") == ""


@pytest.mark.covers("runtime:9.6")
def test_branches_do_not_see_one_another_and_all_see_the_default_branch(service: Service) -> None:
    main, topic, other = Job(service), Job(service, TOPIC, MAIN), Job(service, "refs/heads/other", MAIN)
    pull, next_pull = Job(service, PULL, TOPIC, MAIN), Job(service, "refs/pull/8/merge", TOPIC, MAIN)
    for one, key in ((main, "k-main"), (topic, "k-topic"), (pull, "k-pull")):
        one.save(key)
    seen = {
        name: [key for key in ("k-main", "k-topic", "k-pull") if one.found(key) == key]
        for name, one in {"main": main, "topic": topic, "other": other, "pull": pull, "next": next_pull}.items()
    }
    assert seen == {
        "main": ["k-main"],
        "topic": ["k-main", "k-topic"],
        "other": ["k-main"],
        "pull": ["k-main", "k-topic", "k-pull"],
        "next": ["k-main", "k-topic"],
    }
    assert (topic.found("none", "k-"), other.found("none", "k-"), pull.found("none", "k-")) == ("k-topic", "k-main", "k-pull")
    assert Job(service, repository="octo/fork").found("k-main") == ""


def test_a_job_that_may_only_read_is_told_so(service: Service) -> None:
    Job(service).save("k")
    reader = Job(service, MAIN, writes=False)
    assert reader.found("k") == "k"
    denied = reader.call("CreateCacheEntry", key="new", version="v").json()
    assert denied["ok"] is False
    assert denied["message"].startswith("cache write denied:")
    old = reader.old("POST", "caches", json={"key": "new", "version": "v", "cacheSize": 1})
    assert (old.status_code, old.json()["message"][:19]) == (403, "cache write denied:")
    nowhere = Job(service, "")
    assert nowhere.call("CreateCacheEntry", key="new", version="v").json()["ok"] is False


@pytest.mark.covers("runtime:12")
@pytest.mark.parametrize("keys", [["x" * 513], ["a,b"], ["k", "a,b"], [""], [f"k{n}" for n in range(11)]])
def test_keys_beyond_the_limits_are_refused(job: Job, keys: list[str]) -> None:
    answer = job.call("GetCacheEntryDownloadURL", key=keys[0], restore_keys=keys[1:], version="v")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")
    if len(keys) == 1:
        assert job.call("CreateCacheEntry", key=keys[0], version="v").status_code == 400


def test_a_key_may_have_512_characters_and_there_may_be_ten(job: Job) -> None:
    assert job.save("x" * 512)["ok"]
    assert job.found("0", *(f"k{n}" for n in range(8)), "x") == "x" * 512


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer x.y.z"])
def test_without_a_runtime_token_nothing_is_answered(service: Service, job: Job, token: str) -> None:
    job.save("k")
    headers = {"Authorization": token}
    assert service.request("POST", f"{TWIRP}GetCacheEntryDownloadURL", json={"key": "k"}, headers=headers).status_code == 401
    for method, path in (("GET", "cache?keys=k&version=v"), ("GET", "caches?key=k"), ("POST", "caches"), ("PATCH", "caches/1")):
        assert service.request(method, OLD + path, headers=headers).status_code == 401


def test_urls_of_caches_allow_what_they_say_and_nothing_else(service: Service, job: Job) -> None:
    job.save("k", b"secret")
    url = job.call("CreateCacheEntry", key="new", version="v").json()["signed_upload_url"]
    assert service.request("GET", url).status_code == 403
    assert service.request("PUT", url.replace("/caches/2", "/caches/1"), content=b"x").status_code == 403
    assert service.request("PUT", url.replace("/caches/2", "/artifacts/2"), content=b"x").status_code == 403
    hit = job.call("GetCacheEntryDownloadURL", key="k", version="v").json()["signed_download_url"]
    assert service.request("PUT", hit, content=b"x").status_code == 403
    assert service.request("GET", hit.replace("sig=", "sig=0")).status_code == 403


# Version 1


@pytest.mark.covers("runtime:9.6")
def test_the_older_protocol_from_reservation_to_download(service: Service, job: Job) -> None:
    assert job.old("GET", "cache?keys=k%2Cother&version=v").status_code == 204
    reserved = job.old("POST", "caches", json={"key": "k", "version": "v", "cacheSize": 11})
    number = reserved.json()["cacheId"]
    assert reserved.status_code == 201
    for first, last, data in ((6, 10, b"world"), (0, 5, b"hello ")):
        sent = job.old("PATCH", f"caches/{number}", content=data, headers={"Content-Range": f"bytes {first}-{last}/*"})
        assert sent.status_code == 204
    assert job.old("GET", "cache?keys=k&version=v").status_code == 204
    assert job.old("POST", f"caches/{number}", json={"size": 11}).status_code == 204
    hit = job.old("GET", "cache?keys=none%2Ck&version=v")
    assert hit.status_code == 200
    assert {name: hit.json()[name] for name in ("cacheKey", "scope", "cacheVersion")} == {
        "cacheKey": "k", "scope": MAIN, "cacheVersion": "v",
    }  # fmt: skip
    got = service.request("GET", hit.json()["archiveLocation"])
    assert (got.content, got.headers["Content-Length"]) == (b"hello world", "11")
    listed = job.old("GET", "caches?key=k").json()
    assert (listed["totalCount"], listed["artifactCaches"][0]["cacheKey"]) == (1, "k")
    assert job.found("k") == "k"  # both versions share what there is
    job.save("new")
    assert job.old("GET", "cache?keys=new&version=v").json()["cacheKey"] == "new"


@pytest.mark.covers("runtime:9.6")
def test_the_older_protocol_refuses_what_exists_what_is_too_large_and_what_has_gaps(service: Service, job: Job) -> None:
    job.save("k")
    exists = job.old("POST", "caches", json={"key": "k", "version": "v", "cacheSize": 1})
    assert (exists.status_code, "already exists" in exists.json()["message"]) == (409, True)
    assert job.old("POST", "caches", json={"key": "huge", "version": "v", "cacheSize": (10 << 30) + 1}).status_code == 400
    number = job.old("POST", "caches", json={"key": "new", "version": "v"}).json()["cacheId"]

    def piece(given: str, data: bytes) -> int:
        return job.old("PATCH", f"caches/{number}", content=data, headers={"Content-Range": given}).status_code

    assert [piece("bytes 0-2/*", b"abcd"), piece("bytes 0-2/*", b"ab"), piece("bytes 2-1/*", b""), piece("all", b"abc")] == [
        413, 400, 400, 400,
    ]  # fmt: skip
    assert piece("bytes 3-5/*", b"def") == 204
    assert job.old("POST", f"caches/{number}", json={"size": 6}).status_code == 400
    assert piece("bytes 0-2/*", b"abc") == 204
    assert job.old("POST", f"caches/{number}", json={"size": 5}).status_code == 400
    assert job.old("POST", f"caches/{number}", json={"size": "6"}).status_code == 400
    assert job.old("POST", f"caches/{number}", content=b"{").status_code == 400
    assert Job(service, name="other").old("POST", f"caches/{number}", json={"size": 6}).status_code == 404
    assert job.old("POST", f"caches/{number}", json={"size": 6}).status_code == 204
    assert piece("bytes 0-2/*", b"xyz") == 404
    assert job.old("GET", "cache?keys=a%2Cb%2C" + "x" * 513 + "&version=v").status_code == 400
