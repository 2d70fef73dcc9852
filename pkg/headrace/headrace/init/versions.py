"""The versions that are in use: what pre-commit's hooks and lock files say. Pins begin with them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from headrace.init.names import normal
from headrace.init.tree import Tree

_HOOKS = {
    "ruff-pre-commit": "ruff",
    "black": "black",
    "black-pre-commit-mirror": "black",
    "flake8": "flake8",
    "mirrors-mypy": "mypy",
    "pylint": "pylint",
    "pyright-python": "pyright",
}
"""The last part of a hook's repository, and the project whose version its `rev` is."""

_REPOSITORY = re.compile(r"^\s*-?\s*repo:\s*[\"']?\S*?([\w.-]+?)(?:\.git)?[\"']?\s*(?:#.*)?$")
_REVISION = re.compile(r"^\s*-?\s*rev:\s*(.+)$")
_VERSION = re.compile(r"(?<![\w.])v?(\d+(?:\.\d+)+)(?![\w.])")
_LOCKED = re.compile(r'^\[\[(?:package|packages)\]\]\nname = "([^"]+)"\nversion = "([^"]+)"', re.MULTILINE)


def in_use(tree: Tree) -> tuple[str, ...]:
    """Lines `name==version`, each name once: hooks of pre-commit before the locks at the root. What a lock has in several
    versions is left to the resolver."""
    found: dict[str, str] = {}
    for name in ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml"):
        locked: dict[str, set[str]] = {}
        for project, version in _LOCKED.findall(tree.text(name)):
            locked.setdefault(normal(project), set()).add(version)
        for project, versions in locked.items():
            if len(versions) == 1:
                found.setdefault(project, *versions)
    found |= dict(_hooks(tree))
    return tuple(f"{project}=={version}" for project, version in sorted(found.items()))


def _hooks(tree: Tree) -> Iterator[tuple[str, str]]:
    for path in (".pre-commit-config.yaml", ".pre-commit-config.yml"):
        tool = ""
        for line in tree.text(path).splitlines():
            if found := _REPOSITORY.match(line):
                tool = _HOOKS.get(found[1], "")
            elif tool and (found := _REVISION.match(line)) and (version := _VERSION.search(found[1])):
                yield tool, version[1]
