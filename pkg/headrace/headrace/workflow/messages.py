"""GitHub's fixed texts about a workflow file, and a few of our own where its wording is not public. Nothing but substitution."""

from __future__ import annotations

# Reading YAML
NO_DOCUMENT = "Expected document start parse event"
SECOND_DOCUMENT = "Expected stream end parse event"
COMPLEX_KEY = "A mapping key must be a scalar"
NODES_EXCEEDED = "Maximum YAML nodes exceeded"
DEPTH_EXCEEDED = "Maximum object depth exceeded"
SIZE_EXCEEDED = "Maximum object size exceeded"
EVENTS_EXCEEDED = (
    "Maximum events exceeded while evaluating the template. This may indicate an infinite loop or too many nested loops."
)


def file_too_long(limit: int) -> str:
    return f"The maximum file size of {limit} characters has been exceeded"


def too_many_files(limit: int) -> str:
    return f"The maximum file count of {limit} has been exceeded"


def invalid_for_tag(value: str, line: int, column: int, tag: str) -> str:
    return f"The value '{value}' on line {line} and column {column} is invalid for the type '{tag}'"


def style_for_tag(style: str, line: int, column: int, tag: str) -> str:
    return f"The scalar style '{style}' on line {line} and column {column} is not valid with the tag '{tag}'"


def unexpected_tag(tag: str) -> str:
    return f"Unexpected tag '{tag}'"


def unknown_anchor(name: str) -> str:
    return f"Unknown anchor '{name}'"


def anchors_off(name: str) -> str:
    return f"Anchors are not currently supported. Remove the anchor '{name}'"


# Templates
NOT_CLOSED = "The expression is not closed. An unescaped ${{ sequence was found, but the closing }} sequence was not found."
EXPECTED_EXPRESSION = "An expression was expected"
EXPRESSION_NOT_ALLOWED = "A template expression is not allowed in this context"
SEQUENCE_NOT_EXPECTED = "A sequence was not expected"
MAPPING_NOT_EXPECTED = "A mapping was not expected"
EXPECTED_MAPPING = "Expected a mapping"
INSERT_INLINE = (
    "The directive 'insert' is not allowed in this context. Directives are not supported for expressions that are embedded"
    " within a string. Directives are only supported when the entire value is an expression."
)


def insert_parameters(count: int) -> str:
    return f"Exactly 0 parameter(s) were expected following the directive 'insert'. Actual parameter count: {count}"


def expression_too_long(limit: int) -> str:
    return f"Exceeded max expression length {limit}"


def unexpected_value(text: str) -> str:
    return f"Unexpected value '{text}'"


def already_defined(key: str) -> str:
    return f"'{key}' is already defined"


def required(key: str) -> str:
    return f"Required property is missing: {key}"


def not_enough_info(keys: list[str]) -> str:
    return f"There's not enough info to determine what you meant. Add one of these properties: {', '.join(keys)}"


# Jobs and steps
NO_START = "The workflow must contain at least one job with no dependencies."
NO_TRIGGERS = "No event triggers defined in `on`"
GROUP_TOO_LONG = "Concurrency group name must be less than 400 characters"
GROUP_EMPTY = "Concurrency group name cannot be empty"
QUEUE_AND_CANCEL = "`queue: max` and `cancel-in-progress: true` may not be combined"
IMAGE_EMPTY = "Container image cannot be empty"
WAIT_ALL_VALUE = "The value of 'wait-all' must be true or omitted"
NESTED_PARALLEL = "Nested 'parallel' blocks are not allowed."
CRON = "Invalid cron expression. Expected format: '* * * * *' (minute hour day month weekday)"


def bad_identifier(name: str) -> str:
    return (
        f"The identifier '{name}' is invalid. IDs may only contain alphanumeric characters, '_', and '-'."
        " IDs must start with a letter or '_' and must be less than 100 characters."
    )


def reserved_identifier(name: str) -> str:
    return f"The identifier '{name}' is invalid. IDs starting with '__' are reserved."


def identifier_used_twice(name: str) -> str:
    return f"The identifier '{name}' may not be used more than once within the same scope."


def needs_unknown(job: str, needed: str) -> str:
    return f"Job '{job}' depends on unknown job '{needed}'."


