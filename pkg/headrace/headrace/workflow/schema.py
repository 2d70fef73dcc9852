"""The whole language of workflow files as data: which keys stand where, of which type, with which contexts and functions."""

from __future__ import annotations

from headrace.workflow.definitions import (
    NULL,
    Definition,
    Scope,
    Shape,
    anything,
    boolean,
    either,
    list_of,
    map_of,
    mapping,
    non_empty,
    number,
    one_of,
    scalar,
    string,
    text_or_list,
)
from headrace.workflow.events import EVENTS, Kind

# Scopes -------------------------------------------------------------------------------------------------------------

RUN = Scope(frozenset({"github", "inputs", "vars"}))
WORKFLOW_ENV = RUN.with_names("secrets")
CALL_OUTPUT = RUN.with_names("jobs")
STRATEGY = RUN.with_names("needs")
JOB_IF = STRATEGY.with_names(always=(0, 0), cancelled=(0, 0), success=(0, 255), failure=(0, 255))
SIX = STRATEGY.with_names("strategy", "matrix")
WITH_SECRETS = SIX.with_names("secrets")
DEFAULTS = SIX.with_names("env")
CREDENTIALS = SIX.with_names("secrets", "env")
URL = SIX.with_names("steps", "job", "runner", "env")
ON_RUNNER = URL.with_names("secrets")
STEP = ON_RUNNER.with_names(hashfiles=(1, 255))
STEP_IF = URL.with_names(hashfiles=(1, 255), always=(0, 0), cancelled=(0, 0), success=(0, 0), failure=(0, 0))

# Permissions --------------------------------------------------------------------------------------------------------

_ALL_LEVELS = one_of(("read", "write", "none"))
_WRITE_ONLY = one_of(("write", "none"))
_READ_ONLY = one_of(("read", "none"))
PERMISSIONS: dict[str, Definition] = {
    **dict.fromkeys(
        [
            "actions",
            "artifact-metadata",
            "attestations",
            "checks",
            "code-quality",
            "contents",
            "deployments",
            "discussions",
            "drives",
            "issues",
            "packages",
            "pages",
            "pull-requests",
            "repository-projects",
            "security-events",
            "statuses",
        ],
        _ALL_LEVELS,
    ),
    "id-token": _WRITE_ONLY,
    "copilot-requests": _WRITE_ONLY,
    "models": _READ_ONLY,
    "vulnerability-alerts": _READ_ONLY,
}
_permissions = either(one_of(("read-all", "write-all")), mapping(PERMISSIONS))

# Small blocks -------------------------------------------------------------------------------------------------------

_non_empty = non_empty()
_string = string()


def _defaults(scope: Scope | None) -> Definition:
    if scope is None:
        return mapping({"run": mapping({"shell": _non_empty, "working-directory": _non_empty})})
    text = non_empty(scope)
    return mapping({"run": mapping({"shell": text, "working-directory": text}, scope=scope)})


def _concurrency(scope: Scope, group: Definition) -> Definition:
    keys = {
        "group": non_empty(scope),
        "cancel-in-progress": boolean(scope),
        "queue": one_of(("single", "max"), scope),
    }
    return either(group, mapping(keys, "group"), scope=scope)


_container_keys = {
    "image": non_empty(SIX),
    "env": map_of(string(ON_RUNNER), ON_RUNNER),
    "ports": list_of(non_empty(SIX), SIX),
    "volumes": list_of(non_empty(SIX), SIX),
    "options": string(SIX),
    "credentials": mapping({"username": non_empty(CREDENTIALS), "password": non_empty(CREDENTIALS)}, scope=CREDENTIALS),
}
_container = either(string(SIX), mapping(_container_keys), scope=SIX)
_service = either(string(SIX), mapping({**_container_keys, "entrypoint": string(SIX), "command": string(SIX)}), scope=SIX)
_services = map_of(_service, SIX)

# Steps --------------------------------------------------------------------------------------------------------------

_step_string = string(STEP)
_step_map = map_of(_step_string, STEP)
_common = {"id": _non_empty, "name": _step_string, "continue-on-error": boolean(STEP)}
_running = {
    **_common,
    "if": string(STEP_IF),
    "timeout-minutes": number(STEP),
    "env": _step_map,
    "background": boolean(),
}
_step = Definition()
_steps = list_of(_step)
_step.shapes = (
    Shape({**_running, "run": _step_string, "shell": _non_empty, "working-directory": _step_string}, ("run",)),
    Shape({**_running, "uses": _non_empty, "with": _step_map}, ("uses",)),
    Shape({**_common, "wait": text_or_list(_non_empty)}, ("wait",)),
    Shape({**_common, "wait-all": either(NULL, boolean())}, ("wait-all",)),
    Shape({**_common, "cancel": _non_empty}, ("cancel",)),
    Shape({"parallel": _steps}, ("parallel",)),
)

# Jobs ---------------------------------------------------------------------------------------------------------------

