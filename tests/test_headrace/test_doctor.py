"""`headrace doctor`: what this machine allows, on this one and on ones that refuse something, and whether what it advises helps."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from headrace.report.documents import DoctorDocument
from headrace.sandbox.slirp import usable
from test_core.calls import Done, Headrace
from test_core.layers import refusal
from test_core.machines import MASKED, SWITCHED_OFF, as_root, changed, filtered, on_an_overlay

pytestmark = pytest.mark.slow  # it takes minutes, or needs the machine for itself

JOB = "  a:\n    runs-on: ubuntu-latest\n    steps: [{run: 'true'}]\n"


@pytest.fixture(autouse=True)
def possible(tmp_path_factory: pytest.TempPathFactory) -> None:
    why = refusal(tmp_path_factory.mktemp("probe"), 1)
    if why:
        pytest.skip(f"no layers in a user namespace here: {why}")


def call(headrace: Headrace, argv: Sequence[str], **extra: str) -> Done:
    done = subprocess.run(
        argv, cwd=headrace.folder, env=headrace.environment(extra), capture_output=True, text=True, timeout=120, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


def doctor(headrace: Headrace, script: str, *arguments: str, **extra: str) -> Done:
    """Called on a machine that `script` has changed."""
    return call(headrace, changed(script, headrace.command("doctor", *arguments)), **extra)


def states(done: Done) -> dict[str, str]:
    return {row["name"]: row["state"] for row in done.json["findings"] if row["section"] == "isolation"}


def mend(done: Done) -> str:
    """The command that mends what is missing."""
    (found,) = [row["mend"] for row in done.json["findings"] if row["state"] == "missing" and row["section"] == "isolation"]
    return str(found)


def test_where_jobs_can_be_parted_from_the_machine_the_status_is_0_and_nothing_is_missing(headrace: Headrace) -> None:
    done = headrace("doctor")
    assert done.status == 0, done.out
    assert done.out.startswith("✓ jobs can be parted from this machine")
    lines = {line.split("  ")[1]: line for line in done.out.splitlines() if line.startswith("  ") and "  " in line[2:]}
    assert {"kernel", "folders of jobs", "namespaces", "layers", "trial job", "way out", "git"} <= set(lines)
    assert " ok " in lines["trial job"]


def test_json_follows_its_schema(headrace: Headrace) -> None:
    done = headrace("doctor", "--json")
    document = msgspec.json.decode(done.out, type=DoctorDocument)
    assert (done.status, document.isolation, document.refused) == (0, "namespaces", None)
    assert document.mode in ("root", "sub", "single", "inner")
    assert {row.section for row in document.findings} >= {"isolation", "network", "programs"}


def test_the_features_are_a_table_of_their_own(headrace: Headrace) -> None:
    done = headrace("doctor", "--features")
    assert (done.status, done.out.splitlines()[0].split()) == (0, ["feature", "here", "a", "job", "that"])
    assert headrace("doctor", "--features", "--json").status == 2


def test_where_they_cannot_be_the_status_is_1_and_what_is_advised_helps(headrace: Headrace) -> None:
    done = doctor(headrace, SWITCHED_OFF, "--json")
    assert done.status == 1
    assert done.json["isolation"] == "host"
    assert (done.json["refused"]["step"], done.json["refused"]["what"]) == ("namespaces", "unshare")
    assert states(done)["namespaces"] == "missing"
    assert states(done)["folders of jobs"] == "ok"
    assert states(done)["layers"] == "untried"
    assert mend(done) == "sysctl -w user.max_user_namespaces=15000"
    if as_root(mend(done)):
        again = doctor(headrace, f"{SWITCHED_OFF}\n{as_root(mend(done))}", "--json")
        assert again.status == 0, again.out


def test_a_person_is_told_the_same(headrace: Headrace) -> None:
    done = doctor(headrace, SWITCHED_OFF)
    assert done.status == 1
    assert done.out.startswith("✗ jobs cannot be parted from this machine")
    assert "/proc/sys/user/max_user_namespaces is 0" in done.out
    commands = done.out.partition("what makes more of this machine\n")[2].splitlines()
    assert commands[0] == "  namespaces: sysctl -w user.max_user_namespaces=15000"


def test_state_on_an_overlay_can_lie_elsewhere(headrace: Headrace, tmp_path: Path) -> None:
    scratch = os.environ.get("HEADRACE_SCRATCH")  # in a job of headrace everything else lies on an overlay already
    script = on_an_overlay(str(Path(scratch, f"doctor-{os.getpid()}") if scratch else tmp_path / "place"))
    state = script.split()[-1]
    done = doctor(headrace, script, "--json", XDG_STATE_HOME=state, HEADRACE_SCRATCH="")
    assert (done.status, states(done)["layers"]) == (1, "missing")
    row = next(row for row in done.json["findings"] if row["name"] == "layers")
    assert f"{state}/headrace, on overlay" in row["text"]
    if "DIR" in row["mend"] or " run " in row["mend"]:
        pytest.skip("no folder of this machine would do")
    made = Path(row["mend"].rpartition("=")[2])
    try:
        assert doctor(headrace, f"{script}\n{row['mend']}", "--json", XDG_STATE_HOME=state, HEADRACE_SCRATCH="").status == 0
    finally:
        shutil.rmtree(made, ignore_errors=True)


def test_a_masked_proc_is_said_to_be_what_is_in_the_way(headrace: Headrace) -> None:
    done = doctor(headrace, MASKED, "--json")
    assert (done.status, states(done)["layers"], states(done)["proc and devices"]) == (1, "ok", "missing")
    assert doctor(headrace, f"{MASKED}\numount /proc/uptime").status == 0


def test_a_filter_of_system_calls_is_said_to_be_what_is_in_the_way(headrace: Headrace) -> None:
    argv = filtered(headrace.command("doctor", "--json"))
    if argv is None:
        pytest.skip("the numbers of this processor's system calls are not known here")
    done = call(headrace, argv)
    assert (done.status, states(done)["namespaces"]) == (1, "missing")
    assert "Seccomp: 2" in done.out


def test_a_folder_that_cannot_be_made_is_said(headrace: Headrace) -> None:
    done = headrace("doctor", "--json", XDG_STATE_HOME="/proc", HEADRACE_SCRATCH="")
    assert (done.status, states(done)["folders of jobs"]) == (1, "missing")
    assert "export XDG_STATE_HOME=" in mend(done)


@pytest.mark.skipif(not usable(os.environ), reason="needs slirp4netns, and /dev/net/tun for everybody")
def test_a_slirp4netns_that_does_not_work_is_found_out_and_told(headrace: Headrace, tmp_path: Path) -> None:
    (tmp_path / "slirp4netns").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "slirp4netns").chmod(0o755)
    ways = {}
    for name, path in (("works", os.environ["PATH"]), ("broken", f"{tmp_path}:{os.environ['PATH']}")):
        done = headrace("doctor", "--json", PATH=path)
        assert done.status == 0
        ways[name] = next(row for row in done.json["findings"] if row["section"] == "network")
    assert (ways["works"]["state"], ways["broken"]["state"]) == ("ok", "limited")
    assert f"{tmp_path}/slirp4netns does not work here" in ways["broken"]["text"]
    told = headrace.run(JOB, "--isolation", "namespaces", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert (told.status, "through an HTTP proxy" in told.err) == (0, True), told.err


def test_programs_that_are_missing_are_named_with_what_installs_them(headrace: Headrace, tmp_path: Path) -> None:
    rows = {row["name"]: row for row in headrace("doctor", "--json").json["findings"] if row["section"] == "programs"}
    assert rows["git"]["state"] == "ok"
    assert all(row["mend"] for row in rows.values() if row["state"] == "missing")


# -- an ordinary user, where root calls --

AS_USER = """
import ctypes, os, pwd, sys
libc = ctypes.CDLL(None)
from headrace.cli.__main__ import do
with open(os.devnull, "w") as sys.stdout:
    do(["doctor", "--json"])  # what is loaded now need not be readable to the user
