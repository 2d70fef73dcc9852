"""Projects as setup.cfg and setup.py declare them. setup.py is read, never run: what it computes is not known."""

from __future__ import annotations

import ast
import configparser
import re

from headrace.base.errors import Position
from headrace.init.model import Doubt, Project, Said
from headrace.init.names import requirement
from headrace.init.places import line_with
from headrace.init.tree import Tree


def setup_cfg(tree: Tree, folder: str, path: str) -> Project:
    """What stands in its [metadata] and [options]."""
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    text = tree.text(path)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        tree.doubts.append(Doubt(f"this is no configuration: {str(error).splitlines()[0]}", Position(path)))
        return Project(folder)

    def at(key: str) -> Position:
        return line_with(path, text, rf"^{re.escape(key)}\s*[=:]") or Position(path)

    def value(section: str, key: str) -> Said | None:
        for spelling in (key, key.replace("_", "-")):
            found = parser.get(section, spelling, fallback=None)
            if found:
                return Said(found.strip(), (at(spelling),))
        return None

    def lines(section: str, key: str) -> list[str]:
        return [line.strip() for line in (parser.get(section, key, fallback=None) or "").splitlines() if line.strip()]

    def line_of(item: str, key: str) -> Position:
        return line_with(path, text, rf"^\s+{re.escape(item)}\s*$") or at(key)

    version = value("metadata", "version")
    if version is not None and version.value.startswith(("attr:", "file:")):
        version = Said("dynamic", version.at, version.value)
    required = [requirement(each, line_of(each, "install_requires")) for each in lines("options", "install_requires")]
    extras = parser.options("options.extras_require") if parser.has_section("options.extras_require") else []
    for extra in extras:
        listed = lines("options.extras_require", extra)
        required += [requirement(each, line_of(each, extra), f"extra:{extra}") for each in listed]
    return Project(
        folder, name=value("metadata", "name"), version=version, requires_python=value("options", "python_requires"),
        classifiers=tuple(Said(each, (line_of(each, "classifiers"),)) for each in lines("metadata", "classifiers")),
        requirements=tuple(each for each in required if each), files=(path,), extras=tuple(extras),
        dynamic=version is not None and version.value == "dynamic",
    )  # fmt: skip


def setup_py(tree: Tree, folder: str, path: str) -> Project:
    """The arguments of its `setup(…)` that are constants, or names that the module sets to constants."""
    try:
        module = ast.parse(tree.text(path))
    except (SyntaxError, ValueError) as error:
        tree.doubts.append(Doubt(f"this is no Python: {error}", Position(path)))
        return Project(folder)
    values: dict[str, ast.expr] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            values[node.targets[0].id] = node.value
    call = next((node for node in ast.walk(module) if isinstance(node, ast.Call) and _called(node) == "setup"), None)
    if call is None:
        return Project(folder)
    given = {word.arg: word.value for word in call.keywords if word.arg}

    def resolved(node: ast.expr | None) -> ast.expr | None:
        return values.get(node.id) if isinstance(node, ast.Name) else node

    def value(key: str) -> Said | None:
        node = resolved(given.get(key))
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return Said(node.value, (Position(path, node.lineno, node.col_offset + 1),))
        return None

    def items(node: ast.expr | None) -> list[tuple[str, Position]]:
        node = resolved(node)
        elements = node.elts if isinstance(node, ast.List | ast.Tuple) else []
        return [
            (each.value, Position(path, each.lineno, each.col_offset + 1))
            for each in elements
            if isinstance(each, ast.Constant) and isinstance(each.value, str)
        ]

    version = value("version")
    if version is None and "version" in given:
        version = Said("dynamic", (Position(path, given["version"].lineno, 1),), "setup.py computes it")
    required = [requirement(text, at) for text, at in items(given.get("install_requires"))]
    extras = resolved(given.get("extras_require"))
    names = []
    if isinstance(extras, ast.Dict):
        for key, listed in zip(extras.keys, extras.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                names.append(key.value)
                required += [requirement(text, at, f"extra:{key.value}") for text, at in items(listed)]
    return Project(
        folder, name=value("name"), version=version, requires_python=value("python_requires"),
        classifiers=tuple(Said(text, (at,)) for text, at in items(given.get("classifiers"))),
        requirements=tuple(each for each in required if each), files=(path,), extras=tuple(names),
        imports=tuple(Said(text, (at,)) for text, at in items(given.get("packages")) if "." not in text),
        dynamic=version is not None and version.value == "dynamic",
    )  # fmt: skip


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""
