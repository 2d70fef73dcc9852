"""The two pipelines of this repository, as their files say them: the facts that docs/description-map.md points to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("headrace", "headrace_encryption")
GATES = ("itest", "lint", "type-check", "utest")
PYTHONS = ["3.10", "3.13"]
each_package = pytest.mark.parametrize("package", PACKAGES)
each_gate = pytest.mark.parametrize("gate", GATES)


def workflow(package: str) -> dict[str, Any]:
    """The file with every scalar as the text that stands there (`on` is no boolean, 3.10 no number)."""
    text = (ROOT / f".github/workflows/{package}.yml").read_text(encoding="utf-8")
    content: dict[str, Any] = yaml.load(text, Loader=yaml.BaseLoader)
    return content


def job(package: str, name: str) -> dict[str, Any]:
    content: dict[str, Any] = workflow(package)["jobs"][name]
    return content


CHECKOUT = {"uses": "actions/checkout", "with": {"persist-credentials": "false"}}


def steps(package: str, name: str) -> list[dict[str, Any]]:
    """Of a job; an action that is pinned to a commit without that commit."""
    found = []
    for step in job(package, name)["steps"]:
        action, _, ref = step.get("uses", "").partition("@")
        found.append({**step, "uses": action} if re.fullmatch("[0-9a-f]{40}", ref) else step)
    return found


def started_by(paths: list[str], changed: str) -> bool:
    """GitHub's rule for `paths` and one changed file: the last line that matches decides, and a `!` takes away."""
    started = False
    for line in paths:
        pattern = re.escape(line.removeprefix("!")).replace(r"\*\*/", "(?:.*/)?").replace(r"\*\*", ".*").replace(r"\*", "[^/]*")
        if re.fullmatch(pattern, changed):
            started = not line.startswith("!")
    return started


def test_there_are_exactly_two_workflow_files() -> None:
    assert sorted(path.name for path in (ROOT / ".github/workflows").iterdir()) == [f"{package}.yml" for package in PACKAGES]


@each_package
def test_a_push_to_main_and_a_push_of_any_tag_start_it(package: str) -> None:
    assert workflow(package)["on"]["push"] == {"branches": ["main"], "tags": ["**"]}


@each_package
def test_the_negations_of_the_path_list_come_last(package: str) -> None:
    paths = workflow(package)["on"]["pull_request"]["paths"]
    negated = [path.startswith("!") for path in paths]
    kept = paths.index("!docs/**") + 1  # after that comes again what lies in a folder that was left out
    assert (
        negated[:kept] == sorted(negated[:kept]) and not any(negated[kept:]) and sum(negated) == {"headrace": 4}.get(package, 2)
    )


OWN_FILES = (
    "pkg/{0}/{0}/x/y.py",
    "pkg/{0}/Makefile",
    "pkg/{0}/pyproject.toml",
    "tests/test_{0}/a.py",
    ".github/workflows/{0}.yml",
)
SHARED_FILES = ("Makefile", "constraints.txt", "ruff.toml", "pytest.ini", "mypy.ini", "conftest.py", "pkg/test_core/a.py")
IRRELEVANT_FILES = ("examples/a/b.py", "examples/a/Makefile", "README.md", "docs/a.md")


@each_package
def test_a_pull_request_starts_it_by_its_own_and_shared_files(package: str) -> None:
    paths = workflow(package)["on"]["pull_request"]["paths"]
    for file in (*(name.format(package) for name in OWN_FILES), *SHARED_FILES):
        assert started_by(paths, file), file
    for file in IRRELEVANT_FILES:
        assert not started_by(paths, file), file


@pytest.mark.parametrize("file", OWN_FILES)
def test_a_change_of_the_encryption_package_does_not_start_the_main_pipeline_but_the_other_way_round(file: str) -> None:
    """The encryption package is installed with the main package of the tree: what breaks that may break this."""
    assert not started_by(workflow("headrace")["on"]["pull_request"]["paths"], file.format("headrace_encryption"))
    paths = workflow("headrace_encryption")["on"]["pull_request"]["paths"]
    assert started_by(paths, file.format("headrace")) == (file != ".github/workflows/{0}.yml")


def test_only_the_main_pipeline_is_started_by_hand() -> None:
    assert set(workflow("headrace")["on"]) == {"push", "pull_request", "workflow_dispatch"}
    assert set(workflow("headrace_encryption")["on"]) == {"push", "pull_request"}


