"""What jobs get of the caller's own: a fixed table of variables, what `[tool.headrace]` forwards, and the files that those name."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

import pytest
from test_core.calls import Done, Headrace
from test_core.layers import refusal
from test_core.repositories import make_repository

pytestmark = pytest.mark.slow  # it takes minutes, or needs the machine for itself

COUNT = count()
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else "python3"


@pytest.fixture(scope="module")
def headrace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Headrace]:
    """One for all tests: what lies below every job is made once for a user."""
    home = tmp_path_factory.mktemp("forwarded")
    calls = Headrace(home, home, tmp_path_factory.getbasetemp().parent / "bytecode")
    yield calls
    calls.close()


@pytest.fixture(params=["host", "namespaces"])
def isolation(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    kind: str = request.param
    if kind == "namespaces":
        possible(tmp_path_factory)
    return kind


@pytest.fixture
def parted(tmp_path_factory: pytest.TempPathFactory) -> str:
    possible(tmp_path_factory)
    return "namespaces"


def possible(tmp_path_factory: pytest.TempPathFactory) -> None:
    why = refusal(tmp_path_factory.mktemp("probe"), 1)
    if why:
        pytest.skip(f"no layers in a user namespace here: {why}")


@pytest.fixture
def mine(headrace: Headrace) -> Iterator[Path]:
    """A folder below the caller's HOME."""
    folder = headrace.home / "mine"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def pip_conf(headrace: Headrace) -> Iterator[Path]:
    path = headrace.home / ".config" / "pip" / "pip.conf"
    path.parent.mkdir(parents=True)
    path.write_text("[global]\nindex-url = https://me:hush-hush@index.invalid/simple\n")
    yield path
    shutil.rmtree(headrace.home / ".config")


def run(headrace: Headrace, isolation: str, script: str, *arguments: str, settings: str = "", **extra: str) -> Done:
    lines = "".join(f"          {line}\n" for line in script.splitlines())
    files = {
        ".github/workflows/ci.yml": f"on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: |\n{lines}"
    }
    if settings:
        files["pyproject.toml"] = f"[tool.headrace]\n{settings}\n"
    root = make_repository(headrace.home / f"repo{next(COUNT)}", files).root
    return headrace("run", "--isolation", isolation, "-v", *arguments, cwd=root, **extra)


def output(done: Done) -> list[str]:
    return [line.partition(" | ")[2] for line in done.err.splitlines() if " | " in line]


def test_only_what_one_table_names_is_inherited_and_env_adds_to_it(headrace: Headrace, isolation: str) -> None:
    extra = {"AWS_SECRET_ACCESS_KEY": "x", "PIP_INDEX_URL": "https://a", "TERM": "xterm", "MINE": "m", "UV_INDEX": "https://b"}
    script = 'echo "$AWS_SECRET_ACCESS_KEY:$PIP_INDEX_URL:$(printenv TERM):$MINE:$UV_INDEX:$TZ"'
    assert ":https://a:::https://b:UTC" in output(run(headrace, isolation, script, **extra))
    assert ":https://c::e:https://b:UTC" in output(
        run(headrace, isolation, script, "--env", "MINE=e", "--env", "PIP_INDEX_URL=https://c", **extra)
    )


def test_the_caller_s_settings_are_not_seen_and_that_is_said_once(headrace: Headrace, isolation: str, pip_conf: Path) -> None:
    done = run(headrace, isolation, "test ! -e ~/.config/pip/pip.conf")
    assert done.status == 0, done.err
    assert done.err.count(f"jobs do not see {pip_conf}, as none of it is on a hosted machine") == 1


