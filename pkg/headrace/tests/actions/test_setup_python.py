"""A job's Python is an installation of its own: what is put into it reaches neither the machine's nor another job's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from headrace.actions import interpreters
from headrace.actions.semver import parse_range
from test_core.installations import folders_below, make_wheel

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
BASE = os.path.join(sys.base_prefix, "bin")
ROOTS = list(dict.fromkeys([*interpreters.roots(os.environ), os.path.realpath(BASE)]))


@pytest.fixture
def py(job: Any) -> Any:
    job.env |= {"HEADRACE_PYTHON_ROOTS": os.pathsep.join(ROOTS)}
    return job


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return make_wheel(tmp_path / "wheels")


def inside(job: Any, step: Any, *argv: str) -> str:
    """Run a program as the job's next step would."""
    env = job.env | step.env
    env["PATH"] = os.pathsep.join([*reversed(step.path), "/usr/bin", "/bin"])
    env |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_CONFIG_FILE": os.devnull, "UV_OFFLINE": "1"}
    done = subprocess.run(argv, env=env, cwd=job.workspace, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


@pytest.mark.covers("runtime:10.2")
def test_packages_land_in_the_jobs_own_installation_and_never_in_the_machines(py: Any, wheel: Path) -> None:
    version = ".".join(map(str, sys.version_info[:3]))
    wanted = parse_range(version)
    assert wanted is not None
    source = interpreters.find(ROOTS, wanted)
    assert source is not None
    library = os.path.join(source.prefix, "lib", source.program)
    before = folders_below(library), sorted(os.listdir(Path(source.prefix) / "bin"))
    step = py.step("actions/setup-python", python_version=version)
    assert step.code == 0, step.log
    assert "virtual environment" not in step.log
    place = step.env["pythonLocation"]
    code = "import sys; print(sys.prefix, sys.base_prefix, '.'.join(map(str, sys.version_info[:3])))"
    assert inside(py, step, "python", "-c", code) == f"{place} {place} {version}"

    inside(py, step, "pip", "install", "--no-index", str(wheel))
    assert inside(py, step, "millwheel") == "turning"
    assert inside(py, step, "python", "-c", "import millwheel; print(millwheel.__file__)").startswith(f"{place}/")
    assert (folders_below(library), sorted(os.listdir(Path(source.prefix) / "bin"))) == before


@pytest.mark.covers("runtime:10.2")
def test_what_it_exports(py: Any) -> None:
    step = py.step("actions/setup-python", python_version=HERE, env={"LD_LIBRARY_PATH": "/old"})
    assert step.code == 0, step.log
    version = ".".join(map(str, sys.version_info[:3]))
    place = step.env["pythonLocation"]
    assert Path(place).parent == py.tools / "Python" / version
    assert (Path(place).parent / f"{Path(place).name}.complete").read_bytes() == b""
    assert step.env == {
        "pythonLocation": place,
        "PKG_CONFIG_PATH": f"{place}/lib/pkgconfig",
        "Python_ROOT_DIR": place,
        "Python2_ROOT_DIR": place,
        "Python3_ROOT_DIR": place,
        "LD_LIBRARY_PATH": f"{place}/lib:/old",
    }
    assert step.path == [place, f"{place}/bin"]
    assert step.outputs == {"python-version": version, "python-path": f"{place}/bin/python"}
    assert f"Successfully set up CPython ({version})" in step.log


@pytest.mark.covers("runtime:10.2")
def test_old_versions_export_less(py: Any) -> None:
    step = py.step("actions/setup-python", python_version=HERE, env={"GITHUB_ACTION_REF": "v3"})
    assert sorted(step.env) == ["LD_LIBRARY_PATH", "pythonLocation"]
    assert list(step.outputs) == ["python-version"]
    assert "Successfully setup CPython" in step.log


@pytest.mark.covers("runtime:10.2")
def test_without_update_environment_only_the_outputs_are_set(py: Any) -> None:
    step = py.step("actions/setup-python", python_version=HERE, update_environment="false")
    assert (step.env, step.path) == ({}, [])
    assert os.path.exists(step.outputs["python-path"])


def test_a_second_step_of_the_job_gets_the_same_installation_with_what_is_in_it(py: Any) -> None:
    first = py.step("actions/setup-python", python_version=HERE)
    packages = inside(py, first, "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    (Path(packages) / "millwheel.py").write_text("print('turning')\n")
    second = py.step("actions/setup-python", python_version=HERE)
    assert second.env["pythonLocation"] == first.env["pythonLocation"]
    assert inside(py, second, "python", "-m", "millwheel") == "turning"


def test_a_half_made_installation_and_a_link_to_the_machines_do_not_count(py: Any) -> None:
    version = ".".join(map(str, sys.version_info[:3]))
    first = py.step("actions/setup-python", python_version=HERE)
    place = Path(first.env["pythonLocation"])
    Path(f"{place}.complete").unlink()
    (place / "half").write_text("")
    assert py.step("actions/setup-python", python_version=HERE).code == 0
    assert not (place / "half").exists()
    place.rename(place.with_name("moved"))
    place.symlink_to(sys.base_prefix)
    step = py.step("actions/setup-python", python_version=version)
    assert step.code == 0, step.log
    assert not place.is_symlink()


@pytest.mark.covers("runtime:10.2")
def test_a_version_that_is_not_there_fails_with_githubs_words_and_what_to_do(py: Any) -> None:
    step = py.step("actions/setup-python", python_version="3.1")
    assert step.code == 1
    assert "::error::The version '3.1' with architecture '" in step.log
    assert "was not found for " in step.log
    assert "uv python install 3.1" in step.log
    assert step.outputs == {}


def test_uv_is_asked_after_saying_so_and_its_failure_is_ours(py: Any, tmp_path: Path) -> None:
    uv = tmp_path / "uv"
    uv.write_text('#!/bin/sh\necho "uv was asked: $*"\nexit 2\n')
    uv.chmod(0o755)
    step = py.step("actions/setup-python", python_version="3.2.x", env={"HEADRACE_UV": str(uv)})
    assert step.code == 1
    said = step.log.index("installing Python 3.2 with uv, which needs the network")
    assert said < step.log.index("uv was asked: python install 3.2\n")
    assert "was not found for" in step.log


def test_what_uv_installs_becomes_the_jobs_own(py: Any, tmp_path: Path) -> None:
    """uv's part is played by a script that copies an installation to where uv would put it."""
    wanted = parse_range(HERE)
    assert wanted is not None
    source = interpreters.find(ROOTS, wanted)
    assert source is not None
    uv = tmp_path / "uv"
    target = f'"$UV_PYTHON_INSTALL_DIR/cpython-{source.version}-linux-x86_64-gnu"'
    uv.write_text(
        f"#!/bin/sh\nmkdir -p {target}/bin {target}/lib/{source.program}/site-packages\n"
        f"cp {source.executable} {target}/bin/{source.program}\nln -s {source.program} {target}/bin/python3\n"
        f"for f in {source.prefix}/lib/libpython* {source.prefix}/lib/{source.program}/*; do case $f in\n"
        f"*-packages) ;; */libpython*) ln -s $f {target}/lib/ ;; *) ln -s $f {target}/lib/{source.program}/ ;; esac; done\n"
        f"touch {target}/lib/{source.program}/EXTERNALLY-MANAGED\n"
    )
    uv.chmod(0o755)
    env = {"HEADRACE_UV": str(uv), "HEADRACE_PYTHON_ROOTS": ""}
    step = py.step("actions/setup-python", python_version=HERE, env=env)
    assert step.code == 0, step.log
    place = Path(step.env["pythonLocation"])
    assert place.is_relative_to(py.tools)
    assert not (place / "lib" / source.program / "EXTERNALLY-MANAGED").exists()
    assert inside(py, step, "pip", "--version").split()[0] == "pip"
    assert inside(py, step, "python", "-c", "import sys; print(sys.prefix)") == str(place)


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("pypy3.10", "'pypy3.10' is not supported here: only CPython is"),
        ("graalpy-24.1", "'graalpy-24.1' is not supported here"),
        ("!=3.9", "'!=3.9' is no version or range"),
    ],
)
def test_other_pythons_and_nonsense_are_refused(py: Any, version: str, said: str) -> None:
    step = py.step("actions/setup-python", python_version=version)
    assert step.code == 1
    assert f"::error::{said}" in step.log


