"""The machine mounts something below the folders that jobs see, as engines of containers do all the time."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from test_core.calls import Headrace, lines_until
from test_core.hostile.victim import Plants
from test_core.layers import refusal
from test_core.people import HeadraceAs

pytestmark = [
    pytest.mark.slow,  # it changes the machine
    pytest.mark.skipif(os.getuid() != 0, reason="only root can mount"),
]

ON = ("--isolation", "namespaces", "-v")
SECRET = "s3cr3t-of-the-machine"


@pytest.fixture
def plants() -> Iterator[Plants]:
    made = Plants(f"hr-{os.urandom(4).hex()}")
    yield made
    made.close()


@pytest.fixture
def mount(plants: Plants) -> Iterator[Callable[[str], None]]:
    """Mounts a file system with one file, `file`, at a folder of the machine."""
    made: list[str] = []

    def act(place: str) -> None:
        plants.file(f"{place}/covered", 0o644, "covered")
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", place], check=True)
        made.append(place)
        Path(place, "file").write_text(SECRET)

    yield act
    for place in made:
        subprocess.run(["umount", place], check=True)


@pytest.fixture(params=["caller", "person", "single_person"])
def calls(request: pytest.FixtureRequest, headrace: Headrace) -> Headrace:
    """Of whoever runs these tests, of a user with a range of ids, and of one without."""
    if why := refusal(headrace.home, 1):
        pytest.skip(f"no layers in a user namespace here: {why}")
    return headrace if request.param == "caller" else HeadraceAs(request.getfixturevalue(request.param))


def test_what_is_mounted_during_a_run_is_not_seen_and_stops_no_job(
    calls: Headrace, plants: Plants, mount: Callable[[str], None]
) -> None:
    """The jobs after the first find another machine than the one that the run has looked at."""
    place = f"/var/lib/{plants.name}/engine/merged"
    look = f"test ! -e {place}/file && test -d /var/lib/dpkg && test ! -e /var/spool/{plants.name}/mail"
    plants.file(f"/var/spool/{plants.name}/mail", 0o644, SECRET)
    jobs = "".join(
        f"  {name}:\n    runs-on: ubuntu-latest\n{needs}    steps: [{{run: '{script}'}}]\n"
        for name, needs, script in (
            ("a", "", "echo begun; sleep 3"),
            ("b", "    needs: a\n", look),
            ("c", "    needs: b\n", look),
            ("d", "    needs: c\n", look),
        )
    )
    repository = calls.repository(jobs, f"mounted-{plants.name}")
    run = calls.start("run", *ON, cwd=repository.root)
    said = lines_until(run, "a | begun")
    mount(place)
    _, rest = run.communicate(timeout=120)
    assert run.returncode == 0, said + rest


@pytest.mark.parametrize("folder", ["/var/spool/{0}", "/var/tmp/{0}", "/var/log/{0}"])
def test_what_stands_empty_for_jobs_does_so_beside_something_that_is_mounted(
    headrace: Headrace, plants: Plants, mount: Callable[[str], None], folder: str
) -> None:
    if why := refusal(headrace.home, 1):
        pytest.skip(f"no layers in a user namespace here: {why}")
    place = folder.format(plants.name)
    top = os.path.dirname(place)
    plants.file(f"{place}/open", 0o644, SECRET)
    mount(f"/var/lib/{plants.name}/merged")
    script = f"test -d {top} && test -d /var/lib/dpkg && touch {top}/own && cat {place}/open"
    done = headrace.run(f"  a:\n    runs-on: ubuntu-latest\n    steps: [{{run: '{script}'}}]\n", *ON)
    assert (done.status, "No such file" in done.err, SECRET in done.err) == (1, True, False), done.err


def test_nor_is_a_home_seen_beside_it(headrace: Headrace, plants: Plants, mount: Callable[[str], None]) -> None:
    if why := refusal(headrace.home, 1):
        pytest.skip(f"no layers in a user namespace here: {why}")
    home = f"/opt/{plants.name}/home"
    plants.file(f"{home}/open", 0o644, SECRET)
    os.chmod(home, 0o755)
    plants.file(f"/opt/{plants.name}/programs/open", 0o644, "seen-in-opt")
    mount(f"/opt/{plants.name}/merged/deep")
    name = plants.name
    subprocess.run(["useradd", "--no-create-home", "--home-dir", home, name], check=True)
    try:
        script = f"cat /opt/{name}/programs/open && cat {home}/open"
        done = headrace.run(f"  a:\n    runs-on: ubuntu-latest\n    steps: [{{run: '{script}'}}]\n", *ON)
    finally:
        subprocess.run(["userdel", name], check=True)
    assert (done.status, "| seen-in-opt" in done.err, SECRET in done.err) == (1, True, False), done.err
