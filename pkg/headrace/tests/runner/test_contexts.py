from __future__ import annotations

import pytest
from headrace.runner.contexts import (
    job_context,
    runner_context,
    set_output,
    status_functions,
    step_github,
    worse,
)


@pytest.mark.covers("runtime:1.5")
@pytest.mark.parametrize(
    ("job", "action", "holds"),
    [
        ("success", None, {"always", "success"}),
        ("failure", None, {"always", "failure"}),
        ("cancelled", None, {"always", "cancelled"}),
        ("failure", "success", {"always", "success"}),  # a composite action that `if: failure()` started
        ("success", "failure", {"always", "failure"}),
        ("cancelled", "success", {"always", "cancelled", "success"}),
    ],
)
def test_status_functions(job: str, action: str | None, holds: set[str]) -> None:
    functions = status_functions(job, action)  # type: ignore[arg-type]
    assert {name for name, function in functions.items() if function([])} == holds


@pytest.mark.covers("runtime:1.6")
@pytest.mark.parametrize(
    ("conclusions", "status"),
    [
        ([], "success"),
        (["success", "skipped"], "success"),
        (["failure", "success", "skipped"], "failure"),
        (["failure", "cancelled", "failure", "success"], "cancelled"),
    ],
)
def test_the_status_of_a_job_is_the_worst_so_far(conclusions: list[str], status: str) -> None:
    result = "success"
    for conclusion in conclusions:
        result = worse(result, conclusion)  # type: ignore[arg-type]
    assert result == status


@pytest.mark.covers("runtime:4.4")
def test_runner_and_job() -> None:
    fields = {"os": "Linux", "arch": "X64", "temp": "/t", "tool_cache": "/c", "workspace": "/w", "name": "n"}
    assert "debug" not in runner_context(**fields, environment="self-hosted")  # type: ignore[arg-type]
    assert runner_context(**fields, environment="self-hosted", debug=True)["debug"] == "1"
    assert job_context("failure", check_run_id=3, workflow_sha="s")["check_run_id"] == 3
    assert "check_run_id" not in job_context("success")
    assert {"container", "services"} & set(job_context("success")) == set()  # a job without any can ask for them


@pytest.mark.covers("runtime:4.1")
def test_a_step_adds_its_own_fields_to_github() -> None:
    job = {"sha": "s", "workspace": "/w"}
    plain = step_github(job, action="__run", files={"output": "/o"})
    assert plain == {"sha": "s", "workspace": "/w", "action": "__run", "action_repository": "", "action_ref": "", "output": "/o"}
    inner = step_github(job, action="x", files={}, action_path="/a", action_status="failure")
    assert (inner["action_path"], inner["action_status"]) == ("/a", "failure")
    assert job == {"sha": "s", "workspace": "/w"}


@pytest.mark.covers("runtime:5.2")
def test_output_names_ignore_case() -> None:
    outputs: dict[str, str] = {}
    for name, value in (("Key", "1"), ("other", "2"), ("key", "3")):
        set_output(outputs, name, value)
    assert outputs == {"Key": "3", "other": "2"}
