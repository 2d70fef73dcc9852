"""A push: ref, tree, what was there before, changed files, payload."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from headrace.base.errors import UsageError
from headrace.events.snapshot import MESSAGE, ObjectStore

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

RepoMaker = Callable[..., Any]
Tree = Callable[[Any], dict[str, str]]


# ---- which ref and which tree ----


def test_a_clean_tree_is_head_itself(repo: Any, store: ObjectStore) -> None:
    event = repo.event(store=store)
    assert (event.ref, event.sha, event.snapshot) == ("refs/heads/main", repo.git("rev-parse", "HEAD"), False)
    assert event.objects == str(repo.path / ".git")
    assert not Path(store.path).exists()


def test_a_changed_tree_is_a_snapshot_on_top_of_head(repo: Any, store: ObjectStore, tree: Tree) -> None:
    repo.write("a.py", "2\n")
    event = repo.event(store=store)
    assert event.snapshot
    assert event.objects == store.path
    assert tree(event) == {"a.py": "100644 2\n"}
    parent = subprocess.run(
        ["git", "--git-dir", store.path, "rev-parse", f"{event.sha}^"], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert parent == repo.git("rev-parse", "HEAD")


def test_planning_shows_head_and_says_that_the_tree_differs(repo: Any, store: ObjectStore) -> None:
    repo.write("a.py", "2\n")
    repo.write("new.py", "")
    planned, run = repo.event(), repo.event(store=store)
    assert (planned.sha, planned.snapshot) == (repo.git("rev-parse", "HEAD"), True)
    assert planned.objects == str(repo.path / ".git")
    assert planned.changed_files == run.changed_files == ("a.py", "new.py")
    assert planned.message == run.message == MESSAGE


def test_the_message_of_head_does_not_speak_for_the_working_tree(repo: Any) -> None:
    repo.commit("quiet [skip ci]", a_py="2\n")
    assert "[skip ci]" in repo.event().message
    repo.write("a.py", "3\n")
    assert "[skip ci]" not in repo.event().message


def test_a_ref_that_exists_gives_its_commit_and_hides_the_working_tree(repo: Any, store: ObjectStore) -> None:
    first = repo.git("rev-parse", "HEAD")
    repo.git("tag", "--annotate", "--message", "x", "v1")
    repo.git("branch", "old")
    repo.commit("second", a_py="2\n")
    repo.write("a.py", "3\n")
    for text, ref in (
        ("v1", "refs/tags/v1"),
        ("refs/tags/v1", "refs/tags/v1"),
        ("tags/v1", "refs/tags/v1"),
        ("old", "refs/heads/old"),
    ):
        event = repo.event(store=store, ref=text)
        assert (event.ref, event.sha, event.snapshot) == (ref, first, False), text


def test_the_present_branch_by_name_is_the_working_tree(repo: Any, store: ObjectStore, tree: Tree) -> None:
    repo.write("a.py", "2\n")
    for text in ("main", "refs/heads/main", "heads/main"):
        assert tree(repo.event(store=store, ref=text)) == {"a.py": "100644 2\n"}


def test_a_ref_that_does_not_exist_is_pushed_with_the_working_tree(repo: Any, store: ObjectStore, tree: Tree) -> None:
    repo.write("a.py", "2\n")
    event = repo.event(store=store, ref="refs/tags/hello@1.0")
    assert (event.ref, event.ref_type, event.snapshot) == ("refs/tags/hello@1.0", "tag", True)
    assert tree(event) == {"a.py": "100644 2\n"}
    assert repo.event(ref="to/be").ref == "refs/heads/to/be"


def test_a_branch_that_only_the_remote_has_gives_its_commit(pushed: Any) -> None:
    sha = pushed.git("rev-parse", "HEAD")
    pushed.git("push", "--quiet", "origin", "main:there")
    pushed.git("fetch", "--quiet")
    pushed.commit("second", a_py="2\n")
    for text in ("there", "origin/there", "refs/heads/there", "refs/remotes/origin/there"):
        event = pushed.event(ref=text)
        assert (event.ref, event.sha) == ("refs/heads/there", sha), text


def test_sha_is_the_tree_whatever_the_ref_says(repo: Any) -> None:
    first = repo.git("rev-parse", "HEAD")
    repo.commit("second", a_py="2\n")
    repo.write("a.py", "3\n")
    event = repo.event(sha="HEAD~1", ref="refs/tags/v9")
    assert (event.ref, event.sha, event.snapshot) == ("refs/tags/v9", first, False)
    assert repo.event(sha=first[:9]).ref == "refs/heads/main"


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        ({"sha": "nowhere"}, "--sha nowhere: there is no such commit"),
        ({"ref": "a..b"}, "not the name of a branch or tag"),
        ({"ref": "main~1"}, "not the name of a branch or tag"),
        ({"ref": "0" * 40}, "use --sha"),
        ({"ref": "both"}, "a branch and a tag of that name"),
        ({"base": "nowhere"}, "--base nowhere: there is no such commit"),
    ],
)
def test_what_is_no_ref_or_commit_is_refused(repo: Any, request_: dict[str, str], text: str) -> None:
    repo.git("branch", "both")
    repo.git("tag", "both")
    with pytest.raises(UsageError, match=text):
        repo.event(**request_)


def test_a_detached_head_pushes_what_stands_on_it(repo: Any) -> None:
    repo.git("tag", "v1")
    repo.git("checkout", "--quiet", "--detach")
    assert repo.event().ref == "refs/heads/main"
    repo.git("branch", "--force", "main", repo.commit("second", a_py="2\n"))
    repo.git("checkout", "--quiet", "v1")
    assert repo.event().ref == "refs/tags/v1"
    repo.git("tag", "--delete", "v1")
    assert repo.event().ref == "refs/heads/main"


def test_before_the_first_commit_the_working_tree_is_all_there_is(new_repo: RepoMaker, store: ObjectStore, tree: Tree) -> None:
    made = new_repo()
    made.write("a.py", "1\n")
    made.write("b c/ü", "2\n")
    planned, run = made.event(), made.event(store=store)
    assert (planned.sha, planned.snapshot, planned.ref) == ("0" * 40, True, "refs/heads/main")
    assert tree(run) == {"a.py": "100644 1\n", "b c/ü": "100644 2\n"}
    assert planned.changed_files == run.changed_files == ("a.py", "b c/ü")
    assert run.payload["before"] == "0" * 40


def test_a_bare_repository_pushes_its_head(pushed: Any, tmp_path: Path, store: ObjectStore) -> None:
    from headrace.events.build import build_event
    from headrace.events.detect import open_repository
    from headrace.events.request import EventRequest

    far = open_repository(str(tmp_path / "far.git"))
    event = build_event(far, "push", EventRequest(), store)
    assert (event.ref, event.sha) == ("refs/heads/main", pushed.git("rev-parse", "HEAD"))


def test_a_bare_repository_without_commits_says_why_not(new_repo: RepoMaker) -> None:
    made = new_repo("empty.git", "--bare")
    with pytest.raises(UsageError, match="bare"):
        made.event()


# ---- which files changed ----


@pytest.mark.covers("language:4.5")
def test_a_push_is_compared_with_what_the_remote_has(pushed: Any) -> None:
    pushed.commit("second", b_py="")
    pushed.commit("third", c_py="")
    event = pushed.event()
    assert event.changed_files == ("b.py", "c.py")
    assert event.payload["before"] == pushed.git("rev-parse", "origin/main")
    assert [commit["message"] for commit in event.payload["commits"]] == ["second", "third"]


@pytest.mark.covers("language:4.5")
def test_what_is_pushed_already_is_compared_with_its_parent(pushed: Any) -> None:
    parent = pushed.git("rev-parse", "HEAD")
    pushed.commit("second", b_py="")
    pushed.git("push", "--quiet")
    event = pushed.event()
    assert event.changed_files == ("b.py",)
    assert event.payload["before"] == parent
    assert not event.payload["created"]


@pytest.mark.covers("language:4.5")
def test_a_changed_tree_is_compared_with_the_remote_too(pushed: Any) -> None:
    pushed.write("d.py", "")
    assert pushed.event().changed_files == ("d.py",), "main is pushed: only what is new"
    pushed.commit("second", b_py="")
    pushed.git("rm", "--quiet", "a.py")
    pushed.write("e.py", "")
    assert pushed.event().changed_files == ("a.py", "b.py", "d.py", "e.py")


@pytest.mark.covers("language:4.5")
def test_a_change_that_the_working_tree_takes_back_is_no_change(pushed: Any) -> None:
    pushed.commit("second", a_py="2\n", b_py="")
    pushed.write("a.py", "1\n")
    assert pushed.event().changed_files == ("b.py",)


@pytest.mark.covers("language:4.5")
def test_a_new_branch_is_compared_with_where_it_left_the_default_branch(pushed: Any) -> None:
    pushed.git("checkout", "--quiet", "-b", "topic")
    pushed.commit("second", b_py="")
    pushed.commit("third", c_py="")
    event = pushed.event()
    assert event.changed_files == ("b.py", "c.py")
    assert (event.payload["before"], event.payload["created"]) == ("0" * 40, True)


@pytest.mark.covers("language:4.5")
def test_without_a_remote_it_is_the_last_commit(repo: Any) -> None:
    repo.commit("second", b_py="")
    repo.commit("third", c_py="")
    assert repo.event().changed_files == ("c.py",)
    repo.write("d.py", "")
    assert repo.event().changed_files == ("d.py",)


@pytest.mark.covers("language:4.5")
def test_the_first_commit_changes_every_file(new_repo: RepoMaker) -> None:
    made = new_repo()
    made.commit("first", a_py="", b_py="")
    event = made.event()
    assert event.changed_files == ("a.py", "b.py")
    assert (event.payload["before"], event.payload["created"]) == ("0" * 40, True)


@pytest.mark.covers("language:4.5")
def test_base_says_what_was_there_before(repo: Any) -> None:
    first = repo.git("rev-parse", "HEAD")
    repo.commit("second", b_py="")
    repo.commit("third", c_py="")
    event = repo.event(base="HEAD~2")
    assert event.changed_files == ("b.py", "c.py")
    assert event.payload["before"] == first


def test_a_renamed_file_changes_both_names(repo: Any) -> None:
    repo.git("mv", "a.py", "z.py")
    assert repo.event().changed_files == ("a.py", "z.py")
    repo.commit("moved")
    assert repo.event().changed_files == ("a.py", "z.py")


def test_a_tag_has_no_changed_files(repo: Any) -> None:
    repo.git("tag", "v1")
    assert repo.event(ref="v1").changed_files is None


@pytest.mark.covers("language:4.5")
def test_a_parent_that_a_shallow_clone_lacks_leaves_the_files_unknown(pushed: Any, tmp_path: Path, new_repo: RepoMaker) -> None:
    pushed.commit("second", b_py="")
    pushed.git("push", "--quiet")
    clone = new_repo("clone")
    clone.git("fetch", "--quiet", "--depth=1", f"file://{tmp_path}/far.git", "main:refs/heads/got")
    clone.git("checkout", "--quiet", "got")
    assert clone.event().changed_files is None
    clone.git("fetch", "--quiet", "--unshallow", f"file://{tmp_path}/far.git", "main")
    assert clone.event().changed_files == ("b.py",)


def _many_commits(repo: Any, count: int) -> None:
    lines = []
    for number in range(count):
        lines.append(f"commit refs/heads/many\ncommitter A <a@b> {1700000000 + number} +0000\ndata 1\nx\n")
        if not number:
            lines.append("from refs/heads/main\n")
        lines.append(f"M 100644 inline f{number % 7}.py\ndata {len(str(number))}\n{number}\n")
    repo.git("fast-import", "--quiet", data="".join(lines))


@pytest.mark.covers("language:4.5")
@pytest.mark.parametrize(("count", "known"), [(1000, True), (1001, False)])
def test_a_push_of_more_than_a_thousand_commits_has_no_diff(pushed: Any, count: int, known: bool) -> None:
    _many_commits(pushed, count)
    event = pushed.event(ref="many")
    assert (event.changed_files is not None) is known
    assert event.sha == pushed.git("rev-parse", "many")


@pytest.mark.covers("language:4.5")
def test_no_more_than_three_thousand_files_count(repo: Any) -> None:
    for number in range(3001):
        (repo.path / f"n{number:04}").touch()
    files = repo.event().changed_files
    assert files is not None
    assert (len(files), files[0], files[-1]) == (3000, "n0000", "n2999")
    repo.commit("many")
    assert repo.event().changed_files == files


def test_the_payloads_before_is_what_was_there(repo: Any) -> None:
    first = repo.git("rev-parse", "HEAD")
    repo.commit("second", b_py="")
    repo.commit("third", c_py="")
    assert repo.event(payload={"before": first}).changed_files == ("b.py", "c.py")
    unknown = repo.event(payload={"before": "1" * 40})
    assert (unknown.changed_files, unknown.payload["before"]) == (None, "1" * 40)


# ---- the payload ----


@pytest.mark.covers("runtime:4.3")
@pytest.mark.covers("runtime:4.2")
def test_the_payload_of_a_push(pushed: Any) -> None:
    before = pushed.git("rev-parse", "HEAD")
    sha = pushed.commit("second\n\nbody", b_py="")
    payload = pushed.event().payload
    assert {k: payload[k] for k in ("ref", "before", "after", "base_ref", "created", "deleted", "forced")} == {
        "ref": "refs/heads/main",
        "before": before,
        "after": sha,
        "base_ref": None,
        "created": False,
        "deleted": False,
        "forced": False,
    }
    (commit,) = payload["commits"]
    assert commit == payload["head_commit"]
    assert (commit["id"], commit["message"], commit["distinct"]) == (sha, "second\n\nbody", True)
    assert commit["tree_id"] == pushed.git("rev-parse", "HEAD^{tree}")
    assert commit["timestamp"] == pushed.git("show", "-s", "--format=%cI")
    assert commit["author"] == {"name": "Ada Lovelace", "email": "ada@example.org", "username": "Ada Lovelace"}
    assert payload["pusher"] == {"name": "Ada-Lovelace", "email": "ada@example.org"}
    assert payload["repository"]["default_branch"] == "main"
    assert payload["sender"]["login"] == "Ada-Lovelace"
    assert not {"added", "removed", "modified"} & commit.keys()


@pytest.mark.covers("runtime:4.3")
def test_a_tag_has_no_commits_but_a_head_commit(repo: Any) -> None:
    repo.git("tag", "--annotate", "--message", "note", "v1")
    event = repo.event(ref="v1")
    assert (event.payload["commits"], event.payload["before"], event.payload["created"]) == ([], "0" * 40, True)
    assert event.payload["head_commit"]["id"] == event.sha == repo.git("rev-parse", "v1^{commit}")


def test_what_the_payload_says_wins_and_the_rest_is_filled_in(repo: Any) -> None:
    given = {
        "ref": "refs/heads/topic",
        "repository": {"private": True},
        "head_commit": {"message": "theirs [skip ci]"},
        "own": [1],
    }
    event = repo.event(payload=given)
    assert (event.ref, event.message) == ("refs/heads/topic", "theirs [skip ci]")
    assert event.payload["repository"]["private"] is True
    assert event.payload["repository"]["full_name"] == "local/hello"
    assert event.payload["own"] == [1]
    assert given == {
        "ref": "refs/heads/topic",
        "repository": {"private": True},
        "head_commit": {"message": "theirs [skip ci]"},
        "own": [1],
    }


def test_the_payloads_after_is_the_tree_where_that_commit_is_here(repo: Any) -> None:
    first = repo.git("rev-parse", "HEAD")
    repo.commit("second", b_py="")
    assert repo.event(payload={"after": first}).sha == first
    assert repo.event(payload={"after": "1" * 40}).sha == repo.git("rev-parse", "HEAD")


@pytest.mark.parametrize(
    ("message", "encoding"),
    [("größe", "ISO-8859-1"), ("größe", "utf-8"), ("smile ☺", "utf-8")],
)
def test_messages_are_read_in_their_own_encoding(repo: Any, message: str, encoding: str) -> None:
    file = repo.path / "message"
    file.write_bytes(message.encode(encoding))
    repo.git("-c", f"i18n.commitEncoding={encoding}", "commit", "--quiet", "--allow-empty", "--file", str(file))
    file.unlink()
    assert repo.event().message == message


# ---- who ----


@pytest.mark.parametrize(
    ("settings", "request_", "actor"),
    [
        ({}, {"actor": "me"}, "me"),
        ({}, {"payload": {"sender": {"login": "they"}}}, "they"),
        ({"github.user": "octo"}, {}, "octo"),
        ({"user.email": "12+octo@users.noreply.github.com"}, {}, "octo"),
        ({"user.name": "octo"}, {}, "octo"),
        ({"user.name": "Ada Lovelace"}, {}, "Ada-Lovelace"),
        ({"user.name": "Ω"}, {}, "local"),
    ],
)
def test_the_actor_is_who_git_knows(repo: Any, settings: dict[str, str], request_: dict[str, Any], actor: str) -> None:
    for key, value in settings.items():
        repo.git("config", key, value)
    event = repo.event(**request_)
    assert event.actor == event.payload["sender"]["login"] == actor
