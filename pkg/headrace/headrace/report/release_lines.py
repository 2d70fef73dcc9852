"""What `headrace release` says to a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from headrace.base.errors import HeadraceError
from headrace.release.bump import Bump
from headrace.release.examine import Examined
from headrace.release.floors import groups
from headrace.release.journal import Train
from headrace.release.model import Artifact, Pipeline, Refused, Settings, Wanted
from headrace.release.resume import Resumed
from headrace.report.colour import Style
from headrace.report.text import clean, count


def release_lines(
    examined: Examined, train: Train | None, settings: Settings, error: HeadraceError | None, style: Style, *, dry_run: bool
) -> list[str]:
    """The plan of a release, package by package, and what came of it."""
    checkout = examined.checkout
    files = {entry.tag: entry.artifacts for entry in (train.entries if train is not None else ())}
    lines = []
    for wanted in examined.wanted:
        pipeline = examined.pipelines.get(wanted.package, Pipeline(wanted.tag))
        where = f"on {checkout.commit[:7] or 'no commit'}, tree {checkout.tree[:7]}"
        lines.append(style.paint(style.safe(clean(f"{wanted.tag}  {where}")), "bold"))
        lines += [f"  {style.safe(clean(line))}" for line in _about(wanted, pipeline, files.get(wanted.tag, ()), settings)]
    pushes = groups([wanted.tag for wanted in examined.wanted])
    for number, tags in enumerate(pushes, 1):
        which = f"push {number} of {len(pushes)}" if len(pushes) > 1 else "push"
        lines.append(
            style.safe(clean(f"{which}: git push --atomic {settings.remote} {' '.join(f'refs/tags/{tag}' for tag in tags)}"))
        )
    lines += [style.safe(clean(f"note: {note}")) for note in examined.notes]
    if dry_run:
        lines.append("nothing was changed, as --dry-run says" if error is None else "this release would be refused")
    return lines


def _about(wanted: Wanted, pipeline: Pipeline, files: Sequence[Artifact], settings: Settings) -> Iterator[str]:
    gates: dict[str, list[str]] = {}
    for gate in pipeline.gates:
        said = f"{gate.result} in run {gate.run}" if gate.run else gate.result or "not run on this tree"
        gates.setdefault(said, []).append(gate.name)
    for said, names in gates.items():
        yield f"gates: {', '.join(names)}: {said}"
    if pipeline.job:
        environment = f" in the environment {pipeline.environment}" if pipeline.environment else ""
        yield f"publishes: {pipeline.job} of {pipeline.workflow}{environment}, to {settings.index or pipeline.index}"
        yield f"identity: {pipeline.claims.get('sub', '')}, by {pipeline.claims.get('job_workflow_ref', '')}"
        yield f"rehearsal: {_rehearsal(pipeline)}"
    for file in files:
        yield f"built: {file.name}  sha256 {file.sha256}"


def _rehearsal(pipeline: Pipeline) -> str:
    if pipeline.unsupported:
        return f"{pipeline.job} cannot be tried here ({pipeline.unsupported}); what comes before it can, with --rehearse"
    if pipeline.tried is None:
        return f"{pipeline.job} is tried here before the tag is made"
    return f"{pipeline.job}: {pipeline.tried.result} in run {pipeline.tried.run}"


def verdict(error: HeadraceError) -> str:
    """The line before what is wrong."""
    if isinstance(error, Refused):
        one = len(error.findings) == 1
        return f"refused, and nothing was changed: {count(len(error.findings), 'thing')} forbid{'s' if one else ''} this release"
    return "the release did not come to its end"


def bump_lines(bumps: Sequence[Bump], commit: str) -> list[str]:
    lines = []
    for bump in bumps:
        lines.append(f"{bump.package} {bump.old} → {bump.new}: {', '.join(bump.files)}")
        if bump.empty:
            lines.append(f"the section of {bump.new} in {bump.changelog} is empty: say what is new, and commit it")
    words = " ".join(f"{bump.package} {bump.new}" for bump in bumps)
    lines.append(f"committed as {commit[:7]}" if commit else "nothing was written, as --dry-run says")
    lines.append(f"once that is pushed and green: headrace release {words}")
    return [clean(line) for line in lines]


def resume_lines(resumed: Resumed) -> list[str]:
    if not resumed.trains:
        return ["no release was begun that is not at its end"]
    lines = []
    for train in resumed.trains:
        for entry in train.entries:
            lines.append(f"{entry.tag}: {entry.state}")
            lines += [f"  {file.name}: {file.state}  sha256 {file.sha256}" for file in resumed.files.get(entry.tag, ())]
    return [clean(line) for line in (*lines, *(f"note: {note}" for note in resumed.notes))]
