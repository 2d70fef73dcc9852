"""Artifacts down again: the services as a process on loopback, both drop-ins as processes of a job."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from headrace.services.grants import JobGrant, issue
from test_core.actions import Actions, output
from test_core.artifacts import Service, Step
from test_core.calls import Headrace

pytestmark = pytest.mark.slow  # it takes minutes, or needs the machine for itself


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    server = Service(tmp_path_factory.mktemp("services"))
    yield server
    server.stop()


@pytest.fixture
def server(process: Service) -> Service:
    """One process for all tests; a run of its own for each."""
    process.run = f"run-{os.urandom(4).hex()}"
    return process


def fill(folder: Path) -> Path:
    path = folder / "work space"
    for name in ("dist/a.whl", "dist/b/a.tar.gz", "one.txt"):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(name)
    return path


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return fill(tmp_path)


def upload(server: Service, workspace: Path, **inputs: str) -> Step:
    return server.step("actions/upload-artifact", workspace, ref=inputs.pop("ref", "v4"), env=None, **inputs)


def download(server: Service, folder: Path, *, ref: str = "v4", env: dict[str, str] | None = None, **inputs: str) -> Step:
    """Into `folder`, which is the workspace."""
    folder.mkdir(exist_ok=True)
    given = {"repository": "octo/repo", "run_id": "77"} | inputs
    return server.step("actions/download-artifact", folder, ref=ref, env=env, **given)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def zipped(entries: dict[str, bytes | str], *, mode: int = 0o100644) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, data)
    return memory.getvalue()


@pytest.fixture(scope="module")
def run_of_three(process: Service, tmp_path_factory: pytest.TempPathFactory) -> str:
    process.run = f"run-{os.urandom(4).hex()}"
    workspace = fill(tmp_path_factory.mktemp("three"))
    for name, path in (("logs-1", "one.txt"), ("logs-2", "dist/a.whl"), ("dist", "dist")):
        assert upload(process, workspace, name=name, path=path).code == 0
    return process.run


@pytest.fixture
def three(process: Service, run_of_three: str) -> Service:
    """A run with the artifacts `logs-1`, `logs-2` and `dist`, for tests that only read them."""
    process.run = run_of_three
    return process


# What lands where


@pytest.mark.covers("runtime:11.3")
@pytest.mark.parametrize("ref", ["v4", "v5", "v8"])
@pytest.mark.parametrize(
    ("inputs", "found"),
    [
        ({"name": "dist"}, ["a.whl", "b/a.tar.gz"]),
        ({"name": "dist", "path": "x/y"}, ["x/y/a.whl", "x/y/b/a.tar.gz"]),
        ({}, ["dist/a.whl", "dist/b/a.tar.gz", "logs-1/one.txt", "logs-2/a.whl"]),
        ({"merge_multiple": "true"}, ["a.whl", "b/a.tar.gz", "one.txt"]),
        ({"pattern": "logs-*", "path": "x"}, ["x/logs-1/one.txt", "x/logs-2/a.whl"]),
        ({"pattern": "{logs-1,none}*", "merge_multiple": "true"}, ["one.txt"]),
        ({"pattern": "none-*"}, []),
        ({"name": "dist", "pattern": "logs-*"}, ["a.whl", "b/a.tar.gz"]),
    ],
)
def test_where_artifacts_land(three: Service, tmp_path: Path, ref: str, inputs: dict[str, str], found: list[str]) -> None:
    step = download(three, tmp_path / "down", ref=ref, env=None, **inputs)
    assert step.code == 0, step.log
    assert files(tmp_path / "down") == found
    assert step.outputs == {"download-path": str(tmp_path / "down" / inputs.get("path", ""))}
    assert step.log.endswith("artifact(s) downloaded\nDownload artifact has finished successfully\n")


@pytest.mark.covers("runtime:11.3")
@pytest.mark.parametrize(
    ("ref", "found"),
    [
        ("v4", ["logs-1/one.txt"]),
        ("v5", ["one.txt"]),
        ("v8", ["one.txt"]),
        ("main", ["one.txt"]),
        ("d3f86a106a0bac45b974a628896c90dbdf5c8093", ["logs-1/one.txt"]),  # v4.3.0
        ("634f93cb2916e3fdff6788551b99b062d0335ce0", ["one.txt"]),  # v5.0.0
        ("d3f86a106a0bac45b974a628896c90dbdf5c8094", ["one.txt"]),  # of no release: it may be a newer one
    ],
)
def test_since_version_5_a_single_artifact_gets_no_folder(three: Service, tmp_path: Path, ref: str, found: list[str]) -> None:
    assert download(three, tmp_path / "down", ref=ref, pattern="logs-1").code == 0
    assert files(tmp_path / "down") == found


@pytest.mark.covers("runtime:11.3")
def test_by_ids(three: Service, tmp_path: Path) -> None:
    ids = {row["name"]: row["database_id"] for row in three.call("ListArtifacts")["artifacts"]}
    step = download(three, tmp_path / "a", artifact_ids=f"{ids['logs-1']}, {ids['dist']},")
    assert (step.code, files(tmp_path / "a")) == (0, ["dist/a.whl", "dist/b/a.tar.gz", "logs-1/one.txt"]), step.log
    step = download(three, tmp_path / "b", ref="v5", artifact_ids=f"{ids['logs-1']},999999")
    assert (step.code, files(tmp_path / "b")) == (0, ["one.txt"])
    assert "::warning::Could not find the following artifact IDs: 999999\n" in step.log


@pytest.mark.covers("runtime:11.3")
def test_files_are_overwritten_and_lose_the_executable_bit(server: Service, workspace: Path, tmp_path: Path) -> None:
    (workspace / "one.txt").chmod(0o755)
    upload(server, workspace, name="one", path="one.txt")
    down = tmp_path / "down"
    down.mkdir()
    (down / "one.txt").write_text("old and longer than the new one")
    os.umask(os.umask(0o022))
    assert download(server, down, name="one").code == 0
    assert (down / "one.txt").read_text() == "one.txt"
    (down / "one.txt").unlink()
    download(server, down, name="one")
    assert not stat.S_IMODE((down / "one.txt").stat().st_mode) & 0o111


@pytest.mark.covers("runtime:11.3")
def test_the_home_folder_and_the_workspace_as_defaults(three: Service, tmp_path: Path) -> None:
    assert download(three, tmp_path / "down", name="dist", path="~/x").outputs["download-path"] == str(tmp_path / "home" / "x")
    assert files(tmp_path / "home") == ["x/a.whl", "x/b/a.tar.gz"]


@pytest.mark.covers("runtime:11.3")
@pytest.mark.parametrize(
    ("ref", "inputs", "said"),
    [
        ("v4", {"name": "none"}, "Artifact not found for name: none%0A"),
        ("v5", {"name": "dist", "artifact_ids": "1"}, "Inputs 'name' and 'artifact-ids' cannot be used together."),
        ("v5", {"artifact_ids": "999999"}, "None of the provided artifact IDs were found"),
        ("v5", {"artifact_ids": " , "}, "No valid artifact IDs provided in 'artifact-ids' input"),
        ("v5", {"artifact_ids": "x1"}, "Invalid artifact ID: 'x1'. Must be a number."),
        ("v4", {"merge_multiple": "maybe"}, "Input does not meet YAML 1.2"),
        (
            "v8",
            {"digest_mismatch": "shrug"},
            "Invalid value for 'digest-mismatch': 'shrug'. Valid options are: ignore, info, warn",
        ),
        ("v4", {"github_token": "t", "repository": "nonsense"}, "Invalid repository: 'nonsense'. Must be in format owner/repo"),
        ("v4", {"github_token": "t", "repository": "octo/other"}, "artifacts of another repository, octo/other, are not at hand"),
        ("v4", {"github_token": "t", "run_id": "78"}, "artifacts of another run, 78, are not at hand here"),
    ],
)
def test_failures_say_why(three: Service, tmp_path: Path, ref: str, inputs: dict[str, str], said: str) -> None:
    step = download(three, tmp_path / "down", ref=ref, env=None, **inputs)
    assert (step.code, step.outputs) == (1, {})
    assert f"::error::Unable to download artifact(s): {said}" in step.log, step.log


@pytest.mark.covers("runtime:11.3", "runtime:9.2")
@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"GITHUB_ACTION_REF": "v3"}, "deprecated version of `actions/download-artifact: v3`"),
        ({"GITHUB_SERVER_URL": "http://localhost:3000"}, "are not currently supported on GHES."),
        ({"ACTIONS_RUNTIME_TOKEN": ""}, "Unable to get the ACTIONS_RUNTIME_TOKEN env variable"),
        ({"ACTIONS_RESULTS_URL": "http://127.0.0.1:1"}, "Unable to make request: ECONNREFUSED"),
        ({"ACTIONS_RUNTIME_TOKEN": issue(JobGrant("run", "job"), b"another key")}, "(401) Unauthorized"),
    ],
)
def test_without_its_service_it_fails(server: Service, tmp_path: Path, env: dict[str, str], said: str) -> None:
    step = download(server, tmp_path / "down", env=env)
    assert (step.code, said in step.log) == (1, True), step.log


@pytest.mark.covers("runtime:11.3")
def test_without_a_token_another_run_is_not_looked_at(three: Service, tmp_path: Path) -> None:
    step = download(three, tmp_path / "a", name="dist", run_id="78", repository="octo/other")
    assert (step.code, files(tmp_path / "a")) == (0, ["a.whl", "b/a.tar.gz"])
    step = download(three, tmp_path / "b", name="dist", github_token="t")
    assert (step.code, files(tmp_path / "b")) == (0, ["a.whl", "b/a.tar.gz"])


# Bytes


@pytest.mark.covers("runtime:11.3", "runtime:9.4")
@pytest.mark.parametrize(
    ("ref", "choice", "code", "said"),
    [
        ("v4", "error", 0, "::warning::Artifact 'x' digest validation failed."),
        ("v8", "", 1, "::error::Unable to download artifact(s): Digest validation failed for artifact(s): x. Use"),
        ("v8", "warn", 0, "::warning::Artifact 'x' digest validation failed."),
        ("v8", "info", 0, "\nArtifact 'x' digest validation failed."),
        ("v8", "ignore", 0, "finished successfully"),
    ],
)
def test_a_digest_that_does_not_fit(server: Service, tmp_path: Path, ref: str, choice: str, code: int, said: str) -> None:
    data = zipped({"a": os.urandom(20)})
    server.store("x", data)
    server.spoil(data, zipped({"a": b"1"}))
    step = download(server, tmp_path / "down", ref=ref, name="x", digest_mismatch=choice)
    assert (step.code, said in step.log) == (code, True), step.log
    assert files(tmp_path / "down") == ["a"]


@pytest.mark.covers("runtime:11.3", "runtime:9.4")
def test_since_version_8_what_is_no_archive_is_kept_as_it_is(server: Service, workspace: Path, tmp_path: Path) -> None:
    upload(server, workspace, path="one.txt", archive="false", ref="v7")
    assert download(server, tmp_path / "new", ref="v8", name="one.txt").code == 0
    assert (tmp_path / "new" / "one.txt").read_text() == "one.txt"
    old = download(server, tmp_path / "old", ref="v7", name="one.txt")
    assert (old.code, "Unable to download and extract artifact: the archive cannot be read" in old.log) == (1, True)


@pytest.mark.covers("runtime:11.3")
def test_skip_decompress_keeps_the_archive(three: Service, tmp_path: Path) -> None:
    step = download(three, tmp_path / "new", ref="v8", name="dist", skip_decompress="true")
    assert (step.code, files(tmp_path / "new")) == (0, ["dist.zip"]), step.log
    assert zipfile.is_zipfile(tmp_path / "new" / "dist.zip")
    assert download(three, tmp_path / "old", ref="v7", name="dist", skip_decompress="true").code == 0
    assert files(tmp_path / "old") == ["a.whl", "b/a.tar.gz"]


def lying(size: int) -> bytes:
    """An archive whose entry says in both places that it is smaller than it is."""
    data = bytearray(zipped({"a": bytes(5000)}))
    for place in (data.index(b"PK\x03\x04") + 22, data.index(b"PK\x01\x02") + 24):
        data[place : place + 4] = size.to_bytes(4, "little")
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (zipped({"good": b"1", "../evil": b"1"}), "Malformed extraction path: "),
        (zipped({"good": b"1", "/tmp/evil": b"1"}), "Malformed extraction path: "),
        (zipped({"good": b"1", "x/../../evil": b"1"}), "Malformed extraction path: "),
        (b"no archive at all", "the archive cannot be read: "),
        (zipped({"good": b"1"})[:-30], "the archive cannot be read: "),
    ],
)
def test_archives_that_would_do_harm_leave_nothing_behind(server: Service, tmp_path: Path, data: bytes, said: str) -> None:
    server.store("x", data)
    step = download(server, tmp_path / "down", name="x", path="deep")
    assert (step.code, said in step.log) == (1, True), step.log
    assert files(tmp_path / "down") == []
    assert not (tmp_path / "evil").exists() and not Path("/tmp/evil").exists()


def test_an_entry_is_never_larger_than_it_says(server: Service, tmp_path: Path) -> None:
    server.store("x", lying(10))
    step = download(server, tmp_path / "down", name="x")
    assert (step.code, "the archive cannot be read" in step.log) == (1, True), step.log
    assert (tmp_path / "down" / "a").stat().st_size <= 10
    server.store("y", lying((1 << 32) - 2))
    room = os.statvfs(tmp_path)
    if room.f_bavail * room.f_frsize < (1 << 32):
        assert "more than the disk of" in download(server, tmp_path / "down", name="y").log


def test_an_entry_that_says_it_is_a_link_becomes_a_file(server: Service, tmp_path: Path) -> None:
    server.store("x", zipped({"link": "/etc"}, mode=0o120777))
    assert download(server, tmp_path / "down", name="x").code == 0
    assert not (tmp_path / "down" / "link").is_symlink()
    assert (tmp_path / "down" / "link").read_text() == "/etc"


def test_links_that_are_there_already_lead_nowhere_else(server: Service, tmp_path: Path) -> None:
    down, outside = tmp_path / "down", tmp_path / "outside"
    down.mkdir()
    outside.mkdir()
    (outside / "file").write_text("mine")
    (down / "folder").symlink_to(outside)
    (down / "file").symlink_to(outside / "file")
    server.store("x", zipped({"folder/evil": b"1"}))
    server.store("y", zipped({"file": b"new"}))
    step = download(server, down, name="x")
    assert (step.code, "leads out of" in step.log) == (1, True)
    assert download(server, down, name="y").code == 0
    assert ((down / "file").read_text(), (outside / "file").read_text()) == ("new", "mine")
    assert files(outside) == ["file"]


def test_what_breaks_off_is_begun_anew(tmp_path: Path, server: Service) -> None:
    """A store that is not ours: its first answer ends early."""
    whole = zipped({"a": b"1"})
    seen: list[str] = []

    class Breaks(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            row = b'{"artifacts": [{"databaseId": "7", "name": "x", "size": "1"}], "signedUrl": "http://%s/blob?sig=1"}'
            body = row % self.headers["Host"].encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "application/zip")
            self.send_header("Content-Length", str(len(whole)))
            self.end_headers()
            self.wfile.write(whole if len(seen) > 1 else whole[:10])

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Breaks) as store_:
        thread = threading.Thread(target=store_.serve_forever)
        thread.start()
        try:
            url = f"http://127.0.0.1:{store_.server_port}"
            step = download(server, tmp_path / "down", name="x", env={"ACTIONS_RESULTS_URL": url})
        finally:
            store_.shutdown()
            thread.join()
    assert (step.code, seen) == (0, ["/blob?sig=1"] * 2), step.log
    assert files(tmp_path / "down") == ["a"]
    assert "sig=1" not in step.log.replace("::debug::", "")


# In a workflow


@pytest.mark.covers("runtime:11.3")
def test_a_later_job_gets_what_earlier_ones_have_made(headrace: Headrace) -> None:
    workflow = """