def test_what_the_project_forwards_is_seen_and_said_and_its_secrets_are_masked(
    headrace: Headrace, isolation: str, pip_conf: Path
) -> None:
    script = "cat ~/.config/pip/pip.conf\necho $MINE\nls -l ~/.config/pip/pip.conf"
    done = run(headrace, isolation, script, settings="forward = ['pip.conf', 'MINE', 'NOT_SET']", MINE="m")
    assert done.status == 0, done.err
    assert "index-url = https://me:***@index.invalid/simple" in output(done)
    assert "m" in output(done)
    assert any(line.startswith("-r--------") for line in output(done))
    assert f"note: jobs get {pip_conf}, $MINE, as `forward` says" in done.err
    assert "do not see" not in done.err
    assert not any(b"hush-hush" in path.read_bytes() for path in headrace.kept() if path.suffix == ".log")


def test_a_job_cannot_change_what_is_forwarded(headrace: Headrace, isolation: str, pip_conf: Path) -> None:
    before = pip_conf.read_bytes()
    script = "chmod u+w ~/.config/pip/pip.conf; echo more >>~/.config/pip/pip.conf"
    assert run(headrace, isolation, script, "--forward", "pip.conf").status == 0
    assert pip_conf.read_bytes() == before


def test_pip_goes_by_a_forwarded_file(headrace: Headrace, isolation: str, pip_conf: Path) -> None:
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode:
        pytest.skip("needs pip")
    script = f"{sys.executable} -m pip config get global.index-url"
    assert "https://me:***@index.invalid/simple" in output(run(headrace, isolation, script, "--forward", "pip.conf"))
    assert run(headrace, isolation, script).status == 1


def test_every_kind_of_file_comes_to_where_tools_look(headrace: Headrace, isolation: str) -> None:
    made = {".pip/pip.conf": "pip.conf", "xdg/uv/uv.toml": "uv.toml", ".npmrc": ".npmrc", ".netrc": ".netrc"}
    for path, name in made.items():
        (headrace.home / path).parent.mkdir(parents=True, exist_ok=True)
        (headrace.home / path).write_text(f"# mine: {name}\n")
    try:
        script = "cat ~/.pip/pip.conf ~/.config/uv/uv.toml ~/.npmrc ~/.netrc"
        config = {"XDG_CONFIG_HOME": str(headrace.home / "xdg")}
        done = run(headrace, isolation, script, settings=f"forward = {list(made.values())}", **config)
        assert [line for line in output(done) if "# mine" in line] == [f"# mine: {name}" for name in made.values()], done.err
        assert run(headrace, isolation, script, settings="forward = ['.npmrc']", **config).status == 1
    finally:
        for path in made:
            (headrace.home / path).unlink()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("npmrc", "forward: there is no 'npmrc'; did you mean '.npmrc'?"),
        ("pip", "forward: there is no 'pip'; did you mean 'pip.conf'?"),
        (
            "~/.aws/credentials",
            "forward: '~/.aws/credentials' is neither a variable nor one of pip.conf, uv.toml, .npmrc, .netrc",
        ),
        ("PATH", "forward: PATH of a job is its own; --path-prepend"),
        ("GITHUB_TOKEN", "forward: GITHUB_TOKEN of a job is its own"),
    ],
)
def test_what_cannot_be_forwarded_is_a_wrong_call(headrace: Headrace, name: str, words: str) -> None:
    done = run(headrace, "host", "true", settings=f"forward = ['{name}']")
    assert done.status == 2
    assert words in done.err


# -- files that variables name --


@pytest.fixture
def server(mine: Path) -> Iterator[int]:
    """A service on loopback whose certificate is signed by itself; that of the authority is mine/ca.pem."""
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    make = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    files = ["-keyout", f"{mine}/key.pem", "-out", f"{mine}/ca.pem"]
    subprocess.run(["openssl", *make.split(), *files], check=True, capture_output=True)

    class Hello(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *_: object) -> None:
            pass

    made = ThreadingHTTPServer(("127.0.0.1", 0), Hello)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{mine}/ca.pem", f"{mine}/key.pem")
    made.socket = context.wrap_socket(made.socket, server_side=True)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made.server_address[1]
    made.shutdown()
    made.server_close()


