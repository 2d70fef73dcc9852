"""Jobs in namespaces: what they write stays theirs, what is not theirs they do not see, and when they end nothing is left."""

from __future__ import annotations

import http.server
import os
import signal
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from headrace.sandbox.children import descendants
from headrace.sandbox.slirp import usable
from test_core import mounts
from test_core.calls import Done, Headrace, lines_until, until
from test_core.layers import refusal
from test_core.repositories import make_repository

pytestmark = pytest.mark.slow  # it takes minutes, or needs the machine for itself

ON = ("--isolation", "namespaces")
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else "python3"


@pytest.fixture(scope="module", autouse=True)
def possible(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whether this machine lets a job have namespaces over layers that lie where tests do."""
    why = refusal(tmp_path_factory.mktemp("probe"), 1)
    if why:
        pytest.skip(f"no layers in a user namespace here: {why}")


def one(script: str, *more: str) -> str:
    script = script.replace("PYTHON ", f"{PYTHON} ")
    lines = "".join(f"          {line}\n" for line in script.splitlines())
    return f"  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: |\n{lines}" + "".join(more)


def run(headrace: Headrace, script: str, *arguments: str, folder: str = "repo", **extra: str) -> Done:
    return headrace.run(one(script), *ON, "-v", *arguments, folder=folder, **extra)


@pytest.fixture
def no_slirp(tmp_path: Path) -> str:
    """A PATH whose slirp4netns does not work."""
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "slirp4netns").write_text("#!/bin/sh\nexit 1\n")
    (folder / "slirp4netns").chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def output(done: Done) -> list[str]:
    return [line.partition(" | ")[2] for line in done.err.splitlines() if " | " in line]


@pytest.mark.parametrize(
    "path",
    [
        "/usr/headrace-test",
        "/etc/headrace-test",
        "/opt/headrace-test",
        "/var/lib/headrace-test",
        "/tmp/headrace-test",
        "/headrace-test",
    ],
)
def test_what_a_job_writes_stays_its_own(headrace: Headrace, path: str) -> None:
    done = run(headrace, f"echo x >{path}\ncat {path}\nmkdir {path}.d\nrmdir {path}.d")
    assert done.status == 0, done.err
    assert not os.path.exists(path)
    assert run(headrace, f"test ! -e {path}", folder="again").status == 0


def test_files_of_the_system_can_be_changed_and_deleted_and_are_not(headrace: Headrace) -> None:
    before = Path("/etc/passwd").read_bytes()
    done = run(
        headrace, "echo more >>/etc/passwd\nrm /etc/os-release /usr/bin/env\nmv /etc/hostname /etc/other\ntail -1 /etc/passwd"
    )
    if os.getuid() == 0:
        assert done.status == 0, done.err
        assert "more" in output(done)
    assert Path("/etc/passwd").read_bytes() == before
    assert os.path.exists("/usr/bin/env")


def test_a_job_sees_neither_home_nor_repository_nor_state_nor_other_jobs(headrace: Headrace) -> None:
    (headrace.home / "secret").write_text("s3cr3t")
    repository = headrace.repository(one("true"), "seen")
    script = f"for path in {headrace.home} {repository.root} {headrace.state} {Path.home()}/.bashrc /home/[!r]*; do\n  test ! -e $path || exit 1\ndone"
    assert run(headrace, script).status == 0
    assert run(headrace, f"cat {headrace.home}/secret", folder="again").status == 1
    exposed = run(headrace, f"cat {headrace.home}/open/file", "--expose", str(headrace.home / "open"), folder="none")
    assert exposed.status == 1
    (headrace.home / "open").mkdir()
    (headrace.home / "open" / "file").write_text("opened\n")
    script = f"cat {headrace.home}/open/file; echo y >{headrace.home}/open/file; test ! -e {headrace.home}/secret"
    exposed = run(headrace, script, "--expose", str(headrace.home / "open"), folder="open-one")
    assert (exposed.status, "opened" in output(exposed)) == (0, True), exposed.err
    assert (headrace.home / "open" / "file").read_text() == "opened\n"


@pytest.mark.parametrize(
    "script",
    [
        "cat /proc/1/environ",
        "cat /proc/1/mem",
        "kill -9 1; kill -STOP 1; false",
        "echo x >/proc/sys/kernel/core_pattern",
        "echo h >/proc/sysrq-trigger",
        "echo 1 >/proc/sys/vm/drop_caches",
        "mknod /tmp/disk b 254 0",
        "mknod /dev/kmem c 1 2",
        "head -c1 /proc/kcore",
        "mount -o remount,rw /sys",
        "ls /dev/vda /dev/sda /dev/dm-0",
        "ls /run/docker.sock /run/systemd /var/run/dbus",
        "ls /sys/fs/cgroup/*",
    ],
)
def test_what_belongs_to_the_machine_is_out_of_reach(headrace: Headrace, script: str) -> None:
    assert run(headrace, script).status == 1


@pytest.mark.skipif(os.getuid() != 0, reason="an ordinary user cannot read it anyway")
def test_the_job_s_root_reads_no_secrets_of_the_machine_s_root(headrace: Headrace) -> None:
    hashes = {line.split(":")[1] for line in Path("/etc/shadow").read_text().splitlines() if ":$" in line}
    done = run(
        headrace,
        "cat /etc/shadow; find /etc /var /opt -type f ! -perm -004 -size +0 2>/dev/null | grep -v '^/var/cache/apt' | head",
    )
    assert done.status == 0
    said = "\n".join(output(done))
    assert "root:*:" in said
    assert not any(each in said for each in hashes)
    ours = {"/etc/shadow", "/etc/gshadow", "/etc/sudoers"}  # what a job has instead of the machine's
    assert {line for line in output(done) if line.startswith("/")} <= ours


def test_only_the_jobs_own_processes_are_to_be_seen_and_its_ports_are_its_own(headrace: Headrace) -> None:
    script = """\
count=$(ls -d /proc/[0-9]* | wc -l)
test $count -lt 8
PYTHON - <<'P'
import socket, threading
server = socket.create_server(("127.0.0.1", 8288))
threading.Thread(target=lambda: server.accept()[0].sendall(b"${{ matrix.n }}")).start()
print("got", socket.create_connection(("127.0.0.1", 8288)).recv(9).decode())
P
sleep 0.3"""
    jobs = one(script).replace("    steps:", "    strategy: {matrix: {n: [1, 2, 3]}}\n    steps:")
    done = headrace.run(jobs, *ON, "-v", "--max-parallel", "3")
    assert done.status == 0, done.err
    assert {line for line in output(done) if line.startswith("got")} == {"got 1", "got 2", "got 3"}


@pytest.fixture
def server() -> Iterator[int]:
    """A service on the machine's loopback."""

    class Hello(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello from the machine")

        def log_message(self, *_: object) -> None:
            pass

    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hello)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made.server_address[1]
    made.shutdown()
    made.server_close()


ASK = """\
PYTHON - <<'P'
import os, sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({{"http": os.environ.get("http_proxy", "")}} if {proxy} else {{}}))
try:
    print("answer:", opener.open("http://{host}:{port}/", timeout=20).read().decode())
except Exception as error:
    print("refused:", error)
P"""


@pytest.mark.parametrize("proxy", [True, False])
def test_services_of_the_machine_are_out_of_reach_unless_its_network_is_asked_for(
    headrace: Headrace, server: int, no_slirp: str, proxy: bool
) -> None:
    for number, host in enumerate(("127.0.0.1", "localhost", "0.0.0.0", "[::ffff:127.0.0.1]")):
        done = run(headrace, ASK.format(proxy=proxy, host=host, port=server), folder=f"r{number}", PATH=no_slirp)
        refusals = [line for line in output(done) if line.startswith("refused:")]
        assert refusals, done.err
        asked = proxy and host in ("0.0.0.0", "[::ffff:127.0.0.1]")  # of the other two no proxy is asked
        assert not asked or "Forbidden" in refusals[0]
    done = run(headrace, ASK.format(proxy=False, host="127.0.0.1", port=server), "--network", "host", folder="host")
    assert "answer: hello from the machine" in output(done), done.err


@pytest.mark.skipif(not usable(os.environ), reason="needs slirp4netns, and /dev/net/tun for everybody")
def test_with_slirp4netns_a_job_has_an_interface_and_no_proxy_and_still_not_the_machine(headrace: Headrace, server: int) -> None:
    done = run(headrace, 'ls /sys/class/net; test -z "$http_proxy"')
    assert done.status == 0, done.err
    assert {"lo", "tap0"} <= set(output(done))
    for number, host in enumerate(("127.0.0.1", "10.0.2.2")):
        done = run(headrace, ASK.format(proxy=False, host=host, port=server), folder=f"r{number}")
        assert any(line.startswith("refused:") for line in output(done)), done.err


@pytest.mark.skipif(not usable(os.environ), reason="needs slirp4netns, and /dev/net/tun for everybody")
def test_what_answers_a_jobs_packets_has_no_files_and_no_powers(headrace: Headrace) -> None:
    """Were it taken over by one, it would be of no use to it."""
    process = headrace.start("run", *ON, "-v", cwd=headrace.repository(one("echo begun; sleep 900")).root)
    lines_until(process, "| begun")
    helpers = [pid for pid in descendants(process.pid) if Path(f"/proc/{pid}/comm").read_text().strip() == "slirp4netns"]
    assert helpers
    for pid in helpers:  # that of the job, and that of the one which stands by, which may just begin
        until(partial(_is_confined, pid), "it may make any system call, or has powers")
        if os.getuid() == 0:
            assert "usr" not in os.listdir(f"/proc/{pid}/root")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)


