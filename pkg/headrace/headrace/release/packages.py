"""The packages of a repository, as their files declare them: which versions they say, and what they require."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from headrace.base import git
from headrace.base.errors import Position, Problem, UsageError
from headrace.base.toml import parse_toml
from headrace.release.model import Need, Package, Settings, Source
from headrace.release.versions import normal

_MODULE = re.compile(r"^__version__\s*(?::\s*\w+\s*)?=\s*([\"'])(.*?)\1", re.MULTILINE)
_MODULES = ("__init__.py", "_version.py", "version.py", "__about__.py", "_about.py")


def read_file(root: str, path: str) -> str | None:
    try:
        with open(os.path.join(root, path), encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None


def settings_of(root: str) -> Settings:
    """`[tool.headrace.release]` of the root pyproject.toml. Raises UsageError for what it cannot hold."""
    text = read_file(root, "pyproject.toml")
    if text is None or "tool.headrace.release" not in text:
        return Settings()
    table = _table(parse_toml(text.encode(), "pyproject.toml"), "tool", "headrace", "release")
    known = ("remote", "branch", "index")
    for key, value in table.items():
        if key not in known:
            text = f"[tool.headrace.release] has no '{key}'"
            raise UsageError(Problem(text, Position("pyproject.toml"), f"it may hold {', '.join(known)}"))
        if not isinstance(value, str) or not value or value.startswith("-"):
            raise UsageError(Problem(f"{key} in [tool.headrace.release]: expected a name", Position("pyproject.toml")))
    return Settings(**table)


def scan(root: str) -> list[Package]:
    """All packages of the work tree at `root`, by name: every pyproject.toml that git knows of and that names a project. Raises
    UsageError for one that is no TOML, GitError."""
    listed = git.run(
        root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "pyproject.toml", "*/pyproject.toml"
    )
    paths = sorted({os.fsdecode(path) for path in listed.split(b"\0") if path})
    lock = _locked(root)
    found = []
    for path in paths:
        text = read_file(root, path)
        if text is None:
            continue
        project = _table(content := parse_toml(text.encode(errors="surrogateescape"), path), "project")
        if isinstance(project.get("name"), str):
            found.append(_package(root, os.path.dirname(path) or ".", path, text, content, lock))
    return sorted(found, key=lambda package: package.name)


def _package(root: str, folder: str, path: str, text: str, content: Mapping[str, Any], lock: dict[str, Source]) -> Package:
    project = _table(content, "project")
    name, version, unread = project["name"], project.get("version"), ""
    sources = list(_modules(root, folder, name))
    declared = Position(path, *position(text, "project", "version"))
    if not isinstance(version, str):
        version = ""
        dynamic = project.get("dynamic")
        if isinstance(dynamic, list) and "version" in dynamic:
            version, declared, unread = _dynamic(root, folder, content, declared)
        else:
            unread = "[project] has no version"
    if normal(name) in lock:
        sources.append(lock[normal(name)])
    return Package(name, folder, version, declared, tuple(sources), tuple(_needs(project, path, text)), unread)


def _dynamic(root: str, folder: str, content: Mapping[str, Any], declared: Position) -> tuple[str, Position, str]:
    """The version of a package whose pyproject.toml lets hatch read it from a module."""
    table = _table(content, "tool", "hatch", "version")
    path = table.get("path")
    if not isinstance(path, str) or "source" in table or "pattern" in table:
        return "", declared, "its version is dynamic, and only hatch's `path` to a module with __version__ is read here"
    module = path if folder == "." else f"{folder}/{path}"
    found = _source(root, module)
    return ("", declared, f"{module} has no __version__") if found is None else (found.version, found.at, "")


def _modules(root: str, folder: str, name: str) -> Iterator[Source]:
    """What the modules of the package say by `__version__`."""
    plain = normal(name).replace("-", "_")
    for above in ("", "src/"):
        for module in dict.fromkeys((name, name.replace("-", "_"), plain)):
            for file in _MODULES:
                path = f"{above}{module}/{file}"
                found = _source(root, path if folder == "." else f"{folder}/{path}")
                if found is not None:
                    yield found


def _source(root: str, path: str) -> Source | None:
    text = read_file(root, path)
    said = _MODULE.search(text) if text is not None else None
    if text is None or said is None:
        return None
    return Source(said[2], Position(path, text.count("\n", 0, said.start()) + 1, 1))


def _locked(root: str) -> dict[str, Source]:
    """What uv.lock says of the packages that stand in the tree: it names the folder they are read from."""
    text = read_file(root, "uv.lock")
    if text is None:
        return {}
    found = {}
    for entry in parse_toml(text.encode(errors="surrogateescape"), "uv.lock").get("package", ()):
        source = entry.get("source") if isinstance(entry, dict) else None
        if (
            isinstance(source, dict)
            and source.keys() & {"editable", "virtual", "directory"}
            and isinstance(entry.get("version"), str)
        ):
            line = re.search(rf'^name = "{re.escape(str(entry["name"]))}"$', text, re.MULTILINE)
            at = Position("uv.lock", text.count("\n", 0, line.start()) + 2 if line else 0, 1)
            found[normal(str(entry["name"]))] = Source(entry["version"], at)
    return found


def _needs(project: Mapping[str, Any], path: str, text: str) -> Iterator[Need]:
    required = project.get("dependencies")
    optional = project.get("optional-dependencies")
    groups = [("", required), *(optional.items() if isinstance(optional, dict) else ())]
    for extra, needs in groups:
        for need in needs if isinstance(needs, list) else ():
            if isinstance(need, str):
                found = text.find(f'"{need}"') + 1 or text.find(f"'{need}'") + 1
                at = (
                    Position(path, text.count("\n", 0, found) + 1, found - text.rfind("\n", 0, found) - 1)
                    if found
                    else Position(path)
                )
                yield Need(need, at, extra)


def position(text: str, table: str, key: str) -> tuple[int, int]:
    """Line and column of a key of a table that has a heading of its own; (0, 0) where it is written in another way.

    >>> position('[project]\\nname = "x"\\nversion = "1"\\n', "project", "version")
    (3, 1)
    """
    here = ""
    for number, line in enumerate(text.splitlines(), 1):
        if heading := re.match(r"\s*\[\[?\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$", line):
            here = heading[1]
        elif here == table and (written := re.match(rf"(\s*)[\"']?{re.escape(key)}[\"']?\s*=", line)):
            return number, len(written[1]) + 1
    return 0, 0


def _table(content: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    found: Any = content
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return dict(found) if isinstance(found, Mapping) else {}
