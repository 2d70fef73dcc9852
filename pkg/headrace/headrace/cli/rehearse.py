"""The rehearsal of a tag's pipeline: `headrace run`, as a person would call it, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.release.model import Pipeline


class LocalRehearsal:
    """In the repository at `root`. What happens is shown on stderr."""

    def __init__(self, root: str, colour: str, approved: tuple[str, ...]) -> None:
        self._root, self._colour, self._approved = root, colour, approved

    def run(self, pipeline: Pipeline, commit: str) -> str:
        """A publishing job that cannot be run here is left out, and its gates run all the same."""
        import msgspec

        from headrace.cli.ending import say_error
        from headrace.report.documents import RunDocument

        words = ["run", "push", "--ref", f"refs/tags/{pipeline.tag}", "--sha", commit, "--repo", self._root]
        words += ["--workflow", pipeline.workflow, "--job", pipeline.job, "--json", "--color", self._colour]
        words += [word for name in self._approved for word in ("--approve", name)]
        words += ["--skip-unsupported"] if pipeline.unsupported else []
        say_error(f"rehearsing {pipeline.tag}: {pipeline.job} of {pipeline.workflow}, and what it needs")
        done = subprocess.run(
            [sys.executable, "-m", "headrace.cli", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False
        )
        try:
            return msgspec.json.decode(done.stdout, type=RunDocument).run
        except msgspec.MsgspecError:
            return ""

    def published(self, run: str, package: str) -> str:
        from headrace.base.errors import EngineError, Problem
        from headrace.engine.published import lay_out

        try:
            return lay_out(run, package)
        except OSError as error:
            raise EngineError(Problem(f"what run {run} has published: {error.filename}: {error.strerror}")) from None