def needs_cycle(job: str, needed: str) -> str:
    return f"Job '{job}' depends on job '{needed}' which creates a cycle in the dependency graph."


def deadlock(group: str, job: str) -> str:
    return f"The concurrency group '{group}' is held by the workflow itself, so that its job '{job}' could never start"


def uses_format(text: str) -> str:
    return f"Expected format {{org}}/{{repo}}[/path]@ref. Actual '{text}'"


def version_format(text: str) -> str:
    return f"Expected format '{{major-version}}.*' Actual '{text}'"


def runner_group(name: str) -> str:
    return f"Invalid runs-on group name '{name}'."


def runner_group_prefix(name: str) -> str:
    return f"{runner_group(name)} Please use 'organization/' or 'enterprise/' prefix to target a single runner group."


def inside_parallel(key: str) -> str:
    return f"'{key}' is not allowed inside a parallel block."


def unknown_step(name: str) -> str:
    return f"Step references unknown step ID '{name}'"


def step_of_itself(name: str) -> str:
    return f"Step '{name}' cannot reference itself"


def exclusive_filters(name: str) -> str:
    return f"you may only define one of `{name}` and `{name}-ignore` for a single event"


def too_many_inputs(limit: int) -> str:
    return f"you may only define up to {limit} `inputs` for a `workflow_dispatch` event"


def too_many_jobs(limit: int) -> str:
    return f"Workflows may not contain more than {limit} jobs across all referenced files"


# Matrix
NO_VECTOR = "Matrix must define at least one vector"
EMPTY_INCLUDE = "Matrix include mapping does not contain any values"
EMPTY_EXCLUDE = "Matrix exclude filter must not be empty"


def empty_vector(key: str) -> str:
    return f"Matrix vector '{key}' does not contain any values"


def exclude_key(key: str) -> str:
    return f"Matrix exclude key '{key}' does not match any key within the matrix"


def too_many_rows(job: str, count: int, limit: int) -> str:
    return f"Strategy for job '{job}' produced {count} configurations which exceeds the maximum of {limit} configurations"


# Called workflows
CALLED = "Error from called workflow "
NOT_CALLABLE = "workflow_call key is not defined in the referenced workflow."


def too_much_matrix(job: str, most: int) -> str:
    return f"The matrix of job '{job}' takes more than {most:,} comparisons of its rows with its include and exclude entries"


def too_deep(limit: int) -> str:
    return f"Nested reusable workflow depth exceeded {limit}."


def not_found(reference: str) -> str:
    return f"Unable to find the called workflow '{reference}'"


def bad_reference(reference: str) -> str:
    return f"Invalid workflow reference '{reference}'. Expected ./path or {{owner}}/{{repo}}/{{path}}@{{ref}}"


def input_missing(name: str) -> str:
    return f"Input {name} is required, but not provided while calling."


def input_unknown(name: str) -> str:
    return f"Invalid input, {name} is not defined in the referenced workflow."


def secret_missing(name: str) -> str:
    return f"Secret {name} is required, but not provided while calling."


def secret_unknown(name: str) -> str:
    return f"Invalid secret, {name} is not defined in the referenced workflow."


def workflow_exceeds(reference: str, requested: str, allowed: str) -> str:
    return f"Error calling workflow '{reference}'. The workflow is requesting '{requested}', but is only allowed '{allowed}'."


def job_exceeds(reference: str, job: str, requested: str, allowed: str) -> str:
    return (
        f"Error calling workflow '{reference}'. The nested job '{job}' is requesting '{requested}',"
        f" but is only allowed '{allowed}'."
    )


# Manifests of actions -------------------------------------------------------------------------------------------------

NO_ENTRY = "You are using a JavaScript Action but there is not an entry JavaScript file provided in the action's manifest"
NO_IMAGE = "You are using a Container Action but an image is not provided in the action's manifest"


NO_USING = "Missing 'using' value. 'using' requires 'composite', 'docker', 'node12', 'node16', 'node20' or 'node24'."


def no_runs(file: str) -> str:
    return f"Top level 'runs:' section is required for {file}"


def bad_using(text: str) -> str:
    return f"'using: {text}' is not supported, use 'docker', 'node12', 'node16', 'node20' or 'node24' instead."
