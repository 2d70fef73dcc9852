"""What a job sees of the machine: which folders are taken, and what stands in for what."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from headrace.sandbox import ids, layout, secrets, skeleton


def test_only_the_system_is_shown_and_nothing_that_holds_what_is_to_be_avoided() -> None:
    shown = layout.bases([])
    assert "/usr" in shown
    assert all(path.split("/")[1] in layout.SHOWN for path in shown)
    split = layout.bases(["/usr/share/doc"])
    assert "/usr" not in split
    assert "/usr/share" not in split
    assert "/usr/share/doc" not in split
    assert "/usr/bin" in split
    assert not any(point != base and point.startswith(f"{base}/") for base in shown for point in layout.mount_points())


COMES_AND_GOES = """
import os
while True:
    for act in (os.mkdir, os.rmdir):
        for number in range(30):
            act(f"/var/lib/headrace-test-{number}")
"""


def test_folders_that_come_and_go_meanwhile_are_no_fault() -> None:
    """As packages, engines of containers and other jobs make them."""
    if not os.access("/var/lib", os.W_OK):
        pytest.skip("needs to write into /var/lib")
    with subprocess.Popen([sys.executable, "-c", COMES_AND_GOES]) as busy:
        try:
            for _ in range(100):
                assert "/var/lib" not in layout.bases(["/var/lib/headrace-test"])
        finally:
            busy.kill()
            busy.wait()
            for number in range(30):
                shutil.rmtree(f"/var/lib/headrace-test-{number}", ignore_errors=True)


def test_a_folder_that_goes_while_the_skeleton_is_made_is_no_fault(tmp_path: Path) -> None:
    """What is mounted somewhere makes each of its neighbours a base, and they may be those of a container that ends."""
    gone = "/var/lib/headrace-test/gone"
    path = tmp_path / "skeletons/a"
    skeleton.make(str(path), "inner", ("/usr", gone))
    assert (path / gone[1:]).is_dir() and (path / "usr").stat().st_mode == os.stat("/usr").st_mode
    assert list(layout.as_it_is_now(layout.Layout("inner", ("/usr", gone), str(path))).bases) == ["/usr"]


def test_exposed_folders_are_those_that_are_there_and_not_seen_anyway(tmp_path: Path) -> None:
    for name in ("a/b", "c", "a-b"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "file").write_text("")
    asked = [
        tmp_path / "a" / "b",
        tmp_path / "a",
        tmp_path / "c",
        tmp_path / "none",
        tmp_path / "file",
        Path("/usr/lib"),
        tmp_path / "a-b",
    ]
    found = layout.exposures(map(str, asked), ["/usr"])
    assert sorted(found) == sorted((str(tmp_path / name), str(tmp_path / name)) for name in ("a", "c", "a-b"))


def test_a_layout_survives_its_way_to_the_supervisors() -> None:
    made = layout.Layout("root", ("/usr",), "/skeleton", (("/a", "/b"),), (("/c", "/d"),), host_network=True)
    import msgspec

    assert layout.decode(msgspec.to_builtins(made)) == made
    assert made.overlays() == (("/usr", "/usr"), ("/a", "/b"))


@pytest.mark.skipif(os.getuid() != 0, reason="root's skeleton replaces what others may not read")
def test_the_skeleton_of_root_holds_nothing_in_the_place_of_every_secret(tmp_path: Path) -> None:
    system = tuple(base for base in layout.bases([]) if base == "/etc")
    path = skeleton.path_of(str(tmp_path), "inner", system)
    skeleton.make(path, "inner", system)
    skeleton.make(path, "inner", system)  # it is there
    for folder, _, names in os.walk("/etc"):
        for name in names:
            source = os.path.join(folder, name)
            status = os.lstat(source)
            if stat.S_ISREG(status.st_mode) and not status.st_mode & 0o004 and status.st_size:
                hidden = os.path.lexists(path + source) or any(
                    os.path.isdir(path + str(parent)) and "user.overlay.opaque" in os.listxattr(path + str(parent))
                    for parent in Path(source).parents
                )
                assert hidden, source
    assert all(line.split(":")[1] == "*" for line in Path(f"{path}/etc/shadow").read_text().splitlines())


@pytest.fixture
def etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of /etc and the like."""
    folder = tmp_path / "etc"
    (folder / "vpn").mkdir(parents=True)
    monkeypatch.setattr(secrets, "_TOPS", (str(folder),))
    return folder


def test_what_becomes_private_makes_another_skeleton(tmp_path: Path, etc: Path) -> None:
    def path() -> str:
        return skeleton.path_of(str(tmp_path), "inner", (str(etc),))

    seen = [path()]
    assert path() == seen[0]
    (etc / "vpn" / "public").write_text("x")
    assert path() == seen[0]
    (etc / "vpn" / "key").write_text("x")
    (etc / "vpn" / "key").chmod(0o600)
    seen.append(path())
    (etc / "vpn" / "public").chmod(0o640)
    seen.append(path())
    (etc / "vpn").chmod(0o750)
    seen.append(path())
    assert len(set(seen)) == 4


