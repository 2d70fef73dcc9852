"""Which tools are really in use: a tool that is called counts more than one that is configured, or installed alone. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from headrace.base.errors import Position
from headrace.init.model import Project, Said, Tools
from headrace.init.places import item, line_with, place
from headrace.init.project import table
from headrace.init.sessions import session_name
from headrace.init.tree import Tree, join

CALLED, CONFIGURED, INSTALLED, IMPORTED = 4, 3, 1, 1

_LINTERS, _FORMATTERS = ("ruff", "flake8", "pylint"), ("ruff format", "black")
_TYPERS, _TESTERS = ("mypy", "pyright", "basedpyright", "ty"), ("pytest", "unittest")

_FILES = {
    "ruff.toml": "ruff", ".ruff.toml": "ruff", ".flake8": "flake8", ".pylintrc": "pylint", "pylintrc": "pylint",
    "mypy.ini": "mypy", ".mypy.ini": "mypy", "pyrightconfig.json": "pyright", "pytest.ini": "pytest",
    ".pytest.ini": "pytest", "pytest.toml": "pytest",
}  # fmt: skip
_TABLES = {
    ("tool", "ruff"): "ruff", ("tool", "flake8"): "flake8", ("tool", "pylint"): "pylint", ("tool", "mypy"): "mypy",
    ("tool", "pyright"): "pyright", ("tool", "ty"): "ty", ("tool", "basedpyright"): "basedpyright", ("tool", "pytest"): "pytest",
    ("tool", "black"): "black", ("tool", "ruff", "format"): "ruff format",
}  # fmt: skip
_SECTIONS = {r"flake8": "flake8", r"mypy": "mypy", r"tool:pytest": "pytest", r"pytest": "pytest", r"pylint.*": "pylint"}
_HOOKS = {
    r"^\s*-?\s*id:\s*ruff(-check)?\s*$": "ruff", r"^\s*-?\s*id:\s*ruff-format\s*$": "ruff format",
    r"^\s*-?\s*id:\s*flake8\s*$": "flake8", r"^\s*-?\s*id:\s*pylint\s*$": "pylint",
    r"^\s*-?\s*id:\s*black(-jupyter)?\s*$": "black",
    r"^\s*-?\s*id:\s*mypy\s*$": "mypy", r"^\s*-?\s*id:\s*pyright(-python)?\s*$": "pyright",
}  # fmt: skip
_START = r"(?:^|[\s\"'=:&|;(@])(?:uvx |-m |[\w./-]*/)?"
_CALLS = {
    _START + r"ruff[\"']?,?\s+[\"']?(?:check\b|--fix|\.)": "ruff", _START + r"ruff[\"']?,?\s+[\"']?format\b": "ruff format",
    _START + r"flake8(?:\s+[\w.{-]|[\"'][,\]]|\s*$)": "flake8", _START + r"pylint\s+[\w.{-]": "pylint",
    _START + r"black\s+[\w.{-]": "black", _START + r"mypy(?:\s+[\w.{-]|[\"'][,\]]|\s*$)": "mypy",
    _START + r"basedpyright(?:\s+[\w.{-]|[\"'][,\]]|\s*$)": "basedpyright",
    _START + r"pyright(?:\s+[\w.{-]|[\"'][,\]]|\s*$)": "pyright",
    _START + r"(?:pytest|py\.test)(?:\s+[\w.{$-]|[\"'][,\]]|\s*$)": "pytest", r"-m[\s\"',]+unittest\b": "unittest",
    _START + r"ty\s+check\b": "ty",
}  # fmt: skip


class _Signs:
    """What speaks for each tool."""

    def __init__(self) -> None:
        self.weights: dict[str, int] = {}
        self.best: dict[str, list[tuple[int, Said]]] = {}

    def add(self, tool: str, weight: int, at: Position, why: str) -> None:
        kinds = self.best.setdefault(tool, [])
        if all(said.why != why for _, said in kinds):
            self.weights[tool] = self.weights.get(tool, 0) + weight
            kinds.append((weight, Said(tool, (at,), why)))

    def choose(self, tools: Sequence[str]) -> Said | None:
        """The one for which most speaks; with equal weight the first."""
        there = [tool for tool in tools if tool in self.weights]
        if not there:
            return None
        tool = max(there, key=lambda each: (self.weights[each], -tools.index(each)))
        signs = sorted(self.best[tool], key=lambda sign: -sign[0])[:2]
        return Said(tool, tuple(place for _, said in signs for place in said.at), ", ".join(said.why for _, said in signs))


def tools_of(tree: Tree, project: Project, root: Project | None, tests: Sequence[str]) -> Tools:
    """Of a package: its own files, then those of the root. `tests` are its test files."""
    signs = _Signs()
    folders = [project.folder] if project.folder == "." else [project.folder, "."]
    for folder in folders:
        _configured(tree, folder, signs)
        for path in _commands(tree, folder):
            _called(path, tree.text(path), signs)
    for each in (project, root) if root is not None and root is not project else (project,):
        for requirement in each.requirements:
            if requirement.name in (*_LINTERS, "black", *_TYPERS, "pytest"):
                signs.add(requirement.name, INSTALLED, requirement.at, "a requirement")
    for path in _requirement_files(tree, folders):
        for tool in (*_LINTERS, "black", *_TYPERS, "pytest"):
            at = line_with(path, tree.text(path), rf"^{tool}(?![\w-])")
            if at is not None:
                signs.add(tool, INSTALLED, at, "a requirement")
    for path in tests:
        for tool, pattern in (
            ("pytest", r"^\s*(?:import|from) pytest\b"),
            ("unittest", r"^\s*(?:import unittest|from unittest import .*TestCase)\b"),
        ):
            at = line_with(path, tree.text(path), pattern)
            if at is not None:
                signs.add(tool, IMPORTED, at, "imported by a test")
    linter = signs.choose(_LINTERS)
    tester = signs.choose(_TESTERS)
    return Tools(linter, signs.choose(_FORMATTERS), signs.choose(_TYPERS), tester, tuple(_sessions(tree, folders)))


def _configured(tree: Tree, folder: str, signs: _Signs) -> None:
    for name, tool in _FILES.items():
        if tree.has(path := join(folder, name)):
            signs.add(tool, CONFIGURED, Position(path, 1, 1), "configured")
    path = join(folder, "pyproject.toml")
    content, text = tree.toml(path), tree.text(path)
    for keys, tool in _TABLES.items():
        if table(content, *keys):
            signs.add(tool, CONFIGURED, place(path, text, *keys), "configured")
    for name in ("setup.cfg", "tox.ini"):
        path = join(folder, name)
        for section, tool in _SECTIONS.items():
            at = line_with(path, tree.text(path), rf"^\[{section}\]")
            if at is not None:
                signs.add(tool, CONFIGURED, at, "configured")
    for name in (".pre-commit-config.yaml", ".pre-commit-config.yml", "prek.toml"):
        path = join(folder, name)
        for hook, tool in _HOOKS.items():
            at = line_with(path, tree.text(path), hook)
            if at is not None:
                signs.add(tool, CALLED, at, "a hook of pre-commit")


def _commands(tree: Tree, folder: str) -> Iterator[str]:
    """The files of a folder that call tools."""
    names = (
        "Makefile",
        "makefile",
        "GNUmakefile",
        "justfile",
        "tox.ini",
        "tox.toml",
        "noxfile.py",
        "tasks.py",
        "pyproject.toml",
        "hatch.toml",
    )
    yield from (path for name in names if tree.has(path := join(folder, name)))
    if folder == ".":
        yield from (path for path in tree.paths if re.match(r"\.github/workflows/[^/]+\.ya?ml$", path))
    yield from (path for path in tree.paths if re.match(rf"{re.escape(join(folder, 'scripts'))}/[^/.]+(\.sh)?$", path))


def _called(path: str, text: str, signs: _Signs) -> None:
    if path.endswith((".toml", "akefile", "justfile", ".ini", ".py")) or "/" in path:
        text = _without_requirements(path, text)
    for pattern, tool in _CALLS.items():
        at = line_with(path, text, pattern)
        if at is not None:
            signs.add(tool, CALLED, at, f"called by {_kind(path)}")


_SPEAKS = re.compile(
    r"\binstall\b|^\s*#|^\s*(?:name|key|description|- name)\b|^\s*\[[^\[]*\]\s*$"
    r"|^\s*[\"'][\w.\[\]-]+\s*(?:[<>=~!;].*)?[\"'],?\s*$|^\s*\w+\s*=\s*\[?[\"'][\w-]+[<>=~]"
)
_NO_COMMANDS = re.compile(
    r"^\s*[\w-]*(?:exclude|omit|select|ignore|dependencies|requires|extras|groups|files|paths?|modules?|plugins|format-command)\s*="
    r"|^(?!.*(?:\s[\w.{\[-]|[\"']\s*,\s*[\"']|\[[\"'][\w-]+[\"']\]))"
)
"""Lines of TOML that hold no command: keys that never do, and single words."""


def _without_requirements(path: str, text: str) -> str:
    """Lines that install a tool, or speak of it, call none: as many lines stay."""
    is_toml = path.endswith(".toml")
    lines = []
    for line in text.split("\n"):
        if is_toml:
            line = re.sub(r"\s#.*", "", line)
        lines.append("" if _SPEAKS.search(line) or (is_toml and _NO_COMMANDS.search(line)) else line)
    return "\n".join(lines)


def _kind(path: str) -> str:
    name = path.rpartition("/")[2]
    return "a workflow" if path.startswith(".github/") else "a script" if "scripts/" in path else name


def _requirement_files(tree: Tree, folders: Sequence[str]) -> Iterator[str]:
    for folder in folders:
        for path in tree.below(folder) if folder != "." else tree.paths:
            if re.fullmatch(
                r"(?:requirements/)?[\w.-]*(?:requirements|dev|tests?|lint|typing|types|mypy)[\w.-]*\.(?:txt|in)",
                _under(path, folder),
            ):
                yield path


def _under(path: str, folder: str) -> str:
    return path if folder == "." else path[len(folder) + 1 :]


def _sessions(tree: Tree, folders: Sequence[str]) -> Iterator[Said]:
    """The environments of tox and the sessions of nox, by name."""
    for folder in folders:
        yield from _tox(tree, folder)
        path = join(folder, "noxfile.py")
        if tree.has(path):
            try:
                module = ast.parse(tree.text(path))
            except (SyntaxError, ValueError):
                continue
            for node in module.body:
                if isinstance(node, ast.FunctionDef) and any(_is_session(each) for each in node.decorator_list):
                    yield Said(f"nox: {session_name(node)}", (Position(path, node.lineno, 1),))


def _tox(tree: Tree, folder: str) -> Iterator[Said]:
    for name in ("tox.ini", "setup.cfg"):
        path = join(folder, name)
        text = tree.text(path)
        if name == "setup.cfg" and "[tox:tox]" not in text:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if found := re.match(r"\[testenv(?::([^\]]+))?\]", line):
                yield Said(f"tox: {found[1] or 'testenv'}", (Position(path, number, 1),))
    for name in ("tox.toml", "pyproject.toml"):
        path = join(folder, name)
        keys = ("tool", "tox") if name == "pyproject.toml" else ()
        content = table(tree.toml(path), *keys)
        for environment in table(content, "env"):
            yield Said(f"tox: {environment}", (place(path, tree.text(path), *keys, "env", environment),))
        legacy = content.get("legacy_tox_ini")
        for found in re.findall(r"^\[testenv(?::([^\]]+))?\]", legacy, re.MULTILINE) if isinstance(legacy, str) else ():
            at = line_with(path, tree.text(path), rf"^\[testenv{':' + re.escape(found) if found else ''}\]")
            yield Said(f"tox: {found or 'testenv'}", (at or item(path, tree.text(path), "", *keys),))


def _is_session(node: ast.expr) -> bool:
    return "session" in ast.unparse(node.func if isinstance(node, ast.Call) else node).split(".")
