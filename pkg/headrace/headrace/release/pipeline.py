"""What the tag of a release would start: which job publishes, behind which gates, and as whom. Pure but for the ledger."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from headrace.base.errors import NOWHERE, HeadraceError, Position, Problem
from headrace.plan.contexts import github_context
from headrace.plan.identity import identity_claims
from headrace.plan.model import Deferred, JobPath, Leg, Plan, Planned
from headrace.plan.unsupported import action_name
from headrace.record.state import RunState
from headrace.release.index import PYPI, simple_of
from headrace.release.ledger import verdict, verdict_of_all
from headrace.release.model import Finding, Gate, Pipeline, Wanted
from headrace.workflow import template
from headrace.workflow.model import Run, Step, Steps, Uses
from headrace.workflow.tokens import Mapping, Scalar, Token

ACTION = "pypa/gh-action-pypi-publish"
_UPLOADS = re.compile(r"\b(?:twine\s+upload|(?:uv|hatch|poetry|flit|pdm)\s+publish)\b")
_GITHUBS_OWN = (
    "run_id", "run_number", "run_attempt", "actor_id", "repository_id", "repository_owner_id", "ref_protected",
    "repository_visibility",
)  # fmt: skip
"""Claims that GitHub alone can know."""


def publishing_step(planned: Planned) -> Step | None:
    """The step that uploads to an index: the publish action, or a script that calls an uploader."""
    if not isinstance(planned.job.body, Steps):
        return None
    for step in planned.job.body.steps:
        match step.body:
            case Uses(uses=uses) if action_name(uses) == ACTION:
                return step
            case Run(script=Scalar(value=str(script))) if _UPLOADS.search(script):
                return step
            case _:
                pass
    return None


def look(plan: Plan, wanted: Wanted, runs: Sequence[RunState]) -> tuple[Pipeline, list[Finding]]:
    """What the tag's `plan` says, with each gate's result on the tree (`runs` are those on it), and what forbids the release."""
    planned, findings = _choose(plan, wanted)
    if planned is None:
        return Pipeline(wanted.tag), findings
    findings += _misplaced(plan, planned, wanted)
    legs = () if isinstance(planned.legs, Deferred) else planned.legs
    gates = tuple(_gates(plan, planned, runs))
    findings += _not_green(gates, wanted)
    claims, environment = claims_of(plan, planned)
    unsupported = next((_why(leg) for leg in legs if leg.would == "unsupported"), "")
    tried = _tried(planned, legs, runs, wanted)
    at = planned.job.at
    address, path = _address(plan, planned), planned.workflow
    return Pipeline(wanted.tag, path, planned.job.id, address, environment, unsupported, claims, gates, tried, at), findings


def _refuse(wanted: Wanted, text: str, hint: str, at: Position = NOWHERE) -> Finding:
    return Finding("pipeline", Problem(text, at, hint), wanted.package)


def _choose(plan: Plan, wanted: Wanted) -> tuple[Planned | None, list[Finding]]:
    """The job that publishes to PyPI, else the last one that publishes; and what is wrong with there being none or too many."""
    uploads = [planned for planned in plan.jobs.values() if publishing_step(planned) is not None]
    going = [each for each in uploads if isinstance(each.legs, Deferred) or any(leg.would != "skip" for leg in each.legs)]
    if not going:
        hint = f"a job that publishes has `if: startsWith(github.ref, 'refs/tags/{wanted.package}@')` and uses {ACTION}"
        if not uploads:
            return None, [_refuse(wanted, f"the tag {wanted.tag} starts no job that publishes", hint)]
        text = f"the tag {wanted.tag} would publish nothing: {_ids(uploads)} would be skipped"
        return None, [_refuse(wanted, text, hint, uploads[0].job.at)]
    by_index = {_address(plan, each): each for each in going}
    findings = []
    if len(by_index) < len(going):
        text = f"the tag {wanted.tag} would publish twice: {_ids(going)}"
        findings.append(_refuse(wanted, text, "let one job publish to one index", going[-1].job.at))
    return by_index.get(PYPI) or going[-1], findings


def _misplaced(plan: Plan, planned: Planned, wanted: Wanted) -> Iterator[Finding]:
    """A publishing job that an index would not take, or that would upload more than once."""
    if planned.workflow in plan.calls:
        text = f"{planned.job.id} publishes from inside a called workflow, which indexes do not take for the caller"
        yield _refuse(wanted, text, "let a job of the workflow itself publish", planned.job.at)
    if not isinstance(planned.legs, Deferred) and len(planned.legs) > 1:
        text = f"{planned.job.id} has {len(planned.legs)} legs, each of which would upload"
        yield _refuse(wanted, text, "publish without a matrix", planned.job.at)
    step = publishing_step(planned)
    stored = step is not None and _given(step, ("password",), _contexts(plan, planned))
    if (planned.job.permissions or {}).get("id-token") != "write" and not stored:
        text = f"{planned.job.id} publishes, and may not ask for an identity token"
        yield _refuse(wanted, text, "give the job `permissions: {contents: read, id-token: write}`", planned.job.at)


def claims_of(plan: Plan, planned: Planned) -> tuple[dict[str, str], str]:
    """What the job's identity token will say on GitHub, as far as it can be known here; and the job's environment."""
    contexts = _contexts(plan, planned)
    assert isinstance(planned.job.body, Steps)
    environment = _environment(planned.job.body.environment, contexts)
    ref, sha = contexts["github"]["workflow_ref"], contexts["github"]["workflow_sha"]
    claims = identity_claims(
        contexts["github"],
        job_workflow_ref=ref,
        job_workflow_sha=sha,
        runner_environment="github-hosted",
        environment=environment,
    )
    return {name: value for name, value in claims.items() if name not in _GITHUBS_OWN}, environment


def _tried(planned: Planned, legs: Sequence[Leg], runs: Sequence[RunState], wanted: Wanted) -> Gate | None:
    """The newest rehearsal of the publishing job, by a run for this very tag."""
    own = [run for run in runs if run.started is not None and run.started.ref == f"refs/tags/{wanted.tag}"]
    result, run = verdict(own, legs[0], planned.path) if len(legs) == 1 else verdict_of_all(own, planned.path)
    return Gate(planned.job.id, planned.job.id, result, run) if result is not None else None


def _contexts(plan: Plan, planned: Planned) -> dict[str, Any]:
    github = github_context(plan.event, plan.workflows[planned.workflow])
    return {"github": github, "vars": plan.vars, "inputs": plan.inputs.get(planned.workflow, {})}


def _address(plan: Plan, planned: Planned) -> str:
    """The simple API of the index that a job publishes to."""
    step = publishing_step(planned)
    given = _given(step, ("repository-url", "repository_url"), _contexts(plan, planned)) if step is not None else ""
    return simple_of(given)


def _ids(jobs: Sequence[Planned]) -> str:
    return ", ".join(dict.fromkeys(planned.job.id for planned in jobs))


def _why(leg: Leg) -> str:
    what, about = leg.why.facts.get("what", leg.why.rule), leg.why.facts.get("subject", "")
    return f"it {what}, {about}" if about else f"it {what}"


def _given(step: Step, names: Sequence[str], contexts: dict[str, Any]) -> str:
    """The text of an input of the publish action; empty where there is none, or it hangs on what only GitHub knows."""
    if isinstance(step.body, Uses) and isinstance(step.body.inputs, Mapping):
        for key, token in step.body.inputs.pairs:
            if isinstance(key, Scalar) and str(key.value).lower() in names:
                try:
                    return template.text(token, contexts).strip()
                except HeadraceError:
                    return "unknown" if "password" in names else ""
    return ""


def _environment(token: Token | None, contexts: dict[str, Any]) -> str:
    if token is None:
        return ""
    try:
        value = template.value(token, contexts)
    except HeadraceError:
        return ""
    name = value.get("name") if isinstance(value, dict) else value
    return name if isinstance(name, str) else ""


def behind(plan: Plan, planned: Planned) -> list[Planned]:
    """All jobs that must succeed before this one begins, those inside of calls included; in the order of the plan."""
    found: set[JobPath] = set()
    pending = list(planned.needs)
    while pending:
        path = pending.pop()
        if path in found or path not in plan.jobs:
            continue
        found.add(path)
        pending += plan.jobs[path].needs
        pending += [inner for call in plan.calls.values() if call.caller == path for inner in call.jobs]
    return [job for path, job in plan.jobs.items() if path in found and isinstance(job.job.body, Steps)]


def _gates(plan: Plan, planned: Planned, runs: Sequence[RunState]) -> Iterator[Gate]:
    for job in behind(plan, planned):
        if isinstance(job.legs, Deferred):
            result, run = verdict_of_all(runs, job.path)
            yield Gate(job.job.id, job.job.id, result or "", run)
            continue
        for leg in job.legs:
            if leg.would == "skip":
                yield Gate(job.job.id, leg.name, "skipped")
                continue
            result, run = verdict(runs, leg, job.path)
            yield Gate(job.job.id, leg.name, result or "", run)


def _not_green(gates: Sequence[Gate], wanted: Wanted) -> Iterator[Finding]:
    """One finding for all that have not run, and one for each that failed. Where the publishing job does not go on without one
    that is skipped, it is skipped itself."""
    untried = [gate.name for gate in gates if not gate.result]
    again = f"headrace release {wanted.package} {wanted.version} --rehearse"
    if untried:
        text = f"{wanted.tag}: not run on this very tree: {', '.join(untried)}"
        hint = f"`headrace run push` tries what a push starts; `{again}` lets the tag's pipeline run here first"
        yield Finding("gate", Problem(text, hint=hint), wanted.package)
    for gate in gates:
        if gate.result not in ("", "success", "skipped"):
            text = f"{wanted.tag}: {gate.name} is not green on this very tree: {gate.result} in run {gate.run}"
            yield Finding(
                "gate", Problem(text, hint=f"`headrace logs {gate.run}` says more; `{again}` tries it again"), wanted.package
            )
