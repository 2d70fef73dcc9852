"""What was found out about a repository, as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from headrace.init.choices import Choice
from headrace.init.model import Found
from headrace.report import documents
from headrace.report.init_lines import Fact, package_facts, repository_facts
from headrace.report.json_plan import dumps


def explained_json(found: Found, choices: Sequence[Choice]) -> str:
    """One object, indented, with a line feed at the end."""
    packages = [
        documents.InitPackage(
            package.name.value,
            package.folder,
            _facts(package_facts(package)),
            _facts((choice.name, choice.said) for choice in choices if choice.package == package.name.value),
        )
        for package in found.packages
    ]
    document = documents.InitDocument(
        documents.INIT,
        packages,
        _facts(repository_facts(found)),
        _facts((choice.name, choice.said) for choice in choices if not choice.package),
        [documents.InitDoubt(doubt.text, str(doubt.at) or None) for doubt in found.doubts],
    )
    return dumps(document)


def _facts(facts: Iterable[Fact]) -> list[documents.InitFact]:
    return [
        documents.InitFact(name, said.value, [f"{at.file}:{at.line}" if at.line else at.file for at in said.at], said.why)
        for name, said in facts
    ]
