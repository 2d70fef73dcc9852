"""Sealed bytes between processes: one seals and stores, a server that sees no secret keeps them, another fetches and opens."""

from __future__ import annotations

import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from headrace_encryption import Key, TamperedError, open_sealed, seal
from test_core.processes import Finished, Running, run

SECRET = b"deploy-token-" + bytes(range(256)) * 64
PUT = """
import sys, urllib.request
from headrace_encryption import Key, seal
url, key_file, data_file = sys.argv[1:]
sealed = seal(open(data_file, "rb").read(), Key.from_file(key_file))
urllib.request.urlopen(urllib.request.Request(url, data=sealed, method="PUT")).close()
"""
GET = """
import sys, urllib.request
from headrace_encryption import Key, SealError, open_sealed
url, *key_files = sys.argv[1:]
with urllib.request.urlopen(url) as answer:
    sealed = answer.read()
try:
    sys.stdout.buffer.write(open_sealed(sealed, *map(Key.from_file, key_files)))
except SealError as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with Running([sys.executable, Path(__file__).with_name("blob_server.py")], Path.cwd()) as process:
        yield process.wait_for(r"^listening on (\S+)$")[1]


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    Key.generate().write(tmp_path / "key")
    return tmp_path / "key"


def python(program: str, *arguments: str | Path) -> Finished:
    return run([sys.executable, "-c", program, *arguments], Path.cwd())


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url) as answer:
        content: bytes = answer.read()
    return content


def store(url: str, content: bytes) -> None:
    urllib.request.urlopen(urllib.request.Request(url, data=content, method="PUT")).close()


def test_what_one_process_seals_another_opens_and_the_server_sees_nothing(server: str, tmp_path: Path, key_file: Path) -> None:
    (tmp_path / "data").write_bytes(b"token: 0123456789abcdef")
    assert python(PUT, f"{server}/shared", key_file, tmp_path / "data").status == 0
    got = python(GET, f"{server}/shared", key_file)
    assert (got.status, got.out) == (0, "token: 0123456789abcdef")
    assert b"0123456789abcdef" not in fetch(f"{server}/shared")


def test_after_rotation_both_keys_open_all_and_the_old_one_only_what_is_old(server: str, tmp_path: Path, key_file: Path) -> None:
    (tmp_path / "data").write_bytes(b"before")
    assert python(PUT, f"{server}/before", key_file, tmp_path / "data").status == 0
    Key.generate().write(tmp_path / "new")
    (tmp_path / "data").write_bytes(b"after")
    assert python(PUT, f"{server}/after", tmp_path / "new", tmp_path / "data").status == 0
    for name in ("before", "after"):
        assert python(GET, f"{server}/{name}", tmp_path / "new", key_file).out == name
    refused = python(GET, f"{server}/after", key_file)
    assert refused.status == 1 and refused.err.startswith("WrongKeyError: ")


def test_a_server_that_changes_one_byte_is_found_out(server: str, key_file: Path) -> None:
    key = Key.from_file(key_file)
    store(f"{server}/big", seal(SECRET, key))
    assert open_sealed(fetch(f"{server}/big"), key) == SECRET
    changed = bytearray(fetch(f"{server}/big"))
    changed[1000] ^= 0x20
    store(f"{server}/big", bytes(changed))
    with pytest.raises(TamperedError):
        open_sealed(fetch(f"{server}/big"), key)