def _is_confined(pid: int) -> bool:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    return status["Seccomp"] == "2" and int(status["CapEff"], 16) & ~(1 << 10) == 0  # only to bind low ports


def test_without_slirp4netns_there_is_a_proxy(headrace: Headrace, no_slirp: str) -> None:
    done = run(headrace, 'test -n "$https_proxy"; ls /sys/class/net', PATH=no_slirp)
    assert (done.status, "tap0" in output(done)) == (0, False), done.err


def test_without_a_network_there_is_no_proxy(headrace: Headrace) -> None:
    done = run(headrace, 'test -z "$http_proxy"; ls /sys/class/net', "--network", "none")
    assert done.status == 0
    assert "lo" in output(done)


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("ln -sf {secret} $GITHUB_STEP_SUMMARY", 0),
        ("rm $GITHUB_OUTPUT; ln -s {secret} $GITHUB_OUTPUT", 0),
        ("rm $GITHUB_OUTPUT; mkfifo $GITHUB_OUTPUT", 1),
        ("rm $GITHUB_ENV; ln -s /dev/zero $GITHUB_ENV", 1),
    ],
)
def test_a_command_file_that_is_something_else_reads_nothing_and_hangs_nothing(
    headrace: Headrace, script: str, status: int
) -> None:
    secret = headrace.home / "secret"
    secret.write_text("x=s3cr3t\n")
    done = run(headrace, script.format(secret=secret))
    assert done.status == status, done.err
    assert not any(b"s3cr3t" in path.read_bytes() for path in headrace.kept())


