"""A blob is there as a whole or not at all."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from headrace.store.blobs import Blob, Blobs
from hypothesis import given, settings
from hypothesis import strategies as st


def put(blobs: Blobs, key: str, data: bytes) -> Blob:
    with blobs.draft(key) as draft:
        draft.write(data)
        return draft.commit()


def read(blobs: Blobs, key: str) -> bytes | None:
    file = blobs.open(key)
    if file is None:
        return None
    with file:
        return file.read()


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_blob_can_be_read_once_it_is_committed_and_says_size_and_digest(tmp_path: Path) -> None:
    blobs = Blobs(str(tmp_path))
    with blobs.draft("artifacts/1") as draft:
        draft.write(b"ab")
        draft.write(b"c")
        assert read(blobs, "artifacts/1") is None
        assert draft.commit() == Blob(3, "sha256:" + hashlib.sha256(b"abc").hexdigest())
    assert read(blobs, "artifacts/1") == b"abc"
    assert blobs.path("artifacts/1") is not None
    blobs.delete("artifacts/1")
    blobs.delete("artifacts/1")
    assert (read(blobs, "artifacts/1"), blobs.path("artifacts/1")) == (None, None)


def test_a_draft_without_commit_leaves_nothing(tmp_path: Path) -> None:
    blobs = Blobs(str(tmp_path))
    with pytest.raises(RuntimeError), blobs.draft("x") as draft:
        draft.write(b"half")
        raise RuntimeError
    assert files(tmp_path) == []


def test_an_open_blob_stays_readable_when_it_is_replaced(tmp_path: Path) -> None:
    blobs = Blobs(str(tmp_path))
    put(blobs, "x", b"old")
    file = blobs.open("x")
    assert file is not None
    put(blobs, "x", b"new")
    with file:
        assert file.read() == b"old"
    assert read(blobs, "x") == b"new"


@pytest.mark.parametrize("key", ["", "/x", "../x", "a/../b", "a//b", "a/", ".hidden", "a\n", "a b", "a/.b"])
def test_keys_that_could_lead_elsewhere_are_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="no key of a blob"):
        Blobs(str(tmp_path)).draft(key)


@settings(max_examples=25)
@given(blocks=st.dictionaries(st.text(min_size=1), st.binary(max_size=40), max_size=6), order=st.randoms(use_true_random=False))
def test_blocks_in_any_order_make_the_blob_of_their_list(
    tmp_path_factory: pytest.TempPathFactory, blocks: dict[str, bytes], order: object
) -> None:
    folder = tmp_path_factory.mktemp("store")
    blobs = Blobs(str(folder))
    names = list(blocks)
    order.shuffle(names)  # type: ignore[attr-defined]
    for name, data in blocks.items():
        with blobs.block("k", name) as draft:
            draft.write(data)
            draft.place()
    made = blobs.join("k", names)
    assert read(blobs, "k") == b"".join(blocks[name] for name in names)
    assert made.size == sum(map(len, blocks.values()))
    assert files(folder) == ["blobs/k"]


def test_a_list_that_names_an_unknown_block_makes_nothing_and_keeps_the_others(tmp_path: Path) -> None:
    blobs = Blobs(str(tmp_path))
    with blobs.block("k", "a") as draft:
        draft.write(b"a")
        draft.commit()
    with pytest.raises(KeyError, match="b"):
        blobs.join("k", ["a", "b"])
    assert read(blobs, "k") is None
    assert blobs.join("k", ["a"]).size == 1


def test_a_writer_that_is_killed_leaves_the_earlier_blob(tmp_path: Path) -> None:
    blobs = Blobs(str(tmp_path))
    put(blobs, "x", b"earlier")
    code = (
        "import sys\nfrom headrace.store.blobs import Blobs\n"
        "draft = Blobs(sys.argv[1]).draft('x')\ndraft.write(b'half' * 100000)\nprint('written', flush=True)\nsys.stdin.read()"
    )
    env = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"written\n"
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    assert read(blobs, "x") == b"earlier"


def test_two_processes_that_write_one_key_never_mix(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom headrace.store.blobs import Blobs\nblobs = Blobs(sys.argv[1])\n"
        "for _ in range(8):\n    with blobs.draft('shared') as draft:\n"
        "        draft.write(sys.argv[2].encode() * 50_000)\n        draft.commit()\n"
    )
    env = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    writers = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), mark], env=env) for mark in "ab"]
    blobs = Blobs(str(tmp_path))
    while None in [writer.poll() for writer in writers]:
        data = read(blobs, "shared")
        assert data is None or data in (b"a" * 50_000, b"b" * 50_000)
    assert [writer.wait() for writer in writers] == [0, 0]
    assert files(tmp_path) == ["blobs/shared"]
