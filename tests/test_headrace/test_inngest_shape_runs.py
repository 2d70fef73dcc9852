"""`examples/inngest-shape` at work: a push, tags, pull requests, and a gate that fails."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from test_core.calls import Done, Headrace, isolation
from test_core.processes import run
from test_core.repositories import GitRepository, make_repository

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # whole pipelines

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/inngest-shape"
MAIN, ENCRYPTION = "inngest", "inngest_encryption"
BOTH = (MAIN, ENCRYPTION)
GATES = ("itest", "lint", "type-check", "utest")
LEGS = os.environ.get("HEADRACE_PYTHONS", "3.13")
"""Which Pythons the legs of the example run on; `all`: those of its matrix."""


@pytest.fixture
def repository(headrace: Headrace) -> GitRepository:
    """The example as a repository of its own."""
    root = Path(shutil.copytree(EXAMPLE, headrace.home / "shape"))
    made = make_repository(root)
    made.commit()
    return made


def test_what_a_person_has_added_is_no_drift_and_stays(headrace: Headrace, repository: GitRepository) -> None:
    done = headrace("init", "--check", "--json", cwd=repository.root, UV_OFFLINE="1")
    assert done.status == 0 and done.json["drift"] == [] and done.json["edited"] == ["pkg/inngest/Makefile"], done.out
    assert headrace("init", "--update", cwd=repository.root, UV_OFFLINE="1").status == 0
    assert repository.git("status", "--porcelain") == ""


def push(headrace: Headrace, repository: GitRepository, *options: str) -> Done:
    """A run whose jobs install from where the person does, with uv at hand if there is one. Without `--no-needs` the gates are
    among them."""
    inherited = {name: value for name, value in os.environ.items() if name.startswith(("UV_", "PIP_", "SSL_"))}
    cache = os.environ.get("XDG_CACHE_HOME", f"{os.environ['HOME']}/.cache")
    environment = headrace.environment(inherited | {"HOME": os.environ["HOME"], "XDG_CACHE_HOME": cache})
    words = [] if LEGS == "all" or "--no-needs" in options else ["--matrix", f"python-version={LEGS}"]
    beside = Path(sys.executable).parent / "uv"
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if uv is not None and isolation() == "host":
        (headrace.home / "tools").mkdir()
        (headrace.home / "tools/uv").symlink_to(uv)
        words += ["--path-prepend", str(headrace.home / "tools")]
    done = run(headrace.command("run", "push", "--json", *words, *options), repository.root, environment, timeout=900)
    return Done(done.status, done.out, done.err)


def results(done: Done) -> dict[tuple[str, str], str]:
    return {(Path(row["workflow"]).stem, row["job"]): row["result"] for row in done.json["jobs"]} if done.out else {}


def test_a_push_to_main_is_green(headrace: Headrace, repository: GitRepository) -> None:
    done = push(headrace, repository)
    gates = {(name, gate): "success" for name in BOTH for gate in GATES}
    assert results(done) == {**gates, **{(name, "publish-pypi"): "skipped" for name in BOTH}}, done.err
    assert done.status == 0


@pytest.mark.parametrize("tag", ["inngest@0.5.0", "inngest_encryption@0.1.0"])
def test_a_tag_publishes_exactly_its_package(headrace: Headrace, repository: GitRepository, tag: str) -> None:
    only = () if LEGS == "all" else ("--job", "publish-pypi", "--no-needs")
    done = push(headrace, repository, "--ref", f"refs/tags/{tag}", "--sha", "HEAD", *only)
    package, _, version = tag.partition("@")
    published = {name: result for (name, job), result in results(done).items() if job == "publish-pypi"}
    assert published == {**dict.fromkeys(BOTH, "skipped"), package: "success"}, done.err
    lines = re.findall(r"^ *published (\S+) (\S+) \((\d+) files\)", done.err, re.M)
    assert lines == [(package.replace("_", "-"), version, "2")] and done.status == 0


def test_the_log_of_the_dev_server_is_kept_when_integration_tests_fail(
    headrace: Headrace, repository: GitRepository, tmp_path: Path
) -> None:
    repository.commit({"tests/test_inngest/test_planted.py": "def test_planted() -> None:\n    assert not __name__\n"})
    done = push(headrace, repository, "--workflow", "inngest.yml", "--job", "itest")
    assert results(done) == {(MAIN, "itest"): "failure"}, done.err
    python = "3.10" if LEGS == "all" else LEGS
    got = headrace("artifacts", "get", f"inngest-itest-{python}", cwd=repository.root)
    assert got.status == 0, got.err
    (log,) = repository.root.rglob("dev-server.log")
    assert "POST /e/shop" in log.read_text()


@pytest.mark.parametrize(
    ("changed", "planned"),
    [
        ("pkg/inngest/inngest/more.py", {MAIN, ENCRYPTION}),  # the encryption package needs it
        ("pkg/inngest_encryption/inngest_encryption/more.py", {ENCRYPTION}),
        ("tests/test_inngest_encryption/test_more.py", {ENCRYPTION}),
        ("docs/schema.proto", {MAIN}),
        ("ruff.toml", {MAIN, ENCRYPTION}),
        ("README.md", set()),
    ],
)
def test_a_pull_request_plans_exactly_the_workflows_that_it_concerns(
    headrace: Headrace, repository: GitRepository, changed: str, planned: set[str]
) -> None:
    base = repository.head()
    repository.commit({changed: "# changed\n"})
    done = headrace("plan", "pull_request", "--base", base, "--json", cwd=repository.root)
    rows = [row for row in done.json["jobs"] if row["would"] == "run"]
    assert {Path(row["workflow"]).stem for row in rows} == planned
    assert {row["job"] for row in rows} == (set(GATES) if planned else set())
