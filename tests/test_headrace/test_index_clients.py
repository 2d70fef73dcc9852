"""The clients that people use, unmodified, against an index over https on loopback."""

from __future__ import annotations

import gc
import hashlib
import os
import shutil
import signal
import sqlite3
import ssl
import sys
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from pathlib import Path

import httpx
import pytest
from headrace.services.grants import issue_request
from test_core.calls import Headrace
from test_core.indexes import CLAIMS, Index, Issuer, wheel, wheel_members, write_dist, zipped
from test_core.processes import Finished, Running, run

pytestmark = pytest.mark.slow  # it takes minutes

KEY = b"0123456789abcdef0123456789abcdef"
KILLS = int(os.environ.get("HEADRACE_KILLS", "6"))


def mint(index: Index, issuer: Issuer, **claims: str) -> str:
    with client(index) as session:
        answer = session.post(f"{index.url}/_/oidc/mint-token", json={"token": issuer.token(**claims)})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["token"])


def client(index: Index) -> httpx.Client:
    context = ssl.create_default_context(cafile=index.where["ca"])
    return httpx.Client(verify=context, trust_env=False, timeout=None)  # however busy the machine is


def twine(index: Index, token: str, *files: Path, **more: str) -> Finished:
    argv = [sys.executable, "-m", "twine", "--no-color", "upload", "--disable-progress-bar", "--verbose"]
    given = {"TWINE_REPOSITORY_URL": index.where["upload"], "TWINE_USERNAME": "__token__", "TWINE_PASSWORD": token}
    return run([*argv, *files], index.store.parent, index.environment(TWINE_NON_INTERACTIVE="1", COLUMNS="500", **given, **more))


def uv(index: Index, *words: str | Path, **more: str) -> Finished:
    program = shutil.which("uv") or pytest.skip("needs uv")
    return run([program, "--no-progress", *words], index.store.parent, index.environment(**more))


def installed(python: Path, code: str) -> str:
    done = run([python, "-c", code], python.parent)
    assert done.status == 0, done.err
    return done.out.strip()


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """A Python without anything in it."""
    done = run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], tmp_path)
    assert done.status == 0, done.err
    return tmp_path / "venv" / "bin" / "python"


def pip(index: Index, venv: Path, *words: str) -> Finished:
    argv: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        venv,
        "--disable-pip-version-check",
        "install",
        "--index-url",
        index.where["simple"],
    ]
    return run([*argv, *words], index.store.parent, index.environment())


@pytest.mark.covers("release:1.1", "release:1.4", "release:1.5.14", "release:1.7")
def test_twine_uploads_and_pip_installs(index: Index, issuer: Issuer, venv: Path, tmp_path: Path) -> None:
    index.publisher(issuer=issuer.url)
    token = mint(index, issuer)
    files = write_dist(tmp_path / "dist")
    done = twine(index, token, *files)
    assert done.status == 0, done.out + done.err
    assert twine(index, token, *files).status == 0  # the same bytes once more
    (tmp_path / "dist" / files[0].name).write_bytes(wheel(Author="other"))
    again = twine(index, token, files[0])
    assert again.status == 1
    assert f"400 File already exists ('{files[0].name}', with blake2_256 hash '" in again.out + again.err
    assert token not in done.out + done.err + again.out + again.err + index.log.read_text()
    done = pip(index, venv, "demo")
    assert done.status == 0, done.out + done.err
    assert installed(venv, "import demo; print(demo.VERSION)") == "1.0"
    log = index.log.read_text()
    assert len([line for line in log.splitlines() if " stored " in line]) == 2


@pytest.mark.covers("release:1.7")
def test_uv_installs_with_hashes_that_hold(index: Index, issuer: Issuer, venv: Path, tmp_path: Path) -> None:
    index.publisher(issuer=issuer.url)
    assert twine(index, mint(index, issuer), *write_dist(tmp_path / "dist")).status == 0
    digests = "".join(f" --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}" for path in (tmp_path / "dist").iterdir())
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"demo==1.0{digests}\n")
    words = ("pip", "install", "--python", venv, "--default-index", index.where["simple"], "--require-hashes", "-r", requirements)
    done = uv(index, *words)
    assert done.status == 0, done.err
    assert installed(venv, "import demo; print(demo.VERSION)") == "1.0"
    assert ".whl.metadata 200" in index.log.read_text()  # it has asked for the metadata beside the wheel
    requirements.write_text(f"demo==1.0 --hash=sha256:{'0' * 64}\n")
    assert uv(index, *words, "--reinstall", "--refresh").status != 0


