"""Artifacts from end to end: the services as a process on loopback, the drop-in as a process of a job, nothing in between."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from headrace.actions import builtin
from headrace.services.grants import JobGrant, issue

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

MAIN = os.path.join(os.path.dirname(builtin.__file__), "__main__.py")
KEY = b"a key of this test, long enough"
ENV = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)}


class Step(NamedTuple):
    code: int
    log: str
    outputs: dict[str, str]


SERVICES = ("headrace.cli", "services")
# What each test session says of its server, where DEV_SERVER_LOGS asks for it; the pipeline keeps this file of a red leg.
SERVER_LOG = Path(__file__).with_name("dev-server.log")


class Server:
    """The services, as a process: `headrace services`, or another `program` that takes the same words."""

    def __init__(
        self,
        folder: Path,
        *words: str,
        program: tuple[str, ...] = SERVICES,
        env: dict[str, str] | None = None,
        fds: tuple[int, ...] = (),
    ) -> None:
        self.run = "run"
        (folder / "key").write_bytes(KEY)
        argv = [sys.executable, "-m", *program, "--store", str(folder / "store"), "--key-file", str(folder / "key")]
        self.process = subprocess.Popen(
            [*argv, *words],
            env=ENV | (env or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=fds,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("listening on http://"), line + (self.process.stderr.read() if self.process.stderr else "")
        self.url = line.split()[-1]

    def call(self, method: str, job: str = "job", **fields: Any) -> dict[str, Any]:
        run = self.run
        body = {"workflow_run_backend_id": run, "workflow_job_run_backend_id": job} | fields
        request = urllib.request.Request(
            f"{self.url}/twirp/github.actions.results.api.v1.ArtifactService/{method}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {issue(JobGrant(run, job), KEY)}"},
        )
        with urllib.request.urlopen(request) as answer:
            found = json.load(answer)
        assert isinstance(found, dict)
        return found

    def download(self, name: str) -> bytes:
        with urllib.request.urlopen(self.call("GetSignedArtifactURL", name=name)["signed_url"]) as answer:
            data = answer.read()
        assert isinstance(data, bytes)
        return data

    def stop(self) -> str:
        self.process.terminate()
        _, errors = self.process.communicate()
        return errors


@pytest.fixture(scope="session")
def process(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Server]:
    """The live server that these tests drive. Workers of one session share its log."""
    wanted = os.environ.get("DEV_SERVER_LOGS", "")
    if not hasattr(request.config, "workerinput"):
        SERVER_LOG.unlink(missing_ok=True)
    words = ["--log", str(SERVER_LOG)] if wanted else []
    server = Server(tmp_path_factory.mktemp("services"), *words, env={"DEV_SERVER_LOGS": wanted})
    yield server
    server.stop()


@pytest.fixture
def server(process: Server) -> Server:
    """One process for all tests; a run of its own for each."""
    process.run = f"run-{os.urandom(4).hex()}"
    return process


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    path = tmp_path / "work space"
    for name in ("dist/a.whl", "dist/a.tar.gz", "logs/deep/x.log", "logs/.hidden", "one.txt"):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(name)
    return path


def upload(
    server: Server, workspace: Path, *, run: str = "", job: str = "job", env: dict[str, str] | None = None, **inputs: str
) -> Step:
    manifest = builtin.manifest("actions/upload-artifact")
    assert manifest is not None
    values = dict(manifest.inputs) | {name.replace("_", "-"): value for name, value in inputs.items()}
    output = workspace.parent / f"output-{os.urandom(4).hex()}"
    output.write_text("")
    full = {
        "PATH": os.environ["PATH"],
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "octo/repo",
        "GITHUB_RUN_ID": "77",
        "GITHUB_RETENTION_DAYS": "90",
        "GITHUB_OUTPUT": str(output),
        "GITHUB_ACTION_REF": "v4",
        "ACTIONS_RESULTS_URL": f"{server.url}/with/a/path",
        "ACTIONS_RUNTIME_TOKEN": issue(JobGrant(run or server.run, job), KEY),
    } | {f"INPUT_{name.upper()}": value for name, value in values.items()}
    done = subprocess.run(
        [sys.executable, "-I", "-S", MAIN, "actions/upload-artifact", "main"],
        env=full | (env or {}),
        cwd=workspace,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = output.read_text().splitlines()
    outputs = {lines[i].partition("<<")[0]: lines[i + 1] for i in range(0, len(lines), 3)}
    return Step(done.returncode, done.stdout, outputs)


def unpacked(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.covers("runtime:11.2")
@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("dist", ["a.tar.gz", "a.whl"]),
        ("dist/*.whl", ["a.whl"]),
        ("dist/*.whl\ndist/*.tar.gz", ["a.tar.gz", "a.whl"]),
        ("dist/a.whl\ndist/a.tar.gz", ["a.tar.gz", "a.whl"]),
        ("one.txt", ["one.txt"]),
        ("dist/a.whl\nlogs/deep/x.log", ["dist/a.whl", "logs/deep/x.log"]),
        ("logs", ["deep/x.log"]),
        (".\n!dist/**", ["logs/deep/x.log", "one.txt"]),
        ("**/*.log\nnone", ["logs/deep/x.log"]),
    ],
)
def test_what_goes_into_the_archive_and_under_which_names(server: Server, workspace: Path, path: str, names: list[str]) -> None:
    step = upload(server, workspace, name="logs", path=path)
    assert step.code == 0, step.log
    assert sorted(unpacked(server.download("logs"))) == names


@pytest.mark.covers("runtime:11.2")
def test_outputs_and_messages(server: Server, workspace: Path) -> None:
    step = upload(server, workspace, path="dist/")
    data = server.download("artifact")
    number = step.outputs["artifact-id"]
    assert step.outputs == {
        "artifact-id": number,
        "artifact-url": f"https://github.com/octo/repo/actions/runs/77/artifacts/{number}",
        "artifact-digest": hashlib.sha256(data).hexdigest(),
    }
    assert "With the provided path, there will be 2 files uploaded" in step.log
    said = f"Artifact artifact has been successfully uploaded! Final size is {len(data)} bytes. Artifact ID is {number}"
    assert said in step.log
    assert f"Artifact download URL: {step.outputs['artifact-url']}" in step.log
    assert server.call("ListArtifacts")["artifacts"][0]["digest"] == f"sha256:{step.outputs['artifact-digest']}"


@pytest.mark.covers("runtime:11.2")
@pytest.mark.parametrize(("choice", "code", "mark"), [("warn", 0, "::warning::"), ("error", 1, "::error::"), ("ignore", 0, "")])
def test_no_files(server: Server, workspace: Path, choice: str, code: int, mark: str) -> None:
    step = upload(server, workspace, path="none/*", if_no_files_found=choice)
    text = "No files were found with the provided path: none/*. No artifacts will be uploaded."
    assert (step.code, step.outputs) == (code, {})
    assert f"{mark}{text}\n" in step.log
    assert server.call("ListArtifacts").get("artifacts", []) == []


@pytest.mark.covers("runtime:11.2")
def test_hidden_files_go_up_only_when_asked_for(server: Server, workspace: Path) -> None:
    upload(server, workspace, name="all", path="logs", include_hidden_files="true")
    assert sorted(unpacked(server.download("all"))) == [".hidden", "deep/x.log"]
    assert "No files were found" in upload(server, workspace, name="none", path="logs/.hidden").log


@pytest.mark.covers("runtime:11.2")
def test_a_second_leg_with_the_same_name_fails_unless_it_overwrites(server: Server, workspace: Path) -> None:
    assert upload(server, workspace, name="logs", path="dist").code == 0
    second = upload(server, workspace, job="job-2", name="logs", path="one.txt")
    assert second.code == 1
    assert (
        "::error::Failed to CreateArtifact: Received non-retryable error: Failed request: (409) Conflict: "
        "an artifact with this name already exists on the workflow run"
    ) in second.log
    third = upload(server, workspace, job="job-2", name="logs", path="one.txt", overwrite="true")
    assert third.code == 0, third.log
    assert list(unpacked(server.download("logs"))) == ["one.txt"]
    assert upload(server, workspace, run="another-run", name="logs", path="one.txt").code == 0


def test_an_archive_of_many_blocks_is_whole(server: Server, workspace: Path) -> None:
    data = os.urandom(20_000_000)
    (workspace / "big.bin").write_bytes(data)
    step = upload(server, workspace, name="big", path="big.bin", compression_level="0")
    assert step.code == 0, step.log
    assert unpacked(server.download("big")) == {"big.bin": data}


@pytest.mark.covers("runtime:11.2")
def test_compression_levels(server: Server, workspace: Path) -> None:
    (workspace / "zeros").write_bytes(bytes(100_000))
    upload(server, workspace, name="stored", path="zeros", compression_level="0")
    upload(server, workspace, name="packed", path="zeros")
    assert len(server.download("stored")) > 100_000 > 1_000 > len(server.download("packed"))
    step = upload(server, workspace, name="x", path="zeros", compression_level="10")
    assert (step.code, "Invalid compression-level. Valid values are 0-9" in step.log) == (1, True)


@pytest.mark.covers("runtime:11.2")
def test_a_raw_file_since_version_7(server: Server, workspace: Path) -> None:
    new = {"GITHUB_ACTION_REF": "v7"}
    step = upload(server, workspace, name="ignored", path="one.txt", archive="false", env=new)
    assert step.code == 0, step.log
    assert server.download("one.txt") == b"one.txt"
    many = upload(server, workspace, path="dist", archive="false", env=new)
    assert (many.code, "only a single file can be uploaded" in many.log) == (1, True)
    old = upload(server, workspace, name="old", path="one.txt", archive="false")
    assert list(unpacked(server.download("old"))) == ["one.txt"], old.log


@pytest.mark.covers("runtime:11.2")
@pytest.mark.parametrize(
    ("inputs", "env", "said"),
    [
        ({"name": "a/b"}, {}, "::error::The artifact name is not valid: a/b. Contains the following character: Forward slash /"),
        ({"path": "../x"}, {}, "::error::Invalid pattern '../x'. Relative pathing '.' and '..' is not allowed."),
        ({"path": ""}, {}, "::error::Input required and not supplied: path"),
        ({"if_no_files_found": "shrug"}, {}, "::error::Unrecognized if-no-files-found input. Provided: shrug."),
        ({"overwrite": "yes"}, {}, "Input does not meet YAML 1.2"),
        ({}, {"ACTIONS_RUNTIME_TOKEN": ""}, "::error::Unable to get the ACTIONS_RUNTIME_TOKEN env variable"),
        ({}, {"ACTIONS_RESULTS_URL": ""}, "::error::Unable to get the ACTIONS_RESULTS_URL env variable"),
        ({}, {"ACTIONS_RUNTIME_TOKEN": "x.y.z"}, "::error::Failed to get backend IDs: The provided JWT token is invalid"),
        ({}, {"ACTIONS_RUNTIME_TOKEN": issue(JobGrant("run", "job"), b"another key")}, "(401) Unauthorized"),
        ({}, {"GITHUB_SERVER_URL": "http://localhost:3000"}, "are not currently supported on GHES."),
        ({}, {"GITHUB_ACTION_REF": "v3"}, "deprecated version of `actions/upload-artifact: v3`"),
        ({}, {"ACTIONS_RESULTS_URL": "http://127.0.0.1:1"}, "::error::Unable to make request: ECONNREFUSED"),
    ],
)
def test_failures_say_why(server: Server, workspace: Path, inputs: dict[str, str], env: dict[str, str], said: str) -> None:
    step = upload(server, workspace, env=env, **({"path": "one.txt"} | inputs))
    assert step.code == 1
    assert said in step.log
    assert step.outputs == {}


def test_a_file_name_that_could_not_be_unpacked_everywhere_fails(server: Server, workspace: Path) -> None:
    (workspace / "logs" / "a:b.log").write_text("")
    step = upload(server, workspace, path="logs")
    assert step.code == 1
    assert (
        "The path for one of the files in artifact is not valid: /a:b.log. Contains the following character: Colon :" in step.log
    )


@pytest.mark.covers("runtime:11.2")
def test_retention_is_capped(server: Server, workspace: Path) -> None:
    step = upload(server, workspace, path="one.txt", retention_days="400")
    assert step.code == 0
    assert "::warning::Retention days cannot be greater than the maximum allowed" in step.log


def test_an_overloaded_service_is_asked_again(server: Server, workspace: Path) -> None:
    """A server that is not ours: it answers the first request with 429."""
    seen: list[str] = []

    class Once(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            seen.append(self.path.rsplit("/", 1)[-1])
            body = b"busy" if len(seen) == 1 else json.dumps({"code": "invalid_argument", "msg": "enough"}).encode()
            self.send_response(429 if len(seen) == 1 else 400)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Once) as busy:
        thread = threading.Thread(target=busy.serve_forever)
        thread.start()
        try:
            step = upload(server, workspace, path="one.txt", env={"ACTIONS_RESULTS_URL": f"http://127.0.0.1:{busy.server_port}"})
        finally:
            busy.shutdown()
            thread.join()
    assert seen == ["CreateArtifact", "CreateArtifact"]
    assert step.code == 1
    assert "(400) Bad Request: enough" in step.log


def test_what_was_complete_survives_a_killed_server_and_what_was_not_is_absent(tmp_path: Path, workspace: Path) -> None:
    server = Server(tmp_path)
    assert upload(server, workspace, name="whole", path="dist").code == 0
    half = server.call("CreateArtifact", name="half", version=4)["signed_upload_url"]
    with socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1]))) as client:
        target = half.removeprefix(server.url)
        client.sendall(f"PUT {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n".encode() + b"x" * 500_000)
        server.process.send_signal(signal.SIGKILL)
        server.process.communicate()
    again = Server(tmp_path)
    try:
        assert [row["name"] for row in again.call("ListArtifacts")["artifacts"]] == ["whole"]
        assert sorted(unpacked(again.download("whole"))) == ["a.tar.gz", "a.whl"]
        with pytest.raises(urllib.error.HTTPError) as refused:
            again.call("FinalizeArtifact", name="half", size="1000000")
        refused.value.close()
        assert refused.value.code == 412
    finally:
        again.stop()


def test_two_servers_share_a_store(tmp_path: Path, workspace: Path) -> None:
    first, second = Server(tmp_path), Server(tmp_path)
    try:
        assert upload(first, workspace, name="one", path="dist").code == 0
        assert upload(second, workspace, name="one", path="dist").code == 1
        assert upload(second, workspace, name="two", path="dist").code == 0
        assert [row["name"] for row in first.call("ListArtifacts")["artifacts"]] == ["one", "two"]
        assert first.download("two") == second.download("two")
    finally:
        first.stop()
        second.stop()


@pytest.mark.slow
def test_it_takes_an_inherited_socket_and_ends_with_its_standard_input(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        words = ("--fd", str(listening.fileno()), "--until-eof")
        server = Server(tmp_path, *words, program=("headrace.services",), fds=(listening.fileno(),))
        assert server.url == f"http://127.0.0.1:{listening.getsockname()[1]}"
        assert server.call("ListArtifacts") == {"artifacts": []}
    assert server.process.stdin is not None
    server.process.stdin.close()
    server.process.stdin = None
    server.process.communicate()
    assert server.process.returncode == 0


@pytest.mark.parametrize(("wanted", "there"), [("1", True), ("", False)])
@pytest.mark.slow
def test_requests_are_logged_when_asked_for_without_secrets(tmp_path: Path, workspace: Path, wanted: str, there: bool) -> None:
    log = tmp_path / "dev-server.log"
    server = Server(tmp_path, "--log", str(log), env={"DEV_SERVER_LOGS": wanted})
    upload(server, workspace, path="one.txt")
    server.stop()
    text = log.read_text()
    assert ("POST /twirp/github.actions.results.api.v1.ArtifactService/CreateArtifact 200" in text) is there
    assert "sig=" not in text
    assert "Bearer" not in text


@pytest.mark.parametrize(("wanted", "there"), [("1", True), ("", False)])
@pytest.mark.slow
def test_a_session_of_these_tests_keeps_the_log_of_its_server_when_asked(tmp_path: Path, wanted: str, there: bool) -> None:
    """Another session, of a copy of this file: the log stands beside the tests, where the pipeline looks for it."""
    shutil.copy(__file__, tmp_path)
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore", "-k", "test_outputs_and_messages"]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "DEV_SERVER_LOGS": wanted}
    done = subprocess.run([*argv, "."], cwd=tmp_path, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout
    log = tmp_path / "dev-server.log"
    assert log.exists() is there
    assert not there or "POST /twirp/github.actions.results.api.v1.ArtifactService/CreateArtifact 200" in log.read_text()


def test_the_log_of_the_server_is_what_the_pipeline_uploads_and_git_ignores() -> None:
    root = Path(__file__).resolve().parents[2]
    path = SERVER_LOG.resolve().relative_to(root).as_posix()
    assert f"path: {path}\n" in (root / ".github/workflows/headrace.yml").read_text()
    assert path in (root / ".gitignore").read_text().splitlines()


@pytest.mark.parametrize(
    ("words", "said", "status"),
    [
        (["--listen", "0.0.0.0:0"], "loopback only", 2),
        (["--fd", "0"], "descriptor 0 is no listening socket", 2),
        (["--key-file", "/none"], "No such file", 3),
    ],
)
def test_it_refuses_to_start(tmp_path: Path, words: list[str], said: str, status: int) -> None:
    (tmp_path / "key").write_bytes(KEY)
    argv = [sys.executable, "-m", "headrace.services", "--store", str(tmp_path), "--key-file", str(tmp_path / "key"), *words]
    done = subprocess.run(argv, env=ENV, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert (done.returncode, said in done.stderr) == (status, True), done.stderr
