"""Limits of jobs in namespaces: what runs away is stopped and named, what does not is left alone, and nothing stays behind."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
from pathlib import Path

import pytest
from headrace.sandbox.children import children
from headrace.sandbox.limits.choose import choose
from headrace.sandbox.limits.protocol import Resource
from test_core.calls import Done, Headrace, lines_until, until
from test_core.repositories import make_repository

pytestmark = pytest.mark.slow  # it takes minutes, or needs the machine for itself

ON = ("--isolation", "namespaces", "--network", "none")
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else "python3"
FORKS = f"""\
{PYTHON} - <<'P'
import os, signal, time
pids = []
try:
    while len(pids) < 100:
        pids.append(os.fork())
        if pids[-1] == 0:
            time.sleep(900)
    print("all were started")
except BlockingIOError:
    print("no more were started")
for pid in pids:
    os.kill(pid, signal.SIGKILL)
P"""
"""Starts a hundred processes, and ends them."""

HOG = "head -c 400M /dev/zero | tail -n 1 | wc -c"
"""One line of 400 MiB, all of which `tail` has to keep."""


@pytest.fixture(scope="module", autouse=True)
def possible(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whether this machine lets a job have namespaces over layers that lie where tests do."""
    folder = tmp_path_factory.mktemp("probe")
    script = f"mkdir {folder}/u {folder}/w {folder}/m; mount -t overlay o -o lowerdir=/usr,upperdir={folder}/u,workdir={folder}/w,userxattr {folder}/m"
    done = subprocess.run(["unshare", "-Urm", "sh", "-c", script], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no layers in a user namespace here: {done.stderr.strip()}")


def held(resource: Resource) -> str:
    """By what this machine bounds it for us; empty where by nothing."""
    return next((means.name for means in choose().means if resource in means.holds), "")


@pytest.fixture
def memory() -> None:
    if not held("memory"):
        pytest.skip("needs a control group whose memory controller is ours to use")


@pytest.fixture
def counting() -> None:
    if not held("processes").startswith("cgroup"):
        pytest.skip("needs a control group whose pids controller is ours to use")


def job(*steps: str, name: str = "a", more: str = "") -> str:
    """A job of these scripts; one that begins with `always: ` runs whatever was before."""
    text = f"  {name}:\n    runs-on: ubuntu-latest\n{more}    steps:\n"
    for step in steps:
        always = step.startswith("always: ")
        lines = "".join(f"          {line}\n" for line in step.removeprefix("always: ").splitlines())
        text += "      - if: always()\n        run: |\n" + lines if always else "      - run: |\n" + lines
    return text


def run(headrace: Headrace, workflow: str, *arguments: str, folder: str = "repo", **extra: str) -> Done:
    return headrace.run(workflow, *ON, "-v", *arguments, folder=folder, **extra)


def output(done: Done) -> list[str]:
    return [line.partition(" | ")[2] for line in done.err.splitlines() if " | " in line]


def said(done: Done, *words: str) -> list[str]:
    """The log lines with all of these words."""
    return [line for line in output(done) if all(word in line for word in words)]


@functools.cache
def places() -> frozenset[str]:
    """The control groups below which runs make theirs."""
    return frozenset(os.path.dirname(place) for means in choose().means for place in means.places("x"))


def ours() -> list[str]:
    """The control groups of runs that are there."""
    entries = [entry for place in places() for entry in os.scandir(place)]
    return [entry.path for entry in entries if entry.name.startswith("headrace-") and entry.is_dir()]


# -- memory --


@pytest.mark.usefixtures("memory")
def test_a_job_that_wants_more_memory_than_it_may_is_stopped_and_told(headrace: Headrace) -> None:
    done = run(headrace, job(HOG, "echo not reached", "always: echo still there"), "--memory", "100m")
    assert (done.status, done.results) == (1, {"a": "failure"}), done.err
    assert len(said(done, "Error: memory limit", "100 MiB", "1 process")) == 1
    assert "still there" in output(done)
    assert "not reached" not in output(done)
    assert "memory limit" in done.err.partition("✗ failure")[2], "the summary says why"


@pytest.mark.usefixtures("memory")
def test_a_job_that_needs_less_than_it_may_have_is_left_alone(headrace: Headrace) -> None:
    done = run(headrace, job(HOG), "--memory", "800m")
    assert (done.status, done.results) == (0, {"a": "success"}), done.err
    assert str(400 << 20) in output(done)
    assert not said(done, "limit")


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("hidden", [f"({HOG}) || true", f"({HOG}; true) & wait"])
def test_a_script_that_overlooks_it_does_not_make_the_step_green(headrace: Headrace, hidden: str) -> None:
    done = run(headrace, job(hidden), "--memory", "100m")
    assert (done.status, done.results) == (1, {"a": "failure"}), done.err
    assert said(done, "Error: memory limit")


@pytest.mark.usefixtures("memory")
def test_nor_does_continue_on_error(headrace: Headrace) -> None:
    tolerated = job(HOG) + "        continue-on-error: true\n"
    assert run(headrace, tolerated, "--memory", "100m").results == {"a": "failure"}
    assert run(headrace, tolerated.replace(HOG, "exit 1"), folder="twin").results == {"a": "success"}


@pytest.mark.usefixtures("memory")
def test_not_even_around_an_action_that_tolerates_it_inside(headrace: Headrace) -> None:
    action = "name: x\nruns:\n  using: composite\n  steps:\n    - run: {}\n      shell: bash\n      continue-on-error: true\n"
    workflow = """\
on: push
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: ./local
        continue-on-error: true
"""
    for folder, script, result in (("hog", HOG, "failure"), ("twin", "exit 1", "success")):
        files = {".github/workflows/ci.yml": workflow, "local/action.yml": action.format(script)}
        root = make_repository(headrace.home / folder, files).root
        done = headrace("run", "--json", *ON, "--memory", "100m", cwd=root)
        assert done.results == {"a": result}, done.err


@pytest.mark.usefixtures("memory")
def test_a_kill_that_the_job_did_itself_is_no_limit(headrace: Headrace) -> None:
    done = run(headrace, job("kill -9 $$"), "--memory", "100m")
    assert done.status == 1
    assert said(done, "exit code 137")
    assert not said(done, "limit")


@pytest.mark.usefixtures("memory")
def test_what_one_job_uses_is_none_of_another_s(headrace: Headrace) -> None:
    done = run(headrace, job(HOG) + job("head -c 20M /dev/zero | tail -n 1 | wc -c", name="b"), "--memory", "100m")
    assert done.results == {"a": "failure", "b": "success"}, done.err


@pytest.mark.usefixtures("memory")
def test_files_in_memory_count_and_have_a_bound_of_their_own(headrace: Headrace) -> None:
    done = run(headrace, job("head -c 200M /dev/zero >/dev/shm/x"), "--memory", "100m")
    assert (done.status, bool(said(done, "No space left on device"))) == (1, True), done.err
    assert run(headrace, job("head -c 40M /dev/zero >/dev/shm/x"), "--memory", "100m", folder="twin").status == 0


def test_a_step_is_killed_before_what_starts_it(headrace: Headrace) -> None:
    done = run(headrace, job("test $(cat /proc/self/oom_score_adj) -gt $(cat /proc/1/oom_score_adj)"))
    assert done.status == 0, done.err


# -- processes --

MANY = 'for i in $(seq 400); do env "$MARK" sleep 600 & done 2>/dev/null; echo all of them; sleep 600'


def test_a_job_has_no_more_processes_than_it_may_and_the_next_is_not_hurt(headrace: Headrace) -> None:
    mark = f"HEADRACE_LIMITS={os.urandom(6).hex()}"
    workflow = job(MANY.replace("$MARK", mark)) + job("echo fine", name="b", more="    needs: a\n    if: always()\n")
    process = headrace.start("run", *ON, "-v", "--processes", "60", cwd=headrace.repository(workflow).root)
    most = 0

    def seen() -> bool:
        nonlocal most
        most = max(most, len(headrace.alive(mark)))
        return most >= 40

    until(seen, "nothing was started")
    for _ in range(100):
        seen()
    assert most <= 60
    process.kill()
    until(lambda: not headrace.alive(mark), "a process of the job is still alive")
    bomb = "bomb() { bomb | bomb & }; bomb 2>/dev/null; sleep 1"
    done = run(headrace, workflow.replace(MANY.replace("$MARK", mark), bomb), "--processes", "60", folder="bomb")
    assert done.results["b"] == "success", done.err
    assert "fine" in output(done)


@pytest.mark.usefixtures("counting")
def test_processes_that_could_not_be_started_are_told_once(headrace: Headrace) -> None:
    done = run(headrace, job(FORKS), "--processes", "60")
    assert "no more were started" in output(done), done.err
    assert len(said(done, "Warning: process limit", "60")) == 1, done.err
    twin = run(headrace, job(FORKS), "--processes", "200", folder="twin")
    assert "all were started" in output(twin), twin.err
    assert not said(twin, "limit")


def test_a_job_that_has_used_up_its_processes_fails_and_is_not_lost(headrace: Headrace) -> None:
    use_up = f"{FORKS.replace('os.kill(pid, signal.SIGKILL)', 'pass')} >/dev/null 2>&1 &\nwait"
    more = "      - if: always() && hashFiles('**') == ''\n        run: echo not reached\n"
    done = run(headrace, job(use_up) + more, "--processes", "60")
    assert (done.status, done.results) == (1, {"a": "failure"}), done.err


# -- disk --


def test_a_job_that_fills_the_disk_is_ended_with_all_that_it_has_started(headrace: Headrace) -> None:
    fill = "trap '' TERM INT\nhead -c 300M /dev/zero >big & wait\nsleep 600 & sleep 600"
    clean = "always: rm -f big; test $(ls /proc | grep -c '^[0-9]') -lt 8; echo cleaned up"
    done = run(headrace, job(fill, "echo not reached", clean), "--disk", "100m")
    assert (done.status, done.results) == (1, {"a": "failure"}), done.err
    assert len(said(done, "Error: disk limit", "may take 100 MiB")) == 1, done.err
    assert "cleaned up" in output(done)
    assert "not reached" not in output(done)


def test_one_that_writes_less_is_left_alone(headrace: Headrace) -> None:
    done = run(headrace, job("head -c 300M /dev/zero >big; sleep 2; truncate -s 100G sparse; echo written"), "--disk", "600m")
    assert (done.status, "written" in output(done)) == (0, True), done.err
    assert not said(done, "limit")


@pytest.mark.parametrize("place", ["big", "/usr/lib/big", "/tmp/big", "$HOME/big"])
def test_it_is_noticed_wherever_and_however_fast_it_is_written(headrace: Headrace, place: str) -> None:
    """So much that what others free meanwhile cannot hide it."""
    done = run(headrace, job(f"head -c 700M /dev/zero >{place}"), "--disk", "100m")
    assert (done.status, len(said(done, "Error: disk limit"))) == (1, 1), done.err


# -- what is said, asked for and refused --


def test_the_limits_are_told_at_the_start(headrace: Headrace) -> None:
    done = run(headrace, job("true"), "--processes", "1234", "--disk", "300m")
    line = next(line for line in done.err.splitlines() if line.startswith("note: limits: "))
    assert "1234 processes" in line
    assert "300 MiB disk a job" in line
    assert ("GiB memory" in line or "MiB memory" in line) == bool(held("memory"))
    assert held("processes") in line


@pytest.mark.usefixtures("memory")
def test_limits_can_stand_in_the_file_and_in_the_environment(headrace: Headrace) -> None:
    repository = headrace.repository(job(HOG))
    assert headrace("run", "--json", *ON, cwd=repository.root, HEADRACE_MEMORY="100m").results == {"a": "failure"}
    repository.write({"pyproject.toml": '[tool.headrace]\nmemory = "100m"\nprocesses = 500\n'})
    assert headrace("run", "--json", *ON, cwd=repository.root).results == {"a": "failure"}
    assert headrace("run", "--json", *ON, "--memory", "1g", cwd=repository.root).results == {"a": "success"}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--memory", "4"), "'4' is not a size such as 512m or 4g"),
        (("--memory", "much"), "'much' is not a size"),
        (("--disk", "0g"), "'0g' is not a size"),
        (("--memory", "1k"), "no job can do with less than 64 MiB"),
        (("--disk", "1k"), "no job can do with less than 16 MiB"),
        (("--processes", "3"), "no job can do with less than 16"),
        (("--processes", "0"), "0"),
        (("--processes", "1.5"), "1.5"),
    ],
)
def test_what_makes_no_sense_is_refused(headrace: Headrace, words: tuple[str, ...], why: str) -> None:
    done = headrace("run", *ON, *words, cwd=headrace.repository(job("true")).root)
    assert (done.status, why in done.err) == (2, True), done.err


