"""actions/cache and its parts, native: what one run saves, later runs find, as far as their refs let them."""

from __future__ import annotations

import io
import shutil
import sqlite3
import subprocess
import tarfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from headrace.store.caches import Caches
from test_core.actions import composite, node, output
from test_core.caches import Cached
from test_core.calls import Done, Headrace
from test_core.layers import refusal

pytestmark = pytest.mark.slow  # it takes minutes, or needs the machine for itself

MAKE = "- run: mkdir -p data && echo one > data/file\n"
SHOW = "- run: cat data/file\n"


def cache(key: str, *more: str, path: str = "data", uses: str = "actions/cache@v4", id: str = "c") -> str:
    lines = "".join(f"    {line}\n" for line in (f"key: {key}", f"path: {path}", *more))
    return f"- uses: {uses}\n  id: {id}\n  with:\n{lines}"


def restore(key: str, *more: str, path: str = "data") -> str:
    said = "- run: echo 'outputs=${{ toJSON(steps.c.outputs) }}' | tr -d '\\n '\n"
    return cache(key, *more, path=path, uses="actions/cache/restore@v4") + said


def save(key: str, path: str = "data", id: str = "s") -> str:
    return cache(key, path=path, uses="actions/cache/save@v4", id=id)


def outputs(done: Done) -> dict[str, str]:
    import json

    line = next(line for line in output(done) if line.startswith("outputs={"))
    found = json.loads(line.removeprefix("outputs="))
    assert isinstance(found, dict)
    return found


@pytest.fixture
def cached(headrace: Headrace) -> Cached:
    return Cached(headrace)


@pytest.mark.covers("runtime:11.4")
def test_what_is_missed_is_saved_at_the_end_and_found_by_the_next_run(cached: Cached) -> None:
    show = "- run: echo hit=[${{ steps.c.outputs.cache-hit }}]\n"
    first = cached.run(cache("k-1") + show + MAKE)
    assert (first.results, first.status) == ({"a": "success"}, 0)
    assert {"Cache not found for input keys: k-1", "hit=[]", "Cache saved with key: k-1"} <= set(output(first))
    second = cached.run(cache("k-1") + show + SHOW)
    told = set(output(second))
    assert {"Cache hit for: k-1", "Cache restored from key: k-1", "hit=[true]", "one"} <= told
    assert "Cache hit occurred on the primary key k-1, not saving cache." in told
    third = cached.run(cache("K-1") + show + MAKE)  # GitHub's service minds case
    assert "Cache not found for input keys: K-1" in output(third)


@pytest.mark.covers("runtime:11.4")
def test_a_restore_key_finds_the_newest_and_the_new_one_is_saved(cached: Cached) -> None:
    for number in (1, 2):
        assert cached.run(f"- run: mkdir data && echo {number} > data/file\n" + save(f"k-{number}")).status == 0
    done = cached.run(restore("k-3", "restore-keys: |", "  none-", "  k-") + SHOW)
    assert outputs(done) == {"cache-hit": "false", "cache-primary-key": "k-3", "cache-matched-key": "k-2"}
    assert {"Cache hit for restore-key: k-2", "2"} <= set(output(done))
    assert outputs(cached.run(restore("k-1") + SHOW))["cache-hit"] == "true"
    missed = cached.run(restore("none", "restore-keys: x-"))
    assert outputs(missed) == {"cache-primary-key": "none"}
    assert "Cache not found for input keys: none, x-" in output(missed)
    assert "Cache saved with key: k-3" in output(cached.run(cache("k-3", "restore-keys: k-") + SHOW))


@pytest.mark.covers("runtime:11.4")
def test_a_job_that_fails_saves_nothing_at_its_end(cached: Cached) -> None:
    failed = cached.run(cache("k") + MAKE + "- run: exit 1\n")
    assert (failed.status, failed.results) == (1, {"a": "failure"})
    assert "Cache not found for input keys: k" in output(cached.run(restore("k")))


@pytest.mark.covers("runtime:11.4")
def test_a_miss_fails_the_step_that_says_so_and_looking_brings_nothing(cached: Cached) -> None:
    failed = cached.run(restore("k", "fail-on-cache-miss: true"))
    assert failed.results == {"a": "failure"}
    why = "Failed to restore cache entry. Exiting as fail-on-cache-miss is set. Input key: k"
    assert any(line.endswith(why) for line in output(failed))
    cached.run(MAKE + save("k"))
    assert cached.run(restore("k", "fail-on-cache-miss: true") + SHOW).results == {"a": "success"}
    looked = cached.run(restore("k", "lookup-only: true") + "- run: test ! -e data\n")
    assert looked.results == {"a": "success"}
    assert "Cache found and can be restored from key: k" in output(looked)
    assert outputs(looked)["cache-hit"] == "true"


