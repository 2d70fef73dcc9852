"""What the files of one folder declare about a project: pyproject.toml in its formats, setup.cfg, setup.py. Runs nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import structs

from headrace.base.errors import Position
from headrace.init import legacy
from headrace.init.model import Project, Requirement, Said
from headrace.init.names import normal, requirement
from headrace.init.places import item, place
from headrace.init.pythons import poetry_range
from headrace.init.tree import Tree, join

_BACKENDS = {
    "hatchling": "hatchling", "setuptools": "setuptools", "flit_core": "flit", "poetry": "poetry", "pdm": "pdm",
    "maturin": "maturin",
    "uv_build": "uv", "scikit_build_core": "scikit-build-core", "mesonpy": "meson", "flit_scm": "flit", "hatch": "hatchling",
}  # fmt: skip


def table(content: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """A table of a table; empty where there is none."""
    found: Any = content
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return dict(found) if isinstance(found, Mapping) else {}


def texts(value: object) -> list[str]:
    """The texts of a list; none where it is something else."""
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def read_project(tree: Tree, folder: str, *, nameless: bool = False) -> Project | None:
    """None where no file of the folder names a project, unless it may be `nameless`: the root of a workspace, whose groups are
    everybody's. A format fills in what those before it leave unsaid: pyproject.toml, setup.cfg, setup.py."""
    found = Project(folder)
    for path, read in (("pyproject.toml", _pyproject), ("setup.cfg", legacy.setup_cfg), ("setup.py", legacy.setup_py)):
        full = join(folder, path)
        if tree.has(full):
            found = _filled(found, read(tree, folder, full))
    if found.name is None:
        return found if nameless and found.files else None
    if found.backend is None and not tree.has(join(folder, "pyproject.toml")):
        found = structs.replace(found, backend=Said("setuptools", found.name.at, "no [build-system]"), builds=("setuptools",))
    return found


def _filled(first: Project, second: Project) -> Project:
    changes: dict[str, Any] = {}
    for field in ("name", "version", "requires_python", "backend", "private"):
        if getattr(first, field) is None:
            changes[field] = getattr(second, field)
    for field in ("classifiers", "builds", "imports", "groups", "extras"):
        if not getattr(first, field):
            changes[field] = getattr(second, field)
    known = {(each.name, each.group) for each in first.requirements}
    more = tuple(each for each in second.requirements if (each.name, each.group) not in known)
    return structs.replace(
        first, requirements=first.requirements + more, files=first.files + second.files, **changes,
        dynamic=first.dynamic or second.dynamic,
    )  # fmt: skip


def _pyproject(tree: Tree, folder: str, path: str) -> Project:
    content, text = tree.toml(path), tree.text(path)
    project, poetry, flit = (
        table(content, "project"),
        table(content, "tool", "poetry"),
        table(content, "tool", "flit", "metadata"),
    )
    found = Project(folder, files=(path,))
    for read, given in ((_standard, project), (_poetry, poetry), (_flit, flit)):
        if given:
            found = _filled(found, read(folder, path, text, given))
    hatch = join(folder, "hatch.toml")
    more = tuple(_hatch(hatch, tree.text(hatch), tree.toml(hatch), "envs"))
    build = table(content, "build-system")
    if build:
        backend = build.get("build-backend")
        name = backend if isinstance(backend, str) else "setuptools"
        at = place(path, text, "build-system", "build-backend")
        known = _BACKENDS.get(name.partition(".")[0], name)
        found = structs.replace(found, backend=Said(known, (at,), "" if backend else "no build-backend is named"))
        found = structs.replace(found, builds=tuple(texts(build.get("requires"))))
    elif found.name is not None and found.classifiers and table(content, "tool", "setuptools"):
        # Without a [build-system] pip builds it by setuptools, and this project says that it means that.
        at = place(path, text, "tool", "setuptools", *list(table(content, "tool", "setuptools"))[:1])
        found = structs.replace(found, backend=Said("setuptools", (at,), "no [build-system]"), builds=("setuptools",))
    return structs.replace(
        found,
        requirements=(*found.requirements, *_groups(path, text, content), *more),
        groups=tuple(table(content, "dependency-groups")),
        private=_private(path, text, content, found),
    )


def _standard(folder: str, path: str, text: str, given: Mapping[str, Any]) -> Project:
    def said(key: str) -> Said | None:
        value = given.get(key)
        return Said(value, (place(path, text, "project", key),)) if isinstance(value, str) else None

    dynamic = "version" in texts(given.get("dynamic"))
    version = said("version")
    if dynamic and version is None:
        version = Said("dynamic", (item(path, text, "version", "project", "dynamic"),))
    required = [requirement(each, item(path, text, each, "project", "dependencies")) for each in texts(given.get("dependencies"))]
    for extra, listed in table(given, "optional-dependencies").items():
        for each in texts(listed):
            at = item(path, text, each, "project", "optional-dependencies", extra)
            required.append(requirement(each, at, f"extra:{extra}"))
    return Project(
        folder, name=said("name"), version=version, requires_python=said("requires-python"), dynamic=dynamic,
        classifiers=_classifiers(path, text, given, "project"), requirements=tuple(each for each in required if each),
        extras=tuple(table(given, "optional-dependencies")),
    )  # fmt: skip


def _classifiers(path: str, text: str, given: Mapping[str, Any], *keys: str) -> tuple[Said, ...]:
    return tuple(Said(each, (item(path, text, each, *keys, "classifiers"),)) for each in texts(given.get("classifiers")))


