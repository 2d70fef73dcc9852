"""The files of a package, built from its commit alone and kept: what is checked of them is what may be uploaded."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from hashlib import sha256

from headrace.base import git
from headrace.base.errors import Problem
from headrace.base.files import remove_tree
from headrace.release.index import version_in
from headrace.release.model import Artifact, Finding, Need, Package, Refused, Wanted
from headrace.release.versions import normal, read


def builder(environ: Mapping[str, str]) -> list[str]:
    """The command that builds, empty where there is none: uv, else `build`."""
    if uv := shutil.which("uv", path=environ.get("PATH")):
        return [uv, "build"]
    from importlib.util import find_spec

    if find_spec("build") is not None:
        return [sys.executable, "-m", "build"]
    return []


def build(root: str, commit: str, package: Package, folder: str, command: list[str]) -> list[Artifact]:
    """Build the package of `commit`, without a look at the work tree, into `folder`, which is made anew. Raises Refused with the
    last words of the builder, GitError."""
    tree = f"{folder}.tree"
    remove_tree(folder)
    remove_tree(tree)
    os.makedirs(folder, mode=0o700)
    os.makedirs(tree, mode=0o700)
    try:
        _export(root, commit, tree)
        constraints = os.path.join(tree, "constraints.txt")
        if command[1:2] == ["build"] and os.path.exists(constraints):  # as `make build` of this repository does
            command = [*command, "--build-constraint", constraints]
        out = "--out-dir" if command[1:2] == ["build"] else "--outdir"
        done = subprocess.run(
            [*command, out, folder, os.path.join(tree, package.folder)], stdin=subprocess.DEVNULL, capture_output=True,
            text=True, errors="replace", check=False,
        )  # fmt: skip
        if done.returncode:
            said = (line.strip() for line in (done.stderr or done.stdout).splitlines())
            lines = [line for line in said if line and not line.startswith("hint:")]
            why = "; ".join(lines[-4:]) or f"status {done.returncode}"
            text = f"{package.name} cannot be built from {commit[:7]}: {why}"
            raise Refused([Finding("build", Problem(text, hint=f"`{' '.join(command)}` says more"), package.name)])
    finally:
        remove_tree(tree)
    return artifacts(folder)


def take(source: str, folder: str) -> list[Artifact]:
    """Keep the distribution files of `source` in `folder`, which is made anew."""
    remove_tree(folder)
    os.makedirs(folder, mode=0o700)
    for file in artifacts(source):
        shutil.copyfile(os.path.join(source, file.name), os.path.join(folder, file.name))
    return artifacts(folder)


def _export(root: str, commit: str, tree: str) -> None:
    archive = f"{tree}.tar"
    git.run(root, "archive", "--format=tar", f"--output={archive}", commit)
    try:
        with tarfile.open(archive) as file:
            if hasattr(tarfile, "data_filter"):
                file.extractall(tree, filter="tar")
            else:
                file.extractall(tree)
    finally:
        os.unlink(archive)


def artifacts(folder: str) -> list[Artifact]:
    """The distribution files of a folder, with their digests."""
    found = []
    for name in sorted(os.listdir(folder)):
        if name.endswith((".whl", ".tar.gz")):
            with open(os.path.join(folder, name), "rb") as file:
                data = file.read()
            found.append(Artifact(name, sha256(data).hexdigest(), len(data)))
    return found


def check_files(folder: str, files: list[Artifact], wanted: Wanted) -> Iterator[Finding]:
    """The decisive check: the name of each file and the metadata in it say package and version of the tag."""
    if not any(file.name.endswith(".whl") for file in files):
        yield Finding("build", Problem(f"{wanted.package}: no wheel was built"), wanted.package)
    for file in files:
        said = metadata(os.path.join(folder, file.name))
        names = said.get("Name", [""])[0], said.get("Version", [""])[0]
        if (
            normal(names[0]) != normal(wanted.package)
            or version_in(file.name) != read(wanted.version)
            or names[1] != wanted.version
        ):
            text = (
                f"{file.name} says {names[0] or '(no name)'} {names[1] or '(no version)'}, not {wanted.package} {wanted.version}"
            )
            yield Finding("build", Problem(text), wanted.package)
        direct = [need for need in said.get("Requires-Dist", []) if " @ " in need]
        if direct:
            yield Finding(
                "build", Problem(f"{file.name} requires {direct[0]}, an address, which an index refuses"), wanted.package
            )
        elif refusal := _refused(os.path.join(folder, file.name)):
            yield Finding("build", Problem(f"an index refuses {file.name}: {refusal}"), wanted.package)


def _refused(path: str) -> str:
    """What an index would say to a file whatever it has already, empty where nothing."""
    from headrace.index.model import Refusal
    from headrace.index.offline import check
    from headrace.index.offline import read as read_distribution

    try:
        check(read_distribution(path))
    except Refusal as refusal:
        return str(refusal)
    return ""


def metadata(path: str) -> dict[str, list[str]]:
    """The headers of a distribution's METADATA or PKG-INFO; empty where it has none."""
    from email.parser import HeaderParser

    text = ""
    try:
        if path.endswith(".whl"):
            with zipfile.ZipFile(path) as wheel:
                name = next(
                    (each for each in wheel.namelist() if each.endswith(".dist-info/METADATA") and each.count("/") == 1), ""
                )
                text = wheel.read(name).decode("utf-8", "replace") if name else ""
        else:
            with tarfile.open(path) as archive:
                for member in archive:
                    if member.isfile() and member.name.count("/") == 1 and member.name.endswith("/PKG-INFO"):
                        file = archive.extractfile(member)
                        text = file.read().decode("utf-8", "replace") if file is not None else ""
    except (OSError, zipfile.BadZipFile, tarfile.TarError):
        return {}
    headers = HeaderParser().parsestr(text)
    found: dict[str, list[str]] = {}
    for key, value in headers.items():
        found.setdefault(key, []).append(str(value))
    return found


def built_needs(folder: str, files: list[Artifact]) -> tuple[Need, ...]:
    """What the built wheel requires, which is what its users meet."""
    from headrace.base.errors import Position

    wheel = next((file.name for file in files if file.name.endswith(".whl")), "")
    said = metadata(os.path.join(folder, wheel)).get("Requires-Dist", []) if wheel else []
    return tuple(Need(need, Position(wheel)) for need in said)


def check_kept(folder: str, files: tuple[Artifact, ...]) -> Iterator[Problem]:
    """Whether the kept bytes are still those that were tested."""
    there = {file.name: file for file in artifacts(folder)} if os.path.isdir(folder) else {}
    for file in files:
        if file.name not in there:
            yield Problem(f"{file.name} was tested, and its bytes are no longer kept in {folder}")
        elif there[file.name].sha256 != file.sha256:
            yield Problem(f"{os.path.join(folder, file.name)} is not the file that was tested", hint="nothing is uploaded")