sys.stdout = sys.__stdout__
user = pwd.getpwnam(sys.argv[1])
os.initgroups(user.pw_name, user.pw_gid)
os.setgid(user.pw_gid)
os.setuid(user.pw_uid)
assert libc.prctl(4, 1, 0, 0, 0) == 0  # dumpable: as after an exec, which could not load what only root may read
assert sys.argv[3:] != ["held"] or libc.prctl(38, 1, 0, 0, 0) == 0  # no new privileges
os.environ.update(HOME=sys.argv[2], XDG_STATE_HOME=sys.argv[2], HEADRACE_SCRATCH="")
os.chdir("/")
status = do(["doctor", "--json"])
sys.stdout.flush()
os._exit(status)
"""


@pytest.fixture
def user(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The name and a folder of an ordinary user that is there for one test."""
    if os.getuid() != 0 or not shutil.which("useradd"):
        pytest.skip("only root can make an ordinary user, with useradd")
    name = f"headrace{os.getpid()}"
    scratch = os.environ.get("HEADRACE_SCRATCH")
    home = Path(scratch or "/var/tmp") / name
    if subprocess.run(["useradd", "--no-create-home", name], capture_output=True, check=False).returncode:
        pytest.skip("useradd refuses here")
    try:
        home.mkdir(mode=0o700)
        shutil.chown(home, name)
        yield name, home
    finally:
        subprocess.run(["userdel", name], capture_output=True, check=False)
        shutil.rmtree(home, ignore_errors=True)