_six_string = string(SIX)
_six_text = non_empty(SIX)
_any_strategy = anything(STRATEGY)
_maps = list_of(map_of(_any_strategy, STRATEGY, string(STRATEGY)), STRATEGY)
_matrix = Definition(
    STRATEGY,
    shapes=(Shape({"include": _maps, "exclude": _maps}, (), non_empty(STRATEGY), list_of(_any_strategy, STRATEGY)),),
)
_labels = text_or_list(_six_text, SIX)
_any_job = {
    "name": _six_string,
    "needs": text_or_list(_non_empty),
    "if": string(JOB_IF),
    "permissions": _permissions,
    "concurrency": _concurrency(SIX, _six_text),
    "strategy": mapping({"matrix": _matrix, "fail-fast": boolean(STRATEGY), "max-parallel": number(STRATEGY)}, scope=STRATEGY),
}
_steps_job = {
    **_any_job,
    "runs-on": either(_labels, mapping({"group": _six_text, "labels": _labels}), scope=SIX),
    "environment": either(
        _six_string,
        mapping({"name": _six_string, "url": string(URL), "deployment": boolean(SIX)}, "name"),
        scope=SIX,
    ),
    "outputs": map_of(string(ON_RUNNER), ON_RUNNER),
    "env": map_of(string(WITH_SECRETS), WITH_SECRETS),
    "defaults": _defaults(DEFAULTS),
    "timeout-minutes": number(SIX),
    "cancel-timeout-minutes": number(SIX),
    "continue-on-error": boolean(SIX),
    "container": _container,
    "services": _services,
    "steps": _steps,
    "snapshot": either(
        _six_text,
        mapping({"image-name": _six_text, "version": _six_text, "if": string(STEP_IF)}, "image-name"),
        scope=SIX,
    ),
}
_call_job = {
    **_any_job,
    "uses": _non_empty,
    "with": map_of(scalar(SIX)),
    "secrets": either(one_of(("inherit",)), map_of(scalar(WITH_SECRETS))),
}
_job = Definition(shapes=(Shape(_steps_job, ("runs-on",)), Shape(_call_job, ("uses",))))

# Triggers -----------------------------------------------------------------------------------------------------------

_required = boolean()
_call_input = mapping(
    {
        "description": _string,
        "type": one_of(("boolean", "number", "string")),
        "required": _required,
        "default": scalar(RUN),
    },
    "type",
)
_workflow_call = either(
    NULL,
    mapping(
        {
            "inputs": map_of(_call_input),
            "secrets": map_of(either(NULL, mapping({"description": _string, "required": _required}))),
            "outputs": map_of(mapping({"description": _string, "value": string(CALL_OUTPUT)}, "value")),
        }
    ),
)
_dispatch_input = either(
    NULL,
    mapping(
        {
            "description": _string,
            "type": one_of(("string", "boolean", "number", "choice", "environment")),
            "required": _required,
            "default": scalar(),
            "options": list_of(_string),
            "deprecationMessage": _string,
        }
    ),
)
_schedule = list_of(mapping({"cron": _non_empty, "timezone": _non_empty}, "cron"))
_texts = text_or_list(_non_empty)
_filter = either(NULL, _texts)  # GitHub takes a filter without patterns for none


def _event(kind: Kind) -> Definition:
    keys: dict[str, Definition] = dict.fromkeys(kind.filters, _filter)
    if kind.types:
        keys["types"] = either(NULL, text_or_list(one_of(kind.types)))
    required = ("workflows",) if "workflows" in keys else ()
    keys |= dict.fromkeys(required, _texts)
    return either(NULL, mapping(keys, *required)) if not required else mapping(keys, *required)


_special = {
    "workflow_call": _workflow_call,
    "workflow_dispatch": either(NULL, mapping({"inputs": either(NULL, map_of(_dispatch_input))})),
    "schedule": _schedule,
    "repository_dispatch": either(NULL, mapping({"types": _filter})),
}
_on_events = {name: _special.get(name) or _event(kind) for name, kind in EVENTS.items()}
_event_name = one_of(EVENTS)
_on = either(_event_name, list_of(_event_name), mapping(_on_events))
_lenient_on = either(
    _non_empty,
    list_of(_non_empty),
    Definition(shapes=(Shape({"workflow_call": _workflow_call}, (), _non_empty, anything()),)),
)

# Files --------------------------------------------------------------------------------------------------------------


def _root(on: Definition) -> Definition:
    keys = {
        "name": _string,
        "description": _string,
        "run-name": string(RUN),
        "on": on,
        "permissions": _permissions,
        "env": map_of(string(WORKFLOW_ENV), WORKFLOW_ENV),
        "defaults": _defaults(None),
        "concurrency": _concurrency(RUN, string(RUN)),
        "jobs": map_of(_job),
    }
    return mapping(keys, "on", "jobs")


WORKFLOW = _root(_on)
LENIENT_WORKFLOW = _root(_lenient_on)  # as GitHub's run-time reader: any event with any configuration is accepted