def _poetry(folder: str, path: str, text: str, given: Mapping[str, Any]) -> Project:
    def said(key: str) -> Said | None:
        value = given.get(key)
        return Said(value, (place(path, text, "tool", "poetry", key),)) if isinstance(value, str) else None

    needs = table(given, "dependencies")
    python = needs.get("python")
    required: list[Requirement] = []
    sections: list[tuple[str, tuple[str, ...], dict[str, Any]]] = [("", ("dependencies",), needs)]
    sections.append(("dev", ("dev-dependencies",), table(given, "dev-dependencies")))
    for group in table(given, "group"):
        sections += [(group, ("group", group, "dependencies"), table(given, "group", group, "dependencies"))]
    for group, keys, listed in sections:
        for name in listed:
            if name != "python":
                at = place(path, text, "tool", "poetry", *keys, name)
                required.append(Requirement(normal(name), name, at, f"poetry:{group}" if group else ""))
    requires = None
    if isinstance(python, str):
        at = place(path, text, "tool", "poetry", "dependencies", "python")
        requires = Said(poetry_range(python), (at,), f"Poetry's {python}")
    packages = given.get("packages")
    at = place(path, text, "tool", "poetry", "packages")
    included = [each.get("include") for each in packages if isinstance(each, dict)] if isinstance(packages, list) else []
    imports = [Said(each.strip("/").replace("/", "."), (at,)) for each in included if isinstance(each, str)]
    return Project(
        folder, name=said("name"), version=said("version"), requires_python=requires, imports=tuple(imports),
        classifiers=_classifiers(path, text, given, "tool", "poetry"), requirements=tuple(required),
        extras=tuple(table(given, "extras")),
    )  # fmt: skip


def _flit(folder: str, path: str, text: str, given: Mapping[str, Any]) -> Project:
    def said(key: str) -> Said | None:
        value = given.get(key)
        return Said(value, (place(path, text, "tool", "flit", "metadata", key),)) if isinstance(value, str) else None

    module = said("module")
    required = [
        requirement(each, item(path, text, each, "tool", "flit", "metadata", "requires")) for each in texts(given.get("requires"))
    ]
    at = module.at if module else ()
    return Project(
        folder, name=said("dist-name") or module, version=Said("dynamic", at, "flit reads it from the module"), dynamic=True,
        requires_python=said("requires-python"), classifiers=_classifiers(path, text, given, "tool", "flit", "metadata"),
        requirements=tuple(each for each in required if each), imports=(module,) if module else (),
    )  # fmt: skip


def _groups(path: str, text: str, content: Mapping[str, Any]) -> Iterator[Requirement]:
    """Dependency groups, and the lists that uv and PDM had before there were any."""
    groups = table(content, "dependency-groups")
    lists: list[tuple[str, Sequence[str], object]] = [
        (name, ("dependency-groups", inner), groups.get(inner)) for name in groups for inner in _included(groups, name)
    ]
    lists.append(("dev", ("tool", "uv", "dev-dependencies"), table(content, "tool", "uv").get("dev-dependencies")))
    for name, listed in table(content, "tool", "pdm", "dev-dependencies").items():
        lists.append((name, ("tool", "pdm", "dev-dependencies", name), listed))
    for name, keys, listed in lists:
        for each in texts(listed):
            found = requirement(each, item(path, text, each, *keys), name)
            if found is not None:
                yield found
    yield from _hatch(path, text, content, "tool", "hatch", "envs")
    for hook in table(content, "tool", "hatch", "metadata", "hooks"):  # dependencies that are dynamic
        keys = ("tool", "hatch", "metadata", "hooks", hook, "dependencies")
        for each in texts(table(content, *keys[:-1]).get("dependencies")):
            found = requirement(each, item(path, text, each, *keys))
            if found is not None:
                yield found


def _included(groups: Mapping[str, Any], name: str) -> Sequence[str]:
    """A dependency group, and those that it includes.

    >>> _included({"a": [{"include-group": "b"}, "x"], "b": [{"include-group": "a"}]}, "a")
    ['a', 'b']
    """
    names = [name]
    for each in names:
        listed = groups.get(each)
        inner = [one.get("include-group") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        names += [one for one in dict.fromkeys(inner) if isinstance(one, str) and one not in names]
    return names


def _hatch(path: str, text: str, content: Mapping[str, Any], *keys: str) -> Iterator[Requirement]:
    """What Hatch's environments install."""
    for environment in table(content, *keys):
        for key in ("dependencies", "extra-dependencies"):
            for each in texts(table(content, *keys, environment).get(key)):
                found = requirement(each, item(path, text, each, *keys, environment, key), f"hatch:{environment}")
                if found is not None:
                    yield found


def _private(path: str, text: str, content: Mapping[str, Any], found: Project) -> Said | None:
    """Why it is not for an index."""
    for each in found.classifiers:
        if each.value.startswith("Private ::"):
            return Said("not published", each.at, f"the classifier {each.value}")
    if table(content, "tool", "uv").get("package") is False:
        return Said("not published", (place(path, text, "tool", "uv", "package"),), "uv is told that it is no package")
    if table(content, "tool", "poetry").get("package-mode") is False:
        return Said(
            "not published", (place(path, text, "tool", "poetry", "package-mode"),), "Poetry is told that it is no package"
        )
    if table(content, "project") and found.backend is None and table(content, "tool", "uv").get("package") is not True:
        return Said("not published", found.name.at if found.name else (Position(path),), "there is no [build-system]")
    version = found.version
    placeholder = (
        version is not None and version.value in ("0", "0.0.0") and not table(content, "tool", "poetry-dynamic-versioning")
    )
    if version is not None and placeholder:
        return Said("not published", version.at, "its version is none")
    return None
