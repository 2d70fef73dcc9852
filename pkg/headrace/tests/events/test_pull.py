"""Pull requests: the two sides, the test merge, the changed files."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from headrace.base.errors import UsageError
from headrace.events.snapshot import ObjectStore

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

Tree = Callable[[Any], dict[str, str]]


@pytest.fixture
def topic(pushed: Any) -> Any:
    """On `topic`, one commit ahead of main; origin/main has moved on by another one."""
    pushed.git("checkout", "--quiet", "-b", "topic")
    pushed.commit("topic's", t_py="t")
    pushed.git("checkout", "--quiet", "main")
    pushed.commit("main's", m_py="m")
    pushed.git("push", "--quiet")
    pushed.git("checkout", "--quiet", "topic")
    return pushed


def _parents(event: Any) -> list[str]:
    command = ["git", "--git-dir", event.objects, "show", "-s", "--format=%P", event.sha]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.covers("runtime:4.2")
@pytest.mark.covers("language:4.5")
def test_the_present_branch_is_merged_into_the_default_branch(topic: Any, store: ObjectStore, tree: Tree) -> None:
    event = topic.event("pull_request", store=store)
    assert (event.ref, event.ref_name, event.ref_type) == ("refs/pull/1/merge", "1/merge", "branch")
    assert (event.head_ref, event.base_ref, event.action) == ("topic", "main", "synchronize")
    assert _parents(event) == [topic.git("rev-parse", "main"), topic.git("rev-parse", "topic")]
    assert tree(event) == {"a.py": "100644 1\n", "m.py": "100644 m", "t.py": "100644 t"}
    assert event.changed_files == ("t.py",), "three dots: only what the head changed"


def test_planning_makes_no_merge(topic: Any, store: ObjectStore) -> None:
    planned = topic.event("pull_request")
    assert planned.sha == topic.git("rev-parse", "topic")
    assert planned.changed_files == topic.event("pull_request", store=store).changed_files


def test_the_working_tree_is_the_head(topic: Any, store: ObjectStore, tree: Tree) -> None:
    topic.write("w.py", "w")
    event = topic.event("pull_request", store=store)
    assert event.snapshot
    assert tree(event) == {"a.py": "100644 1\n", "m.py": "100644 m", "t.py": "100644 t", "w.py": "100644 w"}
    assert event.changed_files == topic.event("pull_request").changed_files == ("t.py", "w.py")
    assert _parents(event)[1] == event.payload["pull_request"]["head"]["sha"] != topic.git("rev-parse", "topic")


def test_a_head_that_is_ahead_keeps_its_tree_in_a_merge_commit(topic: Any, store: ObjectStore, tree: Tree) -> None:
    topic.git("merge", "--quiet", "main")
    event = topic.event("pull_request", store=store)
    assert _parents(event) == [topic.git("rev-parse", "main"), topic.git("rev-parse", "topic")]
    assert tree(event).keys() == {"a.py", "m.py", "t.py"}
    assert event.sha == topic.event("pull_request", store=store).sha, "the same each time"
    topic.write("w.py", "w")
    assert tree(topic.event("pull_request", store=store)).keys() == {"a.py", "m.py", "t.py", "w.py"}


def test_a_conflict_starts_nothing(topic: Any, store: ObjectStore) -> None:
    topic.commit("conflict", m_py="other")
    with pytest.raises(UsageError, match="topic conflicts with main"):
        topic.event("pull_request", store=store)


def test_base_and_head_are_branches_of_any_form(topic: Any) -> None:
    topic.git("branch", "old", "main~1")
    topic.git("checkout", "--quiet", "main")
    for base in ("old", "refs/heads/old"):
        for head in ("topic", "refs/heads/topic"):
            event = topic.event("pull_request", base=base, head=head)
            assert (event.base_ref, event.head_ref) == ("old", "topic")
            assert event.sha == topic.git("rev-parse", "topic")
            assert not event.snapshot
    assert topic.event("pull_request", base="origin/main", head="topic").base_ref == "main"


def test_base_may_be_any_commit_of_the_default_branch(topic: Any) -> None:
    event = topic.event("pull_request", base="main~1")
    assert event.base_ref == "main"
    assert event.payload["pull_request"]["base"]["sha"] == topic.git("rev-parse", "main~1")


def test_the_remotes_base_counts_before_the_local_one(topic: Any) -> None:
    topic.git("branch", "--force", "main", "main~1")
    assert topic.event("pull_request").payload["pull_request"]["base"]["sha"] == topic.git("rev-parse", "origin/main")


@pytest.mark.parametrize(
    "request_", [{"base": "nowhere"}, {"head": "nowhere"}, {"payload": {"pull_request": {"base": {"ref": "nowhere"}}}}]
)
def test_a_side_that_does_not_exist_is_refused(topic: Any, request_: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        topic.event("pull_request", **request_)


@pytest.mark.covers("runtime:4.3")
def test_the_payload_of_a_pull_request(topic: Any, store: ObjectStore) -> None:
    event = topic.event("pull_request", store=store)
    payload = event.payload
    request = payload["pull_request"]
    head, base = topic.git("rev-parse", "topic"), topic.git("rev-parse", "main")
    assert (payload["action"], payload["number"], payload["after"]) == ("synchronize", 1, head)
    assert {k: request[k] for k in ("number", "title", "state", "draft", "merged", "merge_commit_sha", "changed_files")} == {
        "number": 1,
        "title": "topic's",
        "state": "open",
        "draft": False,
        "merged": False,
        "merge_commit_sha": event.sha,
        "changed_files": 1,
    }
    for side, name, sha in (("head", "topic", head), ("base", "main", base)):
        assert (request[side]["ref"], request[side]["sha"]) == (name, sha)
        assert request[side]["label"].endswith(f":{name}")
        assert request[side]["repo"]["full_name"] == event.repository.full_name


def test_the_payload_sets_number_action_and_sides(topic: Any) -> None:
    old = topic.git("rev-parse", "main~1")
    given = {
        "action": "opened",
        "number": 7,
        "pull_request": {"head": {"ref": "theirs"}, "base": {"ref": "main", "sha": old}, "draft": True},
    }
    event = topic.event("pull_request", payload=given)
    assert (event.ref, event.action, event.head_ref, event.base_ref) == ("refs/pull/7/merge", "opened", "theirs", "main")
    request = event.payload["pull_request"]
    assert (request["draft"], request["number"], request["base"]["sha"]) == (True, 7, old)
    assert "after" not in event.payload


def test_a_given_ref_sets_the_number(topic: Any) -> None:
    event = topic.event("pull_request", ref="refs/pull/12/merge")
    assert (event.ref, event.payload["number"], event.head_ref) == ("refs/pull/12/merge", 12, "topic")


def test_a_branch_as_ref_is_the_head(topic: Any) -> None:
    topic.git("checkout", "--quiet", "main")
    event = topic.event("pull_request", ref="topic")
    assert (event.ref, event.head_ref, event.sha) == ("refs/pull/1/merge", "topic", topic.git("rev-parse", "topic"))


def test_a_request_from_the_default_branch_itself_compares_with_the_commit_before(pushed: Any) -> None:
    pushed.commit("second", b_py="")
    pushed.git("push", "--quiet")
    assert pushed.event("pull_request").changed_files == ("b.py",)


@pytest.mark.covers("language:4.2")
def test_the_target_event_runs_on_the_default_branch(topic: Any, store: ObjectStore) -> None:
    event = topic.event("pull_request_target", store=store)
    assert (event.ref, event.base_ref, event.head_ref) == ("refs/heads/main", "main", "topic")
    assert event.changed_files == ("t.py",)


@pytest.mark.covers("language:4.2")
def test_a_merged_request_runs_on_its_base(topic: Any) -> None:
    event = topic.event("pull_request", payload={"action": "closed", "pull_request": {"merged": True}})
    assert event.ref == "refs/heads/main"


def test_a_request_in_a_repository_without_commits_changes_everything(new_repo: Callable[..., Any], store: ObjectStore) -> None:
    made = new_repo()
    made.write("a", "1")
    assert made.event("pull_request").changed_files == made.event("pull_request", store=store).changed_files == ("a",)


def test_reviews_are_about_the_same_request(topic: Any) -> None:
    event = topic.event("pull_request_review")
    assert (event.ref, event.action) == ("refs/pull/1/merge", "submitted")
    assert event.payload["review"]["user"]["login"] == event.actor
    assert event.payload["pull_request"]["head"]["ref"] == "topic"
