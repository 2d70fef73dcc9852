"""Folders that a job has left, however it left them, go away; nothing else does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from headrace.base.files import remove_tree, write_atomic

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it


def test_a_tree_goes_with_all_that_is_in_it_and_links_are_not_followed(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    (kept / "below").mkdir(parents=True)
    (kept / "below" / "file").write_text("x")
    tree = tmp_path / "tree"
    (tree / "a" / "b").mkdir(parents=True)
    (tree / "a" / "file").write_text("x")
    (tree / "a" / "to-file").symlink_to(kept / "below" / "file")
    (tree / "to-folder").symlink_to(kept)
    (tree / "nowhere").symlink_to("nowhere")
    os.mkfifo(tree / "fifo")
    assert remove_tree(str(tree))
    assert not tree.exists()
    assert (kept / "below" / "file").read_text() == "x"
    assert remove_tree(str(tree))
    assert remove_tree(str(tmp_path / "none" / "below"))


def test_a_link_or_a_file_in_the_place_of_a_tree_goes_alone(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to("kept")
    (tmp_path / "file").write_text("")
    assert remove_tree(f"{tmp_path}/link")
    assert remove_tree(f"{tmp_path}/file")
    assert sorted(os.listdir(tmp_path)) == ["kept"]


@pytest.mark.parametrize("mode", [0o000, 0o500, 0o300])
def test_permission_bits_are_no_obstacle(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "tree" / "closed" / "inner"
    folder.mkdir(parents=True)
    (folder / "file").write_text("")
    for each in (folder, folder.parent, folder.parent.parent):
        each.chmod(mode)
    assert remove_tree(str(tmp_path / "tree"))
    assert not (tmp_path / "tree").exists()


def test_no_tree_is_too_deep(tmp_path: Path) -> None:
    """Deeper than a path may be long, than Python may call, and than descriptors may be open."""
    tree = tmp_path / "tree"
    tree.mkdir()
    here = os.open(tree, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("a-folder", dir_fd=here)
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=here))
        below = os.open("a-folder", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.fchmod(here, 0)
    os.close(here)
    assert remove_tree(str(tree))
    assert not tree.exists()


SWAP = """\
import ctypes, os, sys
tree, link, kept = (each.encode() for each in sys.argv[1:])
libc = ctypes.CDLL(None)
while True:
    try:
        os.makedirs(tree + b"/a", exist_ok=True)
        os.path.islink(link) or os.rmdir(link)
    except OSError:
        pass
    try:
        os.symlink(kept, link)
    except OSError:
        pass
    for _ in range(50):
        libc.renameat2(-100, tree + b"/a", -100, link, 2)  # they change places
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets two names change places")
def test_a_folder_that_becomes_a_link_meanwhile_leads_nowhere_else(tmp_path: Path) -> None:
    """The process that swaps them wins sooner or later where names are looked up twice."""
    kept = tmp_path / "kept"
    kept.mkdir()
    names = {f"file{number}" for number in range(20)}
    for name in names:
        (kept / name).write_text("")
    tree = tmp_path / "tree"
    swapping = subprocess.Popen([sys.executable, "-c", SWAP, str(tree), str(tmp_path / "link"), str(kept)])
    try:
        for _ in range(20_000):
            remove_tree(str(tree))
    finally:
        swapping.kill()
        swapping.wait()
    assert {path.name for path in kept.iterdir()} == names


def test_a_file_is_whole_or_as_it_was(tmp_path: Path) -> None:
    path = str(tmp_path / "file")
    write_atomic(path, b"old")
    write_atomic(path, b"new", 0o644)
    assert (Path(path).read_bytes(), os.stat(path).st_mode & 0o777) == (b"new", 0o644)
    with pytest.raises(OSError):
        write_atomic(str(tmp_path / "none" / "file"), b"x")
    assert os.listdir(tmp_path) == ["file"]
