"""constraints.txt: one exact version of all that is installed, on every supported Python. uv resolves it."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence

from headrace.base.errors import HeadraceError, Problem
from headrace.init.choices import Shape
from headrace.init.model import Found
from headrace.init.names import normal

PATH = "constraints.txt"


class NoPins(HeadraceError):
    """No versions were found that fit, and nothing was written."""

    status = 1


def header(shapes: Sequence[Shape]) -> str:
    lowest, highest = pythons(shapes)
    span = lowest if lowest == highest else f"{lowest} to {highest}"
    return f"# Every version that `make install` and `make build` may use, on Python {span}.\n"


def pythons(shapes: Sequence[Shape]) -> tuple[str, str]:
    """The lowest and the highest of all packages."""
    every = sorted({version for shape in shapes for version in shape.matrix}, key=lambda each: int(each.partition(".")[2]))
    return every[0], every[-1]


def wanted(shapes: Sequence[Shape], found: Found) -> list[str]:
    """What has to be resolved: requirements of the packages, of their builds, and the tools; not what the tree itself has."""
    own = {normal(package.name.value) for package in found.packages}
    lines = {"uv", "setuptools"} if any("setuptools" in each for shape in shapes for each in shape.package.builds) else {"uv"}
    lines.update(found.shared_requires)
    for shape in shapes:
        lines.update(shape.package.builds)
        lines.update(text for text in shape.package.requires)
        lines.update(each.replace("'", "") for each in shape.install if not each.startswith("--"))
    return sorted(
        line for line in lines if normal(re.split(r"[^A-Za-z0-9._-]", line.strip(), maxsplit=1)[0]) not in own and "{" not in line
    )


def resolve(shapes: Sequence[Shape], found: Found, command: Sequence[str], environ: Mapping[str, str]) -> str:
    """The text of the file. `command` is how uv is called. Raises NoPins with what uv says."""
    with tempfile.TemporaryDirectory() as folder:
        output = os.path.join(folder, "constraints.txt")
        given = _listed(folder, "constraints.in", wanted(shapes, found))
        words = [*command, "pip", "compile", "--quiet", "--universal", "--python-version", pythons(shapes)[0], "--no-header"]
        words += ["--no-annotate", "--no-python-downloads", "--no-config", "--output-file", output, given]
        words += ["--constraint", _listed(folder, "more", found.constrained)]
        words += ["--override", _listed(folder, "overrides", found.overridden)]
        done = subprocess.run(words, cwd=folder, env=dict(environ), capture_output=True, text=True, check=False)
        if done.returncode:
            lines = [line.strip(" ×╰─▶│") for line in done.stderr.splitlines() if line.strip()]
            hint = "mend what they require, or say --no-pins to begin with none"
            raise NoPins(Problem(f"uv finds no versions that fit all packages: {' '.join(lines)[:600]}", hint=hint))
        with open(output, encoding="utf-8") as file:
            return header(shapes) + file.read()


def _listed(folder: str, name: str, lines: Sequence[str]) -> str:
    """A file of requirements, by its path."""
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in lines))
    return path
