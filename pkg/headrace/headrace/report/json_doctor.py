"""What `headrace doctor` found, as JSON."""

from __future__ import annotations

from headrace.engine.checkup import Checkup
from headrace.report import documents
from headrace.report.json_plan import dumps
from headrace.sandbox.probe.trial import Refused, Works


def doctor_json(checkup: Checkup) -> str:
    """One object, indented, with a line feed at the end."""
    outcome = checkup.outcome
    refused = None
    if isinstance(outcome, Refused):
        refused = documents.Refusal(outcome.step, outcome.errno, outcome.what, outcome.text)
    rows = [
        documents.DoctorRow(section, each.name, each.state, each.text, each.mend)
        for section, findings in checkup.sections.items()
        for each in findings
    ]
    mode = outcome.mode if isinstance(outcome, Works) else None
    return dumps(documents.DoctorDocument(documents.DOCTOR, "host" if mode is None else "namespaces", mode, refused, rows))
