"""The contexts that a step's expressions see and the runner knows: job, runner, steps, strategy, needs, and the step's part of
github. Plain values in, plain values out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping, Sequence

    from headrace.record.records import StepResult

JobStatus = Literal["success", "failure", "cancelled"]

_ORDER: tuple[JobStatus, ...] = ("success", "failure", "cancelled")


def job_context(
    status: JobStatus,
    *,
    workflow_ref: str = "",
    workflow_sha: str = "",
    workflow_repository: str = "",
    workflow_file_path: str = "",
    check_run_id: int | None = None,
) -> dict[str, Any]:
    """`job`. The workflow fields are those of the file that defines the job: the called one, in a called workflow. `container`
    and `services` come with the containers: without any they are null, so `job.container && …` asks whether there is one."""
    context: dict[str, Any] = {"status": status}
    if check_run_id is not None:
        context["check_run_id"] = check_run_id
    context.update(
        workflow_ref=workflow_ref,
        workflow_sha=workflow_sha,
        workflow_repository=workflow_repository,
        workflow_file_path=workflow_file_path,
    )
    return context


def runner_context(
    *, os: str, arch: str, temp: str, tool_cache: str, workspace: str, name: str, environment: str, debug: bool = False
) -> dict[str, Any]:
    """`runner`. `workspace` is the parent of the job's workspace; `environment` is github-hosted or self-hosted. `debug` is there
    only when it is on.

    >>> runner_context(os="Linux", arch="X64", temp="/t", tool_cache="/c", workspace="/w", name="n", environment="self-hosted")
    {'os': 'Linux', 'arch': 'X64', 'name': 'n', 'environment': 'self-hosted', 'tool_cache': '/c', 'temp': '/t', 'workspace': '/w'}
    """
    context = {
        "os": os,
        "arch": arch,
        "name": name,
        "environment": environment,
        "tool_cache": tool_cache,
        "temp": temp,
        "workspace": workspace,
    }
    return context | ({"debug": "1"} if debug else {})


def step_github(
    github: Mapping[str, Any],
    *,
    action: str,
    files: Mapping[str, str],
    action_repository: str = "",
    action_ref: str = "",
    action_path: str | None = None,
    action_status: JobStatus | None = None,
) -> dict[str, Any]:
    """The job's `github` context as one step sees it. `action` is the id, given or generated, of the outermost step; `files` maps
    the kinds of the command files (`env`, `output`, …) to their paths. `action_path` and `action_status` belong to the steps
    inside a composite action only."""
    context = {**github, "action": action, "action_repository": action_repository, "action_ref": action_ref, **files}
    if action_path is not None:
        context["action_path"] = action_path
    if action_status is not None:
        context["action_status"] = action_status
    return context


def status_functions(job_status: JobStatus, action_status: JobStatus | None = None) -> dict[str, Callable[[Sequence[Any]], bool]]:
    """The functions of a step's condition. Inside a composite action's main steps `success` and `failure` look at
    `action_status`, how that action is doing; `cancelled` is the job's.

    >>> functions = status_functions("cancelled")
    >>> {name: function([]) for name, function in functions.items()}
    {'always': True, 'cancelled': True, 'failure': False, 'success': False}
    """
    status = job_status if action_status is None else action_status
    return {
        "always": lambda _: True,
        "cancelled": lambda _: job_status == "cancelled",
        "failure": lambda _: status == "failure",
        "success": lambda _: status == "success",
    }


def worse(status: JobStatus, conclusion: StepResult) -> JobStatus:
    """The status of a job after a step: the worst so far, and cancelled stays.

    >>> worse("success", "failure"), worse("cancelled", "failure"), worse("failure", "skipped")
    ('failure', 'cancelled', 'failure')
    """
    return status if conclusion == "skipped" else max(status, conclusion, key=_ORDER.index)


def set_output(outputs: MutableMapping[str, str], name: str, value: str) -> None:
    """Set an output; names are compared ignoring case, and the first spelling stays.

    >>> outputs = {"Key": "1"}
    >>> set_output(outputs, "KEY", "2")
    >>> outputs
    {'Key': '2'}
    """
    if name not in outputs:
        lower = name.lower()
        name = next((known for known in outputs if known.lower() == lower), name)
    outputs[name] = value
