"""What is found out about a repository, and where it stands: one small tree for each shape."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from headrace.base.errors import Position
from headrace.init.detect import detect
from headrace.init.model import Found, Package, Said
from test_core.monorepos import package, project, tree, two


def found(files: Mapping[str, str]) -> Found:
    return detect(tree(files))


def only(files: Mapping[str, str]) -> Package:
    packages = found(files).packages
    assert len(packages) == 1, packages
    return packages[0]


def values(said: tuple[Said, ...]) -> list[str]:
    return [each.value for each in said]


def value(said: Said | None) -> str | None:
    return said.value if said is not None else None


# Which folders are packages

UV = '[tool.uv.workspace]\nmembers = ["libs/*", "tools/thing"]\nexclude = ["libs/old"]\n'
HATCH = '[project]\nname = "all"\nversion = "1"\n[tool.hatch.envs.default]\nworkspace.members = [{path = "parts/*"}]\n'
SETUP = "from setuptools import setup\nsetup(name='old', version='1', python_requires='>=3.9', packages=['old'])\n"


@pytest.mark.parametrize(
    ("files", "layout", "folders"),
    [
        (two(), "2 packages, in pkg/*", ["pkg/alpha", "pkg/beta"]),
        ({**package("a", folder="packages/a"), **package("b", folder="libs/b")}, "2 packages, in libs/*, packages/*", ["libs/b", "packages/a"]),
        ({"pyproject.toml": UV, **package("a", folder="libs/a"), **package("b", folder="libs/old")}, "a uv workspace of 1", ["libs/a"]),
        ({"pyproject.toml": HATCH, **package("a", folder="parts/a")}, "a Hatch workspace of 1", ["parts/a"]),
        ({"pyproject.toml": project("x"), "x/__init__.py": ""}, "one package at the root", ["."]),
        ({"setup.py": SETUP, "old/__init__.py": ""}, "one package at the root", ["."]),
        ({**package("a"), "examples/x/pyproject.toml": project("x"), "tests/data/setup.py": SETUP}, "1 package, in pkg/*", ["pkg/a"]),
    ],
)  # fmt: skip
def test_packages_are_found_where_workspaces_and_folders_have_them(
    files: dict[str, str], layout: str, folders: list[str]
) -> None:
    seen = found(files)
    assert seen.layout.value == layout
    assert [each.folder for each in seen.packages] == folders


def test_a_repository_without_a_project_has_no_package() -> None:
    assert found({"app.py": "", "requirements.txt": "x==1"}).packages == ()


def test_what_a_workspace_leaves_out_is_said() -> None:
    seen = found({"pyproject.toml": UV, **package("a", folder="libs/a"), **package("b", folder="other/b")})
    assert [(each.value, each.why) for each in seen.left_out] == [("other/b", "a project that is no member of the workspace")]


def test_a_file_that_is_no_toml_is_a_doubt_and_no_end() -> None:
    seen = found({**package("a"), "pyproject.toml": "[project\n"})
    assert [each.folder for each in seen.packages] == ["pkg/a"]
    assert any("this is not TOML" in doubt.text and doubt.at.file == "pyproject.toml" for doubt in seen.doubts)


def test_the_groups_of_a_root_that_is_no_project_are_everybodys() -> None:
    seen = found({"pyproject.toml": UV + '[dependency-groups]\ndev = ["pytest-mock>=3"]\n', **package("a", folder="libs/a")})
    assert (values(seen.shared), seen.shared_requires) == (["group dev"], ("pytest-mock>=3",))
    assert [each.folder for each in seen.packages] == ["libs/a"]
    assert found({"pyproject.toml": '[dependency-groups]\ndev = ["pytest"]\n', "app.py": ""}).packages == ()


# Which Pythons


@pytest.mark.parametrize(
    ("python", "classifiers", "lowest", "highest"),
    [
        (">=3.10", ["3.10", "3.13"], "3.10", "3.13"),
        (">=3.9", ["3.10", "3.12"], "3.9", "3.12"),
        (">=3.11", ["3.9", "3.12"], "3.11", "3.12"),
        (">=3.9,<3.12", ["3.9", "3.13"], "3.9", "3.9"),
        (">=3.12", [], "3.12", "3.14"),
        (">=3.6", ["3.6", "3.11"], "3.8", "3.11"),
        ("", ["3.9", "3.11"], "3.9", "3.11"),
    ],
)
def test_the_matrix_follows_requires_python_and_classifiers(
    python: str, classifiers: list[str], lowest: str, highest: str
) -> None:
    listed = ", ".join(f'"Programming Language :: Python :: {each}"' for each in classifiers)
    requires = f'requires-python = "{python}"\n' if python else ""
    text = f'[build-system]\nrequires = []\n[project]\nname = "x"\nversion = "1"\n{requires}classifiers = [{listed}]\n'
    pythons = only({"pyproject.toml": text, "x.py": ""}).pythons
    assert (value(pythons.lowest), value(pythons.highest)) == (lowest, highest)


def test_a_package_for_no_known_python_has_none_and_is_a_doubt() -> None:
    seen = found({"pyproject.toml": project("x", python=">=4"), "x.py": ""})
    assert seen.packages[0].pythons.supported == ()
    assert any("no known Python" in doubt.text for doubt in seen.doubts)


# What each format says

POETRY = """\
[tool.poetry]
name = "x"
version = "2.0"
packages = [{include = "xx", from = "src"}]
[tool.poetry.dependencies]
python = "^3.9"
requests = "*"
[tool.poetry.group.dev.dependencies]
pytest = "^8"
[build-system]
requires = ["poetry-core"]
build-backend = "poetry.core.masonry.api"
"""
CFG = "[metadata]\nname = x\nversion = 1\nclassifiers =\n    Programming Language :: Python :: 3.12\n[options]\npython_requires = >=3.9\n"


@pytest.mark.parametrize(
    ("files", "backend", "version", "python", "imports"),
    [
        ({"pyproject.toml": POETRY, "src/xx/__init__.py": ""}, "poetry", "2.0", ">=3.9,<4", ["xx"]),
        ({"setup.cfg": CFG, "x/__init__.py": ""}, "setuptools", "1", ">=3.9", ["x"]),
        ({"setup.py": SETUP, "old/__init__.py": ""}, "setuptools", "1", ">=3.9", ["old"]),
        ({"pyproject.toml": project("x"), "src/x/__init__.py": ""}, "setuptools", "0.1.0", ">=3.10", ["x"]),
    ],
)
def test_every_format_is_read(files: dict[str, str], backend: str, version: str, python: str, imports: list[str]) -> None:
    package = only(files)
    assert (value(package.backend), value(package.version), value(package.requires_python)) == (backend, version, python)
    assert values(package.imports) == imports


def test_a_name_in_another_spelling_is_the_same_package() -> None:
    files = {**package("a_b"), **package("c", "A.B>=1")}
    assert [values(each.siblings) for each in found(files).packages] == [[], ["a_b"]]


@pytest.mark.parametrize(
    ("more", "private"),
    [
        ("", False),
        ("[tool.uv]\npackage = false\n", True),
    ],
)
def test_what_is_told_to_be_no_package_is_not_published(more: str, private: bool) -> None:
    assert (only(package("a", more=more)).private is not None) == private


# Evidence


def test_every_fact_names_its_line() -> None:
    files = two()
    beta = found(files).packages[1]
    assert beta.requires_python is not None and beta.pythons.highest is not None
    lines = files["pkg/beta/pyproject.toml"].splitlines()
    for said, text in (
        (beta.name, 'name = "beta"'),
        (beta.requires_python, "requires-python"),
        (beta.pythons.highest, "3.13"),
        (beta.siblings[0], "alpha>=0.1.0"),
    ):
        at = said.at[0]
        assert at.file == "pkg/beta/pyproject.toml" and text in lines[at.line - 1]


def test_a_fact_that_follows_from_another_says_how() -> None:
    lowest = found(two()).packages[0].pythons.lowest
    assert lowest is not None and lowest.why == "the lowest that requires-python allows"


# Tools


@pytest.mark.parametrize(
    ("files", "linter", "typer", "tester"),
    [
        ({"ruff.toml": "", "mypy.ini": "[mypy]\n", "pytest.ini": "[pytest]\n"}, "ruff", "mypy", "pytest"),
        ({".flake8": "", "pyrightconfig.json": "{}"}, "flake8", "pyright", None),
        ({"Makefile": "lint:\n\tflake8 src\n", "ruff.toml": ""}, "flake8", None, None),
        ({".pre-commit-config.yaml": "- hooks:\n  - id: ruff\n  - id: mypy\n", ".flake8": ""}, "ruff", "mypy", None),
        ({"tests/test_x.py": "import unittest\n"}, None, None, "unittest"),
        ({"tests/test_x.py": "import unittest\n", "noxfile.py": "def t(s):\n    s.run('pytest', 'tests')\n"}, None, None, "pytest"),
        ({"tox.ini": "[testenv]\ncommands = python -m unittest discover\n"}, None, None, "unittest"),
        ({"noxfile.py": "def t(s):\n    s.install('mypy', 'flake8')\n"}, None, None, None),
        ({"README.md": "run mypy ."}, None, None, None),
    ],
)  # fmt: skip
def test_the_tools_in_use_are_those_that_are_called_or_configured(
    files: dict[str, str], linter: str | None, typer: str | None, tester: str | None
) -> None:
    tools = only({"pyproject.toml": project("x"), "x.py": "", **files}).tools
    assert (value(tools.linter), value(tools.typer), value(tools.tester)) == (linter, typer, tester)


def test_sessions_of_tox_and_nox_are_named() -> None:
    nox = "import nox\n@nox.session(python='3.12')\ndef tests(session): ...\n@nox.session(name='types')\ndef t(session): ...\ndef no(): ...\n"
    files = {"tox.ini": "[tox]\n[testenv]\n[testenv:lint]\n", "noxfile.py": nox}
    sessions = only({"pyproject.toml": project("x"), "x.py": "", **files}).tools.sessions
    assert values(sessions) == ["tox: testenv", "tox: lint", "nox: tests", "nox: types"]
    assert sessions[1].at == (Position("tox.ini", 3, 1),)


# Tests

TEST = "def test_it(): ...\n"


@pytest.mark.parametrize(
    ("paths", "unit", "integration"),
    [
        (["tests/test_x.py"], ["tests"], []),
        (["tests/unit/test_x.py", "tests/integration/test_y.py"], ["tests/unit"], ["tests/integration"]),
        (["tests/test_x.py", "tests/a/e2e/test_y.py"], ["tests"], ["tests/a/e2e"]),
        (["test/x_test.py", "integration_tests/test_y.py"], ["test"], ["integration_tests"]),
        (["x/inner/thing_test.py"], ["x"], []),
        (["x/test/test_a.py"], ["x/test"], []),
        (["x/models/test.py", "docs/test_x.py"], [], []),
    ],
)
def test_unit_and_integration_tests_are_told_apart(paths: list[str], unit: list[str], integration: list[str]) -> None:
    seen = only({"pyproject.toml": project("x"), "x/__init__.py": "", **dict.fromkeys(paths, TEST)})
    assert (values(seen.unit), values(seen.integration)) == (unit, integration)


def test_tests_at_the_root_are_integration_tests_of_a_package_that_has_its_own() -> None:
    alpha, beta = found(two()).packages
    assert (values(alpha.unit), values(alpha.integration)) == (["pkg/alpha/tests"], ["tests/test_alpha"])
    assert (values(beta.unit), values(beta.integration)) == (["pkg/beta/tests"], [])


# Around


def test_locks_pins_workflows_and_makefiles_are_named() -> None:
    files = {
        **package("a"), "uv.lock": "", "constraints.txt": "# x\na==1\n", "Makefile": "A := 1\nlint test: a\n\tx:\n",
        ".github/workflows/ci.yml": "name: ci\njobs:\n  p:\n    steps:\n    - uses: pypa/gh-action-pypi-publish@release/v1\n",
    }  # fmt: skip
    seen = found(files)
    assert values(seen.locks) == ["uv.lock"] and seen.constraints[0].at == (Position("constraints.txt", 2, 1),)
    assert seen.makefiles[0].why == "targets lint, test"
    assert seen.workflows[0].why == "publishes" and seen.workflows[0].at[1].line == 5
    assert values(seen.packages[0].workflows) == [".github/workflows/ci.yml"]