def test_what_not_everybody_may_read_is_hidden_and_of_a_closed_folder_all(tmp_path: Path, etc: Path) -> None:
    modes = {"open": 0o644, "key": 0o600, "group": 0o640, "program": 0o4711, "vpn/key": 0o400}
    for name, mode in modes.items():
        (etc / name).write_text("x")
        (etc / name).chmod(mode)
    (etc / "closed" / "below").mkdir(parents=True)
    (etc / "closed" / "below" / "open").write_text("x")
    (etc / "closed").chmod(0o710)
    (etc / "link").symlink_to("key")
    for how in ("inner", "single"):  # all of it is ours
        found = sorted(os.path.relpath(path, etc) for path, _ in secrets.hidden(how, (str(etc),)))
        assert found == ["closed", "group", "key", "vpn/key"]
    path = tmp_path / "made"
    path.mkdir()
    for each, status in secrets.hidden("inner", (str(etc),)):
        skeleton._stand_in(str(path), each, status)
    made = f"{path}{etc}"
    assert os.getxattr(f"{made}/closed", "user.overlay.opaque") == b"y"
    assert [os.path.getsize(f"{made}/{name}") for name in ("key", "group", "vpn/key")] == [0, 0, 0]
    assert not os.path.lexists(f"{made}/open")


def test_skeletons_that_nobody_asks_for_go(tmp_path: Path) -> None:
    for name, age in (("old", 8), ("new", 6)):
        (tmp_path / "skeletons" / name).mkdir(parents=True)
        then = time.time() - age * 24 * 3600
        os.utime(tmp_path / "skeletons" / name, (then, then))
    assert skeleton.stale(str(tmp_path)) == [str(tmp_path / "skeletons" / "old")]
    assert skeleton.stale(str(tmp_path / "none")) == []


MAKE = """
import os, sys
from headrace.sandbox import hosted, skeleton
os.chdir(sys.argv[1])
hosted.fingerprint()  # as one who asks where it lies; the package itself may be where only we can read
if os.getuid() == 0:
    os.setuid(int(sys.argv[3]))
said = []
for how in sys.argv[2].split():
    path = os.path.join(sys.argv[1], "skeletons", how)
    skeleton.make(path, how, (), lambda: said.append(how))
print(*said)
"""


@pytest.mark.parametrize(
    ("hows", "uid", "said"),
    [("sub sub", "54321", "sub"), ("single", "54321", "single"), ("inner", "54321", ""), ("single", "0", "")],
)
def test_what_takes_long_is_told_before_and_only_where_it_is_to_be_made(hows: str, uid: str, said: str) -> None:
    if os.getuid() and uid == "0":
        pytest.skip("only root owns the folders of the system")
    folder = Path(tempfile.mkdtemp(dir="/var/tmp"))
    try:
        os.chmod(folder, 0o777)
        done = subprocess.run([sys.executable, "-c", MAKE, str(folder), hows, uid], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout.strip()) == (0, said), done.stderr
    finally:
        shutil.rmtree(folder)


def test_a_bare_skeleton_holds_what_the_view_of_a_job_is_mounted_on_and_no_files(tmp_path: Path) -> None:
    skeleton.bare(str(tmp_path), "single", ("/usr",))
    assert {"usr", "proc", "sys", "dev", "tmp", "home"} <= set(os.listdir(tmp_path))
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and not path.is_symlink()]


def test_a_folder_that_a_job_finds_closed_is_not_seen_through_its_base(tmp_path: Path) -> None:
    (tmp_path / "open" / "inner").mkdir(parents=True)
    (tmp_path / "closed" / "inner").mkdir(parents=True)
    tmp_path.chmod(0o755)
    (tmp_path / "closed").chmod(0o750)
    system = (str(tmp_path),)
    asked = [str(tmp_path / name / "inner") for name in ("open", "closed")]
    assert layout.exposures(asked, system) == ((asked[1], asked[1]),)
    made = layout.Layout("single", system, "/s")
    assert [made.shows(f"{path}/program") for path in asked] == [False, False]
    for path in asked:
        Path(path, "program").write_text("")
    assert [made.shows(f"{path}/program") for path in asked] == [True, False]
    assert layout.Layout("single", system, "/s", ((asked[1], asked[1]),)).shows(f"{asked[1]}/program")


def test_a_path_is_shown_where_its_folder_is_at_the_same_place(tmp_path: Path) -> None:
    made = layout.Layout("root", ("/usr",), "/s", ((str(tmp_path), str(tmp_path)), ("/var/x", "/elsewhere")))
    shown = {path: made.shows(path) for path in ("/usr/bin/git", f"{tmp_path}/a", "/var/x/a", "/usrx/a", "")}
    assert list(shown.values()) == [True, True, False, False, False]


def test_a_resolver_on_the_machines_own_loopback_is_of_no_use(monkeypatch: pytest.MonkeyPatch) -> None:
    text = skeleton.resolver()
    assert "nameserver" in text
    assert not any(line.startswith("nameserver 127.") for line in text.splitlines())


def test_every_process_has_one_of_four_modes() -> None:
    assert ids.mode() in ("root", "sub", "single", "inner")
    assert ids.owner("root") == ids.HOST_IDS
    assert ids.owner("single") == os.getuid()