@pytest.mark.covers("release:1.1", "release:1.2", "release:1.8")
def test_uv_publishes_with_a_token_of_the_runs_own_issuer_and_burns_what_it_got(headrace: Headrace, tmp_path: Path) -> None:
    """The whole exchange: issuer of the services, discovery, keys, mint, upload, burn."""
    (tmp_path / "key").write_bytes(KEY)
    argv = headrace.command("services", "--store", str(tmp_path / "services"), "--key-file", str(tmp_path / "key"))
    with Running(argv, tmp_path, headrace.environment()) as services:
        origin = services.wait_for(r"^listening on (http://\S+)$")[1]
        issuer = f"{origin}/identity"
        with Index(headrace, tmp_path / "index", "--issuer", issuer) as index:
            index.publisher(issuer=issuer)
            files = write_dist(tmp_path / "dist")
            secret = issue_request(CLAIMS, KEY)
            job = {
                "GITHUB_ACTIONS": "true",
                "ACTIONS_ID_TOKEN_REQUEST_URL": f"{origin}/identity/token?api-version=2.0",
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN": secret,
            }
            words: tuple[str | Path, ...] = (
                "publish",
                "--trusted-publishing",
                "always",
                "--publish-url",
                index.where["upload"],
                *files,
            )
            done = uv(index, *words, **job)
            assert done.status == 0, done.err
            assert uv(index, *words, **job).status == 0
            log = index.log.read_text()
            assert [log.count(text) for text in ("minted a token", "burned a token", " stored ")] == [2, 2, 2]
            wrong = dict(job, ACTIONS_ID_TOKEN_REQUEST_TOKEN=issue_request({**CLAIMS, "repository_owner_id": "18"}, KEY))
            refused = uv(index, *words, **wrong)
            assert refused.status != 0
            reason = "valid token, but no corresponding publisher (Publisher with matching claims was not found)"
            assert reason in " ".join(refused.err.split()), refused.err + index.log.read_text()  # uv breaks lines
            assert "owner id is '17', the token says '18'" in index.log.read_text()
            for text in (secret, "eyJ", "pypi-"):
                assert text not in index.log.read_text() + index.running.output


@pytest.mark.covers("release:1.4")
def test_uv_shows_what_is_wrong(index: Index, issuer: Issuer, tmp_path: Path) -> None:
    index.publisher(issuer=issuer.url)
    file = tmp_path / "demo-1.0+x-py3-none-any.whl"
    file.write_bytes(wheel(version="1.0+x"))
    given = {"UV_PUBLISH_TOKEN": mint(index, issuer)}
    done = uv(index, "publish", "--publish-url", index.where["upload"], file, **given)
    assert done.status != 0
    assert "The use of local versions in '1.0+x' is not allowed." in done.err


@pytest.mark.covers("release:1.7")
def test_a_yanked_release_is_chosen_by_nobody_who_did_not_ask_for_it(
    index: Index, issuer: Issuer, venv: Path, tmp_path: Path
) -> None:
    index.publisher(issuer=issuer.url)
    token = mint(index, issuer)
    for version in ("1.0", "1.1"):
        assert twine(index, token, *write_dist(tmp_path / "dist", version=version)[:1]).status == 0
        (tmp_path / "dist" / f"demo-{version}-py3-none-any.whl").unlink()
    done = index.headrace("index", "yank", "demo", "1.1", "--reason", "it is broken", "--store", str(index.store))
    assert done.status == 0, done.err
    assert pip(index, venv, "demo").status == 0
    assert installed(venv, "import demo; print(demo.VERSION)") == "1.0"
    exact = pip(index, venv, "demo==1.1")
    assert exact.status == 0 and "it is broken" in exact.out + exact.err
    assert index.headrace("index", "yank", "demo", "1.1", "--undo", "--store", str(index.store)).status == 0
    assert (
        uv(index, "pip", "install", "--python", venv, "--default-index", index.where["simple"], "-U", "demo", "--refresh").status
        == 0
    )
    assert installed(venv, "import demo; print(demo.VERSION)") == "1.1"


