"""Cache entries belong to a scope, can be seen when they are whole, never change, and go when there is no room."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from headrace.store import caches
from headrace.store.artifacts import NotUploaded
from headrace.store.caches import Cache, Caches, KeyTaken, piece_name

MAIN, TOPIC = "refs/heads/main", "refs/heads/topic"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Caches]:
    found = Caches(str(tmp_path / "caches"))
    yield found
    found.close()


def put(store: Caches, name: str, data: bytes = b"bytes", scope: str = MAIN, version: str = "v", repository: str = "r") -> Cache:
    cache = store.reserve(repository, scope, name, version)
    with store.blobs.draft(cache.key) as draft:
        draft.write(data)
        store.uploaded(cache, draft.commit())
    return store.complete(cache, len(data))


def found(store: Caches, *names: str, scopes: tuple[str, ...] = (MAIN,), version: str = "v", repository: str = "r") -> str:
    cache = store.find(repository, scopes, names, version)
    return "" if cache is None else f"{cache.scope.rpartition('/')[2]}:{cache.name}"


@pytest.mark.covers("runtime:9.6")
def test_the_exact_key_comes_first_then_the_newest_that_begins_with_it(store: Caches) -> None:
    for name in ("k-1", "k-", "k-2", "other"):
        put(store, name)
    assert found(store, "k-1") == "main:k-1"
    assert found(store, "k-") == "main:k-"
    assert found(store, "k") == "main:k-2"
    assert found(store, "none", "o", "k") == "main:other"
    assert found(store, "K-1") == ""
    assert found(store, "k-1", version="w") == ""
    assert found(store, "k-1", repository="other") == ""
    assert found(store, "k%") == found(store, "k_1") == ""


@pytest.mark.covers("runtime:9.6")
def test_every_key_is_tried_in_one_scope_before_the_next_scope(store: Caches) -> None:
    put(store, "exact")
    put(store, "old-1", scope=TOPIC)
    assert found(store, "exact", "old-", scopes=(TOPIC, MAIN)) == "topic:old-1"
    assert found(store, "exact", "old-", scopes=(MAIN, TOPIC)) == "main:exact"
    assert found(store, "exact", scopes=(TOPIC,)) == ""


@pytest.mark.covers("runtime:9.5")
def test_a_key_can_be_saved_once_for_each_scope_and_version(store: Caches) -> None:
    put(store, "k")
    with pytest.raises(KeyTaken):
        store.reserve("r", MAIN, "k", "v")
    for scope, version, repository in ((TOPIC, "v", "r"), (MAIN, "w", "r"), (MAIN, "v", "q")):
        put(store, "k", scope=scope, version=version, repository=repository)


def test_an_entry_is_seen_only_when_it_is_whole_and_what_was_announced(store: Caches) -> None:
    cache = store.reserve("r", MAIN, "k", "v", "me")
    with pytest.raises(NotUploaded, match="no bytes"):
        store.complete(cache, 0)
    with store.blobs.draft(cache.key) as draft:
        draft.write(b"12345")
        store.uploaded(cache, draft.commit())
    assert found(store, "k") == ""
    with pytest.raises(NotUploaded, match=r"5 bytes .* 4 were announced"):
        store.complete(cache, 4)
    with pytest.raises(KeyError):
        store.reserved("r", MAIN, "k", "v", "somebody else")
    done = store.complete(store.reserved("r", MAIN, "k", "v", "me"), 5)
    assert done.complete
    assert found(store, "k") == "main:k"
    with pytest.raises(KeyError):
        store.complete(cache, 5)


@pytest.mark.covers("runtime:9.6")
def test_pieces_make_a_whole_without_gaps_in_any_order(store: Caches) -> None:
    cache = store.reserve("r", MAIN, "k", "v")
    for start, data in ((3, b"def"), (0, b"abc")):
        with store.blobs.block(cache.key, piece_name(start)) as draft:
            draft.write(data)
            draft.place()
        store.piece(cache, start, 3)
        if start:
            with pytest.raises(NotUploaded, match="from 0 are missing"):
                store.join(cache, 6)
    with pytest.raises(NotUploaded, match="7 were announced"):
        store.join(cache, 7)
    store.join(cache, 6)
    store.complete(cache, 6)
    file = store.blobs.open(cache.key)
    assert file is not None
    with file:
        assert file.read() == b"abcdef"


@pytest.mark.covers("runtime:12")
def test_what_was_not_used_for_the_longest_time_goes_when_a_repository_has_too_much(
    store: Caches, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caches, "LARGEST", 10)
    for name in ("a", "b", "c"):
        put(store, name, b"123")
    put(store, "theirs", b"1234567890", repository="q")
    assert found(store, "a") == "main:a"  # used again
    gone = store.find("r", [MAIN], ["b"], "v")
    assert found(store, "a") == "main:a"
    assert found(store, "c") == "main:c"
    put(store, "d", b"1234")
    assert [found(store, name) for name in "abcd"] == ["main:a", "", "main:c", "main:d"]
    assert found(store, "theirs", repository="q") == "main:theirs"
    assert gone is not None
    assert store.blobs.path(gone.key) is None
    put(store, "b")
    with pytest.raises(NotUploaded, match="has room for 10"):
        put(store, "e", b"12345678901")


@pytest.mark.covers("runtime:12")
def test_what_is_not_used_for_a_week_goes(store: Caches, monkeypatch: pytest.MonkeyPatch) -> None:
    old = put(store, "old")
    monkeypatch.setattr(caches, "UNUSED_S", -1)
    assert found(store, "old") == ""
    put(store, "old")  # free again
    assert store.by_id(old.id) is None
    assert store.blobs.path(old.key) is None


RESERVE = """
import sys, os
from headrace.store.caches import Caches
store = Caches(sys.argv[1])
cache = store.reserve("r", "refs/heads/main", "k", "v")
with store.blobs.block(cache.key, "b") as draft:
    draft.write(b"half"); draft.place()
