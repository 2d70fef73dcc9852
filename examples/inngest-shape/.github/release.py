#!/usr/bin/env python3
"""Releases of the packages of this repository. Only the standard library, git and make are needed.

    .github/release.py check PACKAGE FOLDER      on the tag of a release: do the files that were built have the tag's version?
    .github/release.py release PACKAGE VERSION   look at everything, then make the tag PACKAGE@VERSION and push it

Status 0: it does, or there is no such tag; it is released. 1: refused. 2: wrong call.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REMOTE = "origin"
VERSION = re.compile(
    r"(?:[1-9]\d*!)?(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*))*(?:(?:a|b|rc)(?:0|[1-9]\d*))?(?:\.post(?:0|[1-9]\d*))?(?:\.dev(?:0|[1-9]\d*))?"
)


class Refused(Exception):
    """Why there is no release."""


def git(*arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"git {arguments[0]}: {done.stderr.strip() or done.returncode}")
    return done.stdout.strip()


def check(package: str, folder: str) -> None:
    """Raises Refused where the tag of GITHUB_REF is one of the package and a built file has another version."""
    prefix = f"refs/tags/{package}@"
    ref = os.environ.get("GITHUB_REF", "")
    if ref.startswith(prefix):
        compare(package, ref[len(prefix) :], Path(folder))


def compare(package: str, version: str, folder: Path) -> None:
    files = sorted(path.name for path in folder.iterdir() if path.name.endswith((".whl", ".tar.gz")))
    if not files:
        raise Refused(f"{folder} holds no built file")
    for name in files:
        stem = name.removesuffix(".tar.gz")
        built = name.split("-")[1] if name.endswith(".whl") else stem.rpartition("-")[2]
        if built != version:
            raise Refused(f"{name} has version {built}, the tag {package}@{version} another")


def release(package: str, version: str) -> None:
    if not VERSION.fullmatch(version):
        raise Refused(f"{version!r} is no version in the form that PEP 440 calls canonical, such as 1.2.3 or 1.2.3rc1")
    tag = f"{package}@{version}"
    if git("status", "--porcelain"):
        raise Refused("there are changes that are not committed")
    git("fetch", "--quiet", "--tags", REMOTE)
    head = git("rev-parse", "HEAD")
    branch = default_branch()
    if git("rev-parse", f"refs/remotes/{REMOTE}/{branch}") != head:
        raise Refused(f"HEAD is not what {REMOTE} has as {branch}: push or pull first")
    if git("tag", "--list", tag) or git("ls-remote", REMOTE, f"refs/tags/{tag}"):
        raise Refused(f"there is a tag {tag} already")
    with tempfile.TemporaryDirectory() as folder:
        build(package, version, folder)
        compare(package, version, Path(folder))
    git("tag", "--annotate", "--message", f"{package} {version}", tag)
    try:
        git("push", REMOTE, f"refs/tags/{tag}")
    except Refused:
        git("tag", "--delete", tag)
        raise
    sys.stdout.write(f"{tag} is pushed\n")


def default_branch() -> str:
    line = git("ls-remote", "--symref", REMOTE, "HEAD").split("\n")[0]
    return line.removeprefix("ref: refs/heads/").split("\t")[0]


def build(package: str, version: str, folder: str) -> None:
    """Build the package into the folder, by its own target. A version that comes from git is told what it shall be."""
    environment = {**os.environ, "CI": "1", "GITHUB_REF": "", "SETUPTOOLS_SCM_PRETEND_VERSION": version}
    command = [*os.environ.get("MAKE_BUILD", "make build").split(), f"DIST={folder}", f"GATES_DIST={folder}"]
    done = subprocess.run(command, cwd=os.getcwd(), env=environment, check=False)
    if done.returncode:
        raise Refused(f"{package} cannot be built")


def main(arguments: list[str]) -> int:
    try:
        match arguments:
            case ["check", package, folder]:
                check(package, folder)
            case ["release", package, version]:
                release(package, version)
            case _:
                sys.stderr.write(f"usage: {Path(__file__).name} check PACKAGE FOLDER | release PACKAGE VERSION\n")
                return 2
    except Refused as reason:
        sys.stderr.write(f"refused: {reason}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