@pytest.mark.covers("release:1.5.13", "release:2.1")
def test_of_many_uploads_of_one_name_at_two_servers_one_is_stored(
    headrace: Headrace, index: Index, issuer: Issuer, tmp_path: Path
) -> None:
    index.publisher(issuer=issuer.url)
    token = mint(index, issuer)
    contents = [wheel(Author=f"author {number % 4}") for number in range(16)]
    with Index(headrace, index.store, "--issuer", issuer.url) as other, ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda number: put((index, other)[number % 2], token, contents[number]), range(16)))
    stored = {contents[number] for number, answer in enumerate(answers) if answer.status_code == 200}
    assert len(stored) == 1
    assert sum(answer.status_code == 200 for answer in answers) == 4
    for answer in answers:
        assert answer.status_code == 200 or answer.text.startswith("400 File already exists"), answer.text + index.log.read_text()
    assert served(index) == [next(iter(stored))]


def put(index: Index, token: str, content: bytes, filename: str = "demo-1.0-py3-none-any.whl") -> httpx.Response:
    data = {
        ":action": "file_upload", "protocol_version": "1", "metadata_version": "2.4", "name": "demo", "pyversion": "py3",
        "version": filename.split("-")[1], "filetype": "bdist_wheel", "sha256_digest": hashlib.sha256(content).hexdigest(),
    }  # fmt: skip
    with client(index) as session:
        return session.post(
            index.where["upload"], data=data, files={"content": (filename, content)}, auth=httpx.BasicAuth("__token__", token)
        )


def served(index: Index) -> list[bytes]:
    """The bytes of every file that the page lists; each as the page says."""
    with client(index) as session:
        page = session.get(f"{index.where['simple']}demo/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}).json()
        contents = []
        for file in page["files"]:
            content = session.get(file["url"]).content
            assert (hashlib.sha256(content).hexdigest(), len(content)) == (file["hashes"]["sha256"], file["size"])
            assert session.get(f"{file['url']}.metadata").status_code == 200
            contents.append(content)
        return contents


@pytest.mark.timeout(900)  # a server for each of its moments
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # a handshake that breaks off leaves its socket to be collected
@pytest.mark.covers("release:2.1", "release:4.7")
def test_a_file_is_there_as_a_whole_or_not_at_all_wherever_the_server_is_killed(
    headrace: Headrace, issuer: Issuer, tmp_path: Path
) -> None:
    """Each time a little later in the upload; what was answered with 200 stays, and the same upload can be repeated.

    Each server first shows what the one before it has left, and is then killed itself.
    """
    store = tmp_path / "index"
    expected = {content(0)}
    outcomes: set[bool] = set()
    whole, answered = 0.0, True
    for number in count():
        with Index(headrace, store, "--issuer", issuer.url) as index:
            if number == 0:
                index.publisher(issuer=issuer.url)
                token = mint(index, issuer)
                began = time.monotonic()
                assert put(index, token, content(0), name(0)).status_code == 200
                whole = time.monotonic() - began
            else:
                there = set(served(index))
                assert expected <= there <= expected | {content(number)}
                outcomes.add(content(number) in there)
                assert not answered or content(number) in there
                token = mint(index, issuer)
                assert put(index, token, content(number), name(number)).status_code == 200
                expected.add(content(number))
            if number >= KILLS and len(outcomes) == 2:
                assert set(served(index)) == expected
                break
            assert number < 3 * KILLS, f"it was killed always {'after' if True in outcomes else 'before'}"
            timer = threading.Timer(whole * ((number + 1) / KILLS) ** 2, os.kill, (index.running.pid, signal.SIGKILL))
            timer.start()
            try:
                answered = put(index, token, content(number + 1), name(number + 1)).status_code == 200
            except httpx.HTTPError:
                answered = False
            gc.collect()
            timer.join()
            index.running.wait()
        with closing(sqlite3.connect(store / "index.sqlite")) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def name(number: int) -> str:
    return f"demo-1.{number}-py3-none-any.whl"


def content(number: int) -> bytes:
    """Large enough to take a while."""
    filling = bytes((number + byte) % 251 for byte in range(4096)) * 1024
    return zipped({**wheel_members(version=f"1.{number}"), "demo/data": filling}, zipfile.ZIP_STORED)
