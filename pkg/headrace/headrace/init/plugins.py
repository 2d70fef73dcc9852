"""Plugins of pytest that tests and settings ask for by name: without them tests do not start, or do not what they say. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from headrace.init.model import Project
from headrace.init.places import line_with
from headrace.init.sessions import Need
from headrace.init.tree import Tree, join

_MARKS = {
    "pytest-asyncio": r"^\s*(?:@|pytestmark\s*=.*)pytest\.mark\.asyncio\b|^\s*@pytest_asyncio\.",
    "pytest-timeout": r"^\s*(?:@|pytestmark\s*=.*)pytest\.mark\.timeout\b",
    "pytest-django": r"^\s*(?:@|pytestmark\s*=.*)pytest\.mark\.django_db\b",
    "pytest-mock": r"^\s*(?:async )?def test_\w*\((?:[^)]*,\s*)?mocker\b",
    "pytest-benchmark": r"^\s*def test_\w*\((?:[^)]*,\s*)?benchmark\b",
}
"""In files of tests."""

_SETTINGS = {
    "pytest-asyncio": r"^asyncio_(?:mode|default_\w+)\s*=",
    "pytest-timeout": r"^timeout(?:_method)?\s*=",
    "pytest-cov": r"^(?:addopts\s*=)?.*[\s\"'\[]--cov\b",
    "pytest-xdist": r"^addopts\s*=.*[\s\"']-n[\s\"',]*(?:\d+|auto)\b",
    "pytest-django": r"^DJANGO_SETTINGS_MODULE\s*=",
}
"""In files that hold settings of pytest."""

_FILES = {"pytest.ini": "[pytest]", "pyproject.toml": "[tool.pytest.", "setup.cfg": "[tool:pytest]", "tox.ini": "[pytest]"}


def plugins_of(tree: Tree, project: Project, tests: Sequence[str]) -> Iterator[Need]:
    """Of a package, by its tests and by the settings that pytest finds for them."""
    for path in tests:
        text = tree.text(path)
        for name, pattern in _MARKS.items():
            at = line_with(path, text, pattern) if "pytest" in text or "mocker" in text or "benchmark" in text else None
            if at is not None:
                yield Need("requirement", name, at, "a test asks for it")
    for folder in dict.fromkeys((project.folder, ".")):
        for name, heading in _FILES.items():
            path = join(folder, name)
            text = tree.text(path)
            start = text.find(heading)
            if tests and start >= 0:
                section = _section(text, start)
                for plugin, pattern in _SETTINGS.items():
                    at = line_with(path, section, pattern)
                    if at is not None:
                        yield Need("requirement", plugin, at, "settings of pytest ask for it")


def _section(text: str, start: int) -> str:
    """A section of settings, where it stands: as many lines come before it."""
    lines = text[start:].split("\n")
    end = next((number for number, line in enumerate(lines[1:], 1) if line.startswith("[") and "pytest" not in line), len(lines))
    return "\n" * text.count("\n", 0, start) + "\n".join(lines[:end])
