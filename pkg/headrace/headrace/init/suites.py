"""Where the code and the tests of a package stand. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from msgspec import Struct, structs

from headrace.base.errors import Position
from headrace.init.imported import imported, is_in
from headrace.init.model import Project, Said
from headrace.init.names import normal
from headrace.init.places import item, line_with, place
from headrace.init.project import table, texts
from headrace.init.tree import Tree, join

_TEST = re.compile(r"(?:^|/)(?:test_[^/]*|[^/]*_test|tests?)\.py$")
_INTEGRATION = re.compile(
    r"(?:^|/)(?:test_)?(?:integration|integrations|integration[_-]?tests?|itests?|functional|e2e(?:tests?)?"
    r"|end[_-]?to[_-]?end|acceptance|system)(?:[_-]tests?)?$"
)
_UNIT = re.compile(r"(?:^|/)(?:test_)?units?(?:[_-]?tests?)?$")


_MOST = 12  # parts of a folder that are named one by one


class Suites(Struct, frozen=True):
    unit: tuple[Said, ...] = ()
    integration: tuple[Said, ...] = ()
    files: tuple[str, ...] = ()


def imports_of(tree: Tree, project: Project) -> tuple[Said, ...]:
    """The packages and modules that it installs: what its backend is told, else the folder or module of its name, else the only
    one there is; in `src` first."""
    assert project.name is not None
    told = _told(tree, project)
    if told:
        return told
    wanted = normal(project.name.value).replace("-", "_")
    for above in ("src", ".", "lib", "python"):
        folder = above if project.folder == "." else join(project.folder, above) if above != "." else project.folder
        for name in _modules(tree, folder):
            if name.replace("-", "_").lower() == wanted:
                return (_module(tree, folder, name),)
    for above in ("src", "."):
        folder = join(project.folder, above) if above != "." else project.folder
        names = [name for name in _modules(tree, folder) if not _is_no_code(name)]
        packages = [name for name in names if tree.has(f"{join(folder, name)}/__init__.py")]
        if packages or (above == "src" and names):
            return tuple(_module(tree, folder, name) for name in packages or names)
    parts = normal(project.name.value).split("-")  # a namespace: opentelemetry-api is opentelemetry/… in src
    for above in ("src", "."):
        folder = join(project.folder, above) if above != "." else project.folder
        if tree.has_folder(join(folder, parts[0])):
            return (_module(tree, folder, parts[0]),)
    return ()


def _told(tree: Tree, project: Project) -> tuple[Said, ...]:
    path = join(project.folder, "pyproject.toml")
    content, text = tree.toml(path), tree.text(path)
    for keys in (
        ("tool", "hatch", "build", "targets", "wheel", "packages"),
        ("tool", "setuptools", "packages"), ("tool", "setuptools", "py-modules"), ("tool", "flit", "module", "name"),
        ("tool", "uv", "build-backend", "module-name"), ("tool", "maturin", "module-name"),
    ):  # fmt: skip
        value = table(content, *keys[:-1]).get(keys[-1])
        names = [value] if isinstance(value, str) else texts(value)
        found = []
        for name in names:
            if name.strip("./") == "src":
                continue
            module = name.strip("/").removesuffix(".py").removeprefix("src/").replace("/", ".")
            if keys[1] == "maturin":  # a module within the package
                module = module.partition(".")[0]
            if keys[2] == "packages" and "." in module:  # setuptools lists each package of a package
                continue
            at = item(path, text, name, *keys) if not isinstance(value, str) else place(path, text, *keys)
            found.append(Said(module, (at,)))
        if found:
            return tuple(found)
    return project.imports


def inner_of(tree: Tree, imports: Sequence[Said], code: Sequence[str]) -> tuple[Said, ...]:
    """What is imported of a namespace package, where its folders hold but one: `zope.interface`, not `zope`."""
    found = list(imports)
    for path in code:
        module = next((number for number, each in enumerate(found) if path.endswith(each.value.replace(".", "/"))), None)
        while module is not None and not any(tree.has(f"{path}/{name}") for name in ("__init__.py", "__init__.pyi")):
            names = _modules(tree, path) if tree.has_folder(path) else []
            if len(names) != 1 or not tree.has_folder(join(path, names[0])):
                break
            path = join(path, names[0])
            inner = _module(tree, path.rpartition("/")[0], names[0])
            found[module] = Said(f"{found[module].value}.{names[0]}", inner.at, "the one package of its namespace")
    return tuple(found)


def types_of(tree: Tree, code: Sequence[str]) -> Said | None:
    """Where code has types, if it has any: a marker, a stub, a function that says what it returns."""
    for path in code:
        for file in [path] if tree.has(path) else tree.below(path):
            if file.endswith((".pyi", "/py.typed")):
                return Said("types", (Position(file),))
            at = line_with(file, tree.text(file), r"\)\s*->\s*[^:\n]+:") if file.endswith(".py") else None
            if at is not None:
                return Said("types", (at,))
    return None


def _modules(tree: Tree, folder: str) -> list[str]:
    """Packages and modules that stand in a folder itself."""
    start = "" if folder == "." else folder + "/"
    names: dict[str, None] = {}
    for path in tree.below(folder):
        first, slash, rest = path[len(start) :].partition("/")
        if slash and rest.endswith((".py", ".pyi")) and first.isidentifier():
            names[first] = None
        elif not slash and first.endswith(".py"):
            names[first.removesuffix(".py")] = None
    return list(names)


def _is_no_code(name: str) -> bool:
    return bool(
        re.fullmatch(
            r"(?:tests?|testing|docs?|examples?|bench\w*|scripts?|tools?|setup|noxfile|conftest|tasks|test_.*|.*_test|build|ci|conf)",
            name,
        )
    )


def _module(tree: Tree, folder: str, name: str) -> Said:
    base = join(folder, name)
    for path in (f"{base}/__init__.py", f"{base}.py"):
        if tree.has(path):
            return Said(name, (Position(path, 1, 1),))
    return Said(name, (Position(base),), "a folder without __init__.py")


def code_of(tree: Tree, project: Project, imports: Sequence[Said]) -> tuple[str, ...]:
    """Paths of what a package installs, below the root."""
    found = []
    for each in imports:
        path = each.value.replace(".", "/")
        for above in ("src", ".", "lib", "python"):
            base = join(join(project.folder, above) if above != "." else project.folder, path)
            if tree.has_folder(base):
                found.append(base)
                break
            if tree.has(f"{base}.py"):
                found.append(f"{base}.py")
                break
    return tuple(found)


def suites_of(tree: Tree, project: Project, imports: Sequence[Said], others: Mapping[str, Sequence[Said]]) -> Suites:
    """`others` are the folders of the other packages, with what they are imported as. Tests of the package's own folder are unit
    tests, but for those in folders that say something else; those that stand at the root under the package's name are integration
    tests, as in the described system, where it has others of its own. Where it has none, they are those at the root that import
    it more than any other."""
    assert project.name is not None
    own = _test_roots(tree, project.folder, [folder for folder in others if folder != "."])
    apart: list[str] = []
    if project.folder != ".":
        names = {normal(project.name.value).replace("-", "_"), *(each.value.replace(".", "_") for each in imports)}
        folders = [f"{above}{name}" for name in sorted(names) for above in ("tests/test_", "tests/", "test/")]
        apart = [folder for folder in folders if _tests_in(tree, folder)]
    unit, integration = [], []
    for folder in own:
        split_unit, split_integration = _split(tree, folder)
        unit += split_unit
        integration += split_integration
    inside = _inside(tree, project, imports) if not unit else []
    unit += inside
    if not unit and not integration and not apart and project.folder != ".":
        for said in _elsewhere(tree, imports, others):
            split_unit, split_integration = _split(tree, said.value)
            unit += [structs.replace(each, at=said.at, why=said.why) for each in split_unit]
            integration += split_integration
    for folder in apart:
        split_unit, split_integration = _split(tree, folder)
        called = _called_by_itest(tree, project.folder, folder)
        if called is not None and not split_integration:
            integration.append(Said(folder, (called,), "the target itest calls it"))
            continue
        if split_integration or not unit:
            unit += split_unit
            integration += split_integration
        else:
            integration += [Said(folder, each.at, "at the root, while its own folder has unit tests") for each in split_unit[:1]]
    folders = [each.value for each in (*unit, *integration)]
    files = tuple(dict.fromkeys(path for folder in folders for path in _tests_in(tree, folder)))
    return Suites(tuple(unit), tuple(integration), files)


def _elsewhere(tree: Tree, imports: Sequence[Said], others: Mapping[str, Sequence[Said]]) -> list[Said]:
    """Folders and files of tests at the root in which more import this package than any other of the repository; where those are
    many, all that is there."""
    parts: dict[str, list[str]] = {}
    for top in ("tests", "test"):
        for path in _tests_in(tree, top):
            parts.setdefault("/".join(path.split("/")[:2]), []).append(path)
    chosen: list[Said] = []
    for part, files in parts.items():
        modules = [(path, set(imported(tree.text(path)))) for path in files]

        def using(names: Sequence[Said], modules: Sequence[tuple[str, set[str]]] = modules) -> list[str]:
            return [path for path, each in modules if any(is_in(one, name.value) for one in each for name in names)]

        own = using(imports)
        if own and len(own) > max((len(using(names)) for names in others.values()), default=0):
            chosen.append(Said(part, (Position(own[0]),), f"{len(own)} of {len(files)} import it, more than any other package"))
    if len(chosen) > _MOST:
        return [Said(top, chosen[0].at, "most of what is there imports it") for top in ("tests", "test") if tree.has_folder(top)][
            :1
        ]
    return chosen


def _called_by_itest(tree: Tree, folder: str, tests: str) -> Position | None:
    """Where the Makefile of a package, in the recipe of `itest`, names a folder of tests."""
    path = join(folder, "Makefile")
    recipe = False
    for number, line in enumerate(tree.text(path).splitlines(), 1):
        if not line.startswith("\t"):
            recipe = bool(re.match(r"(itest|integration[\w-]*)\s*:", line))
        elif recipe and tests in line:
            return Position(path, number, 1)
    return None


def _test_roots(tree: Tree, folder: str, others: Sequence[str]) -> list[str]:
    """Folders of tests in a package's folder, also those that say of which kind they are."""
    found = []
    names = (
        "tests",
        "test",
        "testing",
        "unit_tests",
        "unittests",
        "integration_tests",
        "itest",
        "itests",
        "src/tests",
        "functional_tests",
        "e2e",
    )
    for name in names:
        path = join(folder, name)
        inside = [file for file in _tests_in(tree, path) if not any(file.startswith(other + "/") for other in others)]
        if inside:
            found.append(path)
    return found


