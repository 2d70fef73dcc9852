"""The client of docker: which daemon it asks. A socket stands in for the daemon, as it need not answer for that."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from headrace.sandbox.containers.docker import Docker
from headrace.sandbox.containers.model import Found

AUTHS = {"registry.invalid": {"auth": "bWU6aXQ="}}


@pytest.fixture
def home() -> Iterator[Path]:
    """Of a user whose settings name a daemon of their own; the path of a socket is not to be long."""
    program = shutil.which("docker")
    if program is None:
        pytest.skip("no client of docker here")
    with tempfile.TemporaryDirectory() as folder:
        env = {"HOME": folder, "PATH": os.environ["PATH"]}
        for words in (["create", "own", "--docker", f"host=unix://{folder}/own.sock"], ["use", "own"]):
            subprocess.run([program, "context", *words], env=env, check=True, capture_output=True)
        yield Path(folder)


def asked(home: Path, config: Path) -> bool:
    """Whether a pull with these settings asks the user's own daemon."""
    engine = Docker(Found("docker", shutil.which("docker") or ""))
    with socket.socket(socket.AF_UNIX) as daemon:
        daemon.bind(str(home / "own.sock"))
        daemon.listen()
        daemon.setblocking(False)
        process = subprocess.Popen(
            engine.pull("registry.invalid/x:1", str(config)), env={"HOME": str(home), "PATH": os.environ["PATH"]},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            while process.poll() is None:
                try:
                    daemon.accept()[0].close()
                    return True
                except BlockingIOError:
                    continue
        finally:
            process.kill()
            process.wait()
    return False


def test_a_pull_with_credentials_asks_the_daemon_that_the_users_settings_name(home: Path) -> None:
    config = home / "login"
    config.mkdir()
    Docker(Found("docker", "docker")).sign_in(str(config), AUTHS, {"HOME": str(home)})
    assert msgspec.json.decode((config / "config.json").read_bytes()) == {"auths": AUTHS, "currentContext": "own"}
    assert asked(home, config)


def test_settings_that_name_no_daemon_ask_another_one(home: Path) -> None:
    config = home / "login"
    config.mkdir()
    Docker(Found("docker", "docker")).sign_in(str(config), AUTHS, {"HOME": str(config)})
    assert msgspec.json.decode((config / "config.json").read_bytes()) == {"auths": AUTHS}
    assert not asked(home, config)


def test_the_settings_of_a_user_are_where_docker_looks_for_them(tmp_path: Path) -> None:
    for name, context in (("elsewhere", "of elsewhere"), ("home/.docker", "of home")):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "config.json").write_bytes(msgspec.json.encode({"currentContext": context}))
    from headrace.sandbox.containers.docker import current_context

    home = {"HOME": str(tmp_path / "home")}
    assert current_context(home) == "of home"
    assert current_context({**home, "DOCKER_CONFIG": str(tmp_path / "elsewhere")}) == "of elsewhere"
    assert current_context({"HOME": str(tmp_path)}) == ""
    (tmp_path / "home" / ".docker" / "config.json").write_text("no JSON")
    assert current_context(home) == ""
