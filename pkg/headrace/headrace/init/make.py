"""Shapes → the files of the described system, each held against what is there. Pure, but for the pins that it is handed."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Literal

from msgspec import Struct

from headrace.init import base, pins
from headrace.init.choices import Shape
from headrace.init.filters import paths_of
from headrace.init.makefiles import package_makefile, root_makefile
from headrace.init.model import Found
from headrace.init.tree import Tree
from headrace.init.wanted import Settings
from headrace.init.workflows import workflow, workflow_path

_RELEASE = ".github/release.py"
_OTHER = "gates.mk"


def written_before(tree: Tree) -> base.Base:
    """The record of what earlier calls wrote. Raises UsageError where it cannot be read."""
    return base.read_base(tree.text(base.PATH))


class File(Struct, frozen=True):
    """One that belongs to the system. `new`: it is not there yet; `same`: it is, to the byte; `kept`: there is another one, which
    stays as it is; `base`: the record of all of them, which is written anew."""

    path: str
    text: str
    state: Literal["new", "same", "kept", "base"]
    why: str = ""
    executable: bool = False


def files_of(tree: Tree, found: Found, shapes: Sequence[Shape], settings: Settings, resolve: Callable[[], str]) -> list[File]:
    """In the order in which they are told. `resolve` makes the text of constraints.txt, and is asked only where there is none."""
    known = written_before(tree)
    made: list[File] = []
    calls = []
    examples = [name for name in ("examples", "docs") if tree.has_folder(name)]
    for shape in shapes:
        package = shape.package
        makefile, why = "Makefile", ""
        if package.makefile is not None and package.makefile.value not in known.files:
            makefile = _OTHER
            why = f"{package.makefile.value} has targets of its own and stays; the workflow calls make -f {_OTHER}"
        make = "make" if makefile == "Makefile" else f"make -f {makefile}"
        calls.append("" if makefile == "Makefile" else f" -f {makefile}")
        path = workflow_path(package.name.value)
        made.append(_file(tree, known, path, workflow(shape, settings, paths_of(shape, found, path, examples), make)))
        made.append(_file(tree, known, package.path(makefile), package_makefile(shape, makefile), why))
    if all(shape.package.folder != "." for shape in shapes):
        made.append(_file(tree, known, "Makefile", root_makefile(shapes, calls)))
    made.append(_file(tree, known, _RELEASE, _template("release.py"), executable=True))
    there = tree.has(pins.PATH)
    if there and pins.PATH in known.files:
        made.append(File(pins.PATH, tree.text(pins.PATH), "same"))
    elif there:
        made.append(File(pins.PATH, "", "kept", "the pins that are there are used"))
    else:
        made.append(File(pins.PATH, resolve(), "new"))
    written = {
        each.path: each.text for each in made if each.state == "new" or (each.state == "same" and each.path in known.files)
    }
    text = base.base_text(base.Base(files={**known.files, **written}))
    if written:
        made.append(File(base.PATH, text, "same" if tree.text(base.PATH) == text else "base"))
    return made


def _file(tree: Tree, known: base.Base, path: str, text: str, why: str = "", *, executable: bool = False) -> File:
    if not tree.has(path):
        return File(path, text, "new", why, executable)
    if tree.text(path) == text:
        return File(path, text, "same", "", executable)
    if path in known.files:
        return File(
            path, text, "kept", "an earlier call wrote it, by other facts or choices, or it was changed since", executable
        )
    return File(path, text, "kept", "there is one already", executable)


def _template(name: str) -> str:
    with open(os.path.join(os.path.dirname(__file__), "files", name), encoding="utf-8") as file:
        return file.read()
