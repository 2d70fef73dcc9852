"""What is installed for a package's gates besides itself: groups, extras, files of requirements, single requirements. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Set

from msgspec import Struct, structs

from headrace.base.errors import Position
from headrace.init.imported import extras_in_use
from headrace.init.model import Project, Said
from headrace.init.names import normal, requirement
from headrace.init.plugins import plugins_of
from headrace.init.sessions import Need, files_by_name, is_for_gates, lines_of, needs_of, own_extras
from headrace.init.tree import Tree

_GROUPS = (
    "dev", "test", "tests", "testing", "lint", "linting", "typing", "types", "type-check", "typecheck", "mypy", "itest",
    "integration",
)  # fmt: skip
"""Groups and extras that hold what the gates want."""


class Installs(Struct, frozen=True):
    """`groups`: `group NAME`, `extra NAME`, `requirements PATH` and `requirement TEXT`, each once. `loose`: requirements that are
    in none of those. `requires`: all that has to be resolved for it, with what comes with the package."""

    groups: tuple[Said, ...] = ()
    loose: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()


def installs_of(
    tree: Tree, project: Project, modules: Mapping[str, str], tests: Sequence[str], there: Set[str], *, root_too: bool = False
) -> Installs:
    """`modules` are what its code and its tests import, by the file; `tests` the files of its tests; `there` the normalised names
    of what the tree has itself. `root_too`: what stands at the root counts as well, as no package does. A project without a name
    is the root of a workspace."""
    found = _Found(tree, project, there)
    for kind, names in (("group", project.groups), ("extra", project.extras)):
        for name in names:
            if normal(name) in _GROUPS:
                found.name(kind, name, None, "")
    own = list(needs_of(tree, project.folder))
    for need in own:
        if need.kind in ("group", "extra"):
            found.name(need.kind, need.value, need.at, need.why)
    found.add_loose(each.text for each in project.requirements if _is_loose(each.group, project))
    _from(found, project.folder, own, [found.loose, found.groups])
    if root_too and project.folder != ".":
        _from(found, ".", list(needs_of(tree, ".", for_all=True)), [found.loose, found.groups])
    for extra, file in extras_in_use(found.own_name, project.requirements, dict(modules)).items():
        found.name("extra", extra, Position(file), "it is imported there")
    found.close()
    for need in plugins_of(tree, project, tests):
        found.single(need)
    return Installs(tuple(found.groups.values()), tuple(found.loose.values()), tuple(found.requires()))


def _from(found: _Found, folder: str, needs: Sequence[Need], before: Sequence[Mapping[str, object]]) -> None:
    """Files and single requirements that the files of a folder ask for; files by their name where nothing is known before."""
    for need in needs:
        if need.kind == "requirements":
            found.file(need)
        elif need.kind == "requirement":
            found.single(need)
    if not any(before):
        for need in files_by_name(found.tree, folder):
            found.file(need)


def _is_loose(group: str, project: Project) -> bool:
    """A requirement for the gates that pip cannot install by the name of its group: those of Poetry, Hatch, uv of old."""
    kind, _, name = group.rpartition(":")
    name = name.removeprefix("hatch-")
    is_for = normal(name) in _GROUPS or (kind == "hatch" and is_for_gates(name))
    return bool(group) and is_for and kind != "extra" and name not in project.groups


class _Found:
    """What has been found so far, in the order in which it counts."""

    def __init__(self, tree: Tree, project: Project, there: Set[str]) -> None:
        self.tree, self.project, self.there = tree, project, there
        self.own_name = "" if project.name is None else normal(project.name.value)
        self.groups: dict[str, Said] = {}
        self.loose: dict[str, str] = {}
        self.lines: dict[str, None] = {}
        self.singles: set[str] = set()

    def name(self, kind: str, name: str, at: Position | None, why: str) -> None:
        """A group or an extra, where the project has it; `*` are all extras that are not for documents and the like."""
        there = self.project.groups if kind == "group" else self.project.extras
        for each in there:
            if normal(each) == normal(name) or (name == "*" and is_for_gates(f"test-{each}")):
                group = each if kind == "group" else f"extra:{each}"
                stands = next((one.at for one in self.project.requirements if one.group == group), None)
                place = at or stands or Position(self.project.files[0])
                self.groups.setdefault(f"{kind} {each}", Said(f"{kind} {each}", (place,), why))

    def file(self, need: Need) -> None:
        """A file of requirements: by its path where every line means the same from the package's folder; else its lines, without
        exact versions, which constraints.txt says for all packages alike."""
        if not self.tree.has(need.value) or f"requirements {need.value}" in self.groups:
            return
        lines = list(lines_of(self.tree, need.value))
        for extra in own_extras(lines, self.own_name):
            self.name("extra", extra, need.at, need.why)
        plain = [line for line in lines if requirement(line, need.at) is not None and "/" not in line.partition(";")[0]]
        itself = [line for line in lines if self.project.folder == "." and re.fullmatch(r"(?:-e\s*)?\.(?:\[[^\]]*\])?", line)]
        if len(plain) + len(itself) == len(lines):
            self.groups[f"requirements {need.value}"] = Said(f"requirements {need.value}", (need.at,), need.why)
            self.lines.update(dict.fromkeys(plain))
        else:
            for line in plain:
                text = re.sub(r"==[^,;\s]+", "", line)
                self.single(structs.replace(need, kind="requirement", value=text))

    def single(self, need: Need) -> None:
        """One requirement that nothing else brings."""
        found = requirement(need.value, need.at)
        known = self._chosen_names() | self.loose.keys() | self.singles | self.there
        known |= {each.name for line in self.lines if (each := requirement(line, need.at)) is not None}
        if found is not None and found.name not in known:
            self.singles.add(found.name)
            self.groups[f"requirement {need.value}"] = Said(f"requirement {need.value}", (need.at,), need.why)

    def add_loose(self, lines: Iterable[str]) -> None:
        known = self._chosen_names()
        for line in lines:
            found = requirement(line, Position(""))
            if found is not None and found.name not in known:
                self.loose.setdefault(found.name, line)

    def close(self) -> None:
        """Extras of the package itself, which what is chosen asks for."""
        before = -1
        while before != len(self.groups):
            before = len(self.groups)
            for each in self.project.requirements:
                if self._is_chosen(each.group):
                    for extra in own_extras([each.text], self.own_name):
                        self.name("extra", extra, each.at, each.text)

    def requires(self) -> Sequence[str]:
        return [*(each.text for each in self.project.requirements if self._is_chosen(each.group)), *self.lines]

    def _chosen_names(self) -> set[str]:
        return {each.name for each in self.project.requirements if self._is_chosen(each.group)}

    def _is_chosen(self, group: str) -> bool:
        kind, _, name = group.rpartition(":")
        return not group or f"{kind or 'group'} {name}" in self.groups
