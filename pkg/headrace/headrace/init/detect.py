"""A tree → all that is found out about it. Pure: the same tree says the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from headrace.base.errors import Position
from headrace.init import around
from headrace.init.find import Member, Members, find_members, missing
from headrace.init.model import Doubt, Found, Package, Project, Said
from headrace.init.names import normal
from headrace.init.project import table, texts
from headrace.init.pythons import supported
from headrace.init.suites import code_of, imports_of, suites_of
from headrace.init.told import told
from headrace.init.tools import tools_of
from headrace.init.tree import Tree, join
from headrace.init.wanted import TABLE, Settings, Wanted

_GROUPS = (
    "dev",
    "test",
    "tests",
    "testing",
    "lint",
    "linting",
    "typing",
    "types",
    "type-check",
    "typecheck",
    "mypy",
    "itest",
    "integration",
)
"""Groups and extras that hold what the gates want."""

_NO_SETTINGS = Settings()


def detect(tree: Tree, settings: Settings = _NO_SETTINGS) -> Found:
    """Everything. What cannot be read, or does not agree, is among the doubts. Of the settings those count that say what is
    there: which folders are no packages, and where the tests are."""
    exclude = [Said(each, settings.places(f"exclude.{each}"), f"{TABLE} exclude") for each in settings.exclude]
    members = find_members(tree, exclude)
    workflows = around.workflows(tree)
    packages = [
        _package(tree, member, members.members, members.root, workflows, settings.of(member.project.folder))
        for member in members.members
    ]
    nowhere = [Doubt(f"exclude in {TABLE}: there is no folder '{each.value}'", *each.at) for each in missing(tree, exclude)]
    doubts = [*tree.doubts, *nowhere, *(doubt for package in packages for doubt in _doubts(package)), *_twice(packages)]
    return Found(
        members.layout, tuple(packages), members.left_out, around.locks(tree), around.constraints(tree), workflows,
        around.makefiles(tree), tuple(path for path in around.CONFIGS if tree.has(path)), *_shared(members), *_minded_by_uv(tree),
        tuple(doubts),
    )  # fmt: skip


def _package(
    tree: Tree, member: Member, members: Sequence[Member], root: Project | None, workflows: Sequence[Said], wanted: Wanted
) -> Package:
    project = member.project
    assert project.name is not None
    imports = imports_of(tree, project)
    others = [each.project.folder for each in members if each is not member]
    suites = told(tree, suites_of(tree, project, imports, others), wanted)
    names = ("GNUmakefile", "makefile", "Makefile")
    makefile = next((path for name in names if tree.has(path := join(project.folder, name))), "")
    lines = around.targets(tree.text(makefile))
    return Package(
        project.folder, project.name, member.found, imports, project.version, project.requires_python,
        supported(project.requires_python, project.classifiers, project.name), project.backend, project.builds,
        tuple(_siblings(project, members)), tools_of(tree, project, root, suites.files), suites.unit, suites.integration,
        project.private, Said(makefile, (Position(makefile),)) if makefile else None,
        tuple(Said(name, (Position(makefile, line, 1),)) for name, line in lines),
        tuple(_about(tree, project, members, workflows)), tuple(_groups(project)),
        code_of(tree, project, imports), tuple(_loose(project)), tuple(_requires(project)),
    )  # fmt: skip


def _siblings(project: Project, members: Sequence[Member]) -> Iterator[Said]:
    """The packages of this repository that it needs, each once; what users get comes before what only its people get."""
    names = {normal(each.project.name.value): each.project for each in members if each.project.name is not None}
    seen = set()
    for requirement in sorted(project.requirements, key=lambda each: each.group != ""):
        other = names.get(requirement.name)
        if other is None or other is project or requirement.name in seen or other.name is None:
            continue
        seen.add(requirement.name)
        where = f", in {requirement.group}" if requirement.group else ""
        yield Said(other.name.value, (requirement.at,), requirement.text + where)


def _about(tree: Tree, project: Project, members: Sequence[Member], workflows: Sequence[Said]) -> Iterator[Said]:
    """Workflows that speak of the package: by their file's name, or of its folder; with one package, all of them."""
    assert project.name is not None
    name = normal(project.name.value)
    for workflow in workflows:
        stem = workflow.value.rpartition("/")[2].rpartition(".")[0]
        mentions = project.folder != "." and re.search(
            rf"(?<![\w/.-]){re.escape(project.folder)}(?![\w-])", tree.text(workflow.value)
        )
        if len(members) == 1 or normal(stem) == name or mentions:
            yield workflow


def _groups(project: Project) -> Iterator[Said]:
    """Groups and extras of its own that are to be installed for the gates."""
    for kind, names in (("group", project.groups), ("extra", project.extras)):
        for name in names:
            if normal(name) in _GROUPS:
                group = name if kind == "group" else f"extra:{name}"
                at = next((each.at for each in project.requirements if each.group == group), Position(project.files[0]))
                yield Said(f"{kind} {name}", (at,))


def _requires(project: Project) -> Iterator[str]:
    """What is installed with it, and with its groups for the gates."""
    for each in project.requirements:
        kind, _, name = each.group.rpartition(":")
        if not each.group or (kind in ("", "extra") and normal(name) in _GROUPS):
            yield each.text


def _loose(project: Project) -> Iterator[str]:
    """Requirements of groups for the gates that pip cannot install by the group's name: those of Poetry, Hatch, uv of old."""
    seen = set()
    for requirement in project.requirements:
        kind, _, name = requirement.group.rpartition(":")
        wanted = normal(name).removeprefix("hatch-") in _GROUPS or (kind == "hatch" and name == "default")
        if wanted and kind != "extra" and name not in project.groups and requirement.name not in seen:
            seen.add(requirement.name)
            yield requirement.text


def _shared(members: Members) -> tuple[tuple[Said, ...], tuple[str, ...], tuple[str, ...]]:
    """What the root offers to all packages, where it is none itself."""
    root = members.root
    if root is None or any(member.project is root for member in members.members):
        return (), (), ()
    groups = tuple(_groups(root))
    names = {normal(each.project.name.value): each.project.name.value for each in members.members if each.project.name}
    needs = dict.fromkeys(names[each.name] for each in root.requirements if each.name in names)
    return (groups, tuple(needs), tuple(_requires(root))) if groups else ((), (), ())


def _minded_by_uv(tree: Tree) -> tuple[tuple[str, ...], tuple[str, ...]]:
    uv = table(tree.toml("pyproject.toml"), "tool", "uv")
    return tuple(texts(uv.get("constraint-dependencies"))), tuple(texts(uv.get("override-dependencies")))


def _doubts(package: Package) -> Iterator[Doubt]:
    at = package.name.at[0]
    if not package.imports:
        yield Doubt(f"{package.name.value}: no code was found that it could install", at)
    if not package.pythons.supported:
        yield Doubt(f"{package.name.value}: no known Python fits its requires-python", at)
    if package.private is None and not package.unit and not package.integration:
        yield Doubt(f"{package.name.value}: no tests were found", at)
    requires = package.requires_python
    if requires is None:
        yield Doubt(f"{package.name.value}: it does not say which Python it requires", at)


def _twice(packages: Sequence[Package]) -> Iterator[Doubt]:
    seen: dict[str, Package] = {}
    for package in packages:
        name = normal(package.name.value)
        if name in seen:
            yield Doubt(f"{package.folder} and {seen[name].folder} have one name: {package.name.value}", package.name.at[0])
        seen[name] = package
