"""The rehearsal of a tag's pipeline: `headrace run`, as a person would call it, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.release.model import Pipeline


def rehearse(root: str, pipeline: Pipeline, commit: str, colour: str) -> str:
    """Run the publishing job and all that it needs, as the push of the tag would; the run's id, empty where none came about.
    What happens is shown on stderr. A publishing job that cannot be run here is left out, and its gates run all the same."""
    from headrace.cli.ending import say_error

    words = ["run", "push", "--ref", f"refs/tags/{pipeline.tag}", "--sha", commit, "--repo", root]
    words += ["--workflow", pipeline.workflow, "--job", pipeline.job, "--json", "--color", colour]
    words += ["--skip-unsupported"] if pipeline.unsupported else []
    say_error(f"rehearsing {pipeline.tag}: {pipeline.job} of {pipeline.workflow}, and what it needs")
    done = subprocess.run(
        [sys.executable, "-m", "headrace.cli", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False
    )
    try:
        import msgspec

        from headrace.report.documents import RunDocument

        return msgspec.json.decode(done.stdout, type=RunDocument).run
    except msgspec.MsgspecError:
        return ""
