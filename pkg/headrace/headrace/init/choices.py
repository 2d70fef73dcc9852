"""What follows from what was found out: the matrix, the gates with their commands, what is installed. Pure."""

from __future__ import annotations

import os.path
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct, structs

from headrace.init.model import Found, Package, Said
from headrace.init.names import normal
from headrace.init.wanted import GATES, TABLE, Settings, Wanted

MINUTES = 10
"""What a job may take where nobody says otherwise."""

_REPORT = "itest-report.xml"


class Gate(Struct, frozen=True):
    """A job that must be green, and what its Make target does, in the package's folder. `artifacts`: paths from the root of the
    repository of what is kept when it fails."""

    name: str
    commands: tuple[str, ...]
    timeout: int = MINUTES
    artifacts: tuple[str, ...] = ()

    def calls(self, tool: str) -> bool:
        """
        >>> Gate("lint", ("$(PYTHON) -m ruff check black",)).calls("ruff"), Gate("lint", ("ruff check .",)).calls("ruff")
        (True, True)
        >>> Gate("lint", ("$(PYTHON) -m ruff check black",)).calls("black")
        False
        """
        return any(re.search(rf"(?:^@?|\s-m\s+|[;&|]\s*){tool}(?=\s|$)", command) for command in self.commands)


class Choice(Struct, frozen=True):
    """What is chosen, and for which reason; `package` is empty where it is about the repository."""

    name: str
    said: Said
    package: str = ""


class Shape(Struct, frozen=True):
    """What a package gets. `siblings` are the folders of the packages that are installed from the tree with it, `needed` the
    names of those whose changes concern it, `lowest` the names of those that its unit tests are tried with at the lowest version
    that it allows, `install` the arguments of the installation after the packages themselves, `wanted` what people say of it."""

    package: Package
    matrix: tuple[str, ...]
    gates: tuple[Gate, ...]
    siblings: tuple[str, ...]
    needed: tuple[str, ...]
    install: tuple[str, ...]
    mypy_path: tuple[str, ...]
    published: bool
    wanted: Wanted = Wanted()
    lowest: tuple[str, ...] = ()

    def timeout(self, job: str) -> int:
        """Minutes."""
        return self.wanted.timeouts.get(job, MINUTES)


def shapes(found: Found, settings: Settings) -> tuple[tuple[Shape, ...], tuple[Choice, ...]]:
    """One shape for each package, and every choice that was made for them."""
    chosen: list[Choice] = []
    made = []
    for package in found.packages:
        if package.pythons.lowest is None or package.pythons.highest is None:
            chosen.append(Choice("left out", Said("no workflow", package.name.at, "no known Python fits"), package.name.value))
            continue
        made.append(_shape(package, found, settings, chosen))
    chosen.append(Choice("publish shape", _publish_shape(settings)))
    return tuple(made), tuple(chosen)


def _shape(package: Package, found: Found, settings: Settings, chosen: list[Choice]) -> Shape:
    name = package.name.value
    by_name = {normal(each.name.value): each for each in found.packages}
    wanted = settings.of(package.folder)
    matrix = matrix_of(package, all_versions=wanted.all_versions)
    lowest, highest = package.pythons.lowest, package.pythons.highest
    assert lowest is not None and highest is not None
    places = tuple(dict.fromkeys(lowest.at[:1] + highest.at[:1] + wanted.places("all-versions")))
    why = "every supported version" if wanted.all_versions else "the lowest and the highest supported version"
    chosen.append(Choice("matrix", Said(", ".join(matrix), places, why), name))
    gates = []
    for gate, said in _gates(package, found, wanted):
        if gate is not None:
            gates.append(gate)
        chosen.append(Choice("gate", said, name))
    helpers = [each for each in found.shared_needs if by_name[normal(each)].private is not None]  # of everybody's tests
    needed = _closure(package, by_name, helpers)
    installed = _closure(package, by_name, [*found.shared_needs])
    for other in needed:
        at = next((each.at for each in package.siblings if each.value == other.name.value), other.found.at)
        chosen.append(Choice("concerned by", Said(other.folder, at, "changes there start its workflow"), name))
    if package.private is None:
        chosen.append(Choice("publishes", Said(f"tags {name}@*", package.name.at, "by trusted publishing"), name))
    else:
        chosen.append(Choice("publishes", Said("never", package.private.at, package.private.why), name))
    tried = [each for each in package.siblings if _is_tried(package, by_name[normal(each.value)], gates)]
    if tried:
        at = wanted.places("floors") or tuple(dict.fromkeys(place for each in tried for place in each.at))
        why = "unit tests with the lowest version of it that is allowed" if wanted.floors else f"{TABLE} floors"
        said = Said(", ".join(each.value for each in tried) if wanted.floors else "not tried", at, why)
        chosen.append(Choice("floors", said, name))
    chosen += [Choice(what, said, name) for what, said in _said(package, wanted, gates, settings)]
    mypy_path = tuple(dict.fromkeys(_above(path) for other in installed for path in other.code))
    return Shape(
        package, matrix, tuple(gates), tuple(other.folder for other in installed), tuple(other.name.value for other in needed),
        tuple(_install(package, found, gates)), mypy_path, package.private is None, wanted,
        tuple(each.value for each in tried if wanted.floors),
    )  # fmt: skip