def _tests_in(tree: Tree, folder: str) -> list[str]:
    if tree.has(folder):
        return [folder]
    return [path for path in tree.below(folder) if _TEST.search(path)] if tree.has_folder(folder) else []


def _split(tree: Tree, folder: str) -> tuple[list[Said], list[Said]]:
    """Unit and integration tests of a folder: parts that say so, else all of it is what its name says."""
    files = _tests_in(tree, folder)
    if _INTEGRATION.search(folder):
        return [], [_part(tree, folder, "by its name")]
    parts: dict[str, None] = {}
    loose = []
    for path in files:
        inner = path[len(folder) + 1 :].split("/")[:-1]
        said = next((number for number, name in enumerate(inner, 1) if _INTEGRATION.search(name)), 0)
        if said:
            parts["/".join([folder, *inner[:said]])] = None
        else:
            loose.append(path)
    integration = [_part(tree, part, "by its name") for part in parts]
    if not loose:
        return [], integration
    if not parts:
        return [Said(folder, (Position(loose[0]),))], []
    units = sorted({path[len(folder) + 1 :].partition("/")[0] for path in loose})
    if all(_UNIT.search(name) for name in units):
        return [_part(tree, f"{folder}/{name}", "by its name") for name in units], integration
    without = ", ".join(part[len(folder) + 1 :] for part in parts)
    return [Said(folder, (Position(loose[0]),), f"without {without}")], integration


