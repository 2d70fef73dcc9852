"""constraints.txt: one exact version of all that is installed, on every supported Python. uv resolves it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Mapping, Sequence

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import Version

from headrace.base.errors import HeadraceError, Problem
from headrace.init.base import Base
from headrace.init.choices import Shape
from headrace.init.model import Found
from headrace.init.names import normal
from headrace.release.versions import read

PATH = "constraints.txt"
_BEGINNING = "# Every version that `make install` and `make build` may use,"


class NoPins(HeadraceError):
    """No versions were found that fit, and nothing was written."""

    status = 1


def header(shapes: Sequence[Shape]) -> str:
    lowest, highest = pythons(shapes)
    span = lowest if lowest == highest else f"{lowest} to {highest}"
    return f"{_BEGINNING} on Python {span}.\n"


def pythons(shapes: Sequence[Shape]) -> tuple[str, str]:
    """The lowest and the highest of all packages."""
    every = sorted({version for shape in shapes for version in shape.matrix}, key=minor)
    return every[0], every[-1]


def minor(version: str) -> int:
    """
    >>> minor("3.10")
    10
    """
    return int(version.partition(".")[2])


def with_header(text: str, shapes: Sequence[Shape]) -> str:
    """The text of a file of ours, as it would begin now."""
    first, _, rest = text.partition("\n")
    return header(shapes) + rest if first.startswith(_BEGINNING) else text


def lacking(text: str, lines: Sequence[str], shapes: Sequence[Shape], before: Base) -> list[str]:
    """Why the pins do not do for these requirements; nothing is looked up. What was looked at when they were made is not asked
    again: its markers may be such that it has no pin."""
    pinned: dict[str, list[Version]] = {}
    for line in text.splitlines():
        found = re.match(r"([A-Za-z0-9][\w.-]*)\s*==\s*([^\s;#]+)", line)
        if found and (version := read(found[2])) is not None:
            pinned.setdefault(normal(found[1]), []).append(version)
    said = []
    if before.lowest and minor(pythons(shapes)[0]) < minor(before.lowest):
        said.append(f"it was made for Python {before.lowest} and later")
    for line in lines:
        if line in before.pinned:
            continue
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        there = pinned.get(normal(requirement.name), [])
        if not any(requirement.specifier.contains(version, prereleases=True) for version in there):
            said.append(f"it has no version for {line}")
    return said


def wanted(shapes: Sequence[Shape], found: Found) -> list[str]:
    """What has to be resolved: requirements of the packages, of their builds, and the tools; not what the tree itself has."""
    own = {normal(package.name.value) for package in found.packages}
    lines = {"uv", "setuptools"} if any("setuptools" in each for shape in shapes for each in shape.package.builds) else {"uv"}
    lines.update(found.shared_requires)
    for shape in shapes:
        lines.update(shape.package.builds)
        lines.update(text for text in shape.package.requires)
        lines.update(said for each in shape.install if not each.startswith("--") for said in shlex.split(each))
    return sorted(
        line for line in lines if normal(re.split(r"[^A-Za-z0-9._-]", line.strip(), maxsplit=1)[0]) not in own and "{" not in line
    )


def resolve(
    shapes: Sequence[Shape], found: Found, command: Sequence[str], environ: Mapping[str, str], there: str = ""
) -> str:  # fmt: skip
    """The text of the file. `command` is how uv is called; versions in `there` stay where they fit. Raises NoPins with what uv
    says."""
    with tempfile.TemporaryDirectory() as folder:
        # uv keeps to what stands there already, where it fits
        output = os.path.join(folder, "constraints.txt")
        with open(output, "w", encoding="utf-8") as file:
            file.write(there or "".join(f"{line}\n" for line in found.in_use))
        given = _listed(folder, "constraints.in", wanted(shapes, found))
        words = [*command, "pip", "compile", "--quiet", "--universal", "--python-version", pythons(shapes)[0], "--no-header"]
        words += ["--no-annotate", "--no-python-downloads", "--no-config", "--output-file", output, given]
        words += ["--constraint", _listed(folder, "more", found.constrained)]
        words += ["--override", _listed(folder, "overrides", found.overridden)]
        for package in found.packages:  # others may need it, and it comes from the tree all the same
            words += ["--no-emit-package", package.name.value]
        done = subprocess.run(words, cwd=folder, env=dict(environ), capture_output=True, text=True, check=False)
        if done.returncode:
            lines = [line.strip(" ×╰─▶│") for line in done.stderr.splitlines() if line.strip()]
            hint = "mend what they require, or say --no-pins to begin with none"
            raise NoPins(Problem(f"uv finds no versions that fit all packages: {' '.join(lines)[:600]}", hint=hint))
        with open(output, encoding="utf-8") as file:
            text = file.read()
        lines = [line for line in text.splitlines(keepends=True) if not line.startswith("#")]
        return header(shapes) + "".join(lines)


def _listed(folder: str, name: str, lines: Sequence[str]) -> str:
    """A file of requirements, by its path."""
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in lines))
    return path
