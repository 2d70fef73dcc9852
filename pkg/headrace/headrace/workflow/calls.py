"""Calls of workflows: which file a reference means, and whether caller and called agree on inputs, secrets and permissions."""

from __future__ import annotations

import re
from typing import Protocol

from headrace.base.errors import Position
from headrace.workflow import messages, permissions
from headrace.workflow.lookup import entries, fields, text
from headrace.workflow.model import Call, Trigger, Workflow
from headrace.workflow.problems import Problems
from headrace.workflow.scalars import text_of
from headrace.workflow.tokens import Mapping, Scalar, Token
from headrace.workflow.yaml_tokens import fold


class WorkflowSource(Protocol):
    """Where called files come from."""

    def read(self, reference: str) -> bytes | None:
        """The content of `./path` (repository and commit of the entry file) or `owner/repo/path@ref`; None if there is none."""
        ...


_remote = re.compile(r"([^/@]+/[^/@]+)/([^@]+)@(.+)", re.DOTALL).fullmatch


def parts(reference: str) -> tuple[str, str, str] | None:
    """`owner/repo`, path and ref of a reference to another repository; None for one to the entry's own.

    >>> parts("o/r/.github/workflows/a.yml@feature/x@y"), parts("./a.yml")
    (('o/r', '.github/workflows/a.yml', 'feature/x@y'), None)
    """
    match = None if reference.startswith("./") else _remote(reference)
    return (match[1], match[2], match[3]) if match else None


def resolve(uses: str, caller: str) -> str | None:
    """The full reference that `uses` means in a file which was itself read as `caller` (`./path` or `owner/repo/path@ref`).
    None where it has no valid form.

    >>> resolve("./.github/workflows/b.yml", "o/r/.github/workflows/a.yml@v1")
    'o/r/.github/workflows/b.yml@v1'
    >>> resolve("$/x.yml", "o/r/.github/workflows/a.yml@v1"), resolve("./a.yml@v1", "./b.yml")
    ('./x.yml', None)
    """
    if uses.startswith("$/"):
        path = uses[2:].lstrip("/")
        return None if not path or "@" in path else f"./{path}"
    if uses.startswith("./"):
        path = uses[2:]
        if not path or "@" in path:
            return None
        match = _remote(caller)
        return f"{match[1]}/{path}@{match[3]}" if match else uses
    return uses if _remote(uses) else None


def file_of(reference: str) -> str:
    """How the file is named in positions: the path for a file of the entry's repository, else the whole reference."""
    return reference.removeprefix("./")


def trigger_of(workflow: Workflow) -> Trigger | None:
    return next((trigger for trigger in workflow.on if trigger.event == "workflow_call"), None)


# Contract -----------------------------------------------------------------------------------------------------------


def check_defaults(on: Token, problems: Problems) -> None:
    """The defaults of the inputs that a workflow declares for its callers must be of the declared type."""
    for _, value in entries(fields(fields(on).get("workflow_call")).get("inputs")):
        block = fields(value)
        if "default" in block:
            fit(block["default"], text(block.get("type")), problems)


def fit(token: Token, kind: str, problems: Problems) -> Token:
    """A passed value as its declared type: booleans and numbers become strings where those are wanted, nothing else converts."""
    if not isinstance(token, Scalar):
        return token  # an expression, checked when it has a value
    value = token.value
    if kind == "boolean":
        fits = isinstance(value, bool)
    elif kind == "number":
        fits = isinstance(value, float)
    else:
        return token if isinstance(value, str) else Scalar(text_of(value), token.at)
    if not fits:
        problems.add(messages.unexpected_value(text_of(value)), token.at)
    return token


def check_contract(call: Call, called: Workflow, on_at: Position, problems: Problems) -> Call:
    """Reports what caller and called disagree on; returns the call with its values in their declared types."""
    trigger = trigger_of(called)
    if trigger is None:
        problems.add(messages.NOT_CALLABLE, on_at)
        return call
    inputs = {fold(name): declared for name, declared in trigger.inputs.items()}
    passed: set[str] = set()
    pairs: list[tuple[Token, Token]] = []
    for key, value in entries(call.inputs):
        name = str(key.value)
        passed.add(fold(name))
        declared = inputs.get(fold(name))
        if declared is None:
            problems.add(messages.input_unknown(name), value.at)
        else:
            value = fit(value, declared.type, problems)
        pairs.append((key, value))
    for name, declared in trigger.inputs.items():
        if declared.required and fold(name) not in passed:
            problems.add(messages.input_missing(name), call.at)
    _check_secrets(call, trigger, problems)
    if not isinstance(call.inputs, Mapping):
        return call
    return Call(call.uses, Mapping(tuple(pairs), call.inputs.at), call.secrets, call.inherit_secrets, called, call.at)


def _check_secrets(call: Call, trigger: Trigger, problems: Problems) -> None:
    if call.inherit_secrets:
        return
    declared = {fold(name) for name in trigger.secrets}
    passed = set()
    for key, value in entries(call.secrets):
        passed.add(fold(str(key.value)))
        if fold(str(key.value)) not in declared:
            problems.add(messages.secret_unknown(str(key.value)), value.at)
    for name, required in trigger.secrets.items():
        if required and fold(name) not in passed:
            problems.add(messages.secret_missing(name), call.at)


# Permissions --------------------------------------------------------------------------------------------------------


def check_permissions(
    reference: str, called: Workflow, root: Token, allowed: dict[str, str], at: Position, problems: Problems
) -> None:
    """The called file may keep or lower what it gets. Reported at the calling job."""
    if called.permissions is not None and (too_much := permissions.excess(called.permissions, allowed)):
        problems.add(messages.workflow_exceeds(reference, *too_much), at)
    for key, value in entries(fields(root).get("jobs")):
        block = fields(value)
        if "permissions" not in block:
            continue
        if too_much := permissions.excess(permissions.convert(block["permissions"]), allowed):
            problems.add(messages.job_exceeds(reference, str(key.value), *too_much), at)
