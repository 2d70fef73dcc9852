"""With which identity the pipeline of a package publishes it, held against the publishers that an index has. Pure."""

from __future__ import annotations

from typing import Union

from msgspec import Struct

from headrace.base.errors import Problem
from headrace.plan.model import Plan
from headrace.release import pipeline as pipelines
from headrace.release.model import Pipeline, Wanted
from headrace.release.publishers import Difference, Publisher, Publishers, closest, form


class Publishing(Struct, frozen=True):
    """`closest` is the registered publisher that fits, or comes nearest, and `differences` are those to it; `fits` is None where
    no list of publishers was named. `problems`: what keeps the pipeline from publishing at all."""

    package: str
    pipeline: Pipeline
    form: dict[str, str]
    problems: tuple[Problem, ...]
    fits: bool | None = None
    closest: Union[Publisher, None] = None
    differences: tuple[Difference, ...] = ()


def examine(package: str, version: str, plan: Plan, registered: Publishers | None) -> Publishing:
    """`plan` is that of the package's tag with this version."""
    pipeline, findings = pipelines.look(plan, Wanted(package, version), ())
    problems = tuple(finding.problem for finding in findings if finding.rule == "pipeline")
    values = form(package, pipeline.claims) if pipeline.claims else {}
    if registered is None or not pipeline.claims:
        return Publishing(package, pipeline, values, problems)
    nearest = closest(registered.of(package), pipeline.claims)
    if nearest is None:
        return Publishing(package, pipeline, values, problems, False)
    return Publishing(package, pipeline, values, problems, not nearest[1], nearest[0], tuple(nearest[1]))