def _is_tried(package: Package, sibling: Package, gates: Sequence[Gate]) -> bool:
    """Whether the unit tests can be run with another version of a sibling than the tree's: users have both from an index, and the
    tests are those of the Python that make names."""
    published = package.private is None and sibling.private is None
    return published and any(gate.name == "utest" and all("$(PYTHON)" in command for command in gate.commands) for gate in gates)


def _publish_shape(settings: Settings) -> Said:
    if settings.by_option("publish"):
        return Said(settings.publish, (), "--publish")
    at = settings.places("publish")
    return Said(settings.publish, at, "" if at else f"the default; {TABLE} publish says otherwise")


def _said(package: Package, wanted: Wanted, gates: Sequence[Gate], settings: Settings) -> Iterator[tuple[str, Said]]:
    """What is as the settings say, and is not told with a choice of another name."""
    own = settings.packages.get(package.folder, Wanted())
    if "publish" in own.at and package.folder != "." and not settings.by_option("publish"):
        yield "publish shape", Said(wanted.publish, own.places("publish"))
    if "release" in wanted.at:
        yield "releases by", Said("headrace release" if wanted.release == "headrace" else "make", wanted.places("release"))
    jobs = [gate.name for gate in gates]
    if package.private is None:
        jobs += ["build", "publish-pypi"] if wanted.publish == "hardened" else ["publish-pypi"]
    for job, minutes in wanted.timeouts.items():
        why = "" if job in jobs else "there is no such job"
        yield "timeout", Said(f"{job}: {minutes} minutes", wanted.places(f"timeouts.{job}"), why)
    for name, value in wanted.env.items():
        yield "environment", Said(f"{name}={value}", wanted.places(f"env.{name}"))
    if wanted.environment and package.private is None:
        yield "environment of publish-pypi", Said(wanted.environment, wanted.places("environment"))
    if "manual" in wanted.at:
        yield "by hand", Said("can be started" if wanted.manual else "never", wanted.places("manual"))
    for path in wanted.paths:
        kind = "not started by" if path.startswith("!") else "started by"
        yield kind, Said(path.removeprefix("!"), wanted.places(f"paths.{path}"))
    for gate, paths in wanted.artifacts.items():
        why = "when it fails" if gate in jobs else "there is no such job"
        yield "kept", Said(f"{gate}: {', '.join(paths)}", wanted.places(f"artifacts.{gate}"), why)


def matrix_of(package: Package, *, all_versions: bool) -> tuple[str, ...]:
    """
    The versions that the gates run on, oldest first."""
    every = [each.value for each in package.pythons.supported]
    return tuple(every if all_versions else dict.fromkeys((every[0], every[-1])))


def _closure(package: Package, by_name: Mapping[str, Package], more: Sequence[str]) -> list[Package]:
    """The packages of the repository that it needs, and those that they need, in the order of the repository."""
    seen: dict[str, Package] = {}
    waiting = [*(each.value for each in package.siblings), *more]
    while waiting:
        other = by_name.get(normal(waiting.pop(0)))
        if other is not None and other is not package and other.name.value not in seen:
            seen[other.name.value] = other
            waiting += [each.value for each in other.siblings]
    return [other for other in by_name.values() if other.name.value in seen]


