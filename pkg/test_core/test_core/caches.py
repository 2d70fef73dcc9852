"""Caches for tests: one repository whose workflow changes from run to run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from test_core.calls import Done, Headrace
from test_core.repositories import make_repository


class Cached:
    """`run` writes the workflow (YAML list items: the steps of its job `a`) and runs it, each time in the same repository."""

    def __init__(self, headrace: Headrace, *options: str) -> None:
        self.headrace = headrace
        self.options = options
        self.repository = make_repository(headrace.home / "repo", {"README": "x"})

    def write(self, steps: str, head: str = "") -> None:
        lines = "".join(f"      {line}\n" for line in steps.strip("\n").split("\n"))
        text = "on: [push, pull_request, pull_request_target]\njobs:\n  a:\n    runs-on: ubuntu-latest\n"
        self.repository.write({".github/workflows/ci.yml": f"{text}{head}    steps:\n{lines}"})

    def run(self, steps: str, *options: str, event: str = "push", payload: Mapping[str, Any] | None = None, **extra: str) -> Done:
        self.write(steps)
        if payload is not None:
            file = self.headrace.home / "payload.json"
            file.write_text(json.dumps(payload))
            options = ("--payload", str(file), *options)
        return self.headrace("run", event, "--json", "-v", *self.options, *options, cwd=self.repository.root, **extra)