@pytest.mark.parametrize("words", [("--memory", "4g"), ("--processes", "100"), ("--disk", "10g")])
def test_what_cannot_be_had_on_the_machine_as_it_is_is_refused(headrace: Headrace, words: tuple[str, ...]) -> None:
    root = headrace.repository(job("touch /tmp/headrace-was-run; exit 1")).root
    done = headrace("run", "--isolation", "host", *words, cwd=root)
    assert (done.status, f"{words[0]}: " in done.err) == (2, True), done.err


@pytest.fixture
def without_groups(tmp_path: Path) -> list[str]:
    """What to put before a call so that no control group can be made. Root's way; an ordinary user mostly has none anyway."""
    if not held("memory") and not held("processes").startswith("cgroup"):
        return []
    hide = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /sys/fs/cgroup && exec "$@"', "sh"]
    if os.getuid() or subprocess.run([*hide, "true"], capture_output=True).returncode:
        pytest.skip("needs root, to hide the control groups")
    return hide


def test_without_control_groups_processes_and_disk_are_bounded_and_memory_is_said_not_to_be(
    headrace: Headrace, without_groups: list[str]
) -> None:
    def call(folder: str, script: str, *words: str) -> Done:
        root = headrace.repository(job(script), folder).root
        command = [*without_groups, *headrace.command("run", "-v", *ON, *words)]
        done = subprocess.run(command, cwd=root, env=headrace.environment(), capture_output=True, text=True, timeout=120)
        return Done(done.returncode, done.stdout, done.stderr)

    done = call("count", FORKS, "--processes", "40")
    assert "note: limits: 40 processes (rlimits)" in done.err
    assert "Nothing bounds its memory here" in done.err
    assert "no more were started" in output(done), done.err
    assert "all were started" in output(call("twin", FORKS, "--processes", "400"))
    assert said(call("disk", "head -c 200M /dev/zero >big", "--disk", "100m"), "Error: disk limit")
    refused = call("memory", "true", "--memory", "1g")
    assert (refused.status, "--memory: nothing here can bound the memory of a job" in refused.err) == (2, True), refused.err