@pytest.mark.covers("runtime:9.5")
def test_what_is_saved_again_is_not_saved_and_nothing_fails(cached: Cached) -> None:
    done = cached.run(MAKE + save("k") + "- run: echo two > data/file\n" + save("k", id="again"))
    assert done.results == {"a": "success"}
    told = output(done)
    assert "Failed to save: Unable to reserve cache with key k, another job may be creating this cache." in told
    assert any("Cache save failed." in line for line in told)
    assert "one" in output(cached.run(restore("k") + SHOW))


@pytest.mark.covers("runtime:9.6")
def test_another_path_text_is_another_cache(cached: Cached) -> None:
    cached.run(MAKE + save("k"))
    assert "Cache not found for input keys: k" in output(cached.run(restore("k", path="data/")))


@pytest.mark.covers("runtime:9.6")
def test_branches_and_pull_requests_see_their_own_caches_and_the_bases(cached: Cached) -> None:
    cached.run(MAKE + save("k-main"))
    cached.run(MAKE + save("k-topic"), "--ref", "refs/heads/topic")
    assert "Cache not found for input keys: k-topic" in output(cached.run(restore("k-topic")))
    assert "Cache restored from key: k-main" in output(cached.run(restore("k-main"), "--ref", "refs/heads/topic"))
    other = cached.run(restore("k-topic", "restore-keys: k-"), "--ref", "refs/heads/other")
    assert outputs(other)["cache-matched-key"] == "k-main"

    cached.repository.git("add", "--all")
    cached.repository.git("commit", "--quiet", "--message", "workflow")
    cached.repository.git("checkout", "--quiet", "-b", "topic")
    pull = cached.run(restore("k-main") + MAKE + save("k-pull"), event="pull_request")
    assert {"Cache restored from key: k-main", "Cache saved with key: k-pull"} <= set(output(pull))
    assert "Cache not found for input keys: k-pull" in output(cached.run(restore("k-pull")))  # on topic
    cached.repository.git("checkout", "--quiet", "main")
    assert "Cache not found for input keys: k-pull" in output(cached.run(restore("k-pull")))
    cached.repository.git("checkout", "--quiet", "topic")
    assert "Cache restored from key: k-pull" in output(cached.run(restore("k-pull"), event="pull_request"))


@pytest.mark.covers("runtime:9.6")
def test_a_forks_pull_request_adds_to_its_own_caches_and_to_no_others(cached: Cached) -> None:
    fork: dict[str, Any] = {"number": 7, "pull_request": {"head": {"repo": {"full_name": "eve/repo"}}}}
    cached.run(MAKE + save("k-main"))
    own = cached.run(restore("k-main") + MAKE + save("k-fork"), event="pull_request", payload=fork)
    assert {"Cache restored from key: k-main", "Cache saved with key: k-fork"} <= set(output(own))
    assert "Cache not found for input keys: k-fork" in output(cached.run(restore("k-fork")))
    # On the base's own ref it may look only.
    target = cached.run(restore("k-main") + MAKE + save("k-evil"), event="pull_request_target", payload=fork)
    assert target.results == {"a": "success"}
    assert {
        "Cache restored from key: k-main",
        "Cache save skipped: the effective cache-mode 'read' does not permit writes.",
    } <= set(output(target))
    assert "Cache not found for input keys: k-evil" in output(cached.run(restore("k-evil")))
    trusted = cached.run(MAKE + save("k-good"), event="pull_request_target")
    assert "Cache saved with key: k-good" in output(trusted)
    assert "Cache restored from key: k-good" in output(cached.run(restore("k-good")))


