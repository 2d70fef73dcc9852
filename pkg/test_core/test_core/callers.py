"""Workflows that call workflows: their texts, and runs of them in repositories of their own."""

from __future__ import annotations

from test_core.calls import Done, Headrace
from test_core.repositories import GitRepository, make_repository

CALLED = ".github/workflows/called.yml"


def job(id: str, script: str = "true", extra: str = "") -> str:
    quoted = script.replace("'", "''")
    lines = "".join(f"    {line}\n" for line in extra.split("\n") if line)
    return f"  {id}:\n    runs-on: ubuntu-latest\n{lines}    steps: [{{id: s, run: '{quoted}'}}]\n"


def call(id: str = "call", extra: str = "", uses: str = f"./{CALLED}") -> str:
    lines = "".join(f"    {line}\n" for line in extra.split("\n") if line)
    return f"  {id}:\n    uses: {uses}\n{lines}"


def called(jobs: str, contract: str = "", top: str = "") -> str:
    return f"on:\n  workflow_call: {{{contract}}}\n{top}jobs:\n{jobs}"


def results(done: Done) -> dict[str, str]:
    """Display name → result."""
    return {row["name"]: row["result"] for row in done.json["jobs"]}


class Runs:
    """Runs a caller with the files it calls, each time in a repository of its own."""

    def __init__(self, headrace: Headrace) -> None:
        self.headrace = headrace
        self.count = 0

    def repository(self, caller: str, **files: str) -> GitRepository:
        self.count += 1
        text = caller if caller.startswith(("on:", "name:")) else f"on: push\njobs:\n{caller}"
        paths = {f".github/workflows/{name}.yml": content for name, content in files.items()}
        return make_repository(self.headrace.home / f"repo{self.count}", {".github/workflows/ci.yml": text, **paths})

    def __call__(self, caller: str, *options: str, **files: str) -> Done:
        return self.headrace("run", "--json", *options, cwd=self.repository(caller, **files).root)
