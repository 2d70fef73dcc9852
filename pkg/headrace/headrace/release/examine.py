"""Everything that must hold before tags are pushed, looked at whole: all findings first, one decision then."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct
from packaging.version import Version

from headrace.base.errors import Problem
from headrace.plan.model import Plan
from headrace.record.state import RunState
from headrace.release import pipeline as pipelines
from headrace.release.changelog import lacking
from headrace.release.checkout import Checkout, check_newer, check_tags, check_tree
from headrace.release.floors import check_floors, in_order, shut_out
from headrace.release.index import Index, IndexSilent, check_index, versions_in
from headrace.release.model import Finding, Package, Pipeline, Settings, Wanted
from headrace.release.packages import read_file
from headrace.release.push import identity
from headrace.release.sources import check_sources, check_version, find
from headrace.release.versions import misspelled, normal, read, spelling


class Planned(Struct, frozen=True):
    """The plan of the event that a tag's push would be. `problems` are those of workflow files, which GitHub would not start."""

    plan: Plan
    problems: tuple[Problem, ...]


class World(Struct, frozen=True):
    """What is asked: `plan` for a tag, `runs` for a tree, `index` for an address (None where no index shall be asked)."""

    plan: Callable[[str], Planned]
    runs: Callable[[str], Sequence[RunState]]
    index: Callable[[str], Index | None]


class Examined(Struct, frozen=True):
    """`wanted` is in the order of the release. `notes` are said and forbid nothing. `taken`: what could not be known is not in
    `findings` but in `notes`."""

    checkout: Checkout
    wanted: tuple[Wanted, ...]
    packages: dict[str, Package]
    pipelines: dict[str, Pipeline]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]


def examine(
    checkout: Checkout,
    settings: Settings,
    packages: Sequence[Package],
    asked: Sequence[Wanted],
    world: World,
    *,
    backport: bool = False,
) -> Examined:
    """Raises HeadraceError only where the machine fails: what forbids the release is a finding."""
    findings: list[Finding] = []
    notes: list[str] = []
    found: dict[str, Package] = {}
    for wanted in asked:
        package = find(wanted, packages)
        if isinstance(package, Finding):
            findings.append(package)
        elif package.name in found:
            findings.append(Finding("package", Problem(f"{package.name} is named twice"), package.name))
        else:
            found[package.name] = package
    known = [wanted for wanted in asked if wanted.package in found]
    known = in_order(list({wanted.package: wanted for wanted in known}.values()), found)
    findings += check_tree(checkout, settings)
    who = identity(checkout.root)
    findings += [who] if isinstance(who, Finding) else []
    runs = world.runs(checkout.tree) if checkout.tree else []
    had: dict[str, list[Version]] = {}
    seen: dict[str, Pipeline] = {}
    for wanted in known:
        package = found[wanted.package]
        findings += check_version(wanted)
        findings += check_sources(wanted, package)
        path = package.path("CHANGELOG.md")
        if (lack := lacking(read_file(checkout.root, path), wanted.version, path)) is not None:
            findings.append(Finding("changelog", lack, package.name))
        findings += check_tags(wanted, checkout, settings)
        address = settings.index
        if checkout.commit and misspelled(wanted.version) is None:
            planned = world.plan(f"refs/tags/{wanted.tag}")
            findings += [Finding("workflow", problem, package.name) for problem in planned.problems]
            seen[wanted.package], more = pipelines.look(planned.plan, wanted, runs)
            findings += more
            if seen[wanted.package].job and not seen[wanted.package].gates:
                notes.append(f"{seen[wanted.package].job} needs no other job: nothing is tested before it publishes")
            address = address or seen[wanted.package].index
        index = world.index(address) if address else None
        files = _files(wanted.package, index, notes)
        if index is not None and files is not None:
            findings += check_index(wanted, index, files)
        findings += check_newer(wanted, checkout, [str(version) for version in versions_in(files or ())], backport)
        siblings = {normal(each.name): each for each in packages}
        there = dict(_can_be_had(package, siblings, checkout, index, had, notes))
        findings += check_floors(wanted, package, siblings, there)
        version = read(wanted.version)
        had.setdefault(normal(wanted.package), []).extend([version] if version is not None else [])
        notes += shut_out(wanted, package, [each for each in packages if each.name not in found])
    return Examined(checkout, tuple(known), found, seen, tuple(dict.fromkeys(findings)), tuple(dict.fromkeys(notes)))


def _files(project: str, index: Index | None, notes: list[str]) -> dict[str, str] | None:
    if index is None:
        notes.append(f"whether an index has {project} was not asked")
        return None
    try:
        files = index.files(project)
    except IndexSilent as error:
        notes.append(f"what the index has of {project} is unknown: {error.problems[0]}")
        return None
    if files is None:
        notes.append(f"{project} is new to {index.url}: it wants a pending publisher there before its first release")
    return files or {}


def _can_be_had(
    package: Package, siblings: Mapping[str, Package], checkout: Checkout, index: Index | None,
    train: Mapping[str, list[Version]], notes: list[str],
) -> Iterator[tuple[str, list[Version]]]:  # fmt: skip
    """Sibling → the versions that users could install once this package is out: those of the index and of the train so far. Where
    the index is not known, a tag at the remote stands for a release."""
    from packaging.requirements import InvalidRequirement, Requirement

    for need in package.needs:
        try:
            name = normal(Requirement(need.text).name)
        except InvalidRequirement:
            continue
        if name not in siblings or name == normal(package.name):
            continue
        files = _files(siblings[name].name, index, notes)
        if files is None:
            tags = checkout.there.tags if checkout.there is not None else {}
            versions = [found for tag in tags if (found := spelling(siblings[name].name, tag)) is not None]
            notes.append(f"which versions of {siblings[name].name} can be had was taken from the tags at the remote")
        else:
            versions = list(versions_in(files))
        yield name, [*versions, *train.get(name, ())]