def test_folders_that_go_in_front_of_path_are_there(headrace: Headrace, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "mine").write_text("#!/bin/sh\necho it is mine\n")
    (tools / "mine").chmod(0o755)
    assert "it is mine" in output(run(headrace, "mine", "--path-prepend", str(tools)))
    assert run(headrace, "mine", folder="without").status == 1


def test_a_called_job_checks_the_repository_out(headrace: Headrace) -> None:
    called = "on: {workflow_call: }\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps: [{uses: actions/checkout@v4}, {run: test -f here}]\n"
    caller = "on: push\njobs:\n  call: {uses: ./.github/workflows/called.yml}\n"
    files = {".github/workflows/ci.yml": caller, ".github/workflows/called.yml": called, "here": "x"}
    done = headrace("run", "--json", *ON, cwd=make_repository(headrace.home / "calls", files).root)
    assert (done.status, done.results) == (0, {"call/a": "success"}), done.err


def test_everything_of_a_job_is_gone_with_it(headrace: Headrace) -> None:
    mark = f"HEADRACE_NS={os.urandom(6).hex()}"
    before = mounts.machine()
    script = f"env {mark} setsid sh -c 'trap \"\" INT TERM; (setsid sleep 900 &) ; sleep 900' >/dev/null 2>&1 &\necho begun"
    assert run(headrace, script).status == 0
    assert not headrace.alive(mark)
    process = headrace.start("run", *ON, "-v", cwd=headrace.repository(one(f"{script}\nsleep 900"), "kill").root)
    lines_until(process, "| begun")
    assert headrace.alive(mark)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    until(lambda: not headrace.alive(mark), "a process of the job is still alive")
    assert mounts.machine() == before
    headrace("run", cwd=headrace.repository(one("true"), "sweep").root)
    until(lambda: not list((headrace.jobs / "work").iterdir()), "a folder of a job is still there")


def test_both_ways_of_running_say_the_same(headrace: Headrace) -> None:
    jobs = """\
  a:
    runs-on: ubuntu-latest
    outputs: {o: '${{ steps.s.outputs.o }}', h: "${{ steps.s.outputs.h }}"}
    env: {A: b}
    steps:
      - uses: actions/checkout@v4
      - id: s
        run: |
          echo o=$A >>$GITHUB_OUTPUT
          echo h=${{ hashFiles('**/*.yml') }} >>$GITHUB_OUTPUT
          test -f .github/workflows/ci.yml
      - run: exit 3
        continue-on-error: true
      - run: test "$PWD" = "$GITHUB_WORKSPACE" && test "$HOME" != "" && touch $RUNNER_TEMP/x $RUNNER_TOOL_CACHE/y
  b:
    needs: a
    runs-on: ubuntu-latest
    steps: [{run: 'echo "got ${{ needs.a.outputs.o }} ${{ needs.a.outputs.h }}"; exit 4'}]
"""
    said = {}
    for isolation in ("host", "namespaces"):
        done = headrace.run(jobs, "--isolation", isolation, "-v", folder=isolation)
        said[isolation] = (done.status, done.results, [line for line in output(done) if line.startswith("got")])
    assert said["host"] == said["namespaces"]
    assert said["host"][:2] == (1, {"a": "success", "b": "failure"})
    assert len(said["host"][2][0]) > 64
