"""Interpreters are found by looking; ranges mean what they mean to npm."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from headrace.actions.interpreters import find, parse_name, roots, versions
from headrace.actions.semver import Version, order, parse, parse_range
from hypothesis import given
from hypothesis import strategies as st

REAL = os.path.realpath(sys.executable)
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def installation(root: Path, name: str, *programs: str) -> Path:
    """Looks like one; its binary is no program."""
    folder = root / name / "bin"
    folder.mkdir(parents=True)
    for program in programs:
        (folder / program).write_text("")
        (folder / program).chmod(0o755)
    (folder / "python3").symlink_to(programs[0])
    return root / name


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    pyenv, uv, cache, other = (tmp_path / name for name in ("pyenv", "uv", "cache", "other"))
    installation(pyenv / "versions", "3.9.18", "python3.9")
    installation(pyenv / "versions", "3.10.13", "python3.10")
    installation(pyenv / "versions", "3.14.0rc2", "python3.14")
    installation(pyenv / "versions", "3.13.1t", "python3.13t")
    installation(pyenv / "versions", "pypy3.10-7.3.12", "pypy3")
    installation(pyenv / "versions", "miniconda3-4.7.12", "python3.9")
    (pyenv / "versions" / "2.7.18" / "bin").mkdir(parents=True)
    (pyenv / "shims").mkdir()
    (pyenv / "shims" / "python3.8").write_text("")
    installation(uv, "cpython-3.12.1-linux-x86_64-gnu", "python3.12")
    installation(uv, "cpython-3.10.13-linux-x86_64-gnu", "python3.10")
    installation(cache / "Python" / "3.11.9", "x64", "python3.11")
    (cache / "Python" / "3.11.9" / "x64.complete").write_text("")
    installation(cache / "Python" / "3.11.10", "x64", "python3.11")  # no marker: does not count
    (other / "bin").mkdir(parents=True)
    (other / "bin" / f"python{HERE}").symlink_to(REAL)
    (other / "bin" / "python3-config").write_text("")
    return {
        "HOME": str(tmp_path),
        "PYENV_ROOT": str(pyenv),
        "UV_PYTHON_INSTALL_DIR": str(uv),
        "RUNNER_TOOL_CACHE": str(cache),
        "PATH": f"{pyenv / 'shims'}:{other / 'bin'}:relative:",
    }


def ours(machine: dict[str, str]) -> list[str]:
    """The roots without those of the machine that runs this test."""
    return [root for root in roots(machine) if root.startswith(machine["HOME"])]


def test_roots_are_the_tool_cache_pyenv_uv_and_path_without_shims(machine: dict[str, str]) -> None:
    home = machine["HOME"]
    assert [os.path.relpath(root, home) for root in ours(machine)] == [
        "cache/Python/3.11.9",
        "pyenv/versions",
        "uv",
        "other/bin",
    ]


@pytest.mark.covers("runtime:10.2")
@pytest.mark.parametrize(
    ("spec", "version", "where"),
    [
        ("3.10", "3.10.13", "pyenv/versions/3.10.13"),
        ("3.11", "3.11.9", "cache/Python/3.11.9/x64"),
        (">=3.9 <3.12", "3.11.9", "cache/Python/3.11.9/x64"),
        ("3.12.1", "3.12.1", "uv/cpython-3.12.1-linux-x86_64-gnu"),
        ("~3.14.0-0", "3.14.0-rc.2", "pyenv/versions/3.14.0rc2"),
        ("3.14", None, ""),
        ("3.1", None, ""),
        ("3.8", None, ""),
        ("2.7", None, ""),
    ],
)
def test_the_highest_fitting_version_is_found(machine: dict[str, str], spec: str, version: str | None, where: str) -> None:
    wanted = parse_range(spec)
    assert wanted is not None
    if spec in (HERE, "3.1"):
        machine |= {"PATH": ""}
    found = find(ours(machine), wanted)
    if version is None:
        assert found is None
        return
    assert found is not None
    assert (str(found.version), os.path.relpath(found.prefix, machine["HOME"])) == (version, where)


def test_free_threaded_builds_are_found_only_when_asked_for(machine: dict[str, str]) -> None:
    wanted = parse_range("3.13")
    assert wanted is not None
    machine |= {"PATH": ""}
    assert find(ours(machine), wanted) is None
    found = find(ours(machine), wanted, free_threaded=True)
    assert found is not None
    assert found.program == "python3.13t"


def test_in_a_bin_folder_the_interpreter_itself_says_its_patch_version(machine: dict[str, str]) -> None:
    wanted = parse_range(f"{HERE}.x")
    assert wanted is not None
    machine |= {"PYENV_ROOT": "/none", "UV_PYTHON_INSTALL_DIR": "/none", "RUNNER_TOOL_CACHE": "/none"}
    found = find(ours(machine), wanted)
    assert found is not None
    assert found.version[:3] == sys.version_info[:3]
    assert found.executable == REAL


def test_what_there_is_can_be_listed(machine: dict[str, str]) -> None:
    listed = versions(ours(machine | {"PATH": ""}))
    assert listed == ("3.9.18", "3.10.13", "3.11.9", "3.12.1", "3.13.1", "3.14.0-rc.2")


@pytest.mark.covers("runtime:10.2")
@pytest.mark.parametrize(
    ("spec", "yes", "no"),
    [
        ("3.10", ["3.10.0", "3.10.13"], ["3.1.0", "3.11.0", "3.10.0-rc.1"]),
        ("3.x", ["3.0.0", "3.14.1"], ["2.7.18", "4.0.0", "3.15.0-alpha.1"]),
        ("x", ["2.7.18", "3.14.1"], ["3.15.0-alpha.1"]),
        ("", ["3.9.0"], []),
        (">=3.9 <3.12", ["3.9.0", "3.11.9"], ["3.8.18", "3.12.0", "3.12.0-rc.1"]),
        (">= 3.9, <4".replace(",", ""), ["3.9.0"], ["4.0.0"]),
        ("~3.13.0-0", ["3.13.0-alpha.1", "3.13.5"], ["3.12.9", "3.14.0-alpha.1"]),
        ("~=3.9", ["3.9.1"], ["3.10.0"]),
        ("^3.9", ["3.9.0", "3.12.0"], ["3.8.0", "4.0.0"]),
        ("==3.10.*", ["3.10.4"], ["3.11.0"]),
        (">3.9", ["3.10.0"], ["3.9.9"]),
        ("<=3.9", ["3.9.9", "3.8.0"], ["3.10.0"]),
        ("<3.9", ["3.8.9"], ["3.9.0", "3.9.0-rc.1"]),
        ("3.9 - 3.11", ["3.9.0", "3.11.9"], ["3.12.0"]),
        ("3.9 || 3.12.1", ["3.9.5", "3.12.1"], ["3.12.2"]),
        ("3.14.0-rc.1", ["3.14.0-rc.1"], ["3.14.0", "3.14.0-rc.2"]),
        ("v3.10.13", ["3.10.13"], ["3.10.12"]),
    ],
)
def test_ranges(spec: str, yes: list[str], no: list[str]) -> None:
    wanted = parse_range(spec)
    assert wanted is not None
    assert [text for text in yes + no if wanted.holds(parse(text) or Version(0, 0, 0))] == yes


@pytest.mark.parametrize("spec", ["!=3.9", "python3", "3.9.1.2", ">=", "3..1"])
def test_what_is_no_range_is_none(spec: str) -> None:
    assert parse_range(spec) is None


numbers = st.builds(Version, *[st.integers(0, 30)] * 3, pre=st.just(()))


@given(numbers, numbers)
def test_a_range_between_two_versions_holds_both_ends_and_agrees_with_order(a: Version, b: Version) -> None:
    low, high = sorted((a, b), key=order)
    wanted = parse_range(f">={low} <={high}")
    assert wanted is not None
    assert wanted.holds(a)
    assert wanted.holds(b)
    above = low._replace(major=high.major + 1)
    assert not wanted.holds(above)


@given(st.text(max_size=12))
@pytest.mark.slow
def test_any_text_is_a_range_or_none(text: str) -> None:
    wanted = parse_range(text)
    assert wanted is None or isinstance(wanted.holds(Version(3, 10, 1)), bool)
    parse_name(text)
