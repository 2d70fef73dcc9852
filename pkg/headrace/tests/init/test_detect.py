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


# What is installed for the gates

GROUPED = (
    '[dependency-groups]\ndev = [{include-group = "deep"}]\ndeep = ["trustme"]\ndocs = ["sphinx"]\nstress = ["hypothesis"]\n'
)
EXTRAS = '[project.optional-dependencies]\nfast = ["pyyaml>=6"]\ndocs = ["sphinx"]\ntest = ["x[fast]"]\n'
FAST = '[project.optional-dependencies]\nfast = ["pyyaml>=6"]\n'
NOX = """\
import nox
TOOLS = ["trustme", "hypothesis>=6"]
@nox.session(python=["3.10"])
def tests(session):
    session.install(*TOOLS, "-e", ".[fast]", "-r", "more.txt")
    session.install(f"computed{1}")
@nox.session
def docs(session):
    session.install("sphinx")
"""


def installed(files: Mapping[str, str], more: str = "") -> list[str]:
    """What is installed for the gates of a package at the root, but for what comes by its name alone."""
    base = {"pyproject.toml": project("x", more=more), "x/__init__.py": "", "tests/test_x.py": "import x\n"}
    return values(only({**base, **files}).groups)


@pytest.mark.parametrize(
    ("files", "more", "expected"),
    [
        ({"tox.ini": "[testenv]\ndeps =\n    trustme >= 1.0, < 3\n    -r more.txt\n", "more.txt": "attrs\n"}, "",
         ["requirement trustme >= 1.0, < 3", "requirements more.txt"]),
        ({"tox.ini": "[testenv]\ndeps =\n    trustme\n[testenv:docs-test]\ndeps =\n    sphinx\n"}, "", ["requirement trustme"]),
        ({"tox.ini": "[testenv]\ndeps =\n    mypy: trustme\n    pypy: attrs\n"}, "", ["requirement trustme"]),
        ({"tox.ini": "[testenv]\nextras = fast\ndeps =\n    {[base]deps}\n    tox\n"}, EXTRAS, ["extra test", "extra fast"]),
        ({"tox.toml": '[env_run_base]\ndeps = ["trustme"]\n[env.docs]\ndeps = ["sphinx"]\n'}, "", ["requirement trustme"]),
        ({}, GROUPED + '[tool.tox.env.test-long]\ndependency_groups = ["stress", "gone"]\n', ["group dev", "group stress"]),
        ({}, GROUPED + '[tool.tox.env.docs]\ndependency_groups = ["docs"]\n', ["group dev"]),
        ({"noxfile.py": NOX, "more.txt": "attrs\n"}, FAST,
         ["extra fast", "requirement trustme", "requirement hypothesis>=6", "requirements more.txt"]),
        ({"noxfile.py": "this is no Python ("}, "", []),
        ({"Makefile": "deps:\n\tuv sync --group stress\n\tpip install twine -r docs/more.txt\n"}, GROUPED, ["group dev", "group stress"]),
        ({}, GROUPED + '[tool.hatch.envs.test]\ndependency-groups = ["stress"]\n', ["group dev", "group stress"]),
        ({}, EXTRAS, ["extra test", "extra fast"]),
    ],
)  # fmt: skip
def test_what_environments_for_tests_and_checks_install_is_installed(
    files: dict[str, str], more: str, expected: list[str]
) -> None:
    assert installed(files, more) == expected


@pytest.mark.parametrize(
    ("files", "more", "expected"),
    [
        ({"requirements-dev.txt": "attrs\n"}, "", ["requirements requirements-dev.txt"]),
        ({"requirements/test.txt": "attrs\n", "requirements/docs.txt": "sphinx\n"}, "", ["requirements requirements/test.txt"]),
        ({"requirements.txt": "attrs\npytest==8\n"}, "", ["requirements requirements.txt"]),
        ({"requirements.txt": "attrs\n"}, "", []),  # what it runs with, in one place of theirs
        ({"requirements-dev.txt": "attrs\n"}, GROUPED, ["group dev"]),  # what is declared counts more
        ({"requirements-dev.txt": "-e .[fast]\nattrs==1.0\n"}, FAST, ["extra fast", "requirements requirements-dev.txt"]),
        ({"requirements-dev.txt": "-e ./other\nattrs==1.0\n-r base.txt\n", "base.txt": "trustme ; python_version < '4'\n"}, "",
         ["requirement attrs", "requirement trustme ; python_version < '4'"]),
        ({"requirements-dev.txt": "attrs==1 --hash=sha256:00\n"}, "", []),
    ],
)  # fmt: skip
def test_files_of_requirements_count_by_their_name_where_nothing_else_is_said(
    files: dict[str, str], more: str, expected: list[str]
) -> None:
    assert installed(files, more) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import yaml\n", ["extra fast"]),
        ("try:\n    from yaml import load\nexcept ImportError: ...\n", ["extra fast"]),
        ("from .yaml import load\n", []),
        ("import yamlish\n", []),
        ("# import yaml\n", []),
    ],
)
def test_an_extra_is_installed_where_the_code_imports_what_it_brings(code: str, expected: list[str]) -> None:
    assert installed({"x/code.py": code}, FAST) == expected


