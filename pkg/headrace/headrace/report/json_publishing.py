"""What `headrace doctor --release` found, as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.release.doctor import Publishing
from headrace.report import documents
from headrace.report.json_plan import dumps


def publishing_json(repository: str, found: Sequence[Publishing]) -> str:
    """One object, indented, with a line feed at the end."""
    rows = [
        documents.PublishingRow(
            each.package, each.pipeline.tag, each.pipeline.workflow, each.pipeline.job, each.pipeline.index, each.pipeline.claims,
            each.form, each.fits,
            [documents.PublisherDifference(one.field, one.registered, one.claimed) for one in each.differences],
            [str(problem) for problem in each.problems],
        )
        for each in found
    ]  # fmt: skip
    return dumps(documents.PublishingDocument(documents.PUBLISHING, repository, rows))