on: push
jobs:
  make:
    runs-on: ubuntu-latest
    strategy: {matrix: {n: [1, 2]}}
    steps:
      - run: echo "made ${{ matrix.n }}" >it.txt
      - uses: actions/upload-artifact@v4
        with: {name: "it-${{ matrix.n }}", path: it.txt}
  take:
    needs: make
    runs-on: ubuntu-latest
    steps:
      - id: all
        uses: actions/download-artifact@v5
        with: {pattern: it-*, path: got}
      - run: cat got/it-1/it.txt got/it-2/it.txt; echo "at ${{ steps.all.outputs.download-path }}"
"""
    actions = Actions(headrace)
    root = actions.repository("- run: 'true'").root
    (root / ".github/workflows/ci.yml").write_text(workflow)
    subprocess.run(["git", "-C", str(root), "-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-qam", "x"], check=True)
    done = headrace("run", "--json", "-v", cwd=root)
    assert done.status == 0, done.err
    assert {"made 1", "made 2"} <= set(output(done))
    assert any(line.startswith("at /") and line.endswith("/got") for line in output(done))


@pytest.mark.covers("runtime:11.3")
def test_other_runs_are_told_before_anything_runs(headrace: Headrace) -> None:
    actions = Actions(headrace)
    told = actions.plan("- {uses: actions/download-artifact@v4, with: {run-id: 5, github-token: x}}").out
    assert "downloads from another run" in told
    fine = (
        "- {uses: actions/download-artifact@v4, with: {run-id: '${{ github.run_id }}', repository: '${{ github.repository }}'}}"
    )
    assert "downloads from another" not in actions.plan(fine).out
