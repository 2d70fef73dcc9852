"""A read workflow as the canonical template JSON in which tools and tests exchange it. Works from the tokens beside the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from headrace.base.errors import Position
from headrace.workflow.lookup import fields, items, text
from headrace.workflow.model import Call, CancelStep, Job, Parallel, Run, Step, Steps, Uses, Wait, WaitAll, Workflow
from headrace.workflow.problems import render
from headrace.workflow.reader import Loaded
from headrace.workflow.tokens import Expression, Insert, Mapping, Scalar, Sequence, Token

Json = dict[str, Any]
_JOB_KEYS = ("continue-on-error", "timeout-minutes", "cancel-timeout-minutes", "concurrency")
_STEPS_KEYS = ("env", "environment", "defaults", "runs-on", "container", "services", "outputs")


def document(loaded: Loaded, positions: Literal["keep", "drop"] = "drop") -> Json:
    """The template of a valid workflow, or `{"errors": […]}`. With positions, tokens name files by place in `file-table`."""
    table = list(loaded.files)
    if loaded.workflow is None:
        found: Json = {"errors": [{"Message": render(problem)} for problem in loaded.problems]}
    else:
        found = _Writer(loaded, positions).workflow(loaded.workflow)
    if positions == "keep":
        found["file-table"] = table
    return found


class _Writer:
    def __init__(self, loaded: Loaded, positions: Literal["keep", "drop"]) -> None:
        self.files = loaded.files
        self.index = {name: i for i, name in enumerate(loaded.files, 1)}
        self.token: Callable[[Token], Any] = self.placed if positions == "keep" else self.short

    # Tokens ---------------------------------------------------------------------------------------------------------

    def short(self, token: Token) -> Any:
        match token:
            case Scalar(value=value):
                return value
            case Sequence(items=inside):
                return {"type": 1, "seq": [self.token(i) for i in inside]} if inside else {"type": 1}
            case Mapping(pairs=pairs):
                listed = [{"Key": self.token(k), "Value": self.token(v)} for k, v in pairs]
                return {"type": 2, "map": listed} if listed else {"type": 2}
            case Expression(source=source):
                return {"type": 3, "expr": source}
            case Insert():
                return {"type": 4, "directive": "insert"}

    def placed(self, token: Token) -> Any:
        at = token.at
        if not at.file:
            return self.short(token)
        place: Json = {"file": self.index[at.file], "line": at.line, "col": at.column}
        if not isinstance(token, Scalar):
            return {**self.short(token), **place}
        match token.value:
            case None:
                return {"type": 7, **place}
            case bool(value):
                return {"type": 5, **place, "bool": value}
            case str(value):
                return {"type": 0, **place, "lit": value}
            case value:
                return {"type": 6, **place, "num": value}

    def name(self, text: str, at: Position) -> Any:
        return self.token(Scalar(text, at))

    # The document ---------------------------------------------------------------------------------------------------

    def workflow(self, workflow: Workflow) -> Json:
        out: Json = {}
        for trigger in workflow.on:
            if trigger.event == "workflow_dispatch" and trigger.inputs:
                out["input-types"] = {name: declared.type for name, declared in trigger.inputs.items()}
        root = fields(self.files[workflow.path])
        if "env" in root:
            out["env"] = self.token(root["env"])
        if workflow.permissions is not None:
            out["permissions"] = workflow.permissions
        for key in ("defaults", "concurrency"):
            if key in root:
                out[key] = self.token(root[key])
        out["jobs"] = self.jobs(workflow)
        return out

    def jobs(self, workflow: Workflow) -> list[Json]:
        blocks = fields(fields(self.files[workflow.path])["jobs"])
        return [self.job(job, fields(blocks[job.id])) for job in workflow.jobs.values()]

    def job(self, job: Job, block: dict[str, Token]) -> Json:
        kind = "reusableWorkflowJob" if isinstance(job.body, Call) else "job"
        out: Json = {"type": kind, "id": self.name(job.id, job.at)}
        empty = job.name is None or (isinstance(job.name, Scalar) and not text(job.name))
        out["name"] = self.name(job.id, job.at) if empty or job.name is None else self.token(job.name)
        needs = [self.name(need, at) for need, at in zip(job.needs, job.needs_at, strict=True)]
        if needs or isinstance(job.body, Call):
            out["needs"] = needs
        out["if"] = self.token(job.condition)
        if job.strategy is not None:
            out["strategy"] = self.token(job.strategy)
        for key in _JOB_KEYS:
            if key in block:
                out[key] = self.token(block[key])
        granted = job.permissions
        if isinstance(job.body, Call) and job.body.workflow is not None and job.body.workflow.permissions is not None:
            granted = job.body.workflow.permissions  # the called file's own stand at the call
        if granted is not None:
            out["permissions"] = granted
        match job.body:
            case Steps(steps=steps):
                out.update((key, self.token(block[key])) for key in _STEPS_KEYS if key in block)
                if steps:
                    given = [fields(item) for item in items(block.get("steps"))]
                    out["steps"] = [self.step(step, raw) for step, raw in zip(steps, given, strict=True)]
                if "snapshot" in block:
                    out["snapshot"] = self.token(block["snapshot"])
            case Call():
                out.update(self.call(job.body, block))
        return out

    def call(self, call: Call, block: dict[str, Token]) -> Json:
        out: Json = {"ref": self.name(call.uses, call.at), "jobs": []}
        if "with" in block:
            out["input-values"] = self.token(block["with"])
        if call.secrets is not None:
            out["secret-values"] = self.token(call.secrets)
        if call.inherit_secrets:
            out["inherit-secrets"] = True
        if call.workflow is None:
            return out
        root = fields(self.files[call.workflow.path])
        declared = fields(fields(root["on"]).get("workflow_call"))
        for key, name in (("inputs", "input-definitions"), ("secrets", "secret-definitions"), ("outputs", "outputs")):
            if key in declared:
                out[name] = self.token(declared[key])
        for key, name in (("defaults", "defaults"), ("env", "env"), ("concurrency", "embedded-concurrency")):
            if key in root:
                out[name] = self.token(root[key])
        out["jobs"] = self.jobs(call.workflow)
        return out

    def step(self, step: Step, block: dict[str, Token]) -> Json:
        out: Json = {"id": step.id}
        if step.name is not None:
            out["name"] = self.token(step.name)
        if isinstance(step.body, (Run, Uses)):
            out["if"] = self.token(step.condition)
        for key in ("continue-on-error", "timeout-minutes", "env"):
            if key in block:
                out[key] = self.token(block[key])
        match step.body:
            case Run():
                keys: tuple[str, ...] = ("working-directory", "shell", "run")
            case Uses():
                keys = ("uses", "with")
            case Wait(steps=waited):
                out["wait"] = list(waited)
                keys = ()
            case WaitAll():
                out["wait-all"] = True
                keys = ()
            case CancelStep(step=cancelled):
                out["cancel"] = cancelled
                keys = ()
            case Parallel(steps=steps):
                given = [fields(item) for item in items(block["parallel"])]
                out["parallel"] = [self.step(inner, raw) for inner, raw in zip(steps, given, strict=True)]
                keys = ()
        out.update((key, self.token(block[key])) for key in keys if key in block)
        if step.background:
            out["background"] = True
        return out
