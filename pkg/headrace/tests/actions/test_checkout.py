"""A checkout leaves what GitHub's leaves, and the repository it came from as it was."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

Git = Callable[..., str]


@pytest.fixture
def repo(tmp_path: Path, git: Git) -> Path:
    """main: two commits; topic: one more; tags v1 (annotated, first commit), v1.1 (light, second commit)."""
    path = tmp_path / "user repo"
    path.mkdir()
    git(path, "init", "-q", "-b", "main")
    (path / "a.txt").write_text("one")
    (path / "dir").mkdir()
    (path / "dir" / "b.txt").write_text("b")
    git(path, "add", ".")
    git(path, "commit", "-qm", "first")
    git(path, "tag", "-a", "v1", "-m", "the first")
    (path / "a.txt").write_text("two")
    git(path, "commit", "-qam", "second")
    git(path, "tag", "v1.1")
    git(path, "checkout", "-qb", "topic")
    (path / "topic.txt").write_text("t")
    git(path, "add", ".")
    git(path, "commit", "-qm", "third")
    git(path, "checkout", "-q", "main")
    return path


@pytest.fixture
def push(job: Any, repo: Path, git: Git) -> Any:
    """A job of a push to main."""
    job.env |= {
        "HEADRACE_GIT_DIR": str(repo / ".git"),
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_SHA": git(repo, "rev-parse", "main"),
    }
    return job


def tree_of(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    found = {}
    for path in sorted(folder.rglob("*")):
        stat = path.lstat()
        found[str(path.relative_to(folder))] = (stat.st_mode, stat.st_mtime_ns, path.read_bytes() if path.is_file() else b"")
    return found


@pytest.mark.covers("runtime:11.1")
def test_a_branch_push_ends_on_a_local_branch_that_is_shallow_without_tags(push: Any, git: Git) -> None:
    (push.workspace / "left over").write_text("x")
    step = push.step("actions/checkout")
    assert step.code == 0, step.log
    work = push.workspace
    assert sorted(os.listdir(work)) == [".git", "a.txt", "dir"]
    assert git(work, "status", "--porcelain=v1", "--branch") == "## main...origin/main"
    assert git(work, "remote", "get-url", "origin") == "https://github.com/octo/repo"
    assert git(work, "rev-list", "--all", "--count") == "1"
    assert git(work, "tag") == ""
    assert step.outputs == {"ref": "refs/heads/main", "commit": push.env["GITHUB_SHA"]}
    assert git(work, "config", "gc.auto") == "0"


def test_old_versions_of_the_action_have_no_outputs(push: Any) -> None:
    step = push.step("actions/checkout", env={"GITHUB_ACTION_REF": "v3"})
    assert (step.code, step.outputs) == (0, {})


@pytest.mark.covers("runtime:11.1")
@pytest.mark.parametrize(
    ("ref", "commit", "describe"),
    [("refs/tags/v1", "v1^{commit}", "v1"), ("refs/tags/unknown", "main", ""), ("refs/pull/7/merge", "topic", "")],
)
def test_tags_and_pull_requests_end_detached(push: Any, repo: Path, git: Git, ref: str, commit: str, describe: str) -> None:
    sha = git(repo, "rev-parse", commit)
    step = push.step("actions/checkout", env={"GITHUB_REF": ref, "GITHUB_SHA": sha})
    assert step.code == 0, step.log
    assert git(push.workspace, "rev-parse", "HEAD", "--symbolic-full-name", "HEAD") == f"{sha}\nHEAD"
    kept = ref.replace("refs/pull/", "refs/remotes/pull/")
    assert git(push.workspace, "for-each-ref", "--format=%(refname)") == kept
    if describe:
        assert git(push.workspace, "describe") == describe


@pytest.mark.covers("runtime:11.1")
def test_depth_0_brings_all_branches_tags_and_history(push: Any, git: Git) -> None:
    step = push.step("actions/checkout", fetch_depth="0")
    assert step.code == 0, step.log
    refs = git(push.workspace, "for-each-ref", "--format=%(refname)").split()
    assert refs == [
        "refs/heads/main",
        "refs/remotes/origin/main",
        "refs/remotes/origin/topic",
        "refs/tags/v1",
        "refs/tags/v1.1",
    ]
    assert git(push.workspace, "rev-list", "--count", "HEAD") == "2"
    assert git(push.workspace, "describe") == "v1-1-g" + push.env["GITHUB_SHA"][:7]


@pytest.mark.covers("runtime:11.1")
@pytest.mark.parametrize(("depth", "count"), [("1", "1"), ("2", "2"), ("50", "2"), ("nonsense", "2"), ("-1", "2")])
def test_fetch_depth_bounds_the_history(push: Any, git: Git, depth: str, count: str) -> None:
    assert push.step("actions/checkout", fetch_depth=depth).code == 0
    assert git(push.workspace, "rev-list", "--count", "HEAD") == count


@pytest.mark.covers("runtime:11.1")
def test_fetch_tags_brings_the_tags_of_a_shallow_clone(push: Any, git: Git) -> None:
    assert push.step("actions/checkout", fetch_tags="true").code == 0
    assert git(push.workspace, "tag").split() == ["v1", "v1.1"]


@pytest.mark.covers("runtime:11.1")
@pytest.mark.parametrize(
    ("ref", "head", "branch"),
    [
        ("topic", "topic", "topic"),
        ("refs/heads/topic", "topic", "topic"),
        ("v1.1", "v1.1", ""),
        ("v1", "v1^{commit}", ""),
        ("refs/tags/v1", "v1^{commit}", ""),
    ],
)
def test_an_explicit_ref_is_a_branch_before_it_is_a_tag(
    push: Any, repo: Path, git: Git, ref: str, head: str, branch: str
) -> None:
    step = push.step("actions/checkout", ref=ref)
    assert step.code == 0, step.log
    sha = git(repo, "rev-parse", head)
    assert git(push.workspace, "rev-parse", "HEAD") == sha
    assert git(push.workspace, "branch", "--show-current") == branch
    assert step.outputs == {"ref": ref, "commit": sha}


def test_any_commit_of_the_repository_can_be_checked_out(push: Any, repo: Path, git: Git) -> None:
    sha = git(repo, "rev-parse", "main~1")
    step = push.step("actions/checkout", ref=sha)
    assert step.code == 0, step.log
    assert (push.workspace / "a.txt").read_text() == "one"
    assert step.outputs == {"ref": "", "commit": sha}


def test_a_ref_that_does_not_exist_fails_the_step(push: Any) -> None:
    step = push.step("actions/checkout", ref="nowhere")
    assert step.code == 1
    assert "::error::A branch or tag with the name 'nowhere' could not be found" in step.log


def test_a_commit_that_does_not_exist_fails_the_step(push: Any) -> None:
    step = push.step("actions/checkout", ref="1" * 40)
    assert step.code == 1
    assert "failed with exit code 128" in step.log


def test_the_events_branch_by_name_is_what_the_event_pushed(push: Any, repo: Path, git: Git) -> None:
    snapshot = git(repo, "commit-tree", "-p", "HEAD", "-m", "snapshot", "HEAD^{tree}")
    for depth in ("0", "1"):
        step = push.step("actions/checkout", ref="main", fetch_depth=depth, env={"GITHUB_SHA": snapshot})
        assert step.code == 0, step.log
        assert git(push.workspace, "rev-parse", "HEAD", "origin/main").split() == [snapshot, snapshot]


def test_a_bare_store_with_alternates_serves_the_snapshot_and_the_branches_beside_it(
    push: Any, repo: Path, git: Git, tmp_path: Path
) -> None:
    store = tmp_path / "store.git"
    git(tmp_path, "init", "-q", "--bare", str(store))
    (store / "objects" / "info" / "alternates").write_text(f"{repo / '.git' / 'objects'}\n")
    snapshot = git(store, "commit-tree", "-p", push.env["GITHUB_SHA"], "-m", "snapshot", f"{push.env['GITHUB_SHA']}^{{tree}}")
    push.env |= {"HEADRACE_GIT_DIR": str(store), "GITHUB_SHA": snapshot}
    assert push.step("actions/checkout").code == 0
    assert git(push.workspace, "rev-parse", "HEAD") == snapshot
    assert push.step("actions/checkout", ref="topic").outputs["commit"] == git(repo, "rev-parse", "topic")
    step = push.step("actions/checkout", fetch_depth="0")
    assert step.code == 0, step.log
    assert git(push.workspace, "rev-parse", "HEAD", "origin/main", "origin/topic").split() == [
        snapshot,
        snapshot,
        git(repo, "rev-parse", "topic"),
    ]
    assert git(push.workspace, "tag").split() == ["v1", "v1.1"]
    assert not (push.workspace / ".git" / "objects" / "info" / "alternates").exists()


@pytest.mark.parametrize("depth", ["0", "1"])
def test_the_users_repository_stays_untouched_and_shares_no_file(push: Any, repo: Path, git: Git, depth: str) -> None:
    before = tree_of(repo)
    assert push.step("actions/checkout", fetch_depth=depth).code == 0
    assert tree_of(repo) == before
    inodes = {path.stat().st_ino for path in repo.rglob("*")}
    assert not {path.lstat().st_ino for path in push.workspace.rglob("*")} & inodes
    assert not (push.workspace / ".git" / "objects" / "info" / "alternates").exists()


@pytest.mark.covers("runtime:11.1")
def test_a_second_checkout_cleans_what_is_there_and_keeps_the_clone(push: Any, git: Git) -> None:
    push.step("actions/checkout")
    (push.workspace / ".git" / "kept").write_text("")
    (push.workspace / ".git" / "index.lock").write_text("")
    (push.workspace / "built").write_text("")
    (push.workspace / "a.txt").write_text("changed")
    git(push.workspace, "update-ref", "refs/heads/mine", "HEAD")
    step = push.step("actions/checkout")
    assert step.code == 0, step.log
    assert (push.workspace / ".git" / "kept").exists()
    assert not (push.workspace / "built").exists()
    assert (push.workspace / "a.txt").read_text() == "two"
    assert git(push.workspace, "branch", "--format=%(refname:short)") == "main"


def test_without_clean_untracked_files_stay(push: Any) -> None:
    push.step("actions/checkout")
    (push.workspace / "built").write_text("")
    assert push.step("actions/checkout", clean="false").code == 0
    assert (push.workspace / "built").exists()


def test_a_clone_of_something_else_is_replaced(push: Any, git: Git) -> None:
    git(push.workspace, "init", "-q")
    git(push.workspace, "remote", "add", "origin", "https://github.com/octo/other")
    (push.workspace / ".git" / "old").write_text("")
    assert push.step("actions/checkout").code == 0
    assert not (push.workspace / ".git" / "old").exists()


def test_a_shallow_clone_can_be_deepened(push: Any, git: Git) -> None:
    push.step("actions/checkout")
    step = push.step("actions/checkout", fetch_depth="0")
    assert step.code == 0, step.log
    assert git(push.workspace, "rev-list", "--count", "HEAD") == "2"


@pytest.mark.covers("runtime:11.1")
def test_path_is_below_the_workspace_and_leaves_the_rest_alone(push: Any) -> None:
    (push.workspace / "mine").write_text("")
    assert push.step("actions/checkout", path="sub dir/x").code == 0
    assert (push.workspace / "sub dir" / "x" / "a.txt").exists()
    assert (push.workspace / "mine").exists()
    outside = push.step("actions/checkout", path="../elsewhere")
    assert outside.code == 1
    assert f"Repository path '{push.workspace.parent}/elsewhere' is not under '{push.workspace}'" in outside.log


@pytest.mark.covers("runtime:11.1")
@pytest.mark.parametrize("version", ["v4", "v6"])
def test_credentials_stay_until_the_post_step_and_are_masked(push: Any, git: Git, version: str) -> None:
    old = {"GITHUB_ACTION_REF": version}
    step = push.step("actions/checkout", token="hush", env=old)
    basic = "eC1hY2Nlc3MtdG9rZW46aHVzaA=="
    assert f"::add-mask::{basic}" in step.log
    key = "http.https://github.com/.extraheader"
    assert git(push.workspace, "config", "--includes", key) == f"AUTHORIZATION: basic {basic}"
    assert ("extraheader" in (push.workspace / ".git" / "config").read_text()) is (version == "v4")
    post = push.step("actions/checkout", "post", env=old | {f"STATE_{k}": v for k, v in step.state.items()})
    assert post.code == 0, post.log
    assert git(push.workspace, "config", "--includes", "--default", "none", key) == "none"
    assert [name for name in os.listdir(push.temp) if "credentials" in name] == []


def test_without_persist_credentials_none_are_left(push: Any) -> None:
    push.step("actions/checkout", token="hush")
    assert push.step("actions/checkout", token="hush", persist_credentials="false").code == 0
    config = (push.workspace / ".git" / "config").read_text()
    assert "extraheader" not in config
    assert "git-credentials" not in config


@pytest.mark.covers("runtime:11.1")
@pytest.mark.parametrize(
    ("cone", "wanted", "files"), [("true", "dir", ["a.txt", "dir/b.txt"]), ("false", "/dir/", ["dir/b.txt"])]
)
def test_sparse_checkout(push: Any, cone: str, wanted: str, files: list[str]) -> None:
    step = push.step("actions/checkout", sparse_checkout=wanted, sparse_checkout_cone_mode=cone)
    assert step.code == 0, step.log
    found = [str(p.relative_to(push.workspace)) for p in push.workspace.rglob("*") if p.is_file() and ".git/" not in str(p)]
    assert sorted(found) == files
    assert push.step("actions/checkout").code == 0
    assert (push.workspace / "a.txt").exists()


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"repository": "octo/other"}, "checkout of another repository is not supported here: 'octo/other'"),
        ({"repository": "nonsense"}, "Invalid repository 'nonsense'"),
        ({"ssh_key": "KEY"}, "checkout over SSH is not supported here"),
        ({"github_server_url": "https://ghe.example"}, "checkout from another server is not supported here"),
        ({"submodules": "perhaps"}, "checkout: submodules 'perhaps' is none of"),
        ({"fetch_tags": "perhaps"}, "Input does not meet YAML 1.2"),
    ],
)
def test_what_is_not_supported_is_said_and_fails(push: Any, inputs: dict[str, str], said: str) -> None:
    step = push.step("actions/checkout", **inputs)
    assert step.code == 1
    assert f"::error::{said}" in step.log


@pytest.mark.parametrize(
    ("file", "text", "inputs"),
    [
        (".gitmodules", "", {"submodules": "recursive"}),
        (".gitattributes", "*.bin filter=lfs\n", {"lfs": "true"}),
    ],
)
def test_submodules_and_lfs_fail_only_where_the_commit_has_some(
    push: Any, repo: Path, git: Git, file: str, text: str, inputs: dict[str, str]
) -> None:
    assert push.step("actions/checkout", **inputs).code == 0
    (repo / file).write_text(text)
    (repo / "x.bin").write_text("")
    git(repo, "add", ".")
    git(repo, "-c", "filter.lfs.clean=cat", "commit", "-qm", "more")
    step = push.step("actions/checkout", env={"GITHUB_SHA": git(repo, "rev-parse", "main")}, **inputs)
    assert step.code == 1
    assert "is not supported here" in step.log


@pytest.mark.covers("runtime:11.1")
@pytest.mark.parametrize(("allow", "code"), [("false", 1), ("true", 0)])
def test_a_forks_code_is_refused_where_the_event_has_the_bases_rights(
    push: Any, repo: Path, git: Git, allow: str, code: int
) -> None:
    head = git(repo, "rev-parse", "topic")
    payload = {"number": 7, "pull_request": {"head": {"sha": head, "ref": "topic", "repo": {"full_name": "evil/repo"}}}}
    event = push.temp / "event.json"
    event.write_text(json.dumps(payload))
    env = {"GITHUB_EVENT_NAME": "pull_request_target", "GITHUB_EVENT_PATH": str(event)}
    assert push.step("actions/checkout", ref=head, env=env, allow_unsafe_pr_checkout=allow).code == code
    assert push.step("actions/checkout", env=env).code == 0


def test_a_missing_git_directory_is_said(push: Any) -> None:
    step = push.step("actions/checkout", env={"HEADRACE_GIT_DIR": str(push.root / "none")})
    assert step.code == 1
    assert "names no git directory" in step.log


def test_a_linked_worktree_serves_too(push: Any, repo: Path, git: Git, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "-q", str(tmp_path / "linked"), "topic")
    env = {
        "HEADRACE_GIT_DIR": git(tmp_path / "linked", "rev-parse", "--absolute-git-dir"),
        "GITHUB_REF": "refs/heads/topic",
        "GITHUB_SHA": git(repo, "rev-parse", "topic"),
    }
    step = push.step("actions/checkout", env=env)
    assert step.code == 0, step.log
    assert git(push.workspace, "branch", "--show-current") == "topic"