@pytest.mark.covers("runtime:10.2")
def test_of_several_versions_the_last_wins(py: Any) -> None:
    other = py.step("actions/setup-python", python_version=f"{HERE}\n<={HERE}.99 >={HERE}")
    assert other.code == 0, other.log
    assert other.env["pythonLocation"] == other.path[-2]
    assert len(other.path) == 4
    assert other.log.count("Successfully set up CPython") == 2


@pytest.mark.covers("runtime:11.5")
@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".python-version", "# ours\n%s\n"),
        ("pyproject.toml", '[project]\nname = "x"\nrequires-python = "==%s.*, <4"\n'),
        ("pyproject.toml", '[tool.poetry.dependencies]\npython = "~%s"\n'),
        (".tool-versions", "nodejs 20.1.0\npython %s\n"),
        ("Pipfile", '[requires]\npython_version = "%s"\n'),
    ],
)
def test_version_files(py: Any, name: str, text: str) -> None:
    (py.workspace / name).write_text(text % HERE)
    step = py.step("actions/setup-python", python_version_file=name)
    assert step.code == 0, step.log
    assert step.outputs["python-version"].startswith(f"{HERE}.")


@pytest.mark.covers("runtime:11.5")
def test_a_missing_version_file_is_an_error_and_a_version_beats_a_file(py: Any) -> None:
    step = py.step("actions/setup-python", python_version_file="none.toml")
    assert (step.code, "The specified python version file at: none.toml doesn't exist." in step.log) == (1, True)
    step = py.step("actions/setup-python", python_version=HERE, python_version_file="none.toml")
    assert (step.code, "::warning::Both python-version and python-version-file" in step.log) == (0, True)


