"""A name belongs to one artifact of its scope; an artifact can be seen once it is complete."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from headrace.store.artifacts import Artifact, Artifacts, NameTaken, NotUploaded


def upload(store: Artifacts, artifact: Artifact, data: bytes) -> None:
    with store.blobs.draft(artifact.key) as draft:
        draft.write(data)
        store.uploaded(artifact, draft.commit())


@pytest.fixture
def store(tmp_path: Path) -> Artifacts:
    return Artifacts(str(tmp_path))


@pytest.mark.covers("runtime:9.4")
def test_an_artifact_is_listed_only_when_it_is_complete(store: Artifacts) -> None:
    made = store.create("run", "job", "logs")
    upload(store, made, b"abc")
    assert store.listed("run") == ()
    done = store.complete("run", "job", "logs", 3, "")
    assert store.listed("run") == (done,)
    assert (done.size, done.complete, done.digest[:7]) == (3, True, "sha256:")
    assert b"".join(store.read(done)) == b"abc"


@pytest.mark.covers("runtime:9.4")
def test_a_name_is_taken_in_its_scope_from_the_first_moment(store: Artifacts) -> None:
    store.create("run", "job", "logs")
    with pytest.raises(NameTaken):
        store.create("run", "other job", "logs")
    assert store.create("other run", "job", "logs").id == 2


def test_of_many_who_want_a_name_at_once_one_gets_it(tmp_path: Path) -> None:
    taken: list[object] = []

    def take() -> None:
        try:
            taken.append(Artifacts(str(tmp_path)).create("run", "job", "logs").id)
        except NameTaken:
            taken.append(None)

    Artifacts(str(tmp_path))
    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken, key=str) == [1] + [None] * 7


@pytest.mark.parametrize(
    ("size", "digest", "said"),
    [(4, "", "3 bytes of artifact logs are stored, 4 were announced"), (3, "sha256:00", "announced was sha256:00")],
)
def test_what_was_announced_must_be_what_is_stored(store: Artifacts, size: int, digest: str, said: str) -> None:
    with pytest.raises(KeyError):
        store.complete("run", "job", "logs", 0)
    made = store.create("run", "job", "logs")
    with pytest.raises(NotUploaded, match="no bytes"):
        store.complete("run", "job", "logs", 0)
    upload(store, made, b"abc")
    with pytest.raises(NotUploaded, match=said):
        store.complete("run", "job", "logs", size, digest)
    with pytest.raises(KeyError):
        store.complete("run", "another job", "logs", 3)


def test_listing_filters_by_name_and_id_and_stays_in_its_scope(store: Artifacts) -> None:
    for scope, name in [("run", "a"), ("run", "b"), ("other", "a")]:
        upload(store, store.create(scope, "job", name), b"x")
        store.complete(scope, "job", name, 1)
    assert [a.name for a in store.listed("run")] == ["a", "b"]
    assert [a.id for a in store.listed("run", "b")] == [2]
    assert [a.name for a in store.listed("run", id=1)] == ["a"]
    assert store.listed("run", id=3) == ()


def test_deleting_frees_the_name_and_drops_the_bytes(store: Artifacts) -> None:
    made = store.create("run", "job", "logs")
    upload(store, made, b"abc")
    store.complete("run", "job", "logs", 3)
    assert store.delete("run", "logs").id == made.id
    assert store.blobs.path(made.key) is None
    with pytest.raises(KeyError):
        store.delete("run", "logs")
    assert store.create("run", "job", "logs").id == 2


def test_everything_is_there_again_in_another_process_of_the_same_folder(tmp_path: Path, store: Artifacts) -> None:
    made = store.create("run", "job", "logs", "text/plain", 5.0)
    upload(store, made, b"abc")
    done = store.complete("run", "job", "logs", 3)
    assert Artifacts(str(tmp_path)).listed("run") == (done,)
    assert (done.mime, done.expires) == ("text/plain", 5.0)
