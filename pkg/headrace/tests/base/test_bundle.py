"""The bundle of compiled modules: believed only while it is true, and only where it is ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import headrace
import pytest

# prints where the module that was asked for came from, and a value that it holds
ASK = """
import sys
from headrace.base import bundle
bundle.install()
import {module} as asked
print(type(asked.__spec__.loader).__name__, asked.__file__, getattr(asked, "VALUE", None))
"""
MAKE = "from headrace.base import bundle; bundle.refresh(); print(bundle.path())"


class Copy:
    """A copy of the package, with one module more, and a place of its own for compiled code."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "code" / "headrace"
        shutil.copytree(Path(headrace.__file__).parent / "base", self.root / "base", ignore=shutil.ignore_patterns("__pycache__"))
        (self.root / "__init__.py").write_text('__version__ = "1"\n')
        (self.root / "plug").mkdir()
        (self.root / "plug" / "__init__.py").write_text("VALUE = 0\n")
        self.extra = self.root / "plug" / "extra.py"
        self.extra.write_text("VALUE = 1\n")
        self.env = {"PYTHONPATH": str(self.root.parent), "XDG_CACHE_HOME": str(folder / "cache"), "HOME": str(folder)}

    def python(self, code: str, *options: str, **extra: str) -> list[str]:
        env = {**self.env, **extra}
        done = subprocess.run(  # elsewhere: `-c` looks into the present folder first
            [sys.executable, *options, "-c", code],
            env=env,
            cwd=self.root.parent.parent,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.split()

    def ask(self, module: str = "headrace.plug.extra", *options: str) -> list[str]:
        return self.python(ASK.format(module=module), *options)


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


def test_without_a_bundle_modules_come_from_their_files(copy: Copy) -> None:
    assert copy.ask() == ["SourceFileLoader", str(copy.extra), "1"]


@pytest.mark.parametrize("module", ["headrace.plug.extra", "headrace.plug"])
def test_with_one_they_come_from_it_and_know_their_file(copy: Copy, module: str) -> None:
    (path,) = copy.python(MAKE)
    assert Path(path).stat().st_mode & 0o777 == 0o600
    loader, file, value = copy.ask(module)
    assert (loader, file.startswith(str(copy.root / "plug")), value) == ("_Loader", True, "1" if "extra" in module else "0")


def test_a_changed_source_counts_and_the_bundle_is_made_anew(copy: Copy) -> None:
    (path,) = copy.python(MAKE)
    before = Path(path).stat().st_mtime_ns
    copy.python(MAKE)
    assert Path(path).stat().st_mtime_ns == before  # nothing has changed, nothing is written
    copy.extra.write_text("VALUE = 22\n")
    assert copy.ask() == ["SourceFileLoader", str(copy.extra), "22"]
    copy.python(MAKE)
    assert copy.ask() == ["_Loader", str(copy.extra), "22"]
    copy.extra.unlink()
    with pytest.raises(subprocess.CalledProcessError):
        copy.ask()


def test_another_interpreter_s_options_have_another_bundle(copy: Copy) -> None:
    copy.python(MAKE)
    assert copy.ask("headrace.plug.extra", "-OO")[0] == "SourceFileLoader"


@pytest.mark.parametrize("damage", ["empty", "cut", "noise", "writable"])
def test_a_bundle_that_is_damaged_or_that_others_may_write_is_not_read(copy: Copy, damage: str) -> None:
    path = Path(copy.python(MAKE)[0])
    data = path.read_bytes()
    match damage:
        case "empty":
            path.write_bytes(b"")
        case "cut":
            path.write_bytes(data[: len(data) // 2])
        case "noise":
            path.write_bytes(os.urandom(len(data)))
        case _:
            path.chmod(0o622)
    assert copy.ask()[0] == "SourceFileLoader"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_root_does_not_read_another_user_s(copy: Copy) -> None:
    path = Path(copy.python(MAKE)[0])
    os.chown(path, 65534, 65534)
    assert copy.ask()[0] == "SourceFileLoader"


def test_where_bytecode_is_not_wanted_none_is_written(copy: Copy) -> None:
    (path,) = copy.python(MAKE, "-B")
    assert not os.path.exists(path)


def test_it_lies_with_the_other_bytecode_where_that_has_a_place(copy: Copy, tmp_path: Path) -> None:
    (path,) = copy.python(MAKE, PYTHONPYCACHEPREFIX=str(tmp_path / "prefix"))
    assert path.startswith(str(tmp_path / "prefix"))
    assert os.path.exists(path)
