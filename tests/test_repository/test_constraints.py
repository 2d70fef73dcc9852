"""constraints.txt pins everything that `make install` installs, on every supported Python, and says not where it came from."""

from __future__ import annotations

import re
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name
from test_core.processes import run

ROOT = Path(__file__).resolve().parents[2]
LINES = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
REQUIREMENTS = [Requirement(line) for line in LINES]
PACKAGES = ("headrace", "headrace_encryption")
PYTHONS = ("3.10", "3.11", "3.12", "3.13")


def declared(package: str) -> list[Requirement]:
    """What the package and its tools require, read without a TOML reader: every quoted requirement in its lists."""
    text = (ROOT / "pkg" / package / "pyproject.toml").read_text()
    lists = re.findall(r"^(?:requires|dependencies|dev|slow) = \[(.*?)\](?:  #.*)?$", text, re.MULTILINE | re.DOTALL)
    assert len(lists) == (4 if package == "headrace" else 3)
    return [Requirement(quoted) for block in lists for quoted in re.findall(r'"([^"]+)"', block)]


def on(python: str) -> dict[str, str]:
    """What markers are evaluated against: that Python, on Linux."""
    return {
        **{name: str(value) for name, value in default_environment().items()},
        "python_version": python,
        "python_full_version": f"{python}.20",
        "os_name": "posix",
        "sys_platform": "linux",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }


def pinned(python: str) -> dict[NormalizedName, str]:
    """Name → version on that Python, on Linux."""
    environment = on(python)
    pins: dict[NormalizedName, str] = {}
    for requirement in REQUIREMENTS:
        if requirement.marker is None or requirement.marker.evaluate(environment):
            name = canonicalize_name(requirement.name)
            assert name not in pins, f"{name} is pinned twice on Python {python}"
            pins[name] = str(requirement.specifier).removeprefix("==")
    return pins


def test_every_line_is_one_exact_version() -> None:
    for line in LINES:
        assert re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*(?: ; [a-zA-Z0-9_.<>=!'()* ]+)?", line), line


def test_no_host_and_no_path_is_named() -> None:
    assert not re.search(r"https?:|file:|@|--|/(?!constraints)(?!.*make)", "\n".join(LINES))


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("package", PACKAGES)
def test_whatever_a_package_declares_is_pinned_within_its_bounds(package: str, python: str) -> None:
    pins = pinned(python)
    for requirement in declared(package):
        wanted = requirement.marker is None or requirement.marker.evaluate(on(python))
        if wanted and requirement.name != "headrace":
            assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)], prereleases=True), requirement


def test_where_libraries_have_left_the_oldest_python_a_marker_says_so() -> None:
    left = {name for name, version in pinned("3.10").items() if pinned("3.13").get(name, version) != version}
    assert left
    for line in LINES:
        if re.split("[= ]", line)[0] in left:
            assert "python_version < '3.11'" in line or "python_version >= '3.11'" in line


def test_what_is_installed_here_by_make_install_has_the_pinned_version() -> None:
    found = metadata.distributions()
    here = {canonicalize_name(one.metadata["Name"]): one.version for one in found}
    pins = pinned(f"{sys.version_info.major}.{sys.version_info.minor}")
    linter = canonicalize_name("import-linter")
    if here.get(linter) != pins[linter]:
        pytest.skip("this environment was not made by make install")
    assert {name: version for name, version in here.items() if pins.get(name, version) != version} == {}


def test_the_encryption_package_requires_a_headrace_that_this_repository_has_reached() -> None:
    own = re.search(r'^version = "(.*)"$', (ROOT / "pkg/headrace/pyproject.toml").read_text(), re.MULTILINE)
    floors = {requirement.name: str(requirement.specifier) for requirement in declared("headrace_encryption")}
    assert own and floors["headrace"] == ">=0.1.0" and floors["pynacl"] == ">=1.5.0"
    assert Requirement(f"headrace{floors['headrace']}").specifier.contains(own[1])


@pytest.mark.slow
def test_the_file_is_what_the_script_would_write() -> None:
    done = run([ROOT / "bin/constraints", "--check"], ROOT)
    assert done.status == 0, done.err


@pytest.mark.slow
def test_the_floors_are_real_every_module_imports_with_the_lowest_versions(tmp_path: Path) -> None:
    uv = [sys.executable, "-m", "uv"]
    assert run([*uv, "venv", "--quiet", "--python", sys.executable, tmp_path / "env"], tmp_path).status == 0
    python = tmp_path / "env/bin/python"
    lowest: list[str | Path] = ["--resolution", "lowest-direct", "--build-constraint", ROOT / "constraints.txt"]
    trees = [word for package in PACKAGES for word in ("--editable", str(ROOT / "pkg" / package))]
    installed = run([*uv, "pip", "install", "--quiet", "--python", python, *lowest, *trees], tmp_path)
    assert installed.status == 0, installed.err
    modules = [
        ".".join(path.relative_to(ROOT / "pkg" / package).with_suffix("").parts).removesuffix(".__init__")
        for package in PACKAGES
        for path in sorted((ROOT / "pkg" / package / package).rglob("*.py"))
        if path.name != "__main__.py"
    ]
    program = "import importlib, sys\nfor module in sys.argv[1:]: importlib.import_module(module)"
    done = run([python, "-c", program, *modules], tmp_path)
    assert done.status == 0, done.err