def as_user(headrace: Headrace, user: tuple[str, Path], *more: str, **extra: str) -> Any:
    done = call(headrace, [sys.executable, "-c", AS_USER, user[0], str(user[1]), *more], **extra)
    return done.status, json.loads(done.out), {row["name"]: row for row in json.loads(done.out)["findings"]}


def test_an_ordinary_user_has_jobs_of_their_own_too(headrace: Headrace, user: tuple[str, Path]) -> None:
    status, document, rows = as_user(headrace, user)
    assert (status, document["isolation"]) == (0, "namespaces"), document
    assert document["mode"] in ("sub", "single")
    assert rows["users"]["state"] == ("ok" if document["mode"] == "sub" else "limited")
    assert user[0] in rows["users"]["text"]
    assert rows["folders of jobs"]["text"].startswith(f"{user[1]}/headrace on ")


def test_where_newuidmap_gets_no_powers_there_is_one_user_in_jobs_and_that_is_told(
    headrace: Headrace, user: tuple[str, Path]
) -> None:
    status, document, rows = as_user(headrace, user)
    if document["mode"] != "sub":
        pytest.skip("newuidmap hands no ids out here")
    status, document, rows = as_user(headrace, user, "held")
    assert (status, document["mode"], rows["users"]["state"]) == (0, "single", "limited"), document
    assert "NoNewPrivs: 1" in rows["users"]["text"]
    assert rows["users"]["mend"]


def test_an_ordinary_user_without_a_range_of_ids_is_told_how_to_get_one(headrace: Headrace, user: tuple[str, Path]) -> None:
    if not shutil.which("newuidmap"):
        pytest.skip("newuidmap is not installed")
    subprocess.run(["sed", "-i", f"/^{user[0]}:/d", "/etc/subuid", "/etc/subgid"], check=True)
    status, document, rows = as_user(headrace, user)
    assert (status, document["mode"], rows["users"]["state"]) == (0, "single", "limited"), document
    command = rows["users"]["mend"].removeprefix("sudo ").split()
    assert command[0] == "usermod"
    subprocess.run(command, check=True)
    assert as_user(headrace, user)[1]["mode"] in ("sub", "single")
    lines = [line for line in Path("/etc/subuid").read_text().splitlines() if line.startswith(f"{user[0]}:")]
    assert len(lines) == 1
