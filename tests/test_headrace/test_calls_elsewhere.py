"""Calls of workflows that lie in other repositories: mirrors, folders that stand for them, and what is not at hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_core.callers import Runs, call, called, job, results
from test_core.repositories import GitRepository, make_repository

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

RED = "failure"


REMOTE = "octo/lib/.github/workflows/shared.yml@v1"


def mirror(home: Path, script: str = "true", name: str = "octo+lib", **more: str) -> GitRepository:
    files = {
        ".github/workflows/shared.yml": called(job("a", script)),
        **{f".github/workflows/{k}.yml": v for k, v in more.items()},
    }
    return make_repository(home / "mirrors" / name / "repo", files)


@pytest.mark.covers("language:9.1")
def test_a_file_of_another_repository_comes_from_its_mirror_at_the_ref_a_tag_before_a_branch(runs: Runs) -> None:
    where = 'test "${{ job.workflow_ref }} ${{ job.workflow_sha }}" = "octo/lib/.github/workflows/shared.yml@refs/tags/v1 SHA"'
    repository = mirror(runs.headrace.home, "exit 1")
    repository.git("branch", "v1")
    text = called(job("a", where.replace("SHA", "${{ inputs.sha }}")), "inputs: {sha: {type: string}}")
    sha = repository.commit({".github/workflows/shared.yml": text})
    repository.tag("v1")
    options = ["--actions-root", str(runs.headrace.home / "mirrors")]
    done = runs(call(uses=REMOTE, extra=f"with: {{sha: {sha}}}"), *options)
    assert results(done) == {"call / a": "success"}
    assert results(runs(call(uses=REMOTE.replace("v1", sha)), *options)) == {"call / a": RED}
    branch = runs(call(uses=REMOTE.replace("v1", "refs/heads/v1")), *options)
    assert results(branch) == {"call / a": RED}
    assert runs(call(uses=REMOTE.replace("lib", "Lib"), extra=f"with: {{sha: {sha}}}"), *options).status == 1  # as it was called


@pytest.mark.covers("language:9.1")
def test_what_a_mirrors_file_calls_is_its_own_and_a_bare_mirror_will_do(runs: Runs) -> None:
    home = runs.headrace.home
    whole = make_repository(home / "work", {})
    whole.commit(
        {
            ".github/workflows/shared.yml": called(call("in", uses="./.github/workflows/own.yml")),
            ".github/workflows/own.yml": called(job("a")),
        }
    )
    whole.tag("v1")
    (home / "mirrors" / "octo+lib").mkdir(parents=True)
    whole.git("clone", "--quiet", "--bare", str(whole.root), str(home / "mirrors" / "octo+lib" / "repo"))
    own = called(job("a", "exit 1"))  # of the same path, in the caller's repository
    done = runs(call(uses=REMOTE), "--actions-root", str(home / "mirrors"), own=own)
    assert results(done) == {"call / in / a": "success"}


@pytest.mark.covers("language:9.1")
def test_a_folder_can_stand_for_a_ref_of_a_repository(runs: Runs) -> None:
    folder = mirror(runs.headrace.home, 'test "${{ job.workflow_ref }}" = octo/lib/.github/workflows/shared.yml@v1').root
    done = runs(call(uses=REMOTE), "--action", f"Octo/lib@v1={folder}")
    assert results(done) == {"call / a": "success"}
    twin = runs(call(uses=REMOTE), "--action", f"octo/lib@v2={folder}")
    assert twin.status == 2
    assert "--action octo/lib@v2" in twin.err


def test_a_file_that_is_not_at_hand_makes_its_caller_unsupported_and_hides_no_other_job(runs: Runs) -> None:
    caller = call(uses=REMOTE) + call("local") + job("after", extra="needs: call") + job("other")
    done = runs(caller, called=called(job("a")))
    assert results(done) == {"call": "unsupported", "local / a": "success", "after": "unsupported", "other": "success"}
    assert done.status == 1
    assert REMOTE in done.err and "--actions-root" in done.err
    mirror(runs.headrace.home).git("branch", "v2")
    for uses in (REMOTE, REMOTE.replace("v1", "main~0"), REMOTE.replace("shared", "none").replace("v1", "v2")):
        row = runs(call(uses=uses), "--actions-root", str(runs.headrace.home / "mirrors"))
        assert results(row) == {"call": "unsupported"}
    found = runs(call(uses=REMOTE.replace("v1", "v2")), "--actions-root", str(runs.headrace.home / "mirrors"))
    assert results(found) == {"call / a": "success"}
