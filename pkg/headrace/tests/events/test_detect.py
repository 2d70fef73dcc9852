"""Finding the repository, its name and its default branch."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from headrace.base.errors import UsageError
from headrace.base.git import GitError
from headrace.events.detect import common_dir, name_from_url, open_repository, present_ref

RepoMaker = Callable[..., Any]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://github.com/octo/hello.git", "octo/hello"),
        ("https://github.com/octo/hello", "octo/hello"),
        ("https://github.com/octo/hello/", "octo/hello"),
        ("https://user:token@github.com:443/octo/hello.git", "octo/hello"),
        ("git@github.com:octo/hello.git", "octo/hello"),
        ("github.com:octo/hello", "octo/hello"),
        ("git@host:/srv/octo/hello.git", "octo/hello"),
        ("ssh://git@github.com:22/octo/hello.git", "octo/hello"),
        ("git+ssh://git@github.com/octo/hello", "octo/hello"),
        ("git://github.com/octo/hello.git", "octo/hello"),
        ("https://gitlab.com/group/sub/hello.git", "sub/hello"),
        ("/srv/git/octo/hello.git", "octo/hello"),
        ("file:///srv/git/octo/hello.git", "octo/hello"),
        ("https://example.org/octo/hello.git?x=1#y", "octo/hello"),
        ("https://github.com/octo/.github", "octo/.github"),
        ("https://example.org/öcto ß/a b.git", "cto/a-b"),
        ("../hello.git", ""),
        ("hello", ""),
        ("https://github.com/hello", ""),
        ("", ""),
    ],
)
def test_the_name_is_read_from_every_form_of_address(url: str, name: str) -> None:
    assert name_from_url(url) == name


def test_the_origin_remote_gives_the_name(repo: Any) -> None:
    repo.git("remote", "add", "other", "https://github.com/x/y")
    repo.git("remote", "add", "origin", "git@github.com:octo/hello.git")
    found = open_repository(str(repo.path))
    assert (found.full_name, found.owner, found.name) == ("octo/hello", "octo", "hello")


def test_the_only_remote_gives_the_name_whatever_it_is_called(repo: Any) -> None:
    repo.git("remote", "add", "upstream", "https://github.com/octo/hello")
    assert open_repository(str(repo.path)).full_name == "octo/hello"


def test_two_remotes_without_origin_give_no_name(repo: Any) -> None:
    repo.git("remote", "add", "a", "https://github.com/octo/hello")
    repo.git("remote", "add", "b", "https://github.com/octo/hello")
    assert open_repository(str(repo.path)).full_name == "local/hello"


@pytest.mark.parametrize(
    ("folder", "name"), [("my repo", "local/my-repo"), ("naïve", "local/na-ve"), ("проект", "local/repository")]
)
def test_without_a_remote_the_folder_gives_the_name(new_repo: RepoMaker, folder: str, name: str) -> None:
    made = new_repo(folder)
    found = open_repository(str(made.path))
    assert found.full_name == name
    assert found.root == str(made.path)


def test_a_given_name_wins(repo: Any) -> None:
    assert open_repository(str(repo.path), name="my/own").full_name == "my/own"


@pytest.mark.parametrize("name", ["own", "a/b/c", "/b", "a/", "a b/c"])
def test_a_given_name_must_have_two_parts(repo: Any, name: str) -> None:
    with pytest.raises(UsageError, match="OWNER/NAME"):
        open_repository(str(repo.path), name=name)


def test_any_folder_of_the_repository_will_do(repo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (repo.path / "deep" / "er").mkdir(parents=True)
    found = open_repository(str(repo.path / "deep" / "er"))
    assert (found.root, found.git_dir) == (str(repo.path), str(repo.path / ".git"))
    monkeypatch.chdir(repo.path / "deep")
    assert open_repository("") == found


def test_a_link_to_the_repository_leads_to_its_real_place(repo: Any, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(repo.path)
    (repo.path / "sub").mkdir()
    assert open_repository(str(tmp_path / "link" / "sub")).root == str(repo.path)


def test_a_linked_worktree_has_its_own_git_directory_and_the_same_name(repo: Any, tmp_path: Path) -> None:
    repo.git("worktree", "add", "--quiet", "-b", "topic", str(tmp_path / "elsewhere"))
    found = open_repository(str(tmp_path / "elsewhere"))
    assert found.root == str(tmp_path / "elsewhere")
    assert found.git_dir == str(repo.path / ".git" / "worktrees" / "elsewhere")
    assert common_dir(found.git_dir) == str(repo.path / ".git")
    assert found.full_name == "local/hello"
    assert present_ref(found) == "refs/heads/topic"


def test_a_submodule_is_a_repository_of_its_own(repo: Any, new_repo: RepoMaker) -> None:
    inner = new_repo("inner")
    inner.commit("inner", x="1")
    repo.git("submodule", "--quiet", "add", str(inner.path), "libs/inner")
    found = open_repository(str(repo.path / "libs" / "inner"))
    assert found.root == str(repo.path / "libs" / "inner")
    assert found.git_dir == str(repo.path / ".git" / "modules" / "libs" / "inner")


def test_a_bare_repository_is_its_own_root(pushed: Any, tmp_path: Path) -> None:
    found = open_repository(str(tmp_path / "far.git"))
    assert found.root == found.git_dir == str(tmp_path / "far.git")
    assert found.full_name == "local/far"
    assert found.default_branch == "main"


def test_a_repository_with_long_ids_opens(new_repo: RepoMaker) -> None:
    made = new_repo("long", "--object-format=sha256")
    made.commit("x", a="1")
    assert open_repository(str(made.path)).default_branch == "main"


def test_a_repository_without_commits_opens(new_repo: RepoMaker) -> None:
    assert open_repository(str(new_repo().path)).default_branch == "main"


def test_the_inside_of_a_git_directory_is_refused(repo: Any) -> None:
    with pytest.raises(UsageError, match="inside a git directory"):
        open_repository(str(repo.path / ".git"))


def test_a_folder_without_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="not a git repository"):
        open_repository(str(tmp_path))


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="no such directory"):
        open_repository(str(tmp_path / "missing"))


def _configure(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_the_default_branch_is_what_the_remote_says(pushed: Any, own_configuration: Path) -> None:
    _configure(own_configuration, "[init]\n\tdefaultBranch = main\n")
    pushed.git("push", "--quiet", "origin", "main:release/next")
    pushed.git("fetch", "--quiet", "origin")
    pushed.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/release/next")
    assert open_repository(str(pushed.path)).default_branch == "release/next"


def test_without_a_remote_it_is_the_configured_one_where_that_exists(repo: Any, own_configuration: Path) -> None:
    _configure(own_configuration, "[init]\n\tdefaultBranch = trunk\n")
    assert open_repository(str(repo.path)).default_branch == "main", "there is no trunk here"
    repo.git("branch", "trunk")
    assert open_repository(str(repo.path)).default_branch == "trunk"


def test_else_it_is_main_then_master_then_the_present_one(repo: Any) -> None:
    repo.git("branch", "master")
    assert open_repository(str(repo.path)).default_branch == "main"
    repo.git("branch", "--move", "main", "topic")
    assert open_repository(str(repo.path)).default_branch == "master"
    repo.git("branch", "--delete", "master")
    assert open_repository(str(repo.path)).default_branch == "topic"


def test_a_dangling_remote_head_is_no_answer(pushed: Any) -> None:
    pushed.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/gone")
    assert open_repository(str(pushed.path)).default_branch == "main"


def test_a_detached_head_has_no_present_ref(repo: Any) -> None:
    repo.git("checkout", "--quiet", "--detach")
    assert present_ref(open_repository(str(repo.path))) == ""


def test_opening_writes_nothing(pushed: Any) -> None:
    def listing() -> str:
        return subprocess.run(
            ["find", str(pushed.path), "-printf", "%p %T@ %s\n"], capture_output=True, text=True, check=True
        ).stdout

    before = listing()
    open_repository(str(pushed.path))
    assert listing() == before