@pytest.mark.parametrize(
    ("test", "settings", "expected"),
    [
        ("import pytest\n@pytest.mark.asyncio\nasync def test_it(): ...\n", "", ["requirement pytest-asyncio"]),
        ("def test_it(mocker): ...\n", "", ["requirement pytest-mock"]),
        ("", '[tool.pytest.ini_options]\nasyncio_mode = "auto"\n', ["requirement pytest-asyncio"]),
        ("", '[tool.pytest.ini_options]\naddopts = "-q --cov=x"\n', ["requirement pytest-cov"]),
        ("import pytest\n@pytest.mark.anyio\nasync def test_it(): ...\n", "[tool.other]\ntimeout = 1\n", []),
        ("def helper(mocker): ...\n", "", []),
        ("import pytest\n@pytest.mark.timeout(1)\ndef test_it(): ...\n", '[dependency-groups]\ntest = ["pytest-timeout"]\n', ["group test"]),
    ],
)  # fmt: skip
def test_a_plugin_that_tests_ask_for_by_name_is_installed(test: str, settings: str, expected: list[str]) -> None:
    assert installed({"tests/test_more.py": test}, settings) == expected


def test_what_the_root_says_for_all_is_installed_with_each_package_and_what_it_says_for_one_is_not() -> None:
    tox = "[testenv]\ndeps =\n    trustme\n    beta\n[testenv:test-alpha]\ndeps =\n    hypothesis\n"
    packages = found({**two(), "tox.ini": tox}).packages
    assert [values(each.groups) for each in packages] == [["requirement trustme"]] * 2


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({".pre-commit-config.yaml": "repos:\n  - repo: https://github.com/astral-sh/ruff-pre-commit\n    rev: v0.9.1\n"}, ["ruff==0.9.1"]),
        ({".pre-commit-config.yaml": "- repo: https://github.com/pre-commit/mirrors-mypy\n  rev: 0123abc # frozen: v1.15.0\n"}, ["mypy==1.15.0"]),
        ({".pre-commit-config.yaml": "- repo: https://github.com/codespell-project/codespell\n  rev: v2.4.2\n"}, []),
        ({"uv.lock": '[[package]]\nname = "A.b"\nversion = "1.0"\n'}, ["a-b==1.0"]),
        ({"poetry.lock": '[[package]]\nname = "a"\nversion = "1"\n\n[[package]]\nname = "a"\nversion = "2"\n'}, []),
    ],
)  # fmt: skip
def test_versions_in_use_are_those_of_hooks_and_locks(files: dict[str, str], expected: list[str]) -> None:
    assert list(found({**package("a"), **files}).in_use) == expected


# Packages among one another


@pytest.mark.parametrize(
    ("needs", "matrix"),
    [(">=3.12", ("3.12", "3.13")), (">=3.9", ("3.10", "3.13")), (">=3.10,<3.12", ("3.10", "3.11")), (">=4", ("3.10", "3.13"))],
)
def test_a_package_is_tried_on_what_those_that_come_with_it_allow(needs: str, matrix: tuple[str, str]) -> None:
    files = {**package("alpha"), **package("beta", "alpha")}
    files["pkg/alpha/pyproject.toml"] = files["pkg/alpha/pyproject.toml"].replace('">=3.10"', f'"{needs}"')
    pythons = found(files).packages[1].pythons
    assert (value(pythons.lowest), value(pythons.highest)) == matrix


PLAIN = '[project]\nname = "x"\nversion = "1"\n'
META = 'classifiers = ["Programming Language :: Python :: 3.12"]\n'


@pytest.mark.parametrize(
    ("text", "backend", "private"),
    [
        (PLAIN + META + '[tool.setuptools.package-data]\nx = ["y"]\n', "setuptools", False),
        (PLAIN + '[tool.setuptools.package-data]\nx = ["y"]\n', None, True),
        (PLAIN + META, None, True),
    ],
)
def test_without_a_build_system_it_is_for_an_index_where_it_speaks_of_setuptools_and_to_an_index(
    text: str, backend: str | None, private: bool
) -> None:
    seen = only({"pkg/x/pyproject.toml": text, "pkg/x/x/__init__.py": ""})
    assert (value(seen.backend), seen.private is not None) == (backend, private)


