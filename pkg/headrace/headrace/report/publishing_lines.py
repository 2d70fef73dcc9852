"""What `headrace doctor --release` says to a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from headrace.release.doctor import Publishing
from headrace.report.colour import Style
from headrace.report.text import and_list, clean


def publishing_lines(repository: str, found: Sequence[Publishing], style: Style) -> list[str]:
    """Package by package: the claims of its pipeline's token, the values for the form, and what a registered publisher says."""
    lines = []
    for each in found:
        lines.append(style.paint(style.safe(clean(f"{each.package}, released by the tag {each.pipeline.tag}")), "bold"))
        lines += [style.safe(clean(f"  {line}".rstrip())) for line in _about(each, repository)]
    return lines + [style.safe(clean(line)) for line in _shared(found)]


def _shared(found: Sequence[Publishing]) -> Iterator[str]:
    """Packages that an index cannot tell apart by who publishes them."""
    by_identity: dict[tuple[str, str], list[str]] = {}
    for each in found:
        if each.form:
            identity = each.form["Workflow name"], each.form["Environment name"]
            by_identity.setdefault(identity, []).append(each.package)
    for (workflow, _), packages in by_identity.items():
        if len(packages) > 1:
            yield f"note: {and_list(packages)} are published by {workflow} in one environment: one token is good for all"


def _about(each: Publishing, repository: str) -> Iterator[str]:
    yield from map(str, each.problems)
    if not each.pipeline.claims:
        return
    yield f"{each.pipeline.job} of {each.pipeline.workflow} publishes to {each.pipeline.index}; its token will say"
    width = max(map(len, each.pipeline.claims))
    for name, value in sorted(each.pipeline.claims.items()):
        yield f"  {name.ljust(width)}  {value}".rstrip()
    yield "  and what GitHub alone knows: the numbers of owner, repository and run, the visibility"
    yield 'PyPI\'s form "Add a new publisher" (GitHub) wants'
    width = max(map(len, each.form))
    for name, value in each.form.items():
        yield f"  {name.ljust(width)}  {value or '(leave it empty)'}"
    if repository.startswith("local/"):
        yield f"  the remote is on no server, so that {repository} stands in for OWNER/NAME"
    yield from _registered(each)


def _registered(each: Publishing) -> Iterator[str]:
    if each.fits is None:
        return
    if each.closest is None:
        yield f"no publisher is registered for {each.package}"
        return
    about = f"{each.closest.repository}, {each.closest.workflow}"
    about += f", environment {each.closest.environment}" if each.closest.environment else ", any environment"
    if each.fits:
        yield f"a registered publisher takes this token: {about}"
        return
    yield f"no registered publisher takes this token; the closest is {about}"
    for one in each.differences:
        yield f"  {one.field}: registered {one.registered or '(none)'}, and the token says {one.claimed or '(none)'}"