def _above(path: str) -> str:
    return os.path.dirname(path) or "."


# -- gates --


def _gates(package: Package, found: Found, wanted: Wanted) -> Iterator[tuple[Gate | None, Said]]:
    """In the order of the described system. One that would have nothing to look at is left out."""
    for name in GATES:
        gate, said = _told(package, name, wanted) if name in wanted.commands else _guessed(package, found, name, wanted)
        if gate is not None:
            kept = (*wanted.artifacts.get(name, ()), *gate.artifacts)
            gate = structs.replace(gate, timeout=wanted.timeouts.get(name, MINUTES), artifacts=tuple(dict.fromkeys(kept)))
        yield gate, said


def _told(package: Package, name: str, wanted: Wanted) -> tuple[Gate | None, Said]:
    """A gate whose commands a person says in full; none where there is no command."""
    at = wanted.places(f"commands.{name}")
    if not wanted.commands[name]:
        return None, Said(f"no {name}", at, f"{TABLE} commands has none")
    commands = tuple(wanted.commands[name])
    return Gate(name, commands), Said(f"{name}: {'; '.join(commands)}", at, f"{TABLE} commands")


def _guessed(package: Package, found: Found, name: str, wanted: Wanted) -> tuple[Gate | None, Said]:
    tools = package.tools
    match name:
        case "lint":
            return _lint(package, found)
        case "type-check":
            return _types(package, found)
        case _:
            suites = package.unit if name == "utest" else package.integration
    if not suites:
        at = wanted.places(f"tests.{name}")
        return None, Said(f"no {name}", at or package.name.at, f"{TABLE} tests has none" if at else "there are no such tests")
    tester = tools.tester.value if tools.tester is not None else "pytest"
    at = tuple(place for each in suites for place in each.at)[:2] + (tools.tester.at[:1] if tools.tester else ())
    commands = tuple(_tests(package, tester, suites))
    if name == "itest" and tester == "pytest":  # in a pipeline the report of what failed is kept
        commands = tuple(
            each.replace(" $(PYTEST_ARGS)", f" $(if $(CI),--junitxml={_REPORT}) $(PYTEST_ARGS)") for each in commands
        )
        return Gate(name, commands, artifacts=(package.path(_REPORT),)), Said(f"{name}: {tester}", at)
    return Gate(name, commands), Said(f"{name}: {tester}", at)


def _tests(package: Package, tester: str, suites: Sequence[Said]) -> Iterator[str]:
    paths = [relative(package.folder, each.value) for each in suites]
    without = [relative(package.folder, each.value) for each in package.integration] if suites is package.unit else []
    if tester == "pytest":
        words = [f"--ignore={path}" for path in without if any(path.startswith(unit + "/") for unit in paths)]
        yield " ".join(["$(PYTHON) -m pytest $(PYTEST_ARGS)", *map(word, [*words, *paths])])
    else:
        ending = any(place.file.endswith("_test.py") for each in suites for place in each.at)
        pattern = "'*_test.py'" if ending else "'test*.py'"
        for path in paths:
            inside = [word(other) for other in without if other.startswith(path + "/")]
            if inside:  # discovery goes into every folder: so the files are named
                left = " -o ".join(f"-path {other}" for other in inside)
                found = f"find {word(path)} \\( {left} \\) -prune -o -name {pattern} -print"
                yield f"$(PYTHON) -m unittest $(sort $(shell {found}))"
            else:
                yield f"$(PYTHON) -m unittest discover -s {word(path)} -t . -p {pattern}"


