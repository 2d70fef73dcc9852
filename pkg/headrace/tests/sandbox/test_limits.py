"""Limits of jobs: what people write, what the machine has, which of its ways hold what, and how a disk is watched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from headrace.sandbox import kernel
from headrace.sandbox.limits import explain, groups, machine
from headrace.sandbox.limits.cgroup1 import Cgroup1
from headrace.sandbox.limits.cgroup2 import Cgroup2, reach
from headrace.sandbox.limits.choose import choose
from headrace.sandbox.limits.disk import DiskWatch, used
from headrace.sandbox.limits.model import Guards, Limits, decode
from headrace.sandbox.limits.protocol import Bounds, Counts
from headrace.sandbox.limits.rlimits import Rlimits
from headrace.sandbox.limits.sizes import parse, show
from hypothesis import given
from hypothesis import strategies as st
from test_core.calls import until

pytestmark = pytest.mark.slow  # it takes minutes, or needs the machine for itself

MIB = 1 << 20


def bounds(**other: int) -> Bounds:
    known = {
        "processes": 50, "memory": 100 * MIB, "ram": 1 << 30, "disk": 100 * MIB, "disk_left": 0,
        "all_processes": 500, "all_memory": 1 << 30,
    }  # fmt: skip
    return Bounds(**{**known, **other})


# -- sizes --


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512m", 512 << 20),
        ("4g", 4 << 30),
        ("4G", 4 << 30),
        ("4gb", 4 << 30),
        ("1.5GiB", 3 << 29),
        (" 2 k ", 2048),
        ("1t", 1 << 40),
    ],
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert parse(text) == size


@pytest.mark.parametrize(
    "text", ["", "4", "g", "-1g", "4x", "4gg", "1e3m", "1.2.3g", "4 g b", "nan g", "∞g", "٣g", "4bg", "0g", "0.0001k"]
)
def test_what_is_no_size_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size such as 512m or 4g"):
        parse(text)


@given(st.integers(1, 1 << 50))
def test_what_is_shown_reads_as_nearly_the_same(size: int) -> None:
    if size >= 1024:
        assert abs(parse(show(size)) - size) <= size * 0.06


# -- where groups are --

V1 = "5:memory:/user/a\n3:cpu,cpuacct:/\n0::/user.slice\n"


@pytest.mark.parametrize(
    ("cgroup", "mounts", "found"),
    [
        ("0::/\n", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", {"": "/sys/fs/cgroup"}),
        ("0::/a/b.scope\n", "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 c rw\n", {"": "/sys/fs/cgroup/a/b.scope"}),
        # a container that sees only its own part, in both ways
        ("0::/docker/x\n", "30 23 0:26 /docker/x /sys/fs/cgroup ro - cgroup2 c rw\n", {"": "/sys/fs/cgroup"}),
        ("0::/../y\n", "30 23 0:26 / /sys/fs/cgroup ro - cgroup2 c rw\n", {}),
        ("0::/docker/xy\n", "30 23 0:26 /docker/x /sys/fs/cgroup ro - cgroup2 c rw\n", {}),
        # both versions
        (
            V1,
            "31 23 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
            "32 23 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
            "33 23 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
            {
                "memory": "/sys/fs/cgroup/memory/user/a",
                "cpu": "/sys/fs/cgroup/cpu,cpuacct",
                "cpuacct": "/sys/fs/cgroup/cpu,cpuacct",
                "": "/sys/fs/cgroup/unified/user.slice",
            },
        ),
        (V1, "31 23 0:27 / /my\\040groups rw - cgroup cgroup rw,memory\n", {"memory": "/my groups/user/a"}),
        (V1, "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n", {}),
        ("", "", {}),
    ],
)
def test_the_folders_of_a_process_s_groups(cgroup: str, mounts: str, found: dict[str, str]) -> None:
    assert groups.own(cgroup, mounts) == found


def test_ours_are_there() -> None:
    for folder in groups.of_this_process().values():
        assert os.path.exists(f"{folder}/cgroup.procs")


def test_a_counter_that_is_not_there_is_zero(tmp_path: Path) -> None:
    (tmp_path / "events").write_text("max 3\nmaximum 4\n")
    counter = groups.Counter(str(tmp_path / "events"))
    assert (counter.get("max"), counter.get("min")) == (3, 0)
    counter.close()
    assert counter.get("max") == 0
    assert groups.Counter("").get("max") == 0


def test_what_no_process_can_join_says_why(tmp_path: Path) -> None:
    (tmp_path / "tasks").write_text("")
    groups.have_joined(str(tmp_path / "tasks"))
    with pytest.raises(OSError, match="irectory"):
        groups.have_joined(str(tmp_path / "none" / "tasks"))


def test_groups_are_removed_with_those_below_and_not_while_something_lives_there(tmp_path: Path) -> None:
    (tmp_path / "run" / "leg-1").mkdir(parents=True)
    (tmp_path / "run" / "leg-2").mkdir()
    assert groups.remove(str(tmp_path / "run"))
    assert not (tmp_path / "run").exists()
    assert groups.remove(str(tmp_path / "run"))
    (tmp_path / "busy" / "leg").mkdir(parents=True)
    (tmp_path / "busy" / "leg" / "something").write_text("")
    assert not groups.remove(str(tmp_path / "busy"))


# -- defaults --


def test_what_nobody_says_is_much_but_not_all(tmp_path: Path) -> None:
    found = machine.bounds(str(tmp_path / "not" / "there" / "yet"))
    total = machine.total_memory()
    assert total // 2 <= found.memory < total
    assert found.memory == found.ram == found.all_memory
    assert found.disk <= 14 << 30
    assert 0 < found.disk + found.disk_left <= machine.free_disk(str(tmp_path)) + MIB
    assert found.processes <= found.all_processes


def test_what_is_asked_for_is_what_is_held(tmp_path: Path) -> None:
    found = machine.bounds(str(tmp_path), memory=1 << 50, processes=10**6, disk=1 << 50)
    assert (found.memory, found.processes, found.disk) == (1 << 50, 10**6, 1 << 50)
    assert (found.all_memory, found.all_processes) == (1 << 50, 10**6)
    assert found.ram < machine.total_memory()


def test_limits_travel_as_data(tmp_path: Path) -> None:
    import msgspec

    means = (Cgroup1("/m", "/p"), Cgroup2("/c", ("memory",)), Rlimits())
    limits = Limits(machine.bounds(str(tmp_path)), means, "headrace-1")
    assert decode(json.loads(json.dumps(msgspec.to_builtins(limits)))) == limits
    assert limits.holder("memory") == means[0]
    assert Limits(limits.bounds, (Rlimits(),)).holder("memory") is None


# -- what holds --


def test_every_resource_is_held_by_one_and_processes_always_are() -> None:
    choice = choose()
    held = [resource for means in choice.means for resource in means.holds]
    assert sorted(held) == sorted(set(held))
    assert "processes" in held
    by_groups = [resource for means in choice.means for resource in means.holds if means.name != "rlimits"]
    assert not set(choice.refusals) & set(by_groups)


def test_trying_leaves_nothing() -> None:
    before = {folder: os.listdir(folder) for folder in groups.of_this_process().values()}
    choose()
    for folder, names in before.items():
        assert not [name for name in os.listdir(folder) if "try" in name and name not in names]


@pytest.fixture
def held() -> Iterator[Limits]:
    """What holds limits on this machine, begun."""
    limits = Limits(bounds(), choose().means, groups.new_name("test"))
    for means in limits.means:
        means.begin(limits.run, limits.bounds)
    yield limits
    for means in limits.means:
        for place in means.places(limits.run):
            assert groups.remove(place, patience=10)


def inside(guards: Guards, work: Callable[[], object]) -> Any:
    """What `work` returns in a process that the guards hold."""
    reads, writes = os.pipe()
    pid = guards.fork()
    if pid == 0:
        try:
            guards.join()
            guards.settle()
            os.write(writes, json.dumps(work()).encode())
        finally:
            os._exit(0)
    os.close(writes)
    with open(reads, "rb") as file:
        answer = file.read()
    os.waitpid(pid, 0)
    return json.loads(answer) if answer else None


def shell(script: str) -> int:
    return subprocess.run(["sh", "-c", script], stderr=subprocess.DEVNULL, check=False).returncode


def test_two_jobs_are_counted_each_for_itself(held: Limits) -> None:
    if held.holder("memory") is None:
        pytest.skip("needs a control group whose memory controller is ours to use")
    one, other = held.guard("one"), held.guard("other")
    # What is to be killed says so: by size alone it could be the fork of this process, which is large by then.
    hog = "(echo 1000 >/proc/self/oom_score_adj; head -c 300M /dev/zero | tail -n 1 | wc -c >/dev/null); true"
    assert inside(one, lambda: shell(hog)) == 0
    assert (one.counts().killed, one.counts().full) == (1, True)
    assert inside(other, lambda: shell("head -c 10M /dev/zero | tail -n 1 | wc -c >/dev/null")) == 0
    assert other.counts() == Counts()
    one.remove()
    other.remove()


def test_processes_that_are_refused_are_counted(held: Limits) -> None:
    if not any(means.name.startswith("cgroup") and "processes" in means.holds for means in held.means):
        pytest.skip("needs a control group whose pids controller is ours to use")
    guards = held.guard("one")
    inside(guards, lambda: shell("for i in $(seq 60); do sleep 1 & done; wait"))
    assert guards.counts().refused > 0
    guards.remove()


def test_a_job_s_group_is_gone_when_it_is_removed(held: Limits) -> None:
    places = [place for means in held.means for place in means.places(held.run)]
    guards = held.guard("one")
    assert all(os.path.isdir(f"{place}/one") for place in places)
    assert inside(guards, lambda: 7) == 7
    guards.remove()
    until(lambda: not any(os.path.exists(f"{place}/one") for place in places), "a group is still there")


def test_a_group_that_is_there_already_is_refused_and_nothing_is_left_half_made(held: Limits) -> None:
    places = [place for means in held.means for place in means.places(held.run)]
    if not places:
        pytest.skip("needs control groups that are ours to use")
    os.mkdir(f"{places[-1]}/one")
    with pytest.raises(FileExistsError):
        held.guard("one")


def test_without_groups_the_number_of_processes_is_held_in_process_one(tmp_path: Path) -> None:
    guards = Limits(bounds(), (Rlimits(),)).guard("one")

    def limit() -> object:
        import resource

        return resource.getrlimit(resource.RLIMIT_NPROC)

    assert inside(guards, limit) == [50, 50]
    assert guards.counts() == Counts()


@pytest.mark.parametrize(
    ("setting", "value", "steps"),
    [
        ("", "", 3),
        ("app/cpu.max", "max 100000\n", 3),
        ("app/memory.max", "1000\n", 3),
        ("app/cpuset.cpus", "\n", 3),
        ("app/job/cpu.max", "50000 100000\n", 1),
        ("app/cpuset.cpus", "0-1\n", 2),
        ("app/memory.high", "1000\n", 2),
    ],
)
def test_jobs_do_not_leave_a_group_that_binds_them_otherwise(tmp_path: Path, setting: str, value: str, steps: int) -> None:
    own = tmp_path / "app" / "job"
    own.mkdir(parents=True)
    groups_of = [own, tmp_path / "app", tmp_path]
    for folder in groups_of:
        (folder / "cgroup.controllers").write_text("memory pids\n")
    if setting:
        (tmp_path / setting).write_text(value)
    binds = str(tmp_path / setting) if steps < 3 else ""
    assert reach(str(own)) == ([str(folder) for folder in groups_of[:steps]], binds)


def test_a_process_is_forked_into_a_group_and_can_fork_and_start_others() -> None:
    folder = f"{groups.of_this_process().get(groups.V2, '/none')}/{groups.new_name('test')}"
    try:
        os.mkdir(folder)
    except OSError as error:
        pytest.skip(f"needs a group of cgroup v2 that we may make groups in: {error}")

    def whole() -> list[str]:
        """Of this process, of a child and of a program: which group it is in."""
        reads, writes = os.pipe()
        if os.fork() == 0:
            os.write(writes, groups.get("/proc/self/cgroup").encode())
            os._exit(0)
        os.wait()
        started = subprocess.run(["cat", "/proc/self/cgroup"], capture_output=True, text=True, check=True).stdout
        return [groups.get("/proc/self/cgroup"), os.read(reads, 65536).decode(), started]

    reads, writes = os.pipe()
    into = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        pid = kernel.fork_into(into)
        if pid == 0:
            try:
                os.write(writes, json.dumps(whole()).encode())
            finally:
                os._exit(0)
        os.close(writes)
        with open(reads, "rb") as file:
            answers = json.loads(file.read())
        assert os.waitpid(pid, 0) == (pid, 0)
        name = os.path.basename(folder)
        for answer in answers:
            assert any(line.startswith("0::") and line.endswith(f"/{name}") for line in answer.splitlines())
        assert name not in groups.get("/proc/self/cgroup")
    finally:
        os.close(into)
        assert groups.remove(folder)


# -- in words --


def test_the_note_says_what_holds_and_what_does_not() -> None:
    sure = Limits(bounds(memory=7700 << 20, disk=14 << 30), (Cgroup2("/c", ("memory", "processes")),))
    assert explain.note(sure) == "limits: 50 processes, 7.5 GiB memory (cgroup v2), 14 GiB disk a job"
    mixed = Limits(bounds(), (Cgroup1("/m"), Rlimits()))
    assert explain.note(mixed) == "limits: 50 processes, 100 MiB memory (cgroup v1, rlimits), 100 MiB disk a job"
    bare = Limits(bounds(), (Rlimits(),))
    assert explain.note(bare) == (
        "limits: 50 processes (rlimits), 100 MiB disk a job. Nothing bounds its memory here: headrace doctor says what could"
    )


def test_the_survey_says_why_where_groups_do_not_hold() -> None:
    found = {finding.resource: finding for finding in explain.survey()}
    assert set(found) == {"memory", "processes"}
    for finding in found.values():
        assert finding.counted == finding.by.startswith("cgroup")
        assert bool(finding.why) != finding.counted
        assert not (finding.counted and finding.mend)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a group to somebody")
def test_the_command_that_mends_it_gives_a_user_groups() -> None:
    own = groups.of_this_process()
    if not {"memory", "pids"} <= set(own):
        pytest.skip("needs cgroup v1")
    asks, told = os.pipe()
    waits, go = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            before = sorted(resource for means in choose().means for resource in means.holds if means.name != "rlimits")
            os.write(told, json.dumps([before, explain.mend()]).encode())
            os.read(waits, 1)
            os.write(told, json.dumps([means.name for means in choose().means]).encode())
        finally:
            os._exit(0)
    os.close(told)
    before, command = json.loads(os.read(asks, 65536))
    assert before == []
    assert command.startswith("sudo sh -c ")
    as_root = command.removeprefix("sudo ").replace("$$", str(pid))
    try:
        subprocess.run(["sh", "-c", as_root], env={**os.environ, "SUDO_UID": "65534"}, check=True)
        os.write(go, b"x")
        assert json.loads(os.read(asks, 65536)) == ["cgroup v1"]
    finally:
        os.close(go)
        os.waitpid(pid, 0)
        for controller in ("memory", "pids"):
            assert groups.remove(f"{own[controller]}/headrace-65534")


# -- disk --


def test_what_a_folder_takes_is_counted_as_the_disk_does(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").write_bytes(b"x" * (3 * MIB))
    os.link(tmp_path / "a" / "file", tmp_path / "again")
    os.symlink("/usr", tmp_path / "link")
    with open(tmp_path / "sparse", "wb") as file:
        file.truncate(1 << 40)
    assert 3 * MIB <= used(str(tmp_path)) < 4 * MIB
    assert used(str(tmp_path / "none")) == 0


def test_a_folder_that_grows_beyond_its_limit_is_found_once_and_may_then_be_cleaned_up(tmp_path: Path) -> None:
    watch = DiskWatch(str(tmp_path), bounds(disk=8 * MIB))
    assert watch.look() is None
    (tmp_path / "little").write_bytes(b"x" * (6 * MIB))
    assert watch.look() is None
    (tmp_path / "much").write_bytes(b"x" * (20 * MIB))
    found = watch.look()
    assert found is not None
    assert (found.limit, found.full) == (8 * MIB, False)
    assert found.used >= 26 * MIB
    assert watch.look() is None
    (tmp_path / "more").write_bytes(b"x" * (20 * MIB))
    assert watch.look() is not None


NEARLY_FULL = """
import os, subprocess, sys
from headrace.sandbox.limits.disk import DiskWatch
from headrace.sandbox.limits.protocol import Bounds

folder, share = sys.argv[1], int(sys.argv[2])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", folder], check=True)
os.mkdir(f"{folder}/job")
watch = DiskWatch(f"{folder}/job", Bounds(0, 0, 0, 1 << 40, 16 << 20, 0, 0))
with open(f"{folder}/job/file", "wb") as mine, open(f"{folder}/other", "wb") as other:
    mine.write(b"x" * (share << 20))
    other.write(b"x" * (50 - share << 20))
print(watch.look())
"""


@pytest.mark.parametrize(("share", "ended"), [(40, True), (4, False)])
def test_a_disk_that_is_nearly_full_ends_a_job_that_has_much_of_it(tmp_path: Path, share: int, ended: bool) -> None:
    words = ["unshare", "-Urm", sys.executable, "-c", NEARLY_FULL, str(tmp_path), str(share)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip(f"needs a file system of its own: {done.stderr.strip()}")
    expected = f"Excess(used={40 << 20}, limit={16 << 20}, full=True)" if ended else "None"
    assert done.stdout.strip() == expected, done.stderr