@pytest.mark.covers("runtime:11.5")
def test_without_version_and_file_the_repositorys_own_file_counts_else_the_python_on_path_stays(py: Any) -> None:
    step = py.step("actions/setup-python")
    assert (step.code, step.env, step.outputs) == (0, {}, {})
    assert "The version of Python currently in `PATH` will be used." in step.log
    (py.workspace / ".python-version").write_text(HERE)
    step = py.step("actions/setup-python")
    assert step.outputs["python-version"].startswith(f"{HERE}.")


def test_an_architecture_that_is_not_ours_is_not_found(py: Any) -> None:
    step = py.step("actions/setup-python", python_version=HERE, architecture="s390x")
    assert step.code == 1
    assert "with architecture 's390x' was not found" in step.log


def test_the_problem_matcher_is_registered_with_a_readable_file(py: Any) -> None:
    step = py.step("actions/setup-python", python_version=HERE)
    path = step.log.split("##[add-matcher]")[1].splitlines()[0]
    assert json.loads(Path(path).read_text())["problemMatcher"][0]["owner"] == "python"


def test_a_tool_cache_with_blanks_in_its_path_works(py: Any, wheel: Path) -> None:
    tools = py.root / "tool cache"
    step = py.step("actions/setup-python", python_version=HERE, env={"RUNNER_TOOL_CACHE": str(tools)})
    assert step.code == 0, step.log
    inside(py, step, "pip", "install", "--no-index", str(wheel))
    assert inside(py, step, "millwheel") == "turning"


def test_pip_install_input(py: Any, wheel: Path) -> None:
    env = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheel.parent), "PIP_CONFIG_FILE": os.devnull}
    step = py.step("actions/setup-python", python_version=HERE, pip_install="millwheel", env=env)
    assert step.code == 0, step.log
    assert inside(py, step, "millwheel") == "turning"
    step = py.step("actions/setup-python", python_version=HERE, pip_install="not-there", env=env)
    assert step.code == 1


@pytest.mark.covers("runtime:11.5")
@pytest.mark.parametrize(
    ("cache", "file", "code", "said"),
    [
        ("pip", "sub/requirements.txt", 0, "::warning::The runner was not able to contact the cache service"),
        ("pip", "pyproject.toml", 0, "::warning::The runner was not able to contact the cache service"),
        ("pip", "other.txt", 1, "matched to [**/requirements.txt or **/pyproject.toml], make sure you have checked out"),
        ("poetry", "pyproject.toml", 1, "matched to [**/poetry.lock], make sure you have checked out"),
        ("npm", "other.txt", 1, "::error::Caching for 'npm' is not supported"),
    ],
)
def test_a_cache_is_skipped_with_a_warning_where_github_would_have_one(
    py: Any, cache: str, file: str, code: int, said: str
) -> None:
    (py.workspace / file).parent.mkdir(exist_ok=True)
    (py.workspace / file).write_text("")
    step = py.step("actions/setup-python", python_version=HERE, cache=cache)
    assert (step.code, said in step.log) == (code, True), step.log


def test_the_post_step_has_nothing_to_do(py: Any) -> None:
    assert py.step("actions/setup-python", "post").code == 0