def _part(tree: Tree, folder: str, why: str) -> Said:
    return Said(folder, tuple(Position(path) for path in _tests_in(tree, folder)[:1]), why)


def _inside(tree: Tree, project: Project, imports: Sequence[Said]) -> list[Said]:
    """Tests that stand among the code: the folder of the code is then the folder of the tests."""
    found = []
    for module in imports:
        for above in ("src", ".", "lib"):
            folder = join(project.folder, above) if above != "." else project.folder
            base = join(folder, module.value.replace(".", "/"))
            tests = _tests_in(tree, base) if tree.has_folder(base) else []
            tests = [path for path in tests if not path.endswith(("/test.py", "/tests.py"))]  # may be about tests
            if tests:
                parts = {path[: path.index("/test/") + 5] for path in tests if "/test/" in path[len(base) :]}
                parts |= {path[: path.index("/tests/", len(base)) + 6] for path in tests if "/tests/" in path[len(base) :]}
                scattered = [path for path in tests if not any(path.startswith(part + "/") for part in parts)]
                if scattered or len(parts) > 3:
                    found.append(Said(base, (Position(tests[0]),), "tests stand among the code"))
                else:
                    found += [
                        Said(part, (Position(next(path for path in tests if path.startswith(part + "/"))),))
                        for part in sorted(parts)
                    ]
                break
    return found
