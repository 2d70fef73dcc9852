"""The job's Python with the real tools, on every Python at hand: pip, uv and venv work in it and leave the machine's alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from headrace.actions import builtin, interpreters
from headrace.actions.semver import parse_range
from test_core.installations import folders_below, make_wheel

pytestmark = pytest.mark.slow  # it takes minutes, or needs the machine for itself

MAIN = os.path.join(os.path.dirname(builtin.__file__), "__main__.py")
ROOTS = list(dict.fromkeys([*interpreters.roots(os.environ), os.path.realpath(os.path.join(sys.base_prefix, "bin"))]))


class Place(NamedTuple):
    """A job that has its Python: `env` is what its next step would see."""

    python: str
    env: dict[str, str]
    log: str


def machines() -> list[str]:
    """The oldest and newest supported version and the system's own, as far as they are there."""
    found = []
    for spec in ("3.10", "3.13"):
        wanted = parse_range(spec)
        assert wanted is not None
        interpreter = interpreters.find(ROOTS, wanted)
        found += [str(interpreter.version)] if interpreter is not None else []
    if os.path.exists("/usr/bin/python3"):
        system = interpreters.patch_version(os.path.realpath("/usr/bin/python3"))
        found += [str(system)] if system is not None else []
    return list(dict.fromkeys(found)) or [".".join(map(str, sys.version_info[:3]))]


def setup(folder: Path, version: str) -> Place:
    for name in ("home", "temp", "tools", "work"):
        (folder / name).mkdir(parents=True)
    output, path = folder / "output", folder / "path"
    output.write_text("")
    path.write_text("")
    env = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder / "home"),
        "RUNNER_TEMP": str(folder / "temp"),
        "RUNNER_TOOL_CACHE": str(folder / "tools"),
        "GITHUB_WORKSPACE": str(folder / "work"),
    }
    step = {
        "GITHUB_OUTPUT": str(output),
        "GITHUB_PATH": str(path),
        "GITHUB_ACTION_REF": "v5",
        "HEADRACE_PYTHON_ROOTS": os.pathsep.join(ROOTS),
        "INPUT_PYTHON-VERSION": version,
        "INPUT_UPDATE-ENVIRONMENT": "true",
    }
    argv = [sys.executable, "-I", "-S", MAIN, "actions/setup-python", "main"]
    done = subprocess.run(argv, env=env | step, cwd=folder / "work", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    added = path.read_text().splitlines()
    python = os.path.join(added[-1], "python")
    env |= {"PATH": os.pathsep.join([*reversed(added), env["PATH"]]), "LD_LIBRARY_PATH": os.path.join(added[0], "lib")}
    tools = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_CONFIG_FILE": os.devnull, "UV_OFFLINE": "1", "UV_NO_CONFIG": "1"}
    return Place(python, env | tools, done.stdout)


def run(place: Place, *argv: str) -> str:
    program = next((p for f in place.env["PATH"].split(":") if os.access(p := os.path.join(f, argv[0]), os.X_OK)), argv[0])
    done = subprocess.run([program, *argv[1:]], env=place.env, cwd=place.env["GITHUB_WORKSPACE"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def quick_or_slow() -> list[Any]:
    """Each pipeline leg takes its own version and the system's; the others are for the slow tests."""
    own = ".".join(map(str, sys.version_info[:3]))
    found = machines()
    return [pytest.param(one, marks=() if one in (own, found[-1]) else pytest.mark.slow) for one in found]


@pytest.mark.covers("runtime:10.2")
@pytest.mark.parametrize("version", quick_or_slow())
def test_pip_uv_and_venv_work_in_the_jobs_python_and_leave_the_machines_alone(tmp_path: Path, version: str) -> None:
    wanted = parse_range(version)
    assert wanted is not None
    source = interpreters.find(ROOTS, wanted)
    assert source is not None
    library = os.path.join(source.prefix, "lib", source.program)
    before = folders_below(library), sorted(os.listdir(os.path.join(source.prefix, "bin")))
    place, other = setup(tmp_path / "a", version), setup(tmp_path / "b", version)
    own = os.path.dirname(os.path.dirname(place.python))
    assert "virtual environment" not in place.log
    code = "import sys, sysconfig; print(sys.prefix, sys.base_prefix, sysconfig.get_path('purelib').startswith(sys.prefix))"
    assert run(place, "python", "-c", code) == f"{own} {own} True"
    file = str(make_wheel(tmp_path))

    run(place, "pip", "install", "--no-index", file)
    assert run(place, "millwheel") == "turning"
    assert run(place, "python", "-c", "import millwheel; print(millwheel.__file__)").startswith(f"{own}/")
    assert "millwheel" not in run(other, "python", "-m", "pip", "list")
    run(place, "pip3", "uninstall", "-y", "millwheel")

    uv = os.path.join(os.path.dirname(sys.executable), "uv")
    if os.path.exists(uv):
        run(place, uv, "pip", "install", "--system", "--no-index", file)
        assert run(place, "millwheel") == "turning"
        assert run(place, "python", "-c", "import millwheel; print(millwheel.__file__)").startswith(f"{own}/")

    run(place, "python", "-m", "venv", str(tmp_path / "venv"))
    inner = str(tmp_path / "venv" / "bin")
    assert run(place, f"{inner}/python", "-c", "import sys; print(sys.base_prefix)") == own
    run(place, f"{inner}/pip", "install", "--no-index", file)
    assert run(place, f"{inner}/millwheel") == "turning"
    assert (folders_below(library), sorted(os.listdir(os.path.join(source.prefix, "bin")))) == before


@pytest.mark.parametrize("version", machines())
def test_what_extensions_are_built_with_is_there(tmp_path: Path, version: str) -> None:
    place = setup(tmp_path / "a", version)
    code = "import sysconfig, os; p = sysconfig.get_path('include'); print(p, os.path.exists(os.path.join(p, 'Python.h')))"
    include, there = run(place, "python", "-c", code).rsplit(" ", 1)
    assert include.startswith(os.path.dirname(os.path.dirname(place.python)))
    wanted = parse_range(version)
    assert wanted is not None
    source = interpreters.find(ROOTS, wanted)
    assert source is not None
    assert there == str(os.path.exists(os.path.join(source.prefix, "include", source.program, "Python.h")))
    assert run(place, "python", "-c", "import ssl, sqlite3, ctypes, zlib; print('all')") == "all"