# -- nothing stays --


def test_a_hundred_jobs_leave_no_group(headrace: Headrace) -> None:
    before = set(ours())
    matrix = f"    strategy: {{matrix: {{n: [{', '.join(map(str, range(100)))}]}}}}\n"
    done = run(headrace, job("true", more=matrix))
    assert (done.status, len(done.results)) == (0, 100), done.err
    until(lambda: set(ours()) <= before, f"there are still {set(ours()) - before}")


@pytest.mark.usefixtures("counting")
@pytest.mark.parametrize("whole", [False, True])
def test_groups_of_a_run_that_was_killed_are_removed(headrace: Headrace, whole: bool) -> None:
    """At once where only the engine was killed, else by the next call. Then no process is left either."""
    before = set(ours())
    root = headrace.repository(job("echo begun; sleep 900")).root
    process = headrace.start("run", *ON, "-v", cwd=root)
    lines_until(process, "| begun")
    made = set(ours()) - before
    assert made
    victims = [process.pid, *(children(process.pid) if whole else [])]
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    process.communicate()
    if whole:
        until(lambda: not headrace.alive(f"HOME={headrace.home}"), "a process of the run is still alive")
        assert set(ours()) & made
        headrace("run", "--isolation", "host", cwd=headrace.repository(job("true"), "next").root)
    until(lambda: not set(ours()) & made, "a control group is still there")