@pytest.mark.covers("runtime:9.6")
def test_files_come_back_where_and_as_they_were(cached: Cached) -> None:
    path = "|\n      with blank/x y\n      ~/.store\n      **/keep-*\n      !**/keep-not\n      ${{ runner.temp }}/absolute"
    make = """\
- run: |
    mkdir -p 'with blank/x y/deep' ~/.store a/b "$RUNNER_TEMP/absolute"
    echo 1 > 'with blank/x y/deep/-dash'; echo 2 > 'with blank/left'; echo 3 > ~/.store/home
    echo 4 > a/b/keep-this; echo 5 > a/b/keep-not; echo 6 > a/other; echo 7 > "$RUNNER_TEMP/absolute/file"
    printf '#!/bin/sh\\necho runs' > 'with blank/x y/tool'; chmod 755 'with blank/x y/tool'
    ln -s deep/-dash 'with blank/x y/link'; mkdir 'with blank/x y/empty'; echo 8 > -keep; echo 9 > keep-$'a\\nb'
"""
    check = """\
- run: |
    set -x
    test "$(cat 'with blank/x y/link')" = 1 && test -L 'with blank/x y/link' && test -d 'with blank/x y/empty'
    test "$('with blank/x y/tool')" = runs && test "$(cat ~/.store/home)" = 3 && test "$(cat a/b/keep-this)" = 4
    test ! -e 'with blank/left' && test ! -e a/b/keep-not && test ! -e a/other && test ! -e ./-keep
    test "$(cat "$RUNNER_TEMP/absolute/file")" = 7 && test "$(cat keep-$'a\\nb')" = 9
"""
    saved = cached.run(make + save("k", path))
    assert "Cache saved with key: k" in output(saved)
    assert cached.run(restore("k", path=path) + check).results == {"a": "success"}
    assert cached.run(check).results == {"a": "failure"}


@pytest.mark.covers("runtime:11.4")
def test_without_zstd_archives_are_other_caches(cached: Cached, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    for folder in ("/usr/local/bin", "/usr/bin", "/bin"):
        for program in Path(folder).iterdir() if Path(folder).is_dir() else ():
            if "zstd" not in program.name and not (plain / program.name).exists():
                (plain / program.name).symlink_to(program)
    done = cached.run(MAKE + save("k"), "--isolation", "host", PATH=str(plain))
    assert any("cache.tgz" in line for line in output(done)), done.err
    assert "one" in output(cached.run(restore("k") + SHOW, "--isolation", "host", PATH=str(plain)))
    assert "Cache not found for input keys: k" in output(cached.run(restore("k"), "--isolation", "host"))


@pytest.mark.covers("runtime:3.3")
def test_actions_are_told_where_the_caches_are_and_scripts_are_not(cached: Cached) -> None:
    if shutil.which("node") is None:
        pytest.skip("needs node")
    program = "for (const name in process.env) if (name.startsWith('ACTIONS_CACHE')) console.log(`${name}=${process.env[name]}`)"
    cached.repository.commit({f"tell/{name}": text for name, text in node(program).items()})
    done = cached.run("- uses: actions/checkout@v4\n- uses: ./tell\n- run: env | grep ACTIONS_CACHE || echo none\n")
    assert done.results == {"a": "success"}
    told = dict(line.split("=", 1) for line in output(done) if line.startswith("ACTIONS_CACHE_"))
    assert set(told) == {"ACTIONS_CACHE_URL", "ACTIONS_CACHE_SERVICE_V2"}
    assert told["ACTIONS_CACHE_SERVICE_V2"] == "True"
    assert told["ACTIONS_CACHE_URL"].startswith("http://127.0.0.1:")
    assert told["ACTIONS_CACHE_URL"].endswith("/")
    assert "none" in output(done)


def test_a_composite_action_that_caches_saves_when_the_job_ends(cached: Cached) -> None:
    files = composite("- uses: actions/cache@v4\n  with: {path: data, key: k}\n")
    cached.repository.commit({f"own/{name}": text for name, text in files.items()})
    steps = "- uses: actions/checkout@v4\n- uses: ./own\n"
    first = cached.run(steps + MAKE)
    assert {"Cache not found for input keys: k", "Cache saved with key: k"} <= set(output(first))
    second = cached.run(steps + SHOW)
    assert {"Cache restored from key: k", "one"} <= set(output(second))
    assert "Cache hit occurred on the primary key k, not saving cache." in output(second)


@pytest.mark.one_state("what a run finds is changed between runs")
def test_two_runs_at_once_save_one_and_both_are_green(headrace: Headrace, cached: Cached) -> None:
    cached.write(MAKE + save("k"))
    both = [headrace.start("run", "--json", "-v", cwd=cached.repository.root) for _ in range(2)]
    told = []
    for process in both:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        told.append(err)
    assert sum("Cache saved with key: k" in err for err in told) == 1
    assert sum("Unable to reserve cache with key k" in err for err in told) == 1
    assert "one" in output(cached.run(restore("k") + SHOW))


# Archives that nobody's tar has made


Edit = Callable[[tarfile.TarFile], None]


def replace(cached: Cached, edit: Edit, key: str = "k") -> None:
    """Give the entry of this key other bytes: an archive as `edit` makes it."""
    folder = cached.headrace.home / "cache" / "headrace" / "caches"
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        edit(archive)
    packed = subprocess.run(["zstd", "-c"], input=data.getvalue(), capture_output=True, check=True).stdout
    with sqlite3.connect(folder / "caches.sqlite") as database:
        [(entry,)] = database.execute("SELECT id FROM caches WHERE name = ?", (key,)).fetchall()
        store = Caches(str(folder))
        with store.blobs.draft(f"caches/{entry}") as draft:
            draft.write(packed)
            draft.commit()
        store.close()
        digest = f"sha256:{sha256(packed).hexdigest()}"
        database.execute("UPDATE caches SET size = ?, digest = ? WHERE id = ?", (len(packed), digest, entry))


def add(archive: tarfile.TarFile, name: str, data: bytes = b"evil", link: str = "", kind: bytes = tarfile.SYMTYPE) -> None:
    member = tarfile.TarInfo(name)
    if link:
        member.type, member.linkname = kind, link
        archive.addfile(member)
    else:
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))