draft = store.blobs.draft(cache.key); draft.write(b"half")
print(cache.id, flush=True)
sys.stdin.read()
"""


@pytest.mark.covers("runtime:9.5")
def test_an_upload_that_was_killed_frees_its_key_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "caches"
    env = {"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"]}
    argv = [sys.executable, "-c", RESERVE, str(folder)]
    with subprocess.Popen(argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "1\n"
        store = Caches(str(folder))
        with pytest.raises(KeyTaken):  # somebody is making it
            store.reserve("r", MAIN, "k", "v")
        other.send_signal(signal.SIGKILL)
        other.wait()
    for draft in (folder / "temporary").iterdir():
        os.utime(draft, (0, 0))
    cache = put(store, "k", b"whole")
    assert found(store, "k") == "main:k"
    store.close()
    left = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("caches.sqlite")]
    assert [path for path in left if path.parent.name != "holders"] == [folder / "blobs" / "caches" / str(cache.id)]
    assert len([path for path in left if path.parent.name == "holders"]) == 1


def test_of_many_at_once_one_reserves(tmp_path: Path) -> None:
    stores = [Caches(str(tmp_path / "caches")) for _ in range(8)]
    won: list[Cache] = []
    lost: list[KeyTaken] = []

    def reserve(store: Caches) -> None:
        try:
            won.append(store.reserve("r", MAIN, "k", "v"))
        except KeyTaken as taken:
            lost.append(taken)

    threads = [threading.Thread(target=reserve, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 7)
    for store in stores:
        store.close()


def test_what_a_store_has_reserved_is_free_when_it_closes_and_entries_stay(tmp_path: Path) -> None:
    first = Caches(str(tmp_path / "caches"))
    put(first, "done")
    given_up = first.reserve("r", MAIN, "k", "v")
    first.close()
    second = Caches(str(tmp_path / "caches"))
    assert found(second, "done") == "main:done"
    second.reserve("r", MAIN, "k", "v")
    with pytest.raises(KeyError):
        first.complete(given_up, 0)
    second.close()
