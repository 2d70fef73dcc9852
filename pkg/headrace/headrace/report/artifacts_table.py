"""The artifacts of a run, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from headrace.engine.artifacts import Kept, Packed
from headrace.record.state import LegState, RunState
from headrace.report import documents
from headrace.report.colour import Style
from headrace.report.json_plan import dumps
from headrace.report.naming import Labels, job_id
from headrace.report.table import Column, table
from headrace.report.text import clean, count
from headrace.sandbox.limits.sizes import show as size

COLUMNS = (Column("artifact", shrinks=True), Column("size", right=True), Column("digest"), Column("job", shrinks=True))
FILES = (Column("size", right=True), Column("file"))
_DIGEST = len("sha256:") + 12  # so much tells them apart


def artifacts_lines(kept: Sequence[Kept], state: RunState, style: Style) -> list[str]:
    """Lines for a person."""
    if not kept:
        return [f"run {state.run} has no artifacts"]
    labels, legs = Labels(), _legs(state)
    rows = []
    for one in kept:
        leg = legs.get(one.leg)
        artifact = one.artifact
        digest = artifact.digest if style.width is None else artifact.digest[:_DIGEST]
        rows.append((artifact.name, size(artifact.size), digest, labels.of(leg, state) if leg is not None else ""))
    return table(COLUMNS, rows, style)


def files_lines(kept: Kept, files: Sequence[Packed], style: Style) -> list[str]:
    """What is in one artifact."""
    title = f"{clean(kept.artifact.name)}: {count(len(files), 'file')}, {size(sum(one.size for one in files))}"
    return [style.safe(title), *table(FILES, [(size(one.size), one.path) for one in files], style)]


def artifacts_json(kept: Iterable[Kept], state: RunState, files: Mapping[str, Sequence[Packed]] | None = None) -> str:
    """One object, indented, with a line feed at the end. `files`: name → its files, of those that were asked for by name."""
    legs, rows = _legs(state), []
    for one in kept:
        leg, artifact = legs.get(one.leg), one.artifact
        inside = None if files is None else files.get(artifact.name)
        rows.append(
            documents.ArtifactRow(
                artifact.name,
                artifact.id,
                artifact.size,
                artifact.digest,
                round(artifact.created, 3),
                leg.workflow if leg is not None else "",
                job_id(leg.job, leg.workflow) if leg is not None else "",
                leg.name if leg is not None else "",
                one.archive,
                None if inside is None else [documents.PackedFile(each.path, each.size) for each in inside],
            )
        )
    return dumps(documents.ArtifactsDocument(documents.ARTIFACTS, state.run, rows))


def _legs(state: RunState) -> dict[int, LegState]:
    """By the number that the name of a leg's log holds."""
    found = {}
    for leg in state.legs.values():
        number = leg.log.rpartition("/")[2].partition(".")[0]
        if number.isdecimal():
            found[int(number)] = leg
    return found