BARE = {key: text for name in ("alpha", "beta") for key, text in package(name).items() if "/tests/" not in key}


@pytest.mark.parametrize(
    ("tests", "expected"),
    [
        ({"tests/parts/test_a.py": "import alpha\n", "tests/parts/test_b.py": "from alpha.x import y\n"}, [["tests/parts"], []]),
        ({"tests/parts/test_a.py": "import alpha\nimport beta\n"}, [[], []]),
        ({"tests/parts/test_a.py": "import alpha_more\n"}, [[], []]),
        ({"tests/test_one.py": "import alpha\n", "tests/test_two.py": "import beta\n"}, [["tests/test_one.py"], ["tests/test_two.py"]]),
        ({"tests/parts/test_a.py": "import alpha\n", "pkg/alpha/tests/test_own.py": "import alpha\n"}, [["pkg/alpha/tests"], []]),
    ],
)  # fmt: skip
def test_tests_at_the_root_are_of_the_package_that_they_import_most(tests: dict[str, str], expected: list[list[str]]) -> None:
    assert [values(each.unit) for each in found({**BARE, **tests}).packages] == expected


@pytest.mark.parametrize(("count", "expected"), [(3, [f"tests/test_{number}.py" for number in range(3)]), (20, ["tests"])])
def test_where_most_tests_at_the_root_are_of_one_package_the_folder_is_named(count: int, expected: list[str]) -> None:
    tests = {f"tests/test_{number}.py": "import alpha\n" for number in range(count)}
    assert values(found({**BARE, **tests}).packages[0].unit) == expected


@pytest.mark.parametrize(
    ("conftest", "siblings"), [("import beta\n", ["beta"]), ("import alpha\n", []), ("from . import beta\n", [])]
)
def test_a_package_of_the_tree_that_tests_import_comes_with_it(conftest: str, siblings: list[str]) -> None:
    alpha = found({**package("alpha"), **package("beta"), "pkg/alpha/tests/conftest.py": conftest}).packages[0]
    assert values(alpha.siblings) == siblings


@pytest.mark.parametrize(
    ("lines", "folders", "siblings"),
    [
        ("-e tests/helper\n", ["pkg/alpha", "tests/helper"], ["helper"]),
        ("-e ../../tests/helper\n", ["pkg/alpha", "tests/helper"], ["helper"]),
        ("attrs\n", ["pkg/alpha"], []),
    ],
)
def test_a_helper_of_tests_comes_from_the_tree_where_it_is_installed(lines: str, folders: list[str], siblings: list[str]) -> None:
    seen = found({**package("alpha"), **package("helper", folder="tests/helper"), "pkg/alpha/test-requirements.txt": lines})
    assert [each.folder for each in seen.packages] == folders
    assert values(seen.packages[0].siblings) == siblings
    assert all(each.private is not None for each in seen.packages[1:])


@pytest.mark.parametrize(
    ("paths", "imports"),
    [
        (["src/zope/interface/__init__.py", "src/zope/interface/x.py"], ["zope.interface"]),
        (["src/zope/interface/__init__.py", "src/zope/schema/__init__.py"], ["zope"]),
        (["src/zope/__init__.py", "src/zope/interface/__init__.py"], ["zope"]),
    ],
)
def test_a_namespace_is_left_out_where_it_holds_one_package(paths: list[str], imports: list[str]) -> None:
    text = project("zope.interface").replace('[tool.setuptools]\npackages = ["zope.interface"]\n', "")
    seen = only({"pyproject.toml": text, **dict.fromkeys(paths, "")})
    assert values(seen.imports) == imports and seen.code == ("src/zope",)


@pytest.mark.parametrize(
    ("files", "types"),
    [
        ({"x/a.py": "def f(a) -> int:\n    return 1\n"}, True),
        ({"x/py.typed": ""}, True),
        ({"x/a.py": "def f(a):\n    return {1: 2}  # a -> b:\n"}, False),
        ({"tests/test_x.py": "def test_it() -> None: ...\n"}, False),
    ],
)
def test_code_has_types_or_not(files: dict[str, str], types: bool) -> None:
    text = project("x").replace("x/py.typed", "")
    assert (only({"pyproject.toml": text, "x/__init__.py": "", **files}).types is not None) == types
