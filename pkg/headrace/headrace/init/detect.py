"""A tree → all that is found out about it. Pure: the same tree says the same."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from msgspec import structs

from headrace.base.errors import Position
from headrace.init import around
from headrace.init.find import Member, Members, find_members, missing
from headrace.init.imported import is_in, modules_of
from headrace.init.installs import installs_of
from headrace.init.model import Doubt, Found, Package, Project, Said
from headrace.init.names import normal
from headrace.init.project import table, texts
from headrace.init.pythons import supported, together
from headrace.init.sessions import editables_of
from headrace.init.suites import code_of, imports_of, inner_of, suites_of, types_of
from headrace.init.told import told
from headrace.init.tools import tools_of
from headrace.init.tree import Tree, join
from headrace.init.versions import in_use
from headrace.init.wanted import TABLE, Settings, Wanted

_NO_SETTINGS = Settings()


def detect(tree: Tree, settings: Settings = _NO_SETTINGS) -> Found:
    """Everything. What cannot be read, or does not agree, is among the doubts. Of the settings those count that say what is
    there: which folders are no packages, and where the tests are."""
    exclude = [Said(each, settings.places(f"exclude.{each}"), f"{TABLE} exclude") for each in settings.exclude]
    members = find_members(tree, exclude)
    workflows = around.workflows(tree)
    packages = _together(
        _package(tree, member, members.members, members.root, workflows, settings.of(member.project.folder))
        for member in members.members
    )
    nowhere = [Doubt(f"exclude in {TABLE}: there is no folder '{each.value}'", *each.at) for each in missing(tree, exclude)]
    doubts = [*tree.doubts, *nowhere, *(doubt for package in packages for doubt in _doubts(package)), *_twice(packages)]
    return Found(
        members.layout, tuple(packages), members.left_out, around.locks(tree), around.constraints(tree), workflows,
        around.makefiles(tree), tuple(path for path in around.CONFIGS if tree.has(path)), *_shared(tree, members),
        *_minded_by_uv(tree), in_use(tree), tuple(doubts),
    )  # fmt: skip


def _package(
    tree: Tree, member: Member, members: Sequence[Member], root: Project | None, workflows: Sequence[Said], wanted: Wanted
) -> Package:
    project = member.project
    assert project.name is not None
    outer = imports_of(tree, project)
    code = code_of(tree, project, outer)
    imports = inner_of(tree, outer, code)
    others = {each.project.folder: imports_of(tree, each.project) for each in members if each is not member}
    suites = told(tree, suites_of(tree, project, imports, others), wanted)
    names = ("GNUmakefile", "makefile", "Makefile")
    makefile = next((path for name in names if tree.has(path := join(project.folder, name))), "")
    lines = around.targets(tree.text(makefile))
    tests = [each.value for each in (*suites.unit, *suites.integration)]
    bare_root = all(each.project.folder != "." for each in members)
    gates = installs_of(tree, project, modules_of(tree, [*code, *tests]), suites.files, _names(members), root_too=bare_root)
    return Package(
        project.folder, project.name, member.found, imports, project.version, project.requires_python,
        supported(project.requires_python, project.classifiers, project.name), project.backend, project.builds,
        tuple(_siblings(tree, project, members, suites.files)), tools_of(tree, project, root, suites.files),
        suites.unit, suites.integration,
        project.private, Said(makefile, (Position(makefile),)) if makefile else None,
        tuple(Said(name, (Position(makefile, line, 1),)) for name, line in lines),
        tuple(_about(tree, project, members, workflows)), gates.groups, code, gates.loose, gates.requires,
        types_of(tree, code),
    )  # fmt: skip


def _names(members: Sequence[Member]) -> set[str]:
    return {normal(each.project.name.value) for each in members if each.project.name is not None}


def _together(each_alone: Iterable[Package]) -> list[Package]:
    """A package is tried with those of the tree that it needs, so on a Python that is for all of them."""
    packages = list(each_alone)
    by_name = {normal(each.name.value): each for each in packages}
    made = []
    for package in packages:
        seen: dict[str, Package] = {}
        waiting = [each.value for each in package.siblings]
        while waiting:
            other = by_name.get(normal(waiting.pop(0)))
            if other is not None and other is not package and other.name.value not in seen:
                seen[other.name.value] = other
                waiting += [each.value for each in other.siblings]
        others = [(each.name, each.requires_python) for each in seen.values()]
        made.append(structs.replace(package, pythons=together(package.pythons, others)))
    return made


def _siblings(tree: Tree, project: Project, members: Sequence[Member], tests: Sequence[str]) -> Iterator[Said]:
    """The packages of this repository that it needs, each once; what users get comes before what only its people get, and that
    before what its tests use without a word."""
    others = [each.project for each in members if each.project is not project and each.project.name is not None]
    names = {normal(each.name.value): each for each in others if each.name is not None}
    seen = set()
    for requirement in sorted(project.requirements, key=lambda each: each.group != ""):
        other = names.get(requirement.name)
        if other is not None and other.name is not None and requirement.name not in seen:
            seen.add(requirement.name)
            where = f", in {requirement.group}" if requirement.group else ""
            yield Said(other.name.value, (requirement.at,), requirement.text + where)
    installed = dict(editables_of(tree, project.folder))
    modules = modules_of(tree, [*tests, *_conftests(tree, tests)])
    own = imports_of(tree, project)
    for name, other in names.items():
        if name in seen or other.name is None:
            continue
        if other.folder in installed:
            yield Said(other.name.value, (installed[other.folder],), "installed for its tests")
            continue
        wanted = [each.value for each in imports_of(tree, other) if not any(is_in(each.value, one.value) for one in own)]
        file = next((file for module, file in modules.items() if any(is_in(module, each.lower()) for each in wanted)), "")
        if file:
            yield Said(other.name.value, (Position(file),), "its tests import it")


def _conftests(tree: Tree, tests: Sequence[str]) -> list[str]:
    """Those that pytest reads for files of tests."""
    folders = {"/".join(path.split("/")[:number]) for path in tests for number in range(1, path.count("/") + 1)}
    return sorted(path for folder in folders if tree.has(path := f"{folder}/conftest.py"))


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


def _shared(tree: Tree, members: Members) -> tuple[tuple[Said, ...], tuple[str, ...], tuple[str, ...]]:
    """What the root offers to all packages, where it is none itself."""
    root = members.root
    if root is None or any(member.project is root for member in members.members):
        return (), (), ()
    gates = installs_of(tree, root, {}, (), _names(members.members))
    groups = tuple(each for each in gates.groups if not each.value.startswith("requirement"))
    names = {normal(each.project.name.value): each.project.name.value for each in members.members if each.project.name}
    needs = dict.fromkeys(names[each.name] for each in root.requirements if each.name in names)
    return (groups, tuple(needs), gates.requires) if groups else ((), (), ())


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