def test_only_the_main_pipeline_keeps_the_log_of_its_server() -> None:
    assert workflow("headrace")["env"] == {"DEV_SERVER_LOGS": "1"}
    assert "env" not in workflow("headrace_encryption")


@each_package
def test_the_jobs_are_four_gates_and_a_publication(package: str) -> None:
    assert list(workflow(package)["jobs"]) == [*GATES, "publish-pypi"]


@each_package
@each_gate
def test_a_gate_waits_for_nothing_and_runs_on_both_pythons(package: str, gate: str) -> None:
    assert set(job(package, gate)) <= {"runs-on", "timeout-minutes", "strategy", "steps"}
    assert job(package, gate)["strategy"] == {"matrix": {"python-version": PYTHONS}}
    assert job(package, gate)["runs-on"] == "ubuntu-latest"


@each_package
def test_the_pythons_are_written_as_text(package: str) -> None:
    text = (ROOT / f".github/workflows/{package}.yml").read_text(encoding="utf-8")
    assert text.count("python-version: ['3.10', '3.13']") == len(GATES)
    assert text.count("python-version: '3.10'") == 1


@each_package
@each_gate
def test_a_gate_checks_out_installs_and_runs_its_make_target(package: str, gate: str) -> None:
    assert steps(package, gate)[:4] == [
        CHECKOUT,
        {"uses": "actions/setup-python", "with": {"python-version": "${{ matrix.python-version }}"}},
        {"run": "make install", "working-directory": f"pkg/{package}"},
        {"run": f"make {gate}", "working-directory": f"pkg/{package}"},
    ]


@pytest.mark.parametrize(("package", "minutes"), [("headrace", "10"), ("headrace_encryption", "2")])
def test_integration_tests_have_their_time(package: str, minutes: str) -> None:
    assert job(package, "itest")["timeout-minutes"] == minutes
    assert all(job(package, gate)["timeout-minutes"] == "10" for gate in (*GATES[1:], "publish-pypi"))


def test_when_integration_tests_fail_the_log_of_the_server_goes_up_under_a_name_for_each_leg() -> None:
    name, path = "headrace-itest-${{ matrix.python-version }}", "tests/test_headrace/dev-server.log"
    assert steps("headrace", "itest")[4:] == [
        {
            "uses": "actions/upload-artifact",
            "if": "failure()",
            "with": {"name": name, "path": path, "if-no-files-found": "ignore"},
        }
    ]


@pytest.mark.parametrize(("package", "gate"), [(p, g) for p in PACKAGES for g in GATES if (p, g) != ("headrace", "itest")])
def test_no_other_gate_uploads_anything(package: str, gate: str) -> None:
    assert [step["uses"] for step in steps(package, gate) if "uses" in step] == ["actions/checkout", "actions/setup-python"]


@each_package
def test_publication_needs_all_gates(package: str) -> None:
    assert job(package, "publish-pypi")["needs"] == list(GATES)


@each_package
def test_publication_is_for_the_tags_of_its_own_package(package: str) -> None:
    assert job(package, "publish-pypi")["if"] == f"startsWith(github.ref, 'refs/tags/{package}@')"


@each_package
def test_publication_may_ask_for_an_identity_and_read_and_nothing_else(package: str) -> None:
    assert job(package, "publish-pypi")["permissions"] == {"contents": "read", "id-token": "write"}
    assert workflow(package)["permissions"] == {"contents": "read"}
    assert all("permissions" not in job(package, gate) for gate in GATES)


@each_package
def test_publication_installs_builds_and_uploads_on_the_oldest_python(package: str) -> None:
    assert "strategy" not in job(package, "publish-pypi")
    assert steps(package, "publish-pypi") == [
        CHECKOUT,
        {"uses": "actions/setup-python", "with": {"python-version": "3.10"}},
        {"run": "make install", "working-directory": f"pkg/{package}"},
        {"run": "make build", "working-directory": f"pkg/{package}"},
        {"uses": "pypa/gh-action-pypi-publish@release/v1", "with": {"packages-dir": f"pkg/{package}/dist"}},
    ]


@each_package
def test_no_workflow_holds_a_secret(package: str) -> None:
    assert "secrets." not in (ROOT / f".github/workflows/{package}.yml").read_text(encoding="utf-8")
