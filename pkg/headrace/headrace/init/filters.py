"""Whose changes start a package's workflow: the paths of its pull requests, in the order that decides. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from headrace.init.choices import Shape
from headrace.init.model import Found, Package


def paths_of(shape: Shape, found: Found, workflow: str, examples: Sequence[str]) -> list[str]:
    """What starts it, then what does not (a later line overrules an earlier one), then what lies in a folder that does not and
    concerns it all the same. What people leave out comes last, and counts whatever else is said."""
    package = shape.package
    concerned = {package.name.value, *shape.needed}
    others = [each for each in found.packages if each.name.value not in concerned]
    ours = [each for each in found.packages if each.name.value in concerned]
    taken = [f"!{folder}/**" for other in others for folder in _folders(other) if folder != "."]
    taken += [f"!{folder}/**" for folder in examples]
    again = [f"{folder}/**" for each in ours for folder in _folders(each) if any(folder.startswith(line[1:-2]) for line in taken)]
    more = shape.wanted.paths
    starts = [*_starts(ours, found, workflow), *(path for path in more if not path.startswith("!"))]
    return list(dict.fromkeys([*starts, *taken, *again, *(path for path in more if path.startswith("!"))]))


def _starts(ours: Sequence[Package], found: Found, workflow: str) -> Iterator[str]:
    yield from ("**.py", "**/Makefile", "**/pyproject.toml", "Makefile", "pyproject.toml", "constraints.txt")
    yield from found.configs
    yield from (".github/release.py", workflow)
    for each in ours:
        if each.folder != ".":
            yield f"{each.folder}/**"
        else:
            yield from (f"{path}/**" for path in each.code if not path.endswith(".py"))


def _folders(package: Package) -> Iterator[str]:
    """Its own, and those of its tests that stand elsewhere."""
    yield package.folder
    for each in (*package.unit, *package.integration):
        if package.folder != "." and not each.value.startswith(package.folder + "/"):
            yield each.value