def _lint(package: Package, found: Found) -> tuple[Gate, Said]:
    tools = package.tools
    checked = " ".join(_checked(package))
    if tools.linter is None and tools.formatter is not None and tools.formatter.value == "black":
        command = f"$(PYTHON) -m black --check {checked}"
        return Gate("lint", (command,)), Said("lint: black", tools.formatter.at, f"{tools.formatter.why}; no linter is in use")
    linter = tools.linter.value if tools.linter is not None else "ruff"
    said = Said(f"lint: {linter}", tools.linter.at, tools.linter.why) if tools.linter is not None else None
    if said is None:
        said = Said("lint: ruff", package.name.at, "no linter is in use: ruff, with its own defaults")
    match linter:
        case "flake8":
            commands = [f"$(PYTHON) -m flake8{_config(package, found, '.flake8', ' --config=')} {checked}"]
        case "pylint":
            commands = [f"$(PYTHON) -m pylint {checked}"]
        case _:
            commands = [f"$(PYTHON) -m ruff check {checked}"]
    if tools.formatter is not None:
        said = Said(f"{said.value}, {tools.formatter.value}", said.at + tools.formatter.at[:1], said.why)
        formatter = "ruff format" if tools.formatter.value == "ruff format" else "black"
        commands.append(f"$(PYTHON) -m {formatter} --check {checked}")
    return Gate("lint", tuple(commands)), said


def _types(package: Package, found: Found) -> tuple[Gate | None, Said]:
    tool = package.tools.typer
    checked = " ".join(word(relative(package.folder, path)) for path in package.code) or "."
    if tool is not None and tool.value in ("pyright", "basedpyright"):
        return Gate("type-check", (f"$(PYTHON) -m {tool.value} {checked}",)), Said(f"type-check: {tool.value}", tool.at, tool.why)
    if tool is not None and tool.value == "ty":
        return Gate("type-check", (f"$(PYTHON) -m ty check {checked}",)), Said("type-check: ty", tool.at, tool.why)
    if tool is None and package.types is None:
        return None, Said("no type-check", package.name.at, "no type checker is in use, and its code has no types")
    command = f"$(PYTHON) -m mypy{_config(package, found, 'mypy.ini', ' --config-file=')} {checked}"
    if tool is None:
        said = Said("type-check: mypy", package.name.at, "no type checker is in use: mypy, with its own defaults")
    else:
        said = Said(f"type-check: {tool.value}", tool.at, tool.why)
    return Gate("type-check", (command,)), said


def _config(package: Package, found: Found, name: str, option: str) -> str:
    """The option that names a file of settings at the root, for a tool that looks for them only where it stands."""
    if package.folder == "." or name not in found.configs:
        return ""
    return option + relative(package.folder, name)


def _checked(package: Package) -> list[str]:
    """What is linted: the code and the tests; parts of one another once."""
    paths = [*package.code, *(each.value for each in (*package.unit, *package.integration))]
    paths = [path for path in dict.fromkeys(paths) if not any(path.startswith(other + "/") for other in paths)]
    return [word(relative(package.folder, path)) for path in paths] or ["."]


# -- what is installed --


def _install(package: Package, found: Found, gates: Sequence[Gate]) -> Iterator[str]:
    """Groups, and the tools that the gates call."""
    groups = [(each, "pyproject.toml") for each in package.groups]
    groups += [(each, relative(package.folder, "pyproject.toml")) for each in found.shared if package.folder != "."]
    for said, file in groups:
        kind, _, name = said.value.partition(" ")
        if kind == "group":
            yield f"--group {name if file == 'pyproject.toml' else f'{file}:{name}'}"
        elif kind == "requirements":
            yield f"--requirement {word(relative(package.folder, name))}"
        elif kind == "requirement":
            yield word(name)
        elif file != "pyproject.toml":
            yield f"--requirement {file} --extra {name}"
    tools = ("basedpyright", "black", "flake8", "mypy", "pylint", "pyright", "pytest", "ruff", "ty")
    yield from (name for name in tools if any(gate.calls(name) for gate in gates))
    yield from (word(text) for text in package.loose)


def extras(package: Package) -> str:
    """Of the editable package itself: `[dev,test]`, or nothing."""
    names = [each.value.partition(" ")[2] for each in package.groups if each.value.startswith("extra ")]
    return f"[{','.join(names)}]" if names else ""


def relative(folder: str, path: str) -> str:
    """
    >>> relative("pkg/a", "pkg/a/tests"), relative("pkg/a", "tests/test_a"), relative(".", "src")
    ('tests', '../../tests/test_a', 'src')
    """
    return os.path.relpath(path, folder)


def word(text: str) -> str:
    """A word of a shell in a recipe of make.

    >>> word("tests"), word("a>=1"), word("a$b")
    ('tests', "'a>=1'", "'a$$b'")
    """
    return shlex.quote(text).replace("$", "$$").replace("#", "\\\\#")