def hostile(victim: Path) -> list[Edit]:
    def absolute(archive: tarfile.TarFile) -> None:
        add(archive, f"{victim}/absolute")

    def upwards(archive: tarfile.TarFile) -> None:
        add(archive, "../" * 40 + f"{victim}/upwards".lstrip("/"))

    def through_a_link(archive: tarfile.TarFile) -> None:
        add(archive, "data/out", link=str(victim))
        add(archive, "data/out/through")

    def same_file(archive: tarfile.TarFile) -> None:
        add(archive, "data/same", link=f"{victim}/file", kind=tarfile.LNKTYPE)
        add(archive, "data/same")

    return [absolute, upwards, through_a_link, same_file]


@pytest.mark.parametrize("isolation", ["host", "namespaces"])
def test_a_hostile_archive_harms_nothing_outside_of_the_job(cached: Cached, tmp_path: Path, isolation: str) -> None:
    if isolation == "namespaces" and (why := refusal(tmp_path, 1)):
        pytest.skip(f"no layers in a user namespace here: {why}")
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "file").write_text("mine")
    at = ("--isolation", isolation)
    edits = hostile(victim)
    assert cached.run(MAKE + "".join(save(f"k{n}", id=f"s{n}") for n, _ in enumerate(edits)), *at).status == 0
    for number, edit in enumerate(edits):
        replace(cached, edit, key=f"k{number}")
    tried = [cache(f"k{n}", uses="actions/cache/restore@v4", id=f"c{n}") + "- run: rm -rf data\n" for n, _ in enumerate(edits)]
    done = cached.run("".join(tried), *at)
    assert done.results == {"a": "success"}
    assert [path.name for path in victim.iterdir()] == ["file"]
    assert (victim / "file").read_text() == "mine"
    if isolation == "host":
        assert sum("Failed to restore: the archive holds" in line for line in output(done)) == len(edits)


def test_a_harmless_archive_of_another_hand_is_restored(cached: Cached) -> None:
    cached.run(MAKE + save("k"), "--isolation", "host")
    replace(cached, lambda archive: add(archive, "data/file", b"two\n"))
    assert "two" in output(cached.run(restore("k") + SHOW, "--isolation", "host"))


@pytest.mark.parametrize("data", [b"", b"no archive at all"])
@pytest.mark.one_state("what a run finds is changed between runs")
def test_a_damaged_archive_is_a_warning_and_a_miss(cached: Cached, data: bytes) -> None:
    cached.run(MAKE + save("k"))
    folder = cached.headrace.home / "cache" / "headrace" / "caches"
    (folder / "blobs" / "caches" / "1").write_bytes(data)
    done = cached.run(restore("k"))
    assert done.results == {"a": "success"}
    assert any("Failed to restore: " in line for line in output(done))
    assert "Cache not found for input keys: k" in output(done)
