"""Published actions for tests: mirrors of repositories that hold them, and runs of workflows that use them."""

from __future__ import annotations

from collections.abc import Mapping

from test_core.calls import Done, Headrace
from test_core.repositories import GitRepository, make_repository

Files = Mapping[str, str | bytes]


class Actions:
    """`mirror` publishes, `run` uses. Every workflow runs in a repository of its own."""

    def __init__(self, headrace: Headrace) -> None:
        self.headrace = headrace
        self.root = headrace.home / "mirrors"
        self.count = 0

    def mirror(self, name: str, files: Files, tag: str = "v1") -> GitRepository:
        """A mirror of `owner/name` whose one commit has the tag."""
        repository = make_repository(self.root / name.replace("/", "+") / "repo", files)
        repository.tag(tag)
        return repository

    def repository(self, steps: str, files: Files | None = None, head: str = "") -> GitRepository:
        """One whose workflow has a job `a` with these steps (YAML list items); `head` stands in the job before them."""
        self.count += 1
        lines = "".join(f"      {line}\n" for line in steps.strip("\n").split("\n"))
        before = "".join(f"    {line}\n" for line in head.strip("\n").split("\n") if line)
        text = f"on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n{before}    steps:\n{lines}"
        return make_repository(self.headrace.home / f"repo{self.count}", {".github/workflows/ci.yml": text, **(files or {})})

    def run(self, steps: str, *options: str, files: Files | None = None, head: str = "") -> Done:
        root = self.repository(steps, files, head).root
        return self.headrace("run", "--json", "-v", "--actions-root", str(self.root), *options, cwd=root)

    def plan(self, steps: str, *options: str, files: Files | None = None) -> Done:
        root = self.repository(steps, files).root
        return self.headrace("plan", "--json", "--actions-root", str(self.root), *options, cwd=root)


def output(done: Done) -> list[str]:
    """What steps printed, line by line."""
    return [line.partition(" | ")[2] for line in done.err.splitlines() if " | " in line]


def node(main: str, **more: str) -> dict[str, str]:
    """The files of an action for node. `more`: `pre`, `post` (programs), `inputs`, `outputs` (YAML flow), `runs` (more keys)."""
    stages = {stage: more[stage] for stage in ("pre", "post") if stage in more}
    runs = "".join(f", {stage}: {stage}.js" for stage in stages) + (f", {more['runs']}" if "runs" in more else "")
    manifest = f"inputs: {more.get('inputs', '{}')}\noutputs: {more.get('outputs', '{}')}\n"
    manifest += f"runs: {{using: node20, main: main.js{runs}}}\n"
    return {"action.yml": manifest, "main.js": main, **{f"{stage}.js": text for stage, text in stages.items()}}


def composite(steps: str, inputs: str = "{}", outputs: str = "{}") -> dict[str, str]:
    """The files of a composite action with these steps (YAML list items)."""
    lines = "".join(f"    {line}\n" for line in steps.strip("\n").split("\n"))
    return {"action.yml": f"inputs: {inputs}\noutputs: {outputs}\nruns:\n  using: composite\n  steps:\n{lines}"}