def test_an_authority_below_home_counts_in_jobs_under_sudo_too(headrace: Headrace, parted: str, mine: Path, server: int) -> None:
    script = f"""\
cat >ask.py <<'P'
import sys, urllib.request
try:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({{}}))
    print(opener.open("https://localhost:{server}", timeout=20).read().decode())
except OSError as error:
    sys.exit(str(error))
P
{PYTHON} ask.py
sudo {PYTHON} ask.py
test ! -e {mine}/key.pem
test ! -e {headrace.home}/repo0"""
    done = run(headrace, parted, script, "--network", "host", SSL_CERT_FILE=f"{mine}/ca.pem")
    assert (done.status, output(done).count("hello")) == (0, 2), done.err
    assert "On a hosted runner" not in done.err
    again = run(headrace, parted, script, "--network", "host")
    assert again.status == 1
    assert any("CERTIFICATE_VERIFY_FAILED" in line for line in output(again)), again.err


def test_an_authority_given_with_env_counts_too(headrace: Headrace, parted: str, mine: Path) -> None:
    (mine / "ca.pem").write_text("CA\n")
    done = run(headrace, parted, "cat $PIP_CERT", "--env", f"PIP_CERT={mine}/ca.pem")
    assert "CA" in output(done), done.err
    assert run(headrace, parted, f"cat {mine}/ca.pem", "--env", f"OTHER={mine}/ca.pem").status == 1


def test_folders_that_variables_name_are_seen_and_stay_as_they_are(headrace: Headrace, parted: str, mine: Path) -> None:
    (mine / "wheels").mkdir()
    (mine / "wheels" / "a.whl").write_text("wheel\n")
    (mine / "link").symlink_to("wheels")
    script = f"cat {mine}/link/a.whl; touch {mine}/link/b; test ! -e {headrace.home}/repo0"
    done = run(headrace, parted, script, PIP_FIND_LINKS=f"https://x.invalid file://{mine}/link")
    assert (done.status, "wheel" in output(done)) == (0, True), done.err
    assert "On a hosted runner" not in done.err
    assert os.listdir(mine / "wheels") == ["a.whl"]


def test_a_folder_with_home_in_it_is_not_seen_and_that_is_said(headrace: Headrace, parted: str) -> None:
    done = run(headrace, parted, f"test ! -e {headrace.home}", PIP_FIND_LINKS=str(headrace.home))
    assert done.status == 0, done.err
    assert f"note: jobs do not see {headrace.home}, which PIP_FIND_LINKS names, as {headrace.home} lies in it" in done.err


def test_a_forwarded_variable_brings_the_file_that_it_names(headrace: Headrace, parted: str, mine: Path) -> None:
    (mine / "limits.txt").write_text("a==1\n")
    forward = "forward = ['PIP_CONSTRAINT']"
    done = run(headrace, parted, "cat $PIP_CONSTRAINT", settings=forward, PIP_CONSTRAINT=f"{mine}/limits.txt")
    assert "a==1" in output(done), done.err
    assert run(headrace, parted, "cat $PIP_CONSTRAINT </dev/null; test -n $PIP_CONSTRAINT", settings=forward).status == 0


def test_a_file_that_forwarded_settings_name_comes_along(headrace: Headrace, parted: str, mine: Path, pip_conf: Path) -> None:
    (mine / "ca.pem").write_text("CA\n")
    pip_conf.write_text(f"[global]\ncert = {mine}/ca.pem\n")
    assert "CA" in output(run(headrace, parted, f"cat {mine}/ca.pem", "--forward", "pip.conf"))


def test_a_file_too_large_for_copies_stops_the_run_with_what_to_do(headrace: Headrace, parted: str, mine: Path) -> None:
    with open(mine / "huge", "wb") as file:
        file.truncate(5 << 20)
    done = run(headrace, parted, "true", PIP_CERT=f"{mine}/huge")
    assert done.status == 3
    assert f"{mine}/huge, which PIP_CERT names, is larger than the 4 MiB that jobs get a copy of" in done.err
    assert run(headrace, parted, "test -s $PIP_CERT", "--expose", str(mine), PIP_CERT=f"{mine}/huge").status == 0
