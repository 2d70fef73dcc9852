"""Small Python monorepos for tests of `headrace init`."""

from __future__ import annotations

from collections.abc import Mapping

from headrace.init.tree import Tree


def tree(files: Mapping[str, str]) -> Tree:
    """Files that stand nowhere but in the test."""
    return Tree(files, lambda path: files[path].encode())


def project(name: str, *needs: str, python: str = ">=3.10", highest: str = "3.13", more: str = "") -> str:
    """A pyproject.toml that setuptools builds, as it is on every machine with pip."""
    listed = ", ".join(f'"{need}"' for need in needs)
    low = python.removeprefix(">=")
    return f"""\
[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"

[project]
name = "{name}"
version = "0.1.0"
requires-python = "{python}"
classifiers = [
    "Programming Language :: Python :: {low}",
    "Programming Language :: Python :: {highest}",
]
dependencies = [{listed}]

[tool.setuptools]
packages = ["{name}"]
{more}"""


def package(name: str, *needs: str, folder: str = "", highest: str = "3.13", more: str = "") -> dict[str, str]:
    """A package in `pkg/`, with a module that has types and a unit test."""
    base = folder or f"pkg/{name}"
    return {
        f"{base}/pyproject.toml": project(name, *needs, highest=highest, more=more),
        f"{base}/{name}/__init__.py": 'def double(number: int) -> int:\n    """Twice as much."""\n    return number * 2\n',
        f"{base}/{name}/py.typed": "",
        f"{base}/tests/test_{name}.py": f"from {name} import double\n\n\ndef test_double() -> None:\n    assert double(2) == 4\n",
    }


def two(highest: str = "3.13") -> dict[str, str]:
    """Two packages, of which one needs the other; integration tests stand at the root."""
    return {
        **package("alpha", highest=highest),
        **package("beta", "alpha>=0.1.0", highest=highest),
        "tests/test_alpha/test_together.py": "import alpha\n\n\ndef test_it() -> None:\n    assert alpha.double(1) == 2\n",
        "README.md": "Two packages.\n",
    }
