"""The contexts that jobs read before a runner has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from headrace.plan.contexts import RunInfo, event_payload, github_context, needs_context
from headrace.plan.model import JobPath, Outcome

TEXT = """
name: CI
on: [push, workflow_dispatch]
jobs:
  build: {runs-on: ubuntu-latest, steps: [{run: x}]}
  test: {needs: build, runs-on: ubuntu-latest, steps: [{run: x}]}
  last: {needs: [Test], runs-on: ubuntu-latest, steps: [{run: x}]}
"""

FIELDS = [
    *("token", "job", "ref", "sha", "repository", "repository_owner", "repository_owner_id", "repositoryUrl", "run_id"),
    *("run_number", "retention_days", "run_attempt", "repository_id", "actor_id", "actor", "triggering_actor", "workflow"),
    *("head_ref", "base_ref", "event_name", "event", "server_url", "api_url", "graphql_url", "ref_name", "ref_protected"),
    *("ref_type", "secret_source", "workflow_ref", "workflow_sha", "workspace", "event_path"),
]


@pytest.mark.covers("runtime:4.1")
def test_github_has_every_field_with_its_type(read: Callable[..., Any], event: Callable[..., Any]) -> None:
    context = github_context(event(), read(TEXT))
    assert sorted(context) == sorted(FIELDS)
    for name, value in context.items():
        assert type(value) is {"event": dict, "ref_protected": bool}.get(name, str), name


@pytest.mark.covers("runtime:4.1")
@pytest.mark.covers("runtime:4.2")
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"ref": "refs/heads/a/b"},
            {"ref_name": "a/b", "ref_type": "branch", "workflow_ref": "octo/hello/.github/workflows/ci.yml@refs/heads/a/b"},
        ),
        ({"ref": "refs/tags/v1"}, {"ref_name": "v1", "ref_type": "tag"}),
        (
            {"name": "pull_request", "ref": "refs/pull/7/merge", "head_ref": "topic", "base_ref": "main"},
            {"ref_name": "7/merge", "ref_type": "branch", "head_ref": "topic", "base_ref": "main", "event_name": "pull_request"},
        ),
        ({}, {"head_ref": "", "base_ref": "", "actor": "ada", "triggering_actor": "ada", "workflow": "CI", "sha": "1" * 40}),
    ],
)
def test_github_follows_the_event(
    read: Callable[..., Any], event: Callable[..., Any], fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    context = github_context(event(**fields), read(TEXT))
    assert {name: context[name] for name in expected} == expected


@pytest.mark.covers("runtime:4.1")
def test_github_follows_the_run(read: Callable[..., Any], event: Callable[..., Any]) -> None:
    run = RunInfo(
        run_id="9", run_number="3", run_attempt="2", triggering_actor="eve", server_url="http://x.localhost:1", actor_id="5"
    )
    context = github_context(event(payload={"repository": {"id": 7, "owner": {"id": 8}}}), read(TEXT), run)
    assert (context["run_id"], context["run_number"], context["run_attempt"]) == ("9", "3", "2")
    assert (context["actor"], context["triggering_actor"], context["actor_id"]) == ("ada", "eve", "5")
    assert (context["repository_id"], context["repository_owner_id"]) == ("7", "8")
    assert context["repositoryUrl"] == "git://x.localhost:1/octo/hello.git"


@pytest.mark.covers("runtime:4.1")
def test_the_workflow_without_a_name_is_its_path(read: Callable[..., Any], event: Callable[..., Any]) -> None:
    assert github_context(event(), read(TEXT.replace("name: CI\n", "")))["workflow"] == ".github/workflows/ci.yml"


@pytest.mark.covers("runtime:4.3")
def test_a_schedule_shows_the_cron_line_that_fired(read: Callable[..., Any], event: Callable[..., Any]) -> None:
    workflow = read("on: {schedule: [{cron: '0 1 * * *'}, {cron: '0 2 * * *'}]}\njobs: {a: {runs-on: x, steps: []}}\n")
    assert event_payload(event("schedule"), workflow) == {"workflow": ".github/workflows/ci.yml", "schedule": "0 1 * * *"}
    assert event_payload(event("schedule", payload={"schedule": "0 2 * * *"}), workflow)["schedule"] == "0 2 * * *"


@pytest.mark.covers("language:4.9")
def test_a_run_that_has_no_name_gets_the_one_that_is_waited_for(read: Callable[..., Any], event: Callable[..., Any]) -> None:
    workflow = read("on: {workflow_run: {workflows: [Build]}}\njobs: {a: {runs-on: x, steps: []}}\n")
    assert event_payload(event("workflow_run", payload={"workflow_run": {"id": 1}}), workflow)["workflow_run"] == {
        "name": "Build",
        "id": 1,
    }
    given = event("workflow_run", payload={"workflow_run": {"name": "Other"}})
    assert event_payload(given, workflow)["workflow_run"]["name"] == "Other"


def test_the_payload_of_the_event_is_left_alone(read: Callable[..., Any], event: Callable[..., Any]) -> None:
    happened = event("workflow_dispatch", payload={"inputs": {"x": "1"}})
    event_payload(happened, read(TEXT), {"x": True})
    assert happened.payload == {"inputs": {"x": "1"}}


@pytest.mark.covers("language:3.9")
@pytest.mark.covers("language:7.5")
def test_needs_hold_direct_needs_without_empty_outputs(plan: Callable[..., Any]) -> None:
    made = plan(TEXT)

    def path(job: str) -> JobPath:
        return JobPath(f".github/workflows/ci.yml:{job}")

    outcomes = {path("build"): Outcome("success", {"x": "1"}), path("test"): Outcome("failure", {"y": "2", "empty": ""})}
    assert needs_context(made, made.jobs[path("last")], outcomes) == {"Test": {"result": "failure", "outputs": {"y": "2"}}}
    assert needs_context(made, made.jobs[path("test")], outcomes) == {"build": {"result": "success", "outputs": {"x": "1"}}}
    skipped = {path("build"): Outcome("skipped", {"x": "1"})}
    assert needs_context(made, made.jobs[path("test")], skipped) == {"build": {"result": "skipped", "outputs": {}}}
    assert needs_context(made, made.jobs[path("build")], {}) == {}
