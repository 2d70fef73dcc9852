"""A sandbox in a sandbox: headrace in a job of headrace parts jobs as well, and a third level is refused."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import headrace as package
import pytest
from test_core.calls import Done, Headrace
from test_core.layers import refusal

pytestmark = pytest.mark.slow  # it takes minutes, or needs the machine for itself

ON = ("--isolation", "namespaces")
CALL = f"env PYTHONPATH={Path(package.__file__).parents[1]} {sys.executable} -m headrace.cli run --isolation namespaces"


@pytest.fixture(scope="module", autouse=True)
def possible(tmp_path_factory: pytest.TempPathFactory) -> None:
    why = refusal(tmp_path_factory.mktemp("probe"), 2)
    if why:
        pytest.skip(f"no layers over layers in a user namespace here: {why}")


def job(*lines: str) -> str:
    return "  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: |\n" + "".join(f"          {line}\n" for line in lines)


def inside(script: str, folder: str) -> tuple[str, ...]:
    """Lines that make a repository whose one job does `script` (one line)."""
    return (
        f"mkdir -p {folder}/.github/workflows",
        f"cat >{folder}/.github/workflows/ci.yml <<'E'",
        "on: push",
        f"jobs: {{b: {{runs-on: ubuntu-latest, steps: [{{run: '{script}'}}]}}}}",
        "E",
        f"git -C {folder} init -q -b main && git -C {folder} add -A",
        f"git -C {folder} -c user.name=a -c user.email=a@example.org commit -qm a",
    )


def run(headrace: Headrace, *lines: str) -> Done:
    return headrace.run(job(*lines), *ON, "-v")


def test_a_job_of_a_headrace_in_a_job_is_parted_from_it(headrace: Headrace) -> None:
    seen = "test ! -e $OUTER && touch /usr/mine /etc/mine /tmp/mine && echo parted $(ls -d /proc/[0-9]* | wc -l)"
    lines = inside(seen.replace("$OUTER", "/home/runner/work/repo/repo/r"), "r")
    after = ("test ! -e /usr/mine -a ! -e /etc/mine -a ! -e /tmp/mine", "ls -A $HEADRACE_SCRATCH/*/work")
    done = run(headrace, *lines, "cd r", f"{CALL} -v", *after)
    assert done.status == 0, done.err
    assert "| parted" in done.err
    assert not Path("/usr/mine").exists()


def test_sudo_is_there_as_well_and_so_is_the_warning_of_a_job_without(headrace: Headrace) -> None:
    done = run(headrace, *inside("sudo touch /etc/mine && echo sudo $(sudo id -u)", "r"), "cd r", f"{CALL} -v")
    assert (done.status, "| sudo 0" in done.err, "On a hosted runner" in done.err) == (0, True, False), done.err
    done = headrace.run(job(*inside("touch /etc/mine", "r"), "cd r", f"{CALL} -v"), *ON, "-v", folder="again")
    assert (done.status, "the job changed /etc/mine without sudo" in done.err) == (0, True), done.err
    assert len([line for line in done.err.splitlines() if line.startswith("warning: ")]) == 0  # of the outer job


def test_what_fails_in_there_fails_out_here(headrace: Headrace) -> None:
    done = run(headrace, *inside("exit 7", "r"), "cd r", f"{CALL} -v")
    assert (done.status, "exit code 7" in done.err) == (1, True), done.err


def test_a_third_level_is_refused_before_anything_runs(headrace: Headrace) -> None:
    script = "; ".join(
        [
            "mkdir -p s/.github/workflows && cd s && git init -q -b main",
            'printf "on: push\\njobs: {c: {runs-on: ubuntu-latest, steps: [{run: echo deepest}]}}\\n" >.github/workflows/ci.yml',
            f"{CALL} -v",
        ]
    )
    done = run(headrace, *inside(script, "r"), "cd r", f"{CALL} -v")
    assert done.status == 1, done.err
    assert "deepest" not in [line.rpartition("| ")[2] for line in done.err.splitlines()]
    assert "the system lies on overlays over one another already" in done.err
    assert "exit code 2" in done.err


@pytest.mark.skipif(os.getuid() != 0, reason="an ordinary user's job has the machine's device")
def test_the_device_for_networks_can_be_opened_in_a_job(headrace: Headrace) -> None:
    if not os.path.exists("/dev/net/tun"):
        pytest.skip("this machine has none")
    assert run(headrace, "exec 3<>/dev/net/tun").status == 0
