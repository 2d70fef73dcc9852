"""Every other event, and what goes for all of them."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import msgspec
import pytest
from headrace.base.errors import UsageError
from headrace.base.git import Object
from headrace.events.commits import parse_commit
from headrace.events.kinds import KINDS
from headrace.events.model import Event
from headrace.events.payload import complete
from headrace.events.snapshot import ObjectStore
from headrace.workflow.events import EVENTS

pytestmark = pytest.mark.slow  # it takes long, and no version of Python matters to it

ON_DEFAULT = {
    *("branch_protection_rule", "check_run", "check_suite", "delete", "discussion", "discussion_comment", "fork", "gollum"),
    *("image_version", "issue_comment", "issues", "label", "milestone", "page_build", "project", "project_card"),
    *("project_column", "public", "pull_request_target", "repository_dispatch", "schedule", "status", "watch", "workflow_run"),
}


def test_every_event_of_the_language_is_known() -> None:
    assert KINDS.keys() == EVENTS.keys() - {"pull_request_comment"}


def test_the_usual_activity_type_is_one_that_the_event_has() -> None:
    for name, kind in KINDS.items():
        types = EVENTS[name].types
        assert (kind.action in types) if types else kind.action == "", name


@pytest.mark.covers("language:4.2")
def test_every_event_can_be_built(pushed: Any) -> None:
    pushed.git("checkout", "--quiet", "-b", "topic")
    head = pushed.commit("second", b_py="")
    for name in sorted(KINDS):
        event = pushed.event(name)
        assert event.name == name
        assert event.action == event.payload.get("action", "") == KINDS[name].action, name
        assert event.sha == head, name
        assert (event.ref == "refs/heads/main") is (name in ON_DEFAULT), name
        assert event.payload["repository"]["full_name"] == event.repository.full_name, name
        assert event.payload["sender"]["login"] == event.actor, name
        assert msgspec.json.decode(msgspec.json.encode(event), type=Event) == event, name


@pytest.mark.parametrize(
    ("name", "near"), [("pull-request", "pull_request"), ("psuh", "push"), ("dispatch", "workflow_dispatch"), ("Push", "push")]
)
def test_an_unknown_event_names_the_nearest(repo: Any, name: str, near: str) -> None:
    with pytest.raises(UsageError, match=f"there is no event '{name}'.*'{near}'"):
        repo.event(name)


def test_an_event_that_is_like_no_other_is_just_unknown(repo: Any) -> None:
    with pytest.raises(UsageError, match=r"there is no event 'xyzzy'$"):
        repo.event("xyzzy")


def test_events_of_the_default_branch_get_the_tree_at_hand(pushed: Any, store: ObjectStore) -> None:
    pushed.git("checkout", "--quiet", "-b", "topic")
    pushed.write("new", "")
    event = pushed.event("schedule", store=store)
    assert (event.ref, event.snapshot) == ("refs/heads/main", True)
    named = pushed.event("schedule", store=store, ref="main")
    assert (named.ref, named.sha, named.snapshot) == ("refs/heads/main", pushed.git("rev-parse", "main"), False)


def test_a_dispatch_runs_on_the_present_branch_with_the_inputs_as_texts(repo: Any) -> None:
    repo.git("checkout", "--quiet", "-b", "topic")
    given = {"inputs": {"flag": True, "count": 3, "Name": "payload", "none": None}}
    event = repo.event("workflow_dispatch", inputs={"name": "option"}, payload=given)
    assert event.ref == "refs/heads/topic"
    assert event.inputs == {"flag": "true", "count": "3", "name": "option"}
    assert event.payload["inputs"] == event.inputs


@pytest.mark.covers("language:4.2")
def test_a_release_is_of_the_tag_that_is_named_or_stands_here(repo: Any) -> None:
    assert repo.event("release").ref == "refs/tags/v0.0.0"
    repo.git("tag", "v1")
    repo.commit("second", b_py="")
    assert repo.event("release").ref == "refs/tags/v1"
    repo.git("tag", "v2")
    event = repo.event("release")
    assert (event.ref, event.payload["release"]["tag_name"], event.action) == ("refs/tags/v2", "v2", "published")
    assert repo.event("release", ref="refs/tags/v1").ref == "refs/tags/v1"
    assert repo.event("release", payload={"release": {"tag_name": "v9"}}).ref == "refs/tags/v9"


def test_a_merge_queue_has_a_branch_of_its_own(pushed: Any) -> None:
    event = pushed.event("merge_group")
    assert event.ref.startswith("refs/heads/gh-readonly-queue/main/")
    assert event.payload["merge_group"]["base_ref"] == "refs/heads/main"


def test_the_payloads_action_wins_and_must_be_a_text(repo: Any) -> None:
    assert repo.event("issues", payload={"action": "closed"}).action == "closed"
    with pytest.raises(UsageError, match="'action'"):
        repo.event("issues", payload={"action": 1})


def test_the_callers_git_variables_do_not_lead_elsewhere(repo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sha = repo.git("rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
    assert repo.event().sha == sha


def test_complete_leaves_what_is_given() -> None:
    assert complete({"a": None, "b": [1]}, {"a": {"x": 1}, "b": [2], "c": 3}) == {"a": None, "b": [1], "c": 3}


def test_a_broken_commit_is_read_as_far_as_it_goes() -> None:
    commit = parse_commit(
        Object("1" * 40, "commit", b"tree 2\nauthor nobody\ncommitter A <a@b> x +0000\nencoding none\n\nm\xff\n")
    )
    assert (commit.tree, commit.parents, commit.author.at, commit.committer.name, commit.message) == ("2", (), 0, "A", "m\ufffd")


def test_building_an_event_imports_no_heavy_module_and_starts_only_git(repo: Any) -> None:
    heavy = ("subprocess", "signal", "tempfile", "hashlib", "difflib", "pathlib")
    code = f"""
import sys, json, msgspec
before = set(sys.modules)
STARTS = ("os.posix_spawn", "subprocess.Popen", "os.fork", "os.exec", "os.system")
sys.addaudithook(lambda event, args: print(event, args[0]) if event in STARTS else None)
from headrace.events.build import build_event
from headrace.events.detect import open_repository
from headrace.events.request import EventRequest
build_event(open_repository({str(repo.path)!r}), "push", EventRequest(), None)
print([name for name in {heavy} if name in sys.modules and name not in before])
"""
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    lines = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout.splitlines()
    assert lines[-1] == "[]"
    assert {line.replace("b'git'", "git") for line in lines[:-1]} == {"os.posix_spawn git"}
    assert len(lines) - 1 <= 7, "each process costs milliseconds"


@pytest.mark.covers("language:4.2", "language:10.4")
@pytest.mark.parametrize(
    ("payload", "told"),
    [
        ({"action": "t" * 100}, None),
        ({"action": "t" * 101}, "more than 100 characters"),
        ({"client_payload": {str(n): n for n in range(10)}}, None),
        ({"client_payload": {str(n): n for n in range(11)}}, "more than 10 keys"),
        ({"client_payload": {"k": "x" * (65_535 - len('{"k":""}'))}}, None),
        ({"client_payload": {"k": "x" * (65_536 - len('{"k":""}'))}}, "more than 65535 characters"),
        ({"client_payload": [1]}, "is not an object"),
    ],
)
def test_what_is_too_large_to_be_dispatched_is_refused(repo: Any, payload: dict[str, Any], told: str | None) -> None:
    if told is None:
        assert repo.event("repository_dispatch", payload=payload).payload.items() >= payload.items()
        return
    with pytest.raises(UsageError, match=told):
        repo.event("repository_dispatch", payload=payload)
