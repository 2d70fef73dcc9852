"""What a job, a caller or a machine may do to a run: the status is right, and nothing is left alive or said wrongly."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from test_core.calls import Headrace, interrupt, lines_until, until
from test_core.layers import refusal
from test_core.processes import ended

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

HELLO = "  a: {runs-on: ubuntu-latest, steps: [{run: echo hello}]}\n"


def shell(headrace: Headrace, script: str, cwd: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    """`$headrace` in the script is a call of headrace."""
    words = " ".join(f"'{word}'" for word in headrace.command())
    return subprocess.run(
        ["bash", "-c", script.replace("$headrace", words)], cwd=cwd, env=headrace.environment(extra), capture_output=True,
        text=True, timeout=120, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("$headrace run >&-", 0),
        ("$headrace run 2>&-", 0),
        ("$headrace run <&- >&- 2>&-", 0),
        ("$headrace run --json 2>/dev/full", 3),
        ("$headrace run --json >/dev/full", 3),
        ("$headrace plan >/dev/full", 3),
    ],
)
def test_closed_and_full_streams(headrace: Headrace, script: str, status: int) -> None:
    done = shell(headrace, script, headrace.repository(HELLO).root)
    assert (done.returncode, "Traceback" in done.stderr) == (status, False)
    if "plan" not in script:
        assert [run["result"] for run in headrace("ls", "--json").json["runs"]] in (["success"], ["interrupted"])


def test_what_the_caller_has_open_is_not_open_in_a_job(headrace: Headrace) -> None:
    root = headrace.repository("  a: {runs-on: ubuntu-latest, steps: [{run: '[ ! -e /proc/$$/fd/7 ]'}]}\n").root
    assert shell(headrace, "$headrace run 7</etc/passwd", root).returncode == 0
    assert shell(headrace, "[ -e /proc/$$/fd/7 ]", root).returncode == 1
    assert shell(headrace, "[ -e /proc/$$/fd/7 ] 7</etc/passwd", root).returncode == 0


@pytest.mark.parametrize("isolation", ["host", "namespaces"])
def test_the_umask_of_the_caller_is_not_that_of_a_job(headrace: Headrace, isolation: str) -> None:
    why = refusal(headrace.home, 1) if isolation == "namespaces" else ""
    if why:
        pytest.skip(f"no layers in a user namespace here: {why}")
    script = "touch made; stat -c %a made"
    if isolation == "namespaces":
        script += "; stat -c %a / /opt/hostedtoolcache /run/scratch /home/runner $PWD"
    root = headrace.repository(f"  a: {{runs-on: ubuntu-latest, steps: [{{run: {script}}}]}}\n").root
    for umask in ("077", "000"):
        done = shell(headrace, f"umask {umask}; $headrace run -v --isolation {isolation}", root)
        said = [line.rpartition("| ")[2] for line in done.stderr.splitlines()]
        assert {line for line in said if line.isdecimal()} == ({"644"} if isolation == "host" else {"644", "755"}), done.stderr


@pytest.mark.parametrize("name", ["HUP", "INT"])
def test_a_signal_that_is_ignored_stays_so_and_else_ends_the_run(headrace: Headrace, name: str) -> None:
    """As `nohup` and shells, for what they put into the background, have it."""
    root = headrace.repository("  a: {runs-on: ubuntu-latest, steps: [{run: 'echo begun; sleep 1; echo over'}]}\n").root
    minded = ["env", f"--default-signal={name}"]  # whatever these tests themselves were started with
    for prefix, status in ((minded, 130), (["sh", "-c", f"trap '' {name}; exec \"$@\"", "sh"], 0)):
        process = subprocess.Popen(
            [*prefix, *headrace.command("run", "-v")], cwd=root, env=headrace.environment(), stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        lines_until(process, "begun")
        process.send_signal(signal.Signals[f"SIG{name}"])
        process.communicate(timeout=60)
        assert process.returncode == status


def test_half_a_character_is_replaced(headrace: Headrace) -> None:
    done = headrace.run(
        "  a:\n    runs-on: ubuntu-latest\n    strategy: {matrix: {x: ['${{ fromJSON(''\"a\\ud800b\\ud83d\\ude00\"'') }}']}}\n"
        '    steps: [{run: \'[ "${{ matrix.x }}" = "a\ufffdb\U0001f600" ]\'}]\n'
    )
    assert (done.status, done.json["jobs"][0]["matrix"]) == (0, {"x": "a\ufffdb\U0001f600"})


@pytest.mark.parametrize(
    "whom", [pytest.param("supervisor", marks=pytest.mark.slow), pytest.param("init", marks=pytest.mark.slow), "zygote"]
)
def test_processes_that_a_step_stops_are_killed_in_the_end(headrace: Headrace, whom: str) -> None:
    """The second Ctrl-C waits 10 seconds for an answer, then kills from above."""
    pid = {
        "init": "$PPID",
        "supervisor": "$(ps -o ppid= $PPID)",
        "zygote": "$(ps -o ppid= $(ps -o ppid= $PPID))",
    }[whom]
    mark = f"HEADRACE_STOP={os.urandom(6).hex()}"
    root = headrace.repository(
        "  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: |\n"
        f"          echo begun; echo {pid} >{headrace.home}/pid\n"
        f"          while test ! -e {headrace.home}/go; do sleep 0.1; done\n"
        f"          kill -STOP {pid}; env {mark} sleep 900\n"
    ).root
    process = headrace.start("run", "-v", cwd=root)
    lines_until(process, "begun")
    (headrace.home / "go").write_text("")
    until(lambda: headrace.alive(mark), "the step did not get there")
    interrupt(process)
    lines_until(process, "interrupted")
    interrupt(process)
    process.communicate(timeout=60)
    assert process.returncode in (3, 130)
    stopped = (headrace.home / "pid").read_text().strip()
    until(lambda: ended(stopped), "what was stopped is still there")
    until(lambda: not headrace.alive(mark), "a process of the run is still alive")


@pytest.mark.host_only("its job sends signals to what no job in namespaces sees")
def test_a_step_that_kills_all_above_it_but_the_engine_leaves_nothing(headrace: Headrace) -> None:
    mark = f"HEADRACE_ALL={os.urandom(6).hex()}"
    done = headrace.run(
        "  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: |\n"
        f"          env {mark} setsid sleep 900 >/dev/null 2>&1 &\n"
        "          init=$PPID; supervisor=$(ps -o ppid= $init); zygote=$(ps -o ppid= $supervisor)\n"
        "          kill -9 $zygote $supervisor $init\n"
    )
    assert done.status == 3
    until(lambda: not headrace.alive(mark), "a process of the run is still alive")


UPLOAD = "{{uses: actions/upload-artifact@v4, with: {{name: '{0}', path: '{0}'}}}}"


def to_services(signal_name: str) -> str:
    """A step that sends a signal to the services of its own run."""
    return (
        "      - run: |\n"
        "          engine=$(ps -o ppid= $(ps -o ppid= $(ps -o ppid= $PPID)))\n"
        "          for pid in $(ps -o pid= --ppid $engine); do\n"
        "            if tr '\\0' ' ' </proc/$pid/cmdline | grep -q headrace.services; then\n"
        f"              kill -{signal_name} $pid; echo signalled $pid; exit\n"
        "            fi\n"
        "          done; exit 1\n"
    )


def uploading(*steps: str) -> str:
    return "  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo 1 >one; echo 2 >two\n" + "".join(steps)


@pytest.mark.host_only("its job sends signals to what no job in namespaces sees")
def test_a_killed_services_process_is_started_again(headrace: Headrace) -> None:
    uploads = [f"      - {UPLOAD.format(name)}\n" for name in ("one", "two")]
    done = headrace.run(uploading(uploads[0], to_services("KILL"), uploads[1]))
    assert done.status == 0, done.err
    assert "signalled" in headrace("logs", cwd=headrace.home / "repo").out
    assert len([path for path in headrace.kept() if path.parent.name == "artifacts" and path.parent.parent.name == "blobs"]) == 2


@pytest.mark.host_only("its job sends signals to what no job in namespaces sees")
def test_a_stopped_services_process_is_killed_in_the_end(headrace: Headrace) -> None:
    """It has five seconds to store what it was storing."""
    done = headrace.run(uploading(f"      - {UPLOAD.format('one')}\n", to_services("STOP")))
    assert done.status == 0, done.err
    [line] = [line for line in headrace("logs", cwd=headrace.home / "repo").out.splitlines() if line.startswith("signalled ")]
    assert ended(line.split()[1])


def test_a_deleted_folder_is_told(headrace: Headrace, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    for verb in ("plan", "run"):
        done = shell(headrace, f"cd {gone}; rmdir {gone}; $headrace {verb}", tmp_path)
        assert (done.returncode, done.stderr.strip()) == (
            2, "headrace: the present folder is no longer there; go to another, or say --repo DIR"
        )  # fmt: skip
        gone.mkdir()


def test_a_relative_home_is_not_believed(headrace: Headrace) -> None:
    import pwd

    root = headrace.repository(HELLO).root
    done = shell(headrace, "unset XDG_STATE_HOME XDG_CACHE_HOME; $headrace ls", root, HOME="here")
    assert done.returncode == 0
    assert not (root / "here").exists()
    code = "import headrace.base.paths as p; print(p.state_dir())"
    done = shell(headrace, f"unset XDG_STATE_HOME; '{headrace.command()[0]}' -c '{code}'", root, HOME="here")
    assert done.stdout.strip() == f"{pwd.getpwuid(os.getuid()).pw_dir}/.local/state/headrace"


@pytest.mark.skipif(os.getuid() == 0 and shutil.which("setpriv") is None, reason="needs setpriv: root reads everything")
def test_a_folder_that_cannot_be_read_is_named(headrace: Headrace) -> None:
    repository = headrace.repository(HELLO)
    hidden = repository.root / "data"
    hidden.mkdir()
    (hidden / "file").write_text("x")
    as_user = "setpriv --bounding-set=-dac_override,-dac_read_search " if os.getuid() == 0 else ""
    said = "not part of the run, because it cannot be read: data/"
    assert said not in shell(headrace, f"{as_user}$headrace run", repository.root).stderr
    hidden.chmod(0)
    try:
        done = shell(headrace, f"{as_user}$headrace run", repository.root)
    finally:
        hidden.chmod(0o755)
    assert (done.returncode, said in done.stderr) == (0, True), done.stderr


def test_ctrl_c_while_it_loads_prints_no_traceback(headrace: Headrace) -> None:
    root = headrace.repository(HELLO).root
    for wait in range(0, 60, 4):
        process = headrace.start("plan", cwd=root)
        try:
            process.wait(timeout=wait / 1000)
        except subprocess.TimeoutExpired:
            interrupt(process)
        _, err = process.communicate(timeout=60)
        # What comes before the first act of `main`, which is to mind the signal, is the interpreter's.
        ours = re.search(r'cli/__main__\.py", line \d+, in (?!<module>|main\n +(def main|_mind_)|_mind_)', err)
        early = ("KeyboardInterrupt" in err or "Fatal Python error: init" in err) and ours is None
        assert early or "Traceback" not in err, err
        assert process.returncode in (0, 130, -signal.SIGINT) or (early and process.returncode == 1), err


def test_json_is_whole_or_the_status_is_not_0(headrace: Headrace) -> None:
    root = headrace.repository(HELLO).root
    assert json.loads(shell(headrace, "$headrace run --json", root).stdout)["jobs"][0]["result"] == "success"
