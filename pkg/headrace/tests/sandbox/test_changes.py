"""What a job has changed where a hosted machine's user may not write: read off its layers."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from headrace.sandbox.changes import without_sudo
from headrace.sandbox.layout import Layout


class Job:
    """A job's layers, and below them a skeleton and a system of two folders that are named as the machine's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.system = folder / "system"
        for base in ("usr", "etc"):
            (self.system / base / "lib").mkdir(parents=True)
        (folder / "skeleton" / "srv").mkdir(parents=True)
        for name in ("_root", "usr", "etc", "opt", "home%me%python"):
            (folder / "up" / name).mkdir(parents=True)
        exposed = (("/home/me/python", "/home/me/python"),)
        shared = (("/cache", "/run/headrace/packages"),)
        self.layout = Layout("single", ("/usr", "/etc", "/opt"), f"{folder}/skeleton", exposed, shared)

    def below(self, path: str) -> None:
        """A folder of the skeleton, which lies below the job's."""
        Path(f"{self.folder}/skeleton{path}").mkdir(parents=True)

    def write(self, *paths: str) -> None:
        """What the job leaves in its layers: a file at each path, a folder where there is a slash at the end."""
        for path in paths:
            place = Path(f"{self.folder}/up/{path}")
            if path.endswith("/"):
                place.mkdir(parents=True, exist_ok=True)
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text("")

    def found(self, many: int = 100, own: tuple[str, ...] = ()) -> list[str]:
        return without_sudo(self.layout, str(self.folder), many, own)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


def test_a_job_that_changes_nothing_is_not_warned(job: Job) -> None:
    assert job.found() == []


def test_new_files_and_folders_are_found_and_a_new_folder_is_one(job: Job) -> None:
    job.below("/usr/lib")
    job.write("usr/lib/a", "usr/lib/new/b", "usr/lib/new/c", "etc/d", "_root/data/", "_root/srv/e")
    assert job.found() == ["/data/", "/srv/e", "/usr/lib/a", "/usr/lib/new/", "/etc/d"]
    assert job.found(many=2) == ["/data/", "/srv/e"]
    assert job.found(own=("/data/f", "/usr/lib/new", "/usr/lib/a", "/etc/d")) == ["/srv/e"]


def test_what_is_deleted_or_replaced_or_made_accessible_is_found(job: Job) -> None:
    for name in ("gone", "replaced", "opened", "same"):
        job.below(f"/usr/{name}")
    job.write("usr/replaced/", "usr/opened/", "usr/same/")
    os.chmod(f"{job.folder}/up/usr/opened", 0o777)
    os.setxattr(f"{job.folder}/up/usr/replaced", "user.overlay.opaque", b"y")
    os.symlink("/tmp", f"{job.folder}/up/etc/link")
    try:
        os.mknod(f"{job.folder}/up/usr/gone", stat.S_IFCHR | 0o600, 0)
    except PermissionError:
        pytest.skip("needs a kernel that lets everybody make whiteouts")
    assert job.found() == ["/usr/gone", "/usr/opened/", "/usr/replaced/", "/etc/link"]


@pytest.mark.parametrize(
    "path",
    [
        "usr/local/bin/tool", "usr/share/doc/x", "usr/local/lib/node_modules/x/y", "usr/lib/jvm/java/", "opt/hostedtoolcache/x",
        "opt/x/y", "_root/tmp/x", "_root/home/runner/work/x", "_root/run/lock/x", "_root/run/headrace/x", "_root/run/scratch/",
        "home%me%python/lib/site-packages/x", "_root/home/me/python/",
    ],
)  # fmt: skip
def test_where_a_hosted_machine_lets_everybody_write_nothing_is_found(job: Job, path: str) -> None:
    job.write(path)
    assert job.found() == []


@pytest.mark.parametrize(
    "path",
    ["usr/lib/python3/__pycache__/a.pyc", "usr/lib/python3/b.pyc", "_root/root/.java/x", "_root/var/log/wtmp"],
)
def test_what_programs_do_without_where_they_may_not_write_is_not_found(job: Job, path: str) -> None:
    job.below("/usr/lib/python3")
    job.below("/var/log")
    job.write(path)
    assert job.found() == []


def test_new_folders_on_the_way_to_such_a_place_are_looked_into(job: Job) -> None:
    job.write("usr/local/lib/node_modules/x", "usr/local/lib/other", "_root/home/somebody/x")
    assert job.found() == ["/home/somebody/", "/usr/local/lib/other"]


def test_a_job_that_calls_sudo_is_not_warned(job: Job) -> None:
    job.write("etc/x")
    assert job.found() == ["/etc/x"]
    job.write("_root/run/headrace/sudo")
    assert job.found() == []


def test_a_layer_that_cannot_be_read_is_no_error(job: Job) -> None:
    job.below("/usr/closed")
    job.write("usr/closed/", "etc/x")
    os.chmod(f"{job.folder}/up/usr/closed", 0)
    assert job.found() == ["/usr/closed/", "/etc/x"]
    os.chmod(f"{job.folder}/up/usr/closed", 0o700)
