"""actions/cache and its parts where there is no service, or nothing to do: what is a warning, and what fails a step."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from headrace.actions.builtin import cache_archive

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

REFUSED = {"ACTIONS_RESULTS_URL": "http://127.0.0.1:1/", "ACTIONS_RUNTIME_TOKEN": "x.y.z", "GITHUB_REF": "refs/heads/main"}
GONE = "[warning]An internal error has occurred in cache backend."


class Answers(HTTPServer):
    """A service that answers every call with one thing, and notes what was asked."""

    def __init__(self, status: int, answer: dict[str, Any]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status, self.answer = status, answer
        self.asked: list[tuple[str, dict[str, Any]]] = []

    @property
    def env(self) -> dict[str, str]:
        return REFUSED | {"ACTIONS_RESULTS_URL": f"http://127.0.0.1:{self.server_port}/some/path/"}


class Handler(BaseHTTPRequestHandler):
    server: Answers

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, json.loads(body)))
        data = json.dumps(self.server.answer).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def answers() -> Iterator[Any]:
    started: list[Answers] = []

    def make(status: int, **answer: Any) -> Answers:
        server = Answers(status, answer)
        started.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    yield make
    for server in started:
        server.shutdown()
        server.server_close()


@pytest.fixture
def data(job: Any) -> Any:
    job.env["GITHUB_ACTION_REF"] = "v4"
    (job.workspace / "data").mkdir()
    (job.workspace / "data" / "file").write_text("x")
    return job


def restore(job: Any, env: dict[str, str] | None = None, **inputs: str) -> Any:
    return job.step("actions/cache/restore", env=env or REFUSED, **({"key": "k", "path": "data"} | inputs))


@pytest.mark.covers("runtime:11.4")
def test_a_service_that_cannot_be_had_is_a_warning_and_the_steps_are_green(data: Any) -> None:
    restored = restore(data)
    assert (restored.code, restored.outputs) == (0, {"cache-primary-key": "k"})
    assert (
        "::warning::Failed to restore: Failed to GetCacheEntryDownloadURL: Unable to make request: ECONNREFUSED" in restored.log
    )
    assert "Cache not found for input keys: k" in restored.log
    saved = data.step("actions/cache/save", env=REFUSED, key="k", path="data")
    assert saved.code == 0
    assert "Failed to save: Unable to reserve cache with key k, another job may be creating this cache." in saved.log
    assert "::warning::Cache save failed." in saved.log
    assert list(data.temp.iterdir()) == [path for path in data.temp.iterdir() if path.name.startswith("command_")]
    assert restore(data, fail_on_cache_miss="true").code == 1


@pytest.mark.covers("runtime:11.4")
def test_without_a_service_cache_hit_is_false(data: Any) -> None:
    for action in ("actions/cache", "actions/cache/restore"):
        done = data.step(action, key="k", path="data", env={"GITHUB_REF": "refs/heads/main"})
        assert (done.code, done.outputs) == (0, {"cache-hit": "false"})
        assert GONE in done.log
    saved = data.step("actions/cache/save", key="k", path="data")
    assert (saved.code, "::warning" in saved.log) == (0, False)
    assert GONE in saved.log


@pytest.mark.covers("runtime:11.4")
def test_without_a_ref_nothing_is_done(data: Any) -> None:
    done = data.step("actions/cache", key="k", path="data", env=REFUSED | {"GITHUB_REF": ""})
    assert (done.code, done.outputs, done.state) == (0, {}, {})
    assert "[warning]Event Validation Error: The event type push is not supported because it's not tied to a branch" in done.log


@pytest.mark.covers("runtime:11.4")
@pytest.mark.parametrize(
    ("inputs", "why"),
    [
        ({"key": ""}, "Input required and not supplied: key"),
        ({"path": ""}, "Input required and not supplied: path"),
        ({"key": "a,b"}, "Key Validation Error: a,b cannot contain commas."),
        ({"key": "x" * 513}, "cannot be larger than 512 characters."),
        ({"restore_keys": "a,b"}, "Key Validation Error: a,b cannot contain commas."),
        ({"restore_keys": "\n".join("0123456789")}, "Key Validation Error: Keys are limited to a maximum of 10."),
    ],
)
def test_inputs_that_fail_a_restore_and_warn_at_a_save(data: Any, inputs: dict[str, str], why: str) -> None:
    done = restore(data, None, **inputs)
    assert done.code == 1
    assert why in done.log
    assert "::error::" in done.log
    if "restore_keys" not in inputs:
        saved = data.step("actions/cache/save", env=REFUSED, **({"key": "k", "path": "data"} | inputs))
        assert saved.code == 0
        assert f"[warning]{'Key is not specified.' if inputs.get('key') == '' else why.partition('cannot')[0]}" in saved.log


@pytest.mark.covers("runtime:11.4")
def test_version_3_says_that_it_fails_and_does_not(data: Any) -> None:
    done = restore(data, REFUSED | {"GITHUB_ACTION_REF": "v3"}, fail_on_cache_miss="true")
    assert (done.code, "::error::Failed to restore cache entry." in done.log) == (0, True)


@pytest.mark.covers("runtime:11.4")
def test_paths_that_are_not_there_are_a_warning(data: Any) -> None:
    saved = data.step("actions/cache/save", env=REFUSED, key="k", path="none\n*.none")
    assert saved.code == 0
    assert "[warning]Path Validation Error: Path(s) specified in the action for caching do(es) not exist" in saved.log
    wrong = data.step("actions/cache/save", env=REFUSED, key="k", path="a/../b")
    assert (wrong.code, "[warning]Invalid pattern" in wrong.log) == (0, True)


@pytest.mark.covers("runtime:11.4")
def test_the_post_step_saves_only_what_was_not_found_exactly(data: Any) -> None:
    inputs = {"key": "other", "path": "data"}
    exact = data.step("actions/cache", "post", REFUSED | {"STATE_CACHE_KEY": "Key-É", "STATE_CACHE_RESULT": "key-é"}, **inputs)
    assert "Cache hit occurred on the primary key Key-É, not saving cache." in exact.log
    near = data.step("actions/cache", "post", REFUSED | {"STATE_CACHE_KEY": "key-é", "STATE_CACHE_RESULT": "key-e"}, **inputs)
    assert "Unable to reserve cache with key key-é" in near.log
    assert near.code == 0
    assert "::warning" not in near.log


@pytest.mark.covers("runtime:9.5")
def test_what_is_asked(data: Any, answers: Any) -> None:
    miss = answers(200, ok=False)
    assert "Cache not found" in restore(data, miss.env, restore_keys="a\n b ").log
    version = cache_archive.version(["data"], cache_archive.method())
    path = "/twirp/github.actions.results.api.v1.CacheService/GetCacheEntryDownloadURL"
    assert miss.asked == [(path, {"key": "k", "restore_keys": ["a", "b"], "version": version})]


@pytest.mark.covers("runtime:9.5")
def test_refusals_of_the_service_are_warnings(data: Any, answers: Any) -> None:
    refused = answers(403, code="permission_denied", msg="no")
    assert (
        "::warning::Failed to restore: Failed to GetCacheEntryDownloadURL: Received non-retryable error: Failed request: (403)"
        in (restore(data, refused.env).log)
    )
    limited = answers(429, code="resource_exhausted", msg="slowly")
    assert "Failed request: (429)" in restore(data, limited.env).log
    assert len(limited.asked) == 1
    denied = answers(200, ok=False, message="cache write denied: fork")
    saved = data.step("actions/cache/save", env=denied.env, key="k", path="data")
    assert "::warning::Failed to save: Unable to reserve cache with key k. More details: cache write denied: fork" in saved.log
    assert saved.code == 0


@pytest.mark.parametrize(
    ("mode", "reads", "writes"),
    [("read", True, False), ("write", True, True), ("write-only", False, True), ("none", False, False)],
)
def test_the_mode_of_the_cache(data: Any, answers: Any, mode: str, reads: bool, writes: bool) -> None:
    service = answers(200, ok=False)
    env = service.env | {"ACTIONS_CACHE_MODE": mode}
    skipped = f"Cache restore skipped: the effective cache-mode '{mode}' does not permit reads."
    assert (skipped in restore(data, env).log) is not reads
    assert (len(service.asked) == 1) is reads
    saved = data.step("actions/cache/save", env=env, key="k", path="data")
    skipped = f"Cache save skipped: the effective cache-mode '{mode}' does not permit writes."
    assert (skipped in saved.log) is not writes


@pytest.mark.covers("runtime:11.4")
@pytest.mark.parametrize("ref", ["v1", "v2", "v2.1.8", "v3.3.3", "v4.1.2", "v4.0", "refs/tags/v2"])
def test_versions_that_github_has_closed_fail(data: Any, ref: str) -> None:
    done = data.step("actions/cache", env=REFUSED | {"GITHUB_ACTION_REF": ref}, key="k", path="data")
    assert done.code == 1
    assert f"it uses a deprecated version of `actions/cache: {ref}`" in done.log


@pytest.mark.parametrize("ref", ["v3", "v3.4.0", "v4", "v4.2.0", "v5", "v5.0.3", "main", "1" * 40])
def test_versions_that_are_served(data: Any, ref: str) -> None:
    assert data.step("actions/cache", env=REFUSED | {"GITHUB_ACTION_REF": ref}, key="k", path="data").code == 0


@pytest.mark.covers("runtime:9.6")
def test_the_version_of_an_entry_is_the_one_that_the_actions_compute() -> None:
    assert cache_archive.version(["data"], "zstd-without-long") == (
        "3ad75f27293d65a135214b8c82b296080f911dc107e52f1e7ec871a2eda46e69"
    )
    assert len({cache_archive.version(paths, how) for paths in (["a", "b"], ["b", "a"], ["a"]) for how in ("gzip", "zstd")}) == 6


def test_where_folders_move_the_paths_below_them_count_as_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", f"{tmp_path}/1/repo")
    monkeypatch.setenv("HOME", f"{tmp_path}/1/home")
    paths = [f"{tmp_path}/1/repo/x", f"!{tmp_path}/1/home", f"{tmp_path}/1/repository", "~/x", "/etc/x"]
    monkeypatch.delenv("HEADRACE_OPEN_MACHINE", raising=False)
    assert cache_archive.lasting(paths) == paths
    monkeypatch.setenv("HEADRACE_OPEN_MACHINE", "1")
    assert cache_archive.lasting(paths) == ["$GITHUB_WORKSPACE/x", "!$HOME", f"{tmp_path}/1/repository", "~/x", "/etc/x"]
