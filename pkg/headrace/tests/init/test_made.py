"""What would be written: workflows as GitHub reads them, Makefiles as make does."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from headrace.init import base, pins
from headrace.init.choices import Shape, shapes
from headrace.init.detect import detect
from headrace.init.make import File, files_of, written_before
from headrace.init.settings import settings_of
from headrace.init.wanted import Settings
from headrace.workflow.model import Pattern
from headrace.workflow.patterns import decide
from test_core.monorepos import package, project, tree, two

GATES = ["itest", "lint", "type-check", "utest"]


def shapes_of(files: Mapping[str, str], settings: Settings) -> tuple[Shape, ...]:
    return shapes(detect(tree(files)), settings)[0]


def made(files: Mapping[str, str], settings: Settings | None = None) -> dict[str, File]:
    """Each file by its path. What was written before counts as such."""
    whole, chosen = tree(files), settings or Settings()
    found = detect(whole.without(written_before(whole).files))
    return {each.path: each for each in files_of(whole, found, shapes(found, chosen)[0], chosen, lambda there: "# pins\n")}


def workflow(files: Mapping[str, File], name: str) -> dict[str, Any]:
    """With every scalar as the text that stands there."""
    content: dict[str, Any] = yaml.load(files[f".github/workflows/{name}.yml"].text, Loader=yaml.BaseLoader)
    return content


# Workflows


@pytest.mark.parametrize("publish", ["described", "hardened"])
def test_each_package_has_a_workflow_of_its_name_with_gates_in_parallel(publish: Any) -> None:
    files = made(two(), Settings(publish=publish))
    content = workflow(files, "alpha")
    assert content["name"] == "alpha"
    assert content["on"]["push"] == {"branches": ["main"], "tags": ["**"]}
    assert "workflow_dispatch" in content["on"]
    jobs = content["jobs"]
    assert list(jobs)[:4] == GATES
    for gate in GATES:
        assert "needs" not in jobs[gate] and jobs[gate]["timeout-minutes"] == "10"
        assert jobs[gate]["strategy"]["matrix"] == {"python-version": ["3.10", "3.13"]}
        steps = jobs[gate]["steps"]
        assert steps[1]["with"]["python-version"] == "${{ matrix.python-version }}"
        assert [step["run"] for step in steps if "run" in step] == ["make install", f"make {gate}"]
        assert {step["working-directory"] for step in steps if "run" in step} == {"pkg/alpha"}
    assert list(workflow(files, "beta")["jobs"])[:3] == GATES[1:]  # it has no integration tests


def test_the_report_of_a_failed_leg_has_a_name_of_its_own() -> None:
    step = workflow(made(two()), "alpha")["jobs"]["itest"]["steps"][-1]
    assert step["if"] == "failure()" and step["with"]["name"] == "alpha-itest-${{ matrix.python-version }}"


def test_only_the_publishing_job_may_ask_for_an_identity() -> None:
    for publish in ("described", "hardened"):
        content = workflow(made(two(), Settings(publish="hardened" if publish == "hardened" else "described")), "alpha")
        assert content["permissions"] == {"contents": "read"}
        assert [name for name, job in content["jobs"].items() if "id-token" in job.get("permissions", {})] == ["publish-pypi"]


def test_the_described_shape_publishes_in_one_job_on_the_lowest_python() -> None:
    job = workflow(made(two()), "beta")["jobs"]["publish-pypi"]
    assert job["needs"] == GATES[1:] and job["if"] == "startsWith(github.ref, 'refs/tags/beta@')"
    assert job["permissions"] == {"contents": "read", "id-token": "write"}
    assert job["steps"][1]["with"]["python-version"] == "3.10"
    assert [step["run"] for step in job["steps"] if "run" in step] == ["make install", "make build"]
    assert job["steps"][-1]["with"] == {"packages-dir": "pkg/beta/dist"}


def test_the_hardened_shape_runs_no_code_of_the_package_where_the_identity_is() -> None:
    jobs = workflow(made(two(), Settings(publish="hardened")), "beta")["jobs"]
    assert jobs["build"]["needs"] == GATES[1:] and jobs["publish-pypi"]["needs"] == ["build"]
    assert jobs["publish-pypi"]["permissions"] == {"id-token": "write"}
    uses = [step.get("uses", "").partition("@")[0] for step in jobs["publish-pypi"]["steps"]]
    assert uses == ["actions/download-artifact", "", "pypa/gh-action-pypi-publish"]
    assert all(len(step["uses"].partition("@")[2]) == 40 for job in jobs.values() for step in job["steps"] if "uses" in step)


@pytest.mark.parametrize(
    ("changed", "started"),
    [
        ("pkg/alpha/alpha/data.json", {"alpha", "beta"}),  # beta needs alpha
        ("pkg/beta/beta/__init__.py", {"beta"}),
        ("tests/test_alpha/test_together.py", {"alpha", "beta"}),
        ("pkg/other/other/__init__.py", {"other"}),
        ("constraints.txt", {"alpha", "beta", "other"}),
        (".github/workflows/beta.yml", {"beta"}),
        ("conftest.py", {"alpha", "beta", "other"}),
        ("examples/x.py", set()),
        ("README.md", set()),
    ],
)
def test_a_pull_request_starts_exactly_the_workflows_that_it_concerns(changed: str, started: set[str]) -> None:
    files = made({**two(), **package("other"), "examples/x.py": ""})
    seen = set()
    for name in ("alpha", "beta", "other"):
        patterns = [Pattern(path) for path in workflow(files, name)["on"]["pull_request"]["paths"]]
        if decide(patterns, changed)[0]:
            seen.add(name)
    assert seen == started


def test_a_package_within_the_folder_of_another_is_started_by_its_own_files() -> None:
    files = made({**package("outer", folder="pkg/outer"), **package("inner", folder="libs/inner")})
    paths = workflow(files, "inner")["on"]["pull_request"]["paths"]
    assert decide([Pattern(path) for path in paths], "libs/inner/x.py")[0]
    assert not decide([Pattern(path) for path in paths], "pkg/outer/x.py")[0]


def test_the_default_branch_and_every_version_can_be_asked_for() -> None:
    content = workflow(made(package("a", highest="3.12"), Settings(branch="trunk", all_versions=True)), "a")
    assert content["on"]["push"]["branches"] == ["trunk"]
    assert content["jobs"]["lint"]["strategy"]["matrix"]["python-version"] == ["3.10", "3.11", "3.12"]


def test_a_package_that_is_not_published_has_no_publishing_job_and_no_release() -> None:
    files = made(package("a", more="[tool.uv]\npackage = false\n"))
    assert "publish-pypi" not in workflow(files, "a")["jobs"]
    assert "release:" not in files["pkg/a/Makefile"].text


def test_a_version_from_git_needs_the_whole_history() -> None:
    text = project("x").replace('"setuptools>=61"', '"setuptools>=61", "setuptools-scm"')
    steps = workflow(made({"pyproject.toml": text, "x.py": "", "tests/test_x.py": ""}), "x")["jobs"]["lint"]["steps"]
    assert steps[0]["with"] == {"persist-credentials": "false", "fetch-depth": "0"}
    assert "fetch-depth" not in workflow(made(two()), "alpha")["jobs"]["lint"]["steps"][0]["with"]


# Makefiles


def recipe(files: Mapping[str, File], folder: Path, path: str, target: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """What make would do, or does where `run` says so."""
    for each in files.values():
        (folder / each.path).parent.mkdir(parents=True, exist_ok=True)
        (folder / each.path).write_text(each.text)
    words = ["make", "-f", os.path.basename(path), target] + ([] if variables.pop("run", "") else ["--dry-run"])
    environment = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(words, cwd=folder / os.path.dirname(path), env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("target", "command"),
    [
        ("lint", "-m ruff check alpha tests ../../tests/test_alpha"),
        ("type-check", "-m mypy alpha"),
        ("utest", "-m pytest  tests"),
        ("itest", "-m pytest --junitxml=itest-report.xml  ../../tests/test_alpha"),
        ("build", ".github/release.py check alpha dist"),
        ("release", ".github/release.py release alpha"),
    ],
)
def test_each_target_does_its_work(tmp_path: Path, target: str, command: str) -> None:
    done = recipe(made(two()), tmp_path, "pkg/alpha/Makefile", target, CI="1")
    assert done.returncode == 0 and command in done.stdout, (done.stdout, done.stderr)


def test_a_package_is_installed_with_those_of_the_tree_that_it_needs(tmp_path: Path) -> None:
    done = recipe(made(two()), tmp_path, "pkg/beta/Makefile", "install", CI="1")
    assert "--editable ../alpha --editable . mypy pytest ruff" in done.stdout
    assert "--editable ../" not in recipe(made(two()), tmp_path, "pkg/alpha/Makefile", "install", CI="1").stdout


@pytest.mark.parametrize("target", ["check-venv", "install", "lint", "type-check", "utest", "itest"])
def test_without_an_environment_and_without_ci_a_target_refuses(tmp_path: Path, target: str) -> None:
    files = made(two())
    refused = recipe(files, tmp_path, "pkg/alpha/Makefile", target, run="1")
    assert refused.returncode != 0 and "no virtual environment is active" in refused.stderr
    if target == "check-venv":
        assert recipe(files, tmp_path, "pkg/alpha/Makefile", target, run="1", VIRTUAL_ENV="/x").returncode == 0


def test_the_root_goes_through_the_packages_and_release_wants_one_that_there_is(tmp_path: Path) -> None:
    files = made(two())
    done = recipe(files, tmp_path, "Makefile", "utest", CI="1")
    assert "-C pkg/alpha utest" in done.stdout and "-C pkg/beta utest" in done.stdout
    refused = recipe(files, tmp_path, "Makefile", "release", run="1", PACKAGE="gamma")
    assert refused.returncode != 0 and "there is alpha, beta" in refused.stderr


def test_what_is_built_is_held_against_the_packages_that_it_requires(tmp_path: Path) -> None:
    for target, words in (("build", "check beta dist alpha"), ("release", 'release beta "$VERSION" alpha')):
        done = recipe(made(two()), tmp_path, "pkg/beta/Makefile", target, CI="1")
        assert f".github/release.py {words}\n" in done.stdout, (done.stdout, done.stderr)


def runs(files: Mapping[str, File], name: str, job: str) -> list[tuple[str, str]]:
    """What the steps of a job call, each with its condition."""
    steps = workflow(files, name)["jobs"][job]["steps"]
    return [(step["run"], step.get("if", "")) for step in steps if "run" in step]


def test_unit_tests_are_tried_with_the_lowest_siblings_on_the_lowest_python(tmp_path: Path) -> None:
    files = made(two())
    first = [("make install", ""), ("make utest", "")]
    assert runs(files, "beta", "utest") == [*first, ("make floors", "matrix.python-version == '3.10'")]
    assert runs(files, "alpha", "utest") == first  # it requires no sibling
    done = recipe(files, tmp_path, "pkg/beta/Makefile", "floors", CI="1")
    assert (
        'MAKE_INSTALL="make install" MAKE_TESTS="make utest" ' in done.stdout and "release.py floors beta alpha\n" in done.stdout
    )
    assert runs(made(two("3.10")), "beta", "utest") == [*first, ("make floors", "")]


@pytest.mark.parametrize(
    "changed",
    [
        {"pkg/alpha/pyproject.toml": project("alpha", more='[project.x]\n').replace("classifiers = [", 'classifiers = [\n"Private :: x",')},
        {"pkg/beta/pyproject.toml": project("beta", "alpha>=0.1").replace("classifiers = [", 'classifiers = [\n"Private :: x",')},
        {"pkg/beta/tests/test_beta.py": None},
        {"pkg/beta/pyproject.toml": project("beta", "alpha>=0.1", more='[tool.headrace.init.commands]\nutest = ["tox"]\n')},
        {"pkg/beta/pyproject.toml": project("beta")},
    ],
    ids=["a sibling that is never published", "a package that is never published", "no unit tests", "other commands", "no sibling"],
)  # fmt: skip
def test_nothing_is_tried_that_users_do_not_have_or_that_another_python_would_run(changed: Mapping[str, str | None]) -> None:
    files = {path: text for path, text in {**two(), **changed}.items() if text is not None}
    texts = {path: file.text for path, file in made(files, settings_of(tree(files), base.Base())).items()}
    assert "floors" not in texts["pkg/beta/Makefile"] + texts[".github/workflows/beta.yml"]


def test_unit_tests_of_a_person_are_not_tried_with_other_siblings_and_a_target_of_that_name_stays_theirs(tmp_path: Path) -> None:
    files = made({**two(), "pkg/beta/Makefile": "utest:\n\ttrue\n"})
    assert "floors" not in files["pkg/beta/gates.mk"].text + files[".github/workflows/beta.yml"].text
    assert files["pkg/beta/gates.mk"].why.endswith("as its utest is, floors are not tried")
    files = made({**two(), "pkg/beta/Makefile": "floors:\n\ttrue\n\ninstall:\n\ttrue\n"})
    assert ("make gates-floors", "matrix.python-version == '3.10'") in runs(files, "beta", "utest")
    done = recipe(files, tmp_path, "pkg/beta/Makefile", "gates-floors", CI="1")
    assert 'MAKE_INSTALL="make gates-install" MAKE_TESTS="make utest"' in done.stdout, done.stderr


def test_release_may_be_left_to_headrace(tmp_path: Path) -> None:
    done = recipe(made(two(), Settings(release="headrace")), tmp_path, "pkg/beta/Makefile", "release", VERSION="1.0")
    assert 'headrace release  -- beta "$VERSION"' in done.stdout


TOOLS = {".flake8": "", "pyrightconfig.json": "{}", "tests/test_x.py": "import unittest\n"}


def test_other_tools_are_called_where_they_are_in_use() -> None:
    (shape,) = shapes_of({"pyproject.toml": project("x"), "x/__init__.py": "", **TOOLS}, Settings())
    commands = {gate.name: gate.commands for gate in shape.gates}
    assert commands["lint"] == ("$(PYTHON) -m flake8 x tests",)
    assert commands["type-check"] == ("$(PYTHON) -m pyright x",)
    assert commands["utest"] == ("$(PYTHON) -m unittest discover -s tests -t . -p 'test*.py'",)
    assert set(shape.install) == {"flake8", "pyright"}


def test_unit_tests_of_unittest_leave_out_the_integration_tests_among_them(tmp_path: Path) -> None:
    tests = {f"tests/{name}": "import unittest\n" for name in ("test_x.py", "more/test_y.py", "integration/test_z.py")}
    files = made({"pyproject.toml": project("x"), "x/__init__.py": "", **tests})
    for path in tests:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    done = recipe(files, tmp_path, "Makefile", "utest", CI="1", PYTHON="python")
    assert "python -m unittest tests/more/test_y.py tests/test_x.py\n" in done.stdout, done.stderr
    done = recipe(files, tmp_path, "Makefile", "itest", CI="1", PYTHON="python")
    assert "discover -s tests/integration -t ." in done.stdout


# What is there already


def test_a_file_of_a_person_is_left_and_reported() -> None:
    files = made(
        {**two(), ".github/workflows/alpha.yml": "on: push\n", "Makefile": "mine:\n\ttrue\n", "constraints.txt": "x==1\n"}
    )
    left = {path for path, file in files.items() if file.state == "kept"}
    assert left == {".github/workflows/alpha.yml", "constraints.txt"}
    assert not {*left, "Makefile"} & set(base.read_base(files[base.PATH].text).files)


def test_beside_a_makefile_of_a_person_stands_what_it_lacks_and_its_own_targets_are_called(tmp_path: Path) -> None:
    mine = "PYTHON = python9\nlint:\n\ttrue\n\ninstall:\n\tpip install .\n\nbuild:\n\tdocker build .\n"
    files = made({**two(), "pkg/beta/Makefile": mine})
    assert files["pkg/beta/Makefile"].text == mine + "\ninclude gates.mk\n" and files["pkg/beta/Makefile"].state == "added"
    jobs = workflow(files, "beta")["jobs"]
    assert [step["run"] for step in jobs["lint"]["steps"] if "run" in step] == ["make gates-install", "make lint"]
    assert [step["run"] for step in jobs["publish-pypi"]["steps"] if "run" in step] == ["make gates-install", "make gates-build"]
    for target, command in {
        "lint": "true", "utest": "python -m pytest  tests", "install": "pip install .", "gates-install": "uv pip install",
        "build": "docker build .", "gates-build": "check beta dist", "release": 'MAKE_BUILD="make gates-build"',
    }.items():  # fmt: skip
        done = recipe(files, tmp_path, "pkg/beta/Makefile", target, CI="1")
        assert done.returncode == 0 and command in done.stdout and "python9" not in done.stdout, (
            target,
            done.stdout,
            done.stderr,
        )
        assert not done.stderr, done.stderr  # no target stands there twice
    assert "-C pkg/beta lint" in files["Makefile"].text and "-C pkg/beta gates-install" in files["Makefile"].text


def test_a_second_time_there_is_nothing_to_do() -> None:
    first = made(two())
    again = made({**two(), **{path: file.text for path, file in first.items()}})
    assert {file.state for file in again.values()} == {"same"}


def test_a_new_package_is_added_to_what_was_written() -> None:
    first = {path: file.text for path, file in made(two()).items()}
    again = made({**two(), **first, **package("gamma")})
    assert {path for path, file in again.items() if file.state == "new"} == {".github/workflows/gamma.yml", "pkg/gamma/Makefile"}
    assert again[base.PATH].state == "base"
    assert set(base.read_base(again[base.PATH].text).files) == {*first, ".github/workflows/gamma.yml", "pkg/gamma/Makefile"} - {
        base.PATH
    }


# Pins and the check on tags


def test_what_the_tree_has_itself_is_not_looked_for_on_an_index() -> None:
    found = detect(tree({**two(), **package("c", "Alpha", "requests>=2")}))
    wanted = pins.wanted(shapes(found, Settings())[0], found)
    assert wanted == ["mypy", "pytest", "requests>=2", "ruff", "setuptools", "setuptools>=61", "uv"]


def test_a_requirement_with_a_marker_is_resolved_and_installed_as_it_stands(tmp_path: Path) -> None:
    needs = "[testenv]\ndeps =\n    trustme >= 1 ; python_version < '3.14'\n"
    files = {**package("a"), "pkg/a/tox.ini": needs, "pkg/a/requirements.txt": "", "pkg/a/dev-requirements.txt": "attrs\n"}
    found = detect(tree(files))
    (shape,) = shapes(found, Settings())[0]
    assert "trustme >= 1 ; python_version < '3.14'" in pins.wanted([shape], found)
    done = recipe(made(files), tmp_path, "pkg/a/Makefile", "install", CI="1")
    assert shlex.split(done.stdout)[-4:] == ["trustme >= 1 ; python_version < '3.14'", "mypy", "pytest", "ruff"]


def test_a_file_of_requirements_is_installed_by_its_path_and_its_lines_are_resolved(tmp_path: Path) -> None:
    files = {**package("a"), "dev-requirements.txt": "-r more.txt\n", "more.txt": "attrs\n"}
    found = detect(tree(files))
    assert "attrs" in pins.wanted(shapes(found, Settings())[0], found)
    done = recipe(made(files), tmp_path, "pkg/a/Makefile", "install", CI="1")
    assert "--requirement ../../dev-requirements.txt" in done.stdout


def test_pins_begin_with_the_versions_in_use(tmp_path: Path) -> None:
    hooks = "- repo: https://github.com/astral-sh/ruff-pre-commit\n  rev: v0.9.1\n"
    found = detect(tree({**package("a"), ".pre-commit-config.yaml": hooks}))
    script = tmp_path / "uv"
    script.write_text('#!/bin/sh\nwhile [ $# -gt 0 ]; do [ "$1" = --output-file ] && out=$2; shift; done\necho more >> "$out"\n')
    script.chmod(0o755)
    text = pins.resolve(shapes(found, Settings())[0], found, [str(script)], os.environ)
    assert text.endswith("ruff==0.9.1\nmore\n")


def test_a_package_of_the_tree_is_never_pinned_though_others_need_it(tmp_path: Path) -> None:
    found = detect(tree(two()))
    script = tmp_path / "uv"
    script.write_text('#!/bin/sh\nfor word; do [ "$last" = --output-file ] && out=$word; last=$word; done\necho "$@" > "$out"\n')
    script.chmod(0o755)
    text = pins.resolve(shapes(found, Settings())[0], found, [str(script)], os.environ)
    assert text.endswith("--no-emit-package alpha --no-emit-package beta\n")


def test_code_without_types_and_without_a_checker_has_no_such_gate() -> None:
    text = "def double(number):\n    return number * 2\n"
    files = {**package("a"), "pkg/a/a/__init__.py": text}
    assert "type-check" in workflow(made(files), "a")["jobs"]  # it has py.typed
    del files["pkg/a/a/py.typed"]
    assert "type-check" not in workflow(made(files), "a")["jobs"]
    assert "type-check" in workflow(made({**files, "mypy.ini": "[mypy]\n"}), "a")["jobs"]


def test_what_uv_is_told_of_versions_counts_for_the_pins(tmp_path: Path) -> None:
    told = '[tool.uv]\nconstraint-dependencies = ["x==1"]\noverride-dependencies = ["y==2"]\n'
    found = detect(tree({"pyproject.toml": told, **package("a")}))
    script = tmp_path / "uv"
    script.write_text(
        '#!/bin/sh\nwhile [ $# -gt 0 ]; do [ "$1" = --output-file ] && out=$2; last=$1; shift; done\ncat more overrides > "$out"\n'
    )
    script.chmod(0o755)
    assert pins.resolve(shapes(found, Settings())[0], found, [str(script)], os.environ).endswith("\nx==1\ny==2\n")


def test_versions_that_do_not_fit_together_are_an_error(tmp_path: Path) -> None:
    found = detect(tree(package("a")))
    script = tmp_path / "uv"
    script.write_text("#!/bin/sh\necho '  × No solution found' >&2\nexit 1\n")
    script.chmod(0o755)
    with pytest.raises(pins.NoPins, match="no versions that fit all packages: No solution found"):
        pins.resolve(shapes(found, Settings())[0], found, [str(script)], os.environ)


@pytest.mark.parametrize(
    ("ref", "files", "said"),
    [
        ("refs/tags/demo@1.0", ["demo-1.0.tar.gz", "demo-1.0-py3-none-any.whl"], ""),
        ("refs/tags/demo@1.1", ["demo-1.0.tar.gz"], "demo-1.0.tar.gz has version 1.0"),
        ("refs/tags/demo@1.0", ["demo-1.0.tar.gz", "demo-1.1-py3-none-any.whl"], "has version 1.1"),
        ("refs/tags/demo@1.0", [], "holds no built file"),
        ("refs/tags/demo_extra@1.1", ["demo-1.0.tar.gz"], ""),
        ("refs/heads/main", [], ""),
    ],
)
def test_a_tag_that_is_not_the_version_of_what_was_built_is_refused(
    tmp_path: Path, ref: str, files: list[str], said: str
) -> None:
    script = tmp_path / ".github/release.py"
    script.parent.mkdir()
    script.write_text(made(two())[".github/release.py"].text)
    (tmp_path / "dist").mkdir()
    for name in files:
        (tmp_path / "dist" / name).touch()
    words = [sys.executable, str(script), "check", "demo", str(tmp_path / "dist")]
    done = subprocess.run(words, env={"GITHUB_REF": ref}, capture_output=True, text=True, check=False)
    assert (done.returncode, said in done.stderr) == (1 if said else 0, True), done.stderr


# Tools that the root has for all packages

SHARED = """\
[tool.uv.workspace]
members = ["pkg/*"]
[project]
name = "all"
version = "0"
[project.optional-dependencies]
dev = ["helper", "alpha", "pytest-cov>=5"]
"""


def test_what_the_root_has_for_all_is_installed_with_each() -> None:
    helper = package("helper", more="[tool.uv]\npackage = false\n")
    files = {"pyproject.toml": SHARED, **package("alpha"), **package("gamma"), **helper}
    found = detect(tree(files))
    gamma = next(shape for shape in shapes(found, Settings())[0] if shape.package.name.value == "gamma")
    assert gamma.siblings == ("pkg/alpha", "pkg/helper") and gamma.needed == ("helper",)
    assert "--requirement ../../pyproject.toml --extra dev" in gamma.install
    wanted = pins.wanted([gamma], found)
    assert "pytest-cov>=5" in wanted and "helper" not in wanted
