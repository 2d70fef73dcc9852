"""Which container engine works here: found out by trying, and remembered."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from headrace.sandbox.containers import known, pause
from headrace.sandbox.containers.model import Found, Lack

linux = pytest.mark.skipif(sys.platform != "linux", reason="containers of jobs want Linux")


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(known, "_told", {})


def elsewhere(path: object) -> dict[str, str]:
    """An environment in which podman works on another machine, so that it does not matter what this one has for networks of users."""
    return {"PATH": str(path), "CONTAINER_HOST": "ssh://elsewhere"}


def program(folder: Path, name: str, script: str) -> Path:
    """An engine that answers with a script; it notes each call."""
    folder.mkdir(exist_ok=True)
    place = folder / name
    place.write_text(f'#!/bin/sh\necho "$@" >> {folder}/calls\n{script}\n')
    place.chmod(0o755)
    return place


@linux
def test_the_programs_of_our_own_image_end_well_and_never(tmp_path: Path) -> None:
    made = pause.programs(os.uname().machine)
    if not made:
        pytest.skip(f"no programs for {os.uname().machine}")
    for name, content in made.items():
        place = tmp_path / name.lstrip("/")
        place.write_bytes(content)
        place.chmod(0o755)
    assert subprocess.run([tmp_path / "true"], check=False).returncode == 0
    waits = subprocess.Popen([tmp_path / "pause"])
    with pytest.raises(subprocess.TimeoutExpired):
        waits.wait(0.3)
    waits.kill()
    assert waits.wait() == -9


@linux
def test_a_machine_without_an_engine_lacks_one_and_is_told_how_to_get_it(tmp_path: Path) -> None:
    if any(os.access(f"/usr/{folder}/{name}", os.X_OK) for folder in ("bin", "sbin") for name in ("podman", "docker")):
        pytest.skip("an engine is installed")
    found = known.attempt({"PATH": str(tmp_path)})
    assert isinstance(found, Lack)
    assert "install podman" in found.mend


@linux
@pytest.mark.parametrize("asked", ["podman", "docker"])
def test_what_is_asked_for_is_tried_and_nothing_else(tmp_path: Path, asked: str) -> None:
    for name in ("podman", "docker"):
        program(tmp_path / name, name, "exit 0")
    path = os.pathsep.join(str(tmp_path / name) for name in ("podman", "docker"))
    found = known.attempt(elsewhere(path), asked)
    assert isinstance(found, Found)
    assert (found.kind, found.program, found.options, found.limits) == (asked, str(tmp_path / asked / asked), (), ())
    assert not (tmp_path / ({"podman", "docker"} - {asked}).pop() / "calls").exists()
    assert isinstance(known.attempt({"PATH": path}, "none"), Lack)


@linux
def test_an_engine_gets_what_it_needs_on_this_machine_and_that_is_remembered(tmp_path: Path) -> None:
    place = program(
        tmp_path / "bin",
        "podman",
        'case "$*" in *" run "*|run*) case "$*" in *ulimit*) ;; *) echo "Error: rlimit" >&2; exit 126;; esac;; esac',
    )
    environ = elsewhere(tmp_path / "bin")
    found = known.answer(environ, "podman")
    assert isinstance(found, Found)
    assert (found.program, found.limits[0]) == (str(place), "--ulimit")
    known._told.clear()
    (tmp_path / "bin" / "calls").unlink()
    assert known.answer(environ, "podman") == found
    assert not (tmp_path / "bin" / "calls").exists()
    place.write_text(place.read_text() + "\n")  # another version of it
    os.utime(place)
    known._told.clear()
    assert known.answer(environ, "podman") == found
    assert (tmp_path / "bin" / "calls").exists()


@linux
def test_an_engine_that_runs_nothing_is_no_engine_and_says_why_each_time(tmp_path: Path) -> None:
    program(tmp_path / "bin", "docker", 'echo "Cannot connect to the daemon" >&2; exit 1')
    environ = {"PATH": str(tmp_path / "bin")}
    found = known.answer(environ, "docker")
    assert found == Lack("docker runs none: Cannot connect to the daemon")
    assert isinstance(known.forecast(environ, "docker"), Found)
    known._told.clear()
    program(tmp_path / "bin", "docker", "exit 0")
    assert isinstance(known.answer(environ, "docker"), Found)


@linux
def test_what_a_trial_has_left_that_was_killed_is_removed_by_a_later_one(tmp_path: Path) -> None:
    """Not what another may be about to use, nor what is somebody else's."""
    old, young = f"headrace_trial_{int(time.time()) - 7200}_0a", f"headrace_trial_{int(time.time()) - 5}_0b"
    gone = tmp_path / "gone"
    program(
        tmp_path / "bin",
        "podman",
        f"""case "$*" in
        "network ls"*"label=headrace.run") echo {young} other; [ -e {gone} ] || echo {old};;
        "network ls"*"label=headrace.run={old}") [ -e {gone} ] || echo {old};;
        "network rm {old}") touch {gone};;
        esac""",
    )
    assert isinstance(known.attempt(elsewhere(tmp_path / "bin"), "podman"), Found)
    calls = (tmp_path / "bin" / "calls").read_text()
    assert f"network rm {old}\n" in calls
    assert f"network rm {young}" not in calls
    assert "network rm other" not in calls


@linux
def test_a_trial_whose_command_hangs_leaves_neither_container_nor_network(tmp_path: Path) -> None:
    """What uses a network keeps it from being removed."""
    program(
        tmp_path / "bin",
        "podman",
        f"""cd {tmp_path}; case "$*" in
        "network create"*) touch network;;
        run*|*" run "*) touch container; exit 1;;
        "ps "*) [ ! -e container ] || echo container;;
        "rm "*container) rm container;;
        "network ls"*=headrace_trial_*) [ ! -e network ] || echo network;;
        "network rm"*) [ ! -e container ] && rm network;;
        esac""",
    )
    assert isinstance(known.attempt(elsewhere(tmp_path / "bin"), "podman"), Lack)
    assert not (tmp_path / "container").exists()
    assert not (tmp_path / "network").exists()
