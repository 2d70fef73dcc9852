"""Trying the pipeline of a tag before there is the tag. Who does it is the caller's affair: this says what is to be tried, and
what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Protocol

from msgspec import Struct

from headrace.base.errors import Problem
from headrace.release.examine import Examined
from headrace.release.model import Finding, Pipeline

How = Literal["whole", "publish", "no"]


class Rehearsal(Protocol):
    """Runs pipelines as the push of their tag would start them on the commit, the publishing job and all that it needs, here. The
    results are in the journal of runs."""

    def run(self, pipeline: Pipeline, commit: str) -> str:
        """The run's id, empty where none came about."""

    def published(self, run: str, package: str) -> str:
        """The folder of the files that the index which stands in for the real one took of a package in a run; empty where none
        did."""


class Due(Struct, frozen=True):
    """`pipelines` are to be tried; `left_out`: tag → why its publishing job cannot be."""

    pipelines: tuple[Pipeline, ...]
    left_out: dict[str, str]


def due(examined: Examined, *, asked: bool) -> Due:
    """What is to be tried. Where it was not asked for: the publishing jobs that can be tried here and were not yet, for this tag
    and this tree."""
    known = [examined.pipelines[each.package] for each in examined.wanted if each.package in examined.pipelines]
    known = [pipeline for pipeline in known if pipeline.job]
    left_out = {pipeline.tag: pipeline.unsupported for pipeline in known if pipeline.unsupported}
    wanted = [
        each for each in known if asked or (not each.unsupported and (each.tried is None or each.tried.result != "success"))
    ]
    return Due(tuple(wanted), left_out)


def not_green(examined: Examined) -> Iterator[Finding]:
    """Publishing jobs that were tried, or could have been, and are not green."""
    for wanted in examined.wanted:
        pipeline = examined.pipelines.get(wanted.package)
        if pipeline is None or not pipeline.job or pipeline.unsupported:
            continue
        if pipeline.tried is None:
            text = f"{pipeline.job} was not rehearsed for {wanted.tag}"
            yield Finding("rehearsal", Problem(text, hint="call again, or leave out --no-rehearsal"), wanted.package)
        elif not pipeline.tried.green:
            text = f"{pipeline.job} is not green in its rehearsal: {pipeline.tried.result} in run {pipeline.tried.run}"
            yield Finding("rehearsal", Problem(text, hint=f"`headrace logs {pipeline.tried.run}` says more"), wanted.package)
