"""The stand-in for pypa/gh-action-pypi-publish as a process of its own, against indexes of a run that fail when they are told to."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from headrace.actions import builtin
from headrace.engine.published import INDEXES
from headrace.index.database import Database
from headrace.index.shelf import Shelf
from test_core.indexes import sdist, wheel, write_dist
from test_core.processes import Finished, run
from test_core.publishing import FaultAt, RunIndexes

pytestmark = pytest.mark.slow  # each starts a server and a process

WHEEL = "demo-1.0-py3-none-any.whl"
SDIST = "demo-1.0.tar.gz"
UPLOAD = "POST https://upload.pypi.org/legacy/"
Make = Callable[..., RunIndexes]


@pytest.fixture
def indexes(tmp_path: Path) -> Iterator[Make]:
    """Makes indexes that know the project `demo`."""
    made: list[RunIndexes] = []

    def make(*projects: str, fault: FaultAt = lambda number: None, late: bool = False) -> RunIndexes:
        one = RunIndexes(tmp_path / "index", *(projects or ("demo",)), fault=fault, late=late)
        made.append(one.__enter__())
        return one

    yield make
    for one in made:
        one.__exit__(None, None, None)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    write_dist(tmp_path / "work" / "dist")
    return tmp_path / "work"


def step(
    run_indexes: RunIndexes,
    workspace: Path,
    inputs: Mapping[str, str] | None = None,
    ref: str = "release/v1",
    env: Mapping[str, str] | None = None,
) -> Finished:
    given = {f"INPUT_{name.upper()}": value for name, value in (inputs or {}).items()}
    summary = workspace.parent / "summary"
    summary.touch()
    said = {"GITHUB_ACTION_REF": ref, "GITHUB_STEP_SUMMARY": str(summary), **run_indexes.environment(), **given, **(env or {})}
    main = Path(builtin.__file__).parent / "__main__.py"
    return run([sys.executable, "-I", "-S", main, "pypa/gh-action-pypi-publish", "main"], workspace, said)


def summary(workspace: Path) -> str:
    return (workspace.parent / "summary").read_text()


def files(run_indexes: RunIndexes, index: str = "pypi", project: str = "demo") -> list[str]:
    folder = run_indexes.folder / index
    found = Shelf(Database(str(folder))).project(project) if (folder / "index.sqlite").exists() else None
    return [file.filename for release in (found.releases if found is not None else ()) for file in release.files]


@pytest.mark.covers("release:1.1", "release:2.4")
def test_the_exchange_takes_place_before_the_files_go_up_wheels_first(indexes: Make, workspace: Path) -> None:
    run_indexes = indexes()
    done = step(run_indexes, workspace)
    assert done.status == 0, done.out + done.err
    assert run_indexes.asked() == [
        "GET https://upload.pypi.org/_/oidc/audience 200",
        "POST https://upload.pypi.org/_/oidc/mint-token 200",
        f"{UPLOAD} 200",
        f"{UPLOAD} 200",
        "POST https://upload.pypi.org/_/oidc/burn-token 202",
    ]
    assert files(run_indexes) == [WHEEL, SDIST]
    order = ["is answered by an index of this run", "::add-mask::pypi-", "Checking dist/demo", "Showing hash values", "Uploaded"]
    places = [done.out.index(words) for words in order]
    assert places == sorted(places)
    token = done.out.partition("::add-mask::")[2].splitlines()[0]
    assert token not in done.out.replace(f"::add-mask::{token}", "") and token not in "\n".join(run_indexes.log())
    assert summary(workspace) == ""


def test_testpypi_is_another_index(indexes: Make, workspace: Path) -> None:
    run_indexes = indexes()
    done = step(run_indexes, workspace, {"repository-url": "https://test.pypi.org/legacy/"})
    assert done.status == 0, done.out
    assert "TestPyPI is answered by an index of this run" in done.out
    assert files(run_indexes) == [] and files(run_indexes, "testpypi") == [WHEEL, SDIST]
    assert all("https://test.pypi.org/" in line for line in run_indexes.asked()) and set(INDEXES) == {"pypi", "testpypi"}


@pytest.mark.covers("release:1.4", "release:4.7")
def test_a_second_file_that_fails_once_is_sent_again(indexes: Make, workspace: Path) -> None:
    run_indexes = indexes(fault=lambda number: 503 if number == 2 else None)
    done = step(run_indexes, workspace)
    assert done.status == 0 and f"{SDIST}: 503 Service Unavailable; trying again (1 of 5)" in done.out
    assert files(run_indexes) == [WHEEL, SDIST] and run_indexes.uploads == 3


@pytest.mark.covers("release:1.4", "release:4.7")
def test_a_file_whose_answer_was_lost_is_there_once(indexes: Make, workspace: Path) -> None:
    run_indexes = indexes(fault=lambda number: 502 if number == 2 else None, late=True)
    done = step(run_indexes, workspace)
    assert done.status == 0, done.out
    assert files(run_indexes) == [WHEEL, SDIST] and run_indexes.uploads == 3
    assert [line for line in run_indexes.log() if "stored" in line] == [f"pypi: stored {name}" for name in (WHEEL, SDIST)]


@pytest.mark.covers("release:1.4", "release:4.7")
def test_a_second_file_that_fails_for_good_fails_the_step_and_the_first_stays(indexes: Make, workspace: Path) -> None:
    run_indexes = indexes(fault=lambda number: 503 if number >= 2 else None)
    done = step(run_indexes, workspace)
    assert done.status == 1 and f"::error::{SDIST}: 503 Service Unavailable" in done.out
    assert files(run_indexes) == [WHEEL] and run_indexes.uploads == 7
    assert run_indexes.asked()[-1] == "POST https://upload.pypi.org/_/oidc/burn-token 202"
    run_indexes.fault = lambda number: None
    assert step(run_indexes, workspace).status == 0  # the first one's bytes are there already, so that it passes
    assert files(run_indexes) == [WHEEL, SDIST]


def test_nothing_goes_up_when_one_file_would_be_refused(indexes: Make, workspace: Path) -> None:
    run_indexes = indexes()
    (workspace / "dist" / SDIST).write_bytes(sdist(Classifier="Nobody :: Knows :: It"))
    done = step(run_indexes, workspace)
    assert done.status == 1 and f"Checking dist/{WHEEL}: PASSED" in done.out
    assert f"::error::dist/{SDIST}: 'Nobody :: Knows :: It' is not a valid classifier" in done.out
    assert "nothing is uploaded, as 1 of 2 files would be refused" in done.out
    assert run_indexes.uploads == 0
    unchecked = step(run_indexes, workspace, {"verify-metadata": "false"})
    assert unchecked.status == 1 and "400 'Nobody :: Knows :: It' is not a valid classifier" in unchecked.out
    assert files(run_indexes) == [WHEEL]  # as it is without a check


def test_a_file_that_is_there_fails_the_step_or_is_skipped(indexes: Make, workspace: Path) -> None:
    run_indexes = indexes()
    assert step(run_indexes, workspace).status == 0
    (workspace / "dist" / WHEEL).write_bytes(wheel(Summary="Another"))
    again = step(run_indexes, workspace)
    assert again.status == 1 and f"{WHEEL}: 400 File already exists" in again.out
    before = run_indexes.uploads
    skipping = step(run_indexes, workspace, {"skip-existing": "true"})
    assert skipping.status == 0 and f"Skipping {WHEEL} because it appears to already exist" in skipping.out
    assert run_indexes.uploads == before


@pytest.mark.covers("release:1.3", "release:1.8")
def test_a_refused_identity_is_told_with_the_reason_the_closest_publisher_and_the_claims(indexes: Make, workspace: Path) -> None:
    run_indexes = indexes()
    ref = "octo/demo/.github/workflows/other.yml@refs/tags/demo@1.0"
    done = step(run_indexes, workspace, env=run_indexes.environment(job_workflow_ref=ref, workflow_ref=ref))
    assert done.status == 1
    for words in ("`invalid-publisher`", "workflow is 'release.yml', the token says 'other.yml'", f"`job_workflow_ref`: `{ref}`"):
        assert words in done.out and words in summary(workspace)
    assert "`environment`: `MISSING`" in done.out and run_indexes.uploads == 0


def test_a_called_workflow_is_warned_of(indexes: Make, workspace: Path) -> None:
    run_indexes = indexes()
    caller = run_indexes.environment(workflow_ref="octo/demo/.github/workflows/ci.yml@refs/tags/demo@1.0")
    assert "::warning::this job stands in a called workflow" in step(run_indexes, workspace, env=caller).out


def test_a_job_without_the_permission_is_told_how_to_get_it(indexes: Make, workspace: Path) -> None:
    run_indexes = indexes()
    nobody = {"ACTIONS_ID_TOKEN_REQUEST_URL": "", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": ""}
    done = step(run_indexes, workspace, env=nobody)
    assert done.status == 1 and "OpenID Connect token retrieval failed" in done.out and "id-token: write" in summary(workspace)
    event = workspace.parent / "event.json"
    event.write_text('{"pull_request": {"head": {"repo": {"fork": true}}}}')
    fork = step(run_indexes, workspace, env={"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(event), **nobody})
    assert fork.status == 1 and "a pull request of a fork" in fork.out
    assert "POST" not in "".join(run_indexes.asked())
    alone = step(run_indexes, workspace, env={"HEADRACE_INDEX": ""})
    assert alone.status == 1 and "the job may not ask for an identity token" in alone.out


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"repository-url": "https://pypi.example.org/legacy/"}, "https://pypi.example.org/legacy/ is no index of this run"),
        ({"repository-url": "http://upload.pypi.org/legacy/"}, "is no index of this run"),
        ({"password": "pypi-secret"}, "indexes of a run take trusted publishing only"),
        ({"user": "ada", "password": "x"}, "a name with a password, which PyPI takes from nobody any more"),
    ],
)
def test_what_a_run_has_not_is_refused_before_anything_is_asked(
    indexes: Make, workspace: Path, inputs: dict[str, str], says: str
) -> None:
    run_indexes = indexes()
    done = step(run_indexes, workspace, inputs)
    assert done.status == 1 and says in done.out and run_indexes.asked() == []
    assert "pypi-secret" not in done.out


def test_an_address_without_its_slash_is_said(indexes: Make, workspace: Path) -> None:
    done = step(indexes(), workspace, {"repository-url": "https://upload.pypi.org/legacy"})
    assert done.status == 1 and "the index redirects (308): the repository's URL needs a slash at its end" in done.out


def test_a_project_that_nobody_may_publish_is_not_created(indexes: Make, workspace: Path) -> None:
    run_indexes = indexes("other")
    done = step(run_indexes, workspace)
    assert done.status == 1 and f"{WHEEL}: 400 Non-user identities cannot create new projects" in done.out


def test_a_folder_with_nothing_or_with_something_else_is_refused(indexes: Make, workspace: Path) -> None:
    run_indexes = indexes()
    done = step(run_indexes, workspace, {"packages-dir": "gone/"})
    assert done.status == 1 and "there is nothing to upload: no file is gone/*" in done.out
    assert '::warning::there are no distributions in "gone/"' in done.out
    (workspace / "dist" / "notes.txt").write_text("x")
    other = step(run_indexes, workspace)
    assert other.status == 1 and "Unknown distribution format: 'notes.txt'" in other.out and run_indexes.uploads == 0


def test_inputs_in_snake_case_are_taken_and_warned_of(indexes: Make, workspace: Path) -> None:
    (workspace / "dist").rename(workspace / "out")
    done = step(indexes(), workspace, {"packages_dir": "out"})
    assert done.status == 0 and "::warning::Input 'packages_dir' has been deprecated" in done.out


@pytest.mark.parametrize(
    ("ref", "hashes", "attestations"),
    [
        ("v1.8.14", False, False),
        ("v1.10.0", False, False),
        ("v1.12.4", False, True),
        ("release/v1", True, True),
        ("76f52bc884231f62b9a034ebfe128415bbaabdfc", True, True),
    ],
)
def test_a_version_has_its_own_defaults(indexes: Make, workspace: Path, ref: str, hashes: bool, attestations: bool) -> None:
    run_indexes = indexes()
    done = step(run_indexes, workspace, ref=ref)
    assert done.status == 0, done.out
    quiet = step(run_indexes, workspace, {"attestations": "false", "print-hash": "false", "verbose": "false"}, ref)
    assert "no attestations" not in quiet.out and "BLAKE2" not in quiet.out
    assert ("BLAKE2-256: " in done.out, "::notice::no attestations are signed here" in done.out) == (hashes, attestations)


def test_the_old_branch_fails(indexes: Make, workspace: Path) -> None:
    run_indexes = indexes()
    done = step(run_indexes, workspace, ref="master")
    assert done.status == 1 and "has been given up; use release/v1" in done.out and run_indexes.asked() == []
