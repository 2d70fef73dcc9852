"""Releases as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.base.errors import HeadraceError
from headrace.release.bump import Bump
from headrace.release.examine import Examined
from headrace.release.floors import groups
from headrace.release.journal import Entry, Train
from headrace.release.model import Gate, Pipeline, Refused, Settings, Wanted
from headrace.release.resume import Resumed
from headrace.report import documents
from headrace.report.json_plan import dumps


def release_json(
    examined: Examined, train: Train | None, settings: Settings, error: HeadraceError | None, *, dry_run: bool
) -> str:
    """One object, indented, with a line feed at the end."""
    entries = {entry.tag: entry for entry in (train.entries if train is not None else ())}
    numbers = {tag: number for number, tags in enumerate(groups([each.tag for each in examined.wanted]), 1) for tag in tags}
    rows = [_row(examined, wanted, entries.get(wanted.tag), numbers[wanted.tag]) for wanted in examined.wanted]
    released = bool(entries) and all(entry.state in ("pushed", "published") for entry in entries.values())
    checkout = examined.checkout
    document = documents.ReleaseDocument(
        documents.RELEASE, dry_run, released, settings.remote, settings.branch, checkout.commit, checkout.tree, rows,
        refusals(error), list(examined.notes),
    )  # fmt: skip
    return dumps(document)


def refusals(error: HeadraceError | None) -> list[documents.ReleaseRefusal]:
    match error:
        case None:
            return []
        case Refused(findings=findings):
            found = [(finding.rule, finding.package, finding.problem) for finding in findings]
        case _:
            found = [("failed", "", problem) for problem in error.problems]
    return [
        documents.ReleaseRefusal(rule, package, problem.message, str(problem.at) or None, problem.hint)
        for rule, package, problem in found
    ]


def _row(examined: Examined, wanted: Wanted, entry: Entry | None, group: int) -> documents.ReleaseRow:
    pipeline = examined.pipelines.get(wanted.package, Pipeline(wanted.tag))
    files = [documents.ReleaseFile(file.name, file.sha256, file.size) for file in (entry.artifacts if entry else ())]
    return documents.ReleaseRow(
        wanted.package, wanted.version, wanted.tag, group, examined.packages[wanted.package].folder, pipeline.workflow,
        pipeline.job, pipeline.index, pipeline.environment, pipeline.claims, [_gate(gate) for gate in pipeline.gates],
        _gate(pipeline.tried) if pipeline.tried else None, pipeline.unsupported or None, entry.state if entry else "planned",
        files,
    )  # fmt: skip


def _gate(gate: Gate) -> documents.ReleaseGate:
    return documents.ReleaseGate(gate.job, gate.name, gate.result or None, gate.run or None)


def bump_json(bumps: Sequence[Bump], commit: str) -> str:
    rows = [documents.BumpRow(bump.package, bump.old, bump.new, list(bump.files)) for bump in bumps]
    return dumps(documents.BumpDocument(documents.BUMP, commit or None, rows))


def resume_json(resumed: Resumed) -> str:
    rows = [
        documents.ResumedRow(
            entry.package, entry.version, entry.tag, entry.state,
            [documents.ReleaseFile(file.name, file.sha256, state=file.state) for file in resumed.files.get(entry.tag, ())],
        )
        for train in resumed.trains
        for entry in train.entries
    ]  # fmt: skip
    return dumps(documents.ResumeDocument(documents.RESUME, resumed.done, rows, list(resumed.notes)))
