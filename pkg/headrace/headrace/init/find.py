"""Which folders of a repository are packages, and by what that is known. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from msgspec import Struct, structs

from headrace.init.model import Project, Said
from headrace.init.names import normal
from headrace.init.places import item, place
from headrace.init.project import read_project, table, texts
from headrace.init.sessions import editables_of
from headrace.init.tree import Tree

PLACES = ("pkg", "pkgs", "packages", "libs", "lib", "projects", "src", "python", "components")
"""Folders that hold packages, one in each folder."""

_FILES = ("pyproject.toml", "setup.cfg", "setup.py")
_NEVER = re.compile(
    r"tests?|testing|test[_-]?(data|projects?|packages?|support|resources)|docs?|examples?|samples?|fixtures?|vendor(ed)?|_vendor"
    r"|third[_-]party|node_modules|bench(marks?)?|\.[^/]+|cookbook|e2e|integration_tests?"
)
_SELDOM = re.compile(
    r"demos?|templates?|scripts?|tools?|maint|contrib|requirements|playground|evals?|release|ci|build-project|codegen"
)
"""Folders whose project files are not packages of the repository: data of tests, examples, tools of its people. The second are
names of packages too, where they stand in a folder of packages."""


def _is_data(folder: str) -> bool:
    """
    >>> _is_data("tests/data"), _is_data("tools/x"), _is_data("pkg/tools"), _is_data("pkg/tests"), _is_data("pkg/a")
    (True, True, False, True, False)
    """
    parts = folder.split("/")
    if any(_NEVER.fullmatch(part) for part in parts):
        return True
    seldom = parts[:-1] if len(parts) > 1 and parts[-2] in PLACES else parts
    return any(_SELDOM.fullmatch(part) for part in seldom)


class Member(Struct, frozen=True):
    """A package of the repository, and how it was found."""

    project: Project
    found: Said


class Members(Struct, frozen=True):
    layout: Said
    members: tuple[Member, ...]
    left_out: tuple[Said, ...] = ()
    root: Project | None = None


def find_members(tree: Tree, exclude: Sequence[Said] = ()) -> Members:
    """A workspace counts before folders, and those before a project at the root alone. `exclude` are globs of folders that hold
    no package, whatever stands in them; `.` is the root without what is below it."""
    root = read_project(tree, ".", nameless=True)
    every = _project_folders(tree)
    excluded = [Said(folder, each.at, each.why) for folder in every for each in exclude if _within(folder, each.value)]
    without = {each.value for each in excluded}
    found = _found(tree, root, [folder for folder in every if folder not in without], counts="." not in without)
    return structs.replace(found, left_out=(*found.left_out, *excluded))


def _found(tree: Tree, root: Project | None, folders: Sequence[str], *, counts: bool) -> Members:
    """`counts`: whether the root may be a package."""
    for kind, patterns, without in _workspaces(tree):
        inside = _matching(folders, patterns, without)
        members = [member for folder, found in inside if (member := _member(tree, folder, found)) is not None]
        if not members:
            continue
        if counts and root is not None and root.private is None and root.name is not None and root.backend is not None:
            members.insert(0, Member(root, Said("the root of the workspace", root.name.at)))
        used = [member for member in members if not _is_data(member.project.folder)]
        out = [_example(member) for member in members if _is_data(member.project.folder)]
        if not used:  # only examples: then the root is what the repository is about
            continue
        used += (helpers := list(_helpers(tree, used, folders)))
        out = [each for each in out if each.value not in {helper.project.folder for helper in helpers}]
        known = {member.project.folder for member in (*members, *helpers)}
        out += [_stray(tree, folder) for folder in folders if folder not in known and folder != "." and not _is_data(folder)]
        places = tuple(dict.fromkeys(place for pattern in patterns for place in pattern.at))
        return Members(Said(f"{kind} of {len(used)}", places), tuple(used), tuple(out), root)
    members = _in_folders(tree, folders)
    if counts and root is not None and root.name is not None:
        alone = Member(root, Said("the project at the root", root.name.at))
        if not members:
            return Members(Said("one package at the root", root.name.at), (alone,), root=root)
        if root.private is None and root.backend is not None:
            members.insert(0, alone)
    elif not members:
        return Members(Said("no package"), (), root=root)
    members += _helpers(tree, members, folders)
    where = sorted({_place(member.project.folder) for member in members if member.project.folder != "."})
    found = tuple(member.found.at[0] for member in members if member.found.at)
    return Members(
        Said(f"{len(members)} package{'s' * (len(members) > 1)}, in {', '.join(where)}", found), tuple(members), root=root
    )


def _place(folder: str) -> str:
    above = folder.rpartition("/")[0]
    return f"{above}/*" if above else folder


def _workspaces(tree: Tree) -> Iterator[tuple[str, list[Said], list[str]]]:
    """Kind, patterns of members, patterns of what is left out."""
    path = "pyproject.toml"
    content: dict[str, Any] = dict(tree.toml(path))
    text = tree.text(path)
    uv = table(content, "tool", "uv", "workspace")
    if uv:
        keys: tuple[str, ...] = ("tool", "uv", "workspace", "members")
        yield (
            "a uv workspace",
            [Said(each, (item(path, text, each, *keys),)) for each in texts(uv.get("members"))],
            texts(uv.get("exclude")),
        )
    for environment in table(content, "tool", "hatch", "envs"):
        keys = ("tool", "hatch", "envs", environment, "workspace")
        workspace = table(content, *keys)
        if workspace:
            listed = workspace.get("members")
            names = [each["path"] if isinstance(each, dict) else each for each in listed] if isinstance(listed, list) else []
            members = [Said(each, (item(path, text, each, *keys, "members"),)) for each in names if isinstance(each, str)]
            yield "a Hatch workspace", members, texts(workspace.get("exclude"))
    listed = table(content, "tool", "pdm", "workspace").get("members")
    if listed:
        yield (
            "a PDM workspace",
            [Said(each, (place(path, text, "tool", "pdm", "workspace", "members"),)) for each in texts(listed)],
            [],
        )


def _matching(folders: Sequence[str], patterns: Sequence[Said], without: Sequence[str]) -> Iterator[tuple[str, Said]]:
    for folder in folders:
        if folder == "." or any(_fits(folder, pattern) for pattern in without):
            continue
        for pattern in patterns:
            if _fits(folder, pattern.value):
                yield folder, Said(f"a member, by {pattern.value}", pattern.at)
                break


def _within(folder: str, pattern: str) -> bool:
    """Whether a glob means a folder, or one that it stands in.

    >>> _within("pkg/a/b", "pkg/a"), _within("pkg/ab", "pkg/a"), _within(".", "."), _within("pkg", ".")
    (True, False, True, False)
    """
    parts = folder.split("/")
    return any(_fits("/".join(parts[:count]), pattern) for count in range(1, len(parts) + 1))


def missing(tree: Tree, exclude: Sequence[Said]) -> list[Said]:
    """Those of `exclude` that mean no folder."""
    return [each for each in exclude if not any(_fits(folder, each.value) for folder in (".", *tree.folders()))]


def _fits(folder: str, pattern: str) -> bool:
    """Whether a glob of members means a folder; a star is one folder.

    >>> _fits("pkg/a", "pkg/*"), _fits("pkg/a/b", "pkg/*"), _fits("pkg/a/b", "pkg/**"), _fits("a", "./a/")
    (True, False, True, True)
    """
    parts, wanted = folder.split("/"), pattern.removeprefix("./").strip("/").split("/")

    def fits(parts: list[str], wanted: list[str]) -> bool:
        match wanted:
            case []:
                return not parts
            case ["**", *rest]:
                return any(fits(parts[skipped:], rest) for skipped in range(len(parts) + 1))
            case [first, *rest]:
                return bool(parts) and fnmatchcase(parts[0], first) and fits(parts[1:], rest)
            case _:
                return False

    return fits(parts, wanted)


def _project_folders(tree: Tree) -> list[str]:
    found = {path.rpartition("/")[0] or "." for path in tree.paths if path.rpartition("/")[2] in _FILES}
    return sorted(found)


def _member(tree: Tree, folder: str, found: Said) -> Member | None:
    project = read_project(tree, folder)
    return None if project is None else Member(project, found)


def _example(member: Member) -> Said:
    why = "a member of the workspace, but of its examples, tests or tools"
    return Said(member.project.folder, member.found.at, why)


def _stray(tree: Tree, folder: str) -> Said:
    project = read_project(tree, folder)
    at = project.name.at if project is not None and project.name is not None else ()
    return Said(folder, at, "a project that is no member of the workspace")


def _helpers(tree: Tree, members: Sequence[Member], folders: Sequence[str]) -> Iterator[Member]:
    """Projects that stand among data of tests, and that tests of members install: by their name, or by their path in a file of
    requirements."""
    data = {folder: project for folder in folders if _is_data(folder) and (project := read_project(tree, folder)) is not None}
    known = {member.project.folder for member in members}
    for member in members:
        named = {each.name: each.at for each in member.project.requirements}
        for folder, at in editables_of(tree, member.project.folder):
            project = data.get(folder)
            if project is not None and project.name is not None:
                named.setdefault(normal(project.name.value), at)
        for folder, project in data.items():
            at_or_none = named.get(normal(project.name.value)) if project.name is not None else None
            if at_or_none is not None and folder not in known:
                known.add(folder)
                private = project.private or Said("not published", (at_or_none,), "a helper of tests")
                yield Member(structs.replace(project, private=private), Said("a helper of tests", (at_or_none,)))


def _in_folders(tree: Tree, folders: Sequence[str]) -> list[Member]:
    """Every project below the root that is not data, an example or a tool. `packages/*` and the like are said to be such."""
    members: list[Member] = []
    for folder in folders:
        if folder == "." or _is_data(folder) or any(folder.startswith(member.project.folder + "/") for member in members):
            continue
        project = read_project(tree, folder)
        if project is not None and project.name is not None:
            above = folder.rpartition("/")[0]
            why = f"a project in {above}/*" if above in PLACES else "a project file of its own"
            members.append(Member(project, Said(why, project.name.at)))
    return members
