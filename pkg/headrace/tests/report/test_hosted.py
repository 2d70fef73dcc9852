"""A program that a step looks for in vain, where GitHub's machines have it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from headrace.report.hosted import absent


@pytest.fixture(autouse=True)
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    "line",
    [
        "/w/_temp/a.sh: line 1: fastlane: command not found",
        "sh: 1: fastlane: not found",
        "\x1b[31m/w/_temp/a.sh: 3: fastlane: not found\x1b[0m",
        "make: fastlane: No such file or directory",
        "make[2]: fastlane: No such file or directory",
        "/usr/bin/env: 'fastlane': No such file or directory",
        "env: ‘fastlane’: No such file or directory",
    ],
)
def test_it_is_named_however_the_shell_says_it(line: str) -> None:
    assert absent([b"before", line.encode(), b"make: *** [Makefile:3: x] Error 127"]) == (
        "GitHub's machines have fastlane, this one has not"
    )


@pytest.mark.parametrize(
    "line",
    [
        "cat: fastlane: No such file or directory",
        "sh: 1: somebodys-own: not found",
        "the page for fastlane: not found here",
        "ModuleNotFoundError: No module named 'fastlane'",
    ],
)
def test_what_is_no_program_of_a_hosted_machine_is_not_named(line: str) -> None:
    assert absent([line.encode()]) == ""


def test_what_this_machine_has_is_not_named_as_the_job_lacks_it_for_another_reason(nothing_installed: Path) -> None:
    line = [b"sh: 1: fastlane: not found"]
    assert absent(line)
    place = nothing_installed / "fastlane"
    place.write_text("#!/bin/sh\n")
    place.chmod(0o755)
    assert absent(line) == ""


def test_the_command_that_installs_it_is_said_where_a_package_has_it() -> None:
    assert absent([b"sh: 1: fastlane: not found"], "sudo apt-get install").endswith("has not")
    packaged = [
        line
        for line in (f"sh: 1: {name}: not found".encode() for name in ("hg", "mvn", "swig", "ansible", "composer"))
        if absent([line])
    ]
    assert packaged
    assert all("has not: `sudo apt-get install " in absent([line], "sudo apt-get install") for line in packaged)


@pytest.mark.parametrize("shell", ["bash", "dash", "make", "env"])
def test_shells_of_this_machine_are_understood(shell: str, tmp_path: Path) -> None:
    place = next((f"{folder}/{shell}" for folder in ("/usr/bin", "/bin") if os.access(f"{folder}/{shell}", os.X_OK)), None)
    if place is None:
        pytest.skip(f"no {shell}")
    (tmp_path / "script").write_text("fastlane x\n" if shell != "make" else "all:\n\tfastlane x\n")
    argv = [place, "fastlane"] if shell == "env" else [place, "-f" if shell == "make" else "-e", str(tmp_path / "script")]
    done = subprocess.run(argv, capture_output=True, check=False)
    assert done.returncode != 0
    assert absent(done.stderr.splitlines()) == "GitHub's machines have fastlane, this one has not"
