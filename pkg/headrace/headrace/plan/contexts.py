"""What the expressions of workflows and jobs can read: `github`, `needs`, `strategy`, `inputs`. Pure data in, plain dicts out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from headrace.events.model import Event
from headrace.events.payload import stable_id
from headrace.plan.inputs import text_of
from headrace.plan.model import Leg, Outcome, Plan, Planned
from headrace.workflow.model import Workflow


class RunInfo(Struct, frozen=True):
    """The run as its jobs see it. What only a step can see (`token`, `workspace`, `job`, …) is empty before a runner has it."""

    run_id: str = "1"
    run_number: str = "1"
    run_attempt: str = "1"
    retention_days: str = "90"
    server_url: str = "https://github.com"
    api_url: str = "https://api.github.com"
    graphql_url: str = "https://api.github.com/graphql"
    secret_source: str = "Actions"
    triggering_actor: str = ""
    ref_protected: bool = False
    repository_id: str = ""
    repository_owner_id: str = ""
    actor_id: str = ""
    token: str = ""
    workspace: str = ""
    event_path: str = ""
    job: str = ""


NO_RUN = RunInfo()


def entry_of(plan: Plan, workflow: str) -> str:
    """The path of the file that the event starts, of a job's `workflow`: a called one's jobs see what their callers see."""
    scope = plan.calls.get(workflow)
    return workflow if scope is None else scope.entry


def github_context(
    event: Event, workflow: Workflow, run: RunInfo = NO_RUN, inputs: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The `github` context of a run of `workflow`. `inputs` are the typed inputs of a run started by hand, which the payload
    shows as texts. The fields that belong to one step (`action`, `env`, `output`, …) are for the runner to add."""
    repository = event.repository
    return {
        "token": run.token,
        "job": run.job,
        "ref": event.ref,
        "sha": event.sha,
        "repository": repository.full_name,
        "repository_owner": repository.owner,
        "repository_owner_id": run.repository_owner_id or _id(event, "owner") or str(stable_id(repository.owner)),
        "repositoryUrl": f"git://{run.server_url.partition('://')[2] or 'github.com'}/{repository.full_name}.git",
        "run_id": run.run_id,
        "run_number": run.run_number,
        "retention_days": run.retention_days,
        "run_attempt": run.run_attempt,
        "repository_id": run.repository_id or _id(event) or str(stable_id(repository.full_name)),
        "actor_id": run.actor_id or str(stable_id(event.actor)),
        "actor": event.actor,
        "triggering_actor": run.triggering_actor or event.actor,
        "workflow": workflow.name,
        "head_ref": event.head_ref,
        "base_ref": event.base_ref,
        "event_name": event.name,
        "event": event_payload(event, workflow, inputs),
        "server_url": run.server_url,
        "api_url": run.api_url,
        "graphql_url": run.graphql_url,
        "ref_name": event.ref_name,
        "ref_protected": run.ref_protected,
        "ref_type": event.ref_type,
        "secret_source": run.secret_source,
        "workflow_ref": f"{repository.full_name}/{workflow.path}@{event.ref}",
        "workflow_sha": event.sha,
        "workspace": run.workspace,
        "event_path": run.event_path,
    }


def event_payload(event: Event, workflow: Workflow, inputs: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The payload as this workflow gets it: with its own path, its inputs as texts, and the cron line that fired."""
    payload = dict(event.payload)
    match event.name:
        case "workflow_dispatch":
            payload["workflow"] = workflow.path
            payload["inputs"] = {name: text_of(value) for name, value in inputs.items()} if inputs else None
        case "schedule":
            payload.setdefault("workflow", workflow.path)
            if not payload.get("schedule"):
                payload["schedule"] = next((t.cron for t in workflow.on if t.event == "schedule"), "")
        case "workflow_run":
            named = next((p.text for t in workflow.on if t.event == "workflow_run" for p in t.filters.get("workflows", ())), "")
            about = payload.get("workflow_run")
            if isinstance(about, dict):
                payload["workflow_run"] = {"name": named, **about}
        case _:
            pass
    return payload


def _id(event: Event, part: str = "") -> str:
    found = event.payload.get("repository")
    if part and isinstance(found, dict):
        found = found.get(part)
    number = found.get("id") if isinstance(found, dict) else None
    return str(number) if isinstance(number, int) else ""


def needs_context(plan: Plan, planned: Planned, outcomes: Mapping[Any, Outcome]) -> dict[str, Any]:
    """The `needs` context: direct needs only, by the ids as the needed jobs spell them. A needed job that is not part of the plan
    (it was deselected) counts as a success without outputs."""
    found: dict[str, Any] = {}
    by_id = {plan.jobs[path].job.id.lower(): path for path in planned.needs if path in plan.jobs}
    for name in planned.job.needs:
        path = by_id.get(name.lower())
        outcome = outcomes.get(path) if path is not None else Outcome("success")
        if outcome is not None:
            outputs = {key: value for key, value in outcome.outputs.items() if value != ""}
            found[name] = {"result": outcome.result, "outputs": {} if outcome.result == "skipped" else outputs}
    return found


def strategy_context(leg: Leg) -> dict[str, Any]:
    """The `strategy` context. Without `max-parallel` it shows the number of configurations."""
    return {
        "fail-fast": leg.fail_fast,
        "job-index": float(leg.index),
        "job-total": float(leg.total),
        "max-parallel": float(leg.max_parallel or leg.total),
    }
