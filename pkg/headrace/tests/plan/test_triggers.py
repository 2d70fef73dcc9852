"""Which events start a workflow, and which line of the file decided."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from headrace.plan.triggers import decide_workflow

JOB = "\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: x}]}}\n"
Read = Callable[..., Any]
MakeEvent = Callable[..., Any]


@pytest.fixture
def decide(read: Read, event: MakeEvent) -> Callable[..., Any]:
    """The decision for the text of `on` (the rest of the file is added)."""

    def make(on: str, name: str = "push", **fields: Any) -> Any:
        return decide_workflow(read(f"on: {on}{JOB}"), event(name, **fields))

    return make


@pytest.mark.covers("language:4.1")
@pytest.mark.parametrize("on", ["push", "[pull_request, push]", "{push: }", "{push: {}, issues: }"])
def test_every_form_of_on_names_events(decide: Callable[..., Any], on: str) -> None:
    assert decide(on).started
    refused = decide(on, "fork")
    assert not refused.started
    assert (refused.why.rule, refused.why.facts["event"]) == ("event", "fork")
    assert refused.why.facts["workflow"] == ".github/workflows/ci.yml"
    assert "push" in refused.why.facts["on"]


@pytest.mark.covers("language:4.2")
def test_the_old_name_of_comments_still_means_comments(decide: Callable[..., Any]) -> None:
    assert decide("pull_request_comment", "issue_comment").started


BOTH = "{push: {branches: [main], tags: [v*]}}"


@pytest.mark.covers("language:4.3")
@pytest.mark.parametrize(
    ("on", "ref", "runs"),
    [
        ("{push: {branches: [main]}}", "refs/heads/main", True),
        ("{push: {branches: [main]}}", "refs/heads/other", False),
        ("{push: {branches: [main]}}", "refs/tags/main", False),
        ("{push: {branches-ignore: [main]}}", "refs/heads/other", True),
        ("{push: {branches-ignore: [main]}}", "refs/heads/main", False),
        ("{push: {branches-ignore: [main]}}", "refs/tags/other", False),
        ("{push: {tags: [v*]}}", "refs/tags/v1", True),
        ("{push: {tags: [v*]}}", "refs/tags/w1", False),
        ("{push: {tags: [v*]}}", "refs/heads/v1", False),
        ("{push: {tags-ignore: [v*]}}", "refs/tags/w1", True),
        ("{push: {tags-ignore: [v*]}}", "refs/tags/v1", False),
        ("{push: {tags-ignore: [v*]}}", "refs/heads/w1", False),
        (BOTH, "refs/heads/main", True),
        (BOTH, "refs/heads/v1", False),
        (BOTH, "refs/tags/v1", True),
        (BOTH, "refs/tags/main", False),
        ("{push: {branches: [main], tags-ignore: [v*]}}", "refs/tags/main", True),
        ("push", "refs/tags/v1", True),
        ("{push: {branches: [main], tags: }}", "refs/tags/v1", False),
        ("{push: {branches: , tags: [v*]}}", "refs/heads/main", False),
        ("{push: {branches-ignore: }}", "refs/tags/v1", True),
        ("push", "refs/heads/a/b", True),
        ("{push: {branches: ['feature/**', '!feature/x']}}", "refs/heads/feature/a/b", True),
        ("{push: {branches: ['feature/**', '!feature/x']}}", "refs/heads/feature/x", False),
        ("{push: {branches: ['!main']}}", "refs/heads/other", False),
        ("{push: {branches: [a, '!a', a]}}", "refs/heads/a", True),
        ("{push: {branches-ignore: ['**', '!main']}}", "refs/heads/main", True),
        ("{push: {tags: ['**']}}", "refs/tags/headrace@0.1.0", True),
        ("{push: {tags: ['*']}}", "refs/tags/a/b", False),
    ],
)
def test_a_push_passes_the_filters_of_its_own_kind_of_ref(decide: Callable[..., Any], on: str, ref: str, runs: bool) -> None:
    assert decide(on, ref=ref).started is runs


@pytest.mark.covers("language:4.3")
def test_the_reason_stands_at_the_pattern_that_decided(decide: Callable[..., Any]) -> None:
    refused = decide("{push: {branches: [main, '*', '!old']}}", ref="refs/heads/old")
    assert (refused.why.rule, refused.why.facts["pattern"], refused.why.facts["value"]) == ("branches", "!old", "old")
    assert (refused.why.at.line, refused.why.at.column) == (1, 35)
    started = decide("{push: {branches: [main, '*', '!old']}}", ref="refs/heads/new")
    assert (started.why.rule, started.why.facts["pattern"], started.why.at.column) == ("branches", "*", 30)
    unmatched = decide("{push: {branches: [main]}}", ref="refs/heads/old")
    assert "pattern" not in unmatched.why.facts
    assert (unmatched.why.facts["filter"], unmatched.why.at.column) == ("branches", 24)
    only_tags = decide("{push: {tags: [v1]}}", ref="refs/heads/old")
    assert (only_tags.why.rule, only_tags.why.facts["only"]) == ("branches", "tags")


ORDERED = "{push: {paths: ['**.py', Makefile, '!other/**', other/keep.py]}}"


@pytest.mark.covers("language:4.3")
@pytest.mark.parametrize(
    ("on", "files", "runs"),
    [
        (ORDERED, ("a.py",), True),
        (ORDERED, ("other/a.py",), False),
        (ORDERED, ("other/keep.py",), True),
        (ORDERED, ("other/a.py", "x/Makefile"), False),
        (ORDERED, ("other/a.py", "Makefile"), True),
        (ORDERED, (), False),
        (ORDERED, None, True),
        ("{push: {paths-ignore: ['docs/**', '!docs/keep']}}", ("docs/a", "docs/b"), False),
        ("{push: {paths-ignore: ['docs/**', '!docs/keep']}}", ("docs/a", "docs/keep"), True),
        ("{push: {paths-ignore: ['docs/**']}}", ("docs/a", "x"), True),
        ("{push: {paths-ignore: ['docs/**']}}", (), False),
        ("{push: {paths-ignore: ['docs/**']}}", None, True),
        ("{push: {branches: [main], paths: ['**.py']}}", ("a.py",), True),
        ("{push: {branches: [other], paths: ['**.py']}}", ("a.py",), False),
    ],
)
def test_one_changed_file_that_passes_is_enough(decide: Callable[..., Any], on: str, files: Any, runs: bool) -> None:
    assert decide(on, changed_files=files).started is runs


@pytest.mark.covers("language:4.3")
def test_path_filters_are_not_looked_at_for_tags(decide: Callable[..., Any]) -> None:
    assert decide("{push: {paths: [x]}}", ref="refs/tags/v1", changed_files=("a.py",)).started
    assert not decide("{push: {paths: [x]}}", ref="refs/heads/v1", changed_files=("a.py",)).started


@pytest.mark.covers("language:4.3")
def test_the_file_that_passed_is_told(decide: Callable[..., Any]) -> None:
    why = decide(ORDERED, changed_files=("README.md", "z.py")).why
    assert (why.rule, why.facts["file"], why.facts["pattern"]) == ("paths", "z.py", "**.py")
    assert decide(ORDERED, changed_files=None).why.facts["files"] == "unknown"
    assert decide(ORDERED, changed_files=("other/x.py",)).why.facts["pattern"] == "!other/**"


@pytest.mark.covers("language:4.3")
@pytest.mark.parametrize("name", ["pull_request", "pull_request_target"])
@pytest.mark.parametrize(
    ("on", "base", "files", "runs"),
    [
        ("{%s: {branches: [main]}}", "main", ("x",), True),
        ("{%s: {branches: [main]}}", "topic", ("x",), False),
        ("{%s: {branches-ignore: [main]}}", "main", ("x",), False),
        ("{%s: {paths: [x]}}", "main", ("x",), True),
        ("{%s: {paths: [x]}}", "main", ("y",), False),
    ],
)
def test_a_pull_request_passes_by_its_base_branch_and_files(
    decide: Callable[..., Any], name: str, on: str, base: str, files: Any, runs: bool
) -> None:
    found = decide(on % name, name, ref="refs/pull/1/merge", base_ref=base, head_ref="topic", changed_files=files)
    assert found.started is runs


@pytest.mark.covers("language:4.2")
@pytest.mark.parametrize(
    ("on", "name", "action", "runs"),
    [
        ("pull_request", "pull_request", "opened", True),
        ("pull_request", "pull_request", "synchronize", True),
        ("pull_request", "pull_request", "reopened", True),
        ("pull_request", "pull_request", "closed", False),
        ("pull_request_target", "pull_request_target", "labeled", False),
        ("{pull_request: {types: [labeled]}}", "pull_request", "labeled", True),
        ("{pull_request: {types: labeled}}", "pull_request", "synchronize", False),
        ("issues", "issues", "pinned", True),
        ("{issues: {types: [opened, closed]}}", "issues", "closed", True),
        ("{issues: {types: [opened, closed]}}", "issues", "edited", False),
        ("{repository_dispatch: {types: [deploy]}}", "repository_dispatch", "deploy", True),
        ("{repository_dispatch: {types: [deploy]}}", "repository_dispatch", "other", False),
        ("repository_dispatch", "repository_dispatch", "anything", True),
        ("{release: {types: [published]}}", "release", "published", True),
        ("{release: {types: [created]}}", "release", "published", False),
    ],
)
def test_the_activity_type_must_be_one_of_the_listed_or_the_usual(
    decide: Callable[..., Any], on: str, name: str, action: str, runs: bool
) -> None:
    found = decide(on, name, action=action, base_ref="main")
    assert found.started is runs
    if not runs:
        assert (found.why.rule, found.why.facts["action"]) == ("types", action)


@pytest.mark.covers("language:4.3")
@pytest.mark.parametrize(("base", "runs"), [("refs/heads/main", True), ("refs/heads/other", False)])
def test_a_merge_group_passes_by_its_base(decide: Callable[..., Any], base: str, runs: bool) -> None:
    found = decide("{merge_group: {branches: [main]}}", "merge_group", payload={"merge_group": {"base_ref": base}})
    assert found.started is runs


@pytest.mark.covers("language:4.9")
@pytest.mark.parametrize(
    ("payload", "runs"),
    [
        ({"workflow_run": {"name": "Build", "head_branch": "main", "conclusion": "failure"}}, True),
        ({"workflow_run": {"name": "Test", "head_branch": "main"}}, True),
        ({"workflow_run": {"name": "build", "head_branch": "main"}}, False),
        ({"workflow_run": {"name": "Build", "head_branch": "topic"}}, False),
        ({"workflow_run": {"head_branch": "main"}}, True),
    ],
)
def test_a_run_of_a_named_workflow_starts_it(decide: Callable[..., Any], payload: dict[str, Any], runs: bool) -> None:
    assert decide("{workflow_run: {workflows: [Build, Test], branches: [main]}}", "workflow_run", payload=payload).started is runs


@pytest.mark.covers("language:4.1")
def test_each_cron_line_is_an_event_of_its_own(decide: Callable[..., Any]) -> None:
    on = "{schedule: [{cron: '0 1 * * *'}, {cron: '0 2 * * *'}]}"
    second = decide(on, "schedule", payload={"schedule": "0 2 * * *"})
    assert second.trigger.cron == "0 2 * * *"
    assert decide(on, "schedule").trigger.cron == "0 1 * * *", "where nothing says which, the first"
    refused = decide(on, "schedule", payload={"schedule": "0 3 * * *"})
    assert (refused.started, refused.why.rule) == (False, "schedule")


@pytest.mark.parametrize(("name", "runs"), [("big-image", True), ("small", False)])
def test_image_versions_are_filtered_by_name(decide: Callable[..., Any], name: str, runs: bool) -> None:
    found = decide("{image_version: {names: [big-*]}}", "image_version", payload={"image_version": {"name": name}})
    assert found.started is runs


@pytest.mark.covers("language:4.10")
@pytest.mark.parametrize(
    ("message", "skipped"),
    [
        ("x [skip ci] y", True),
        ("[ci skip]", True),
        ("a\n\nb [no ci]", True),
        ("[skip actions]", True),
        ("[actions skip]", True),
        ("[SKIP CI]", False),
        ("skip ci", False),
        ("[skip  ci]", False),
        ("x\n\n\nskip-checks: true", True),
        ("x\n\n\nskip-checks:true\n", True),
        ("x\n\n\nReviewed-by: A <a@b>\nskip-checks: true", True),
        ("x\n\n\nskip-checks: true\nReviewed-by: A <a@b>", False),
        ("x\n\nskip-checks: true", False),
        ("x\n\n\nskip-checks: false", False),
        ("skip-checks: true", False),
        ("x\n\n\nbody\n\nskip-checks: true", False),
        ("x\n\n\nskip-checks: true\n\nmore", False),
    ],
)
@pytest.mark.parametrize("name", ["push", "pull_request"])
def test_a_message_may_ask_for_no_run(decide: Callable[..., Any], name: str, message: str, skipped: bool) -> None:
    found = decide("[push, pull_request]", name, message=message)
    assert found.started is not skipped
    if skipped:
        assert found.why.rule == "skip-ci"
        assert found.why.facts["mark"]


@pytest.mark.covers("language:4.10")
@pytest.mark.parametrize("name", ["pull_request_target", "workflow_dispatch", "schedule", "release"])
def test_other_events_do_not_listen_to_the_message(decide: Callable[..., Any], name: str) -> None:
    on = "{schedule: [{cron: '0 1 * * *'}]}" if name == "schedule" else name
    assert decide(on, name, message="[skip ci]").started


@pytest.mark.covers("language:4.10")
def test_a_workflow_that_does_not_listen_to_the_event_says_that_first(decide: Callable[..., Any]) -> None:
    assert decide("issues", message="[skip ci]").why.rule == "event"


@pytest.mark.covers("language:4.2", "language:4.9")
@pytest.mark.parametrize(
    ("name", "action", "payload", "sent"),
    [
        ("deployment_status", "", {"deployment_status": {"state": "inactive"}}, False),
        ("deployment_status", "", {"deployment_status": {"state": "success"}}, True),
        ("deployment_status", "", {}, True),
        ("release", "created", {"release": {"draft": True}}, False),
        ("release", "edited", {"release": {"draft": True}}, False),
        ("release", "deleted", {"release": {"draft": True}}, False),
        ("release", "created", {"release": {"draft": False}}, True),
        ("release", "published", {"release": {"draft": True}}, True),
        ("workflow_run", "requested", {"workflow_run": {"name": "W", "run_attempt": 2}}, False),
        ("workflow_run", "requested", {"workflow_run": {"name": "W", "run_attempt": 1}}, True),
        ("workflow_run", "completed", {"workflow_run": {"name": "W", "run_attempt": 2}}, True),
    ],
)
def test_what_github_sends_no_event_for_starts_nothing(
    decide: Callable[..., Any], name: str, action: str, payload: dict[str, Any], sent: bool
) -> None:
    on = "{workflow_run: {workflows: [W]}}" if name == "workflow_run" else name
    found = decide(on, name, action=action, payload=payload)
    assert found.started is sent
    if not sent:
        assert (found.why.rule, found.why.at.line) == ("unsent", 1)


@pytest.mark.covers("language:4.9")
@pytest.mark.parametrize("conclusion", ["success", "failure", "cancelled", "skipped"])
def test_a_run_starts_it_whatever_its_conclusion(decide: Callable[..., Any], conclusion: str) -> None:
    assert decide("{workflow_run: {workflows: W}}", "workflow_run", payload={"workflow_run": {"conclusion": conclusion}}).started


@pytest.mark.covers("language:4.1")
def test_however_many_entries_an_event_satisfies_the_first_that_does_starts_it_once(decide: Callable[..., Any]) -> None:
    found = decide("[push, push, issues]")
    assert (found.started, found.trigger.at.column) == (True, 6)
    comments = decide("{issue_comment: {types: [deleted]}, pull_request_comment: }", "issue_comment", action="created")
    assert (comments.started, comments.trigger.at.column) == (True, 41)


@pytest.mark.covers("language:4.3")
@pytest.mark.parametrize(
    ("filters", "runs"),
    [
        ("branches: [main], paths: [a.py]", True),
        ("branches: [main], paths: [b.py]", False),
        ("branches: [x], paths: [a.py]", False),
        ("branches-ignore: [x], paths-ignore: [b.py]", True),
        ("branches-ignore: [main], paths-ignore: [b.py]", False),
        ("branches: MAIN", False),
        ("paths: A.py", False),
        ("branches: main", True),
        ("paths: a.py", True),
    ],
)
def test_ref_and_path_filters_must_both_pass_and_case_counts(decide: Callable[..., Any], filters: str, runs: bool) -> None:
    assert decide(f"{{push: {{{filters}}}}}").started is runs
