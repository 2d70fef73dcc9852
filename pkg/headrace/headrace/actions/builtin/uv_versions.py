"""Which uv is asked for: the version texts of setup-uv, and the files of a repository that name one."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from headrace.actions import semver
from headrace.actions.builtin import toolkit, version_files
from headrace.actions.builtin.toolkit import ActionFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace.actions.semver import Version

_CLAUSE = re.compile(r"(===|==|!=|<=|>=|~=|<|>)\s*v?(\d+(?:\.\d+)*)(\.\*)?")
_DEPENDENCY = re.compile(r"uv([=<>~!]+\S*)")
_HIGH = 1 << 30


class Asked(NamedTuple):
    """`exact` is the one version that will do; without it and without `range` and `clauses` the newest is asked for."""

    text: str
    exact: Version | None = None
    range: semver.Range | None = None
    clauses: tuple[str, ...] = ()

    @property
    def newest(self) -> bool:
        return self.exact is None and self.range is None and not self.clauses

    def holds(self, version: Version) -> bool:
        """
        >>> def held(text): return [v for v in ("0.6.17", "0.7.0", "0.7.22", "0.8.3") if parse(text).holds(semver.parse(v))]
        >>> held("0.7.x"), held("~=0.7.1"), held(">=0.7,<0.8"), held("0.7.0"), held("==0.6.*")
        (['0.7.0', '0.7.22'], ['0.7.22'], ['0.7.0', '0.7.22'], ['0.7.0'], ['0.6.17'])
        >>> held("latest")
        ['0.6.17', '0.7.0', '0.7.22', '0.8.3']
        """
        if self.exact is not None:
            return version == self.exact
        if self.range is not None:
            return self.range.holds(version)
        return all(_holds(clause, version) for clause in self.clauses)

    def requirement(self) -> str:
        """How a package index is asked for it; "" where one requirement cannot say it.

        >>> [parse(t).requirement() for t in ("latest", "0.7.3", "0.7.x", "^0.7.2", "~=0.7.1", "0.6 || 0.8")]
        ['uv', 'uv==0.7.3', 'uv>=0.7.0,<0.8.0', 'uv>=0.7.2,<0.8.0', 'uv~=0.7.1', '']
        """
        if self.exact is not None:
            return f"uv=={self.exact}"
        if self.range is None:
            return "uv" + ",".join(self.clauses)
        if len(self.range.sets) != 1:
            return ""
        bounds = [
            f"{bound.operator if bound.operator != '=' else '=='}{'.'.join(map(str, bound.version[:3]))}"
            for bound in self.range.sets[0]
        ]
        return "uv" + ",".join(bounds)


def parse(text: str) -> Asked:
    """A version text: `latest`, a version, a range of npm's or a specifier of Python's. Raises ActionFailed for anything else."""
    text = text.strip()
    plain = text.removeprefix("==").strip()
    if plain in ("latest", "latest-known"):
        return Asked(text)
    version = semver.parse(plain)
    if version is not None:
        return Asked(text, exact=version)
    clauses = tuple(part.strip() for part in text.split(","))
    if not all(_CLAUSE.fullmatch(clause) for clause in clauses):
        span = semver.parse_range(plain)
        if span is None:
            raise ActionFailed(f"No version found for {text}")
        return Asked(text, range=span)
    return Asked(text, clauses=clauses)


def _holds(clause: str, version: Version) -> bool:
    """One clause of Python's specifiers (PEP 440), for the three numbers that uv's releases have."""
    found = _CLAUSE.fullmatch(clause)
    assert found is not None
    operator, number, star = found.groups()
    given = [int(part) for part in number.split(".")]
    ours, theirs = list(version[:3]), [*given, 0, 0, 0][:3]
    start = ours[: len(given)] == given[:3]
    match operator:
        case "==" | "===":
            return start if star else ours == theirs
        case "!=":
            return not start if star else ours != theirs
        case "~=":
            return len(given) > 1 and ours >= theirs and ours[: len(given) - 1] == given[:-1]
        case "<":
            return ours < theirs
        case "<=":
            return ours <= theirs
        case ">":
            return ours > theirs
    return ours >= theirs


# Files


def of_file(path: str, *, locks: bool = True) -> str:
    """The version text that a file holds, "" if none; says what it does. The end of its name says its format.
    `locks`: whether uv.lock is one."""
    toolkit.info(f"Trying to find version for uv in: {path}")
    if not os.path.exists(path):
        toolkit.info(f"Could not find file: {path}")
        return ""
    try:
        text = _locked(path) if locks and path.endswith("uv.lock") else _in_file(path)
    except (ActionFailed, OSError) as error:
        toolkit.warning(f"Error while parsing {path}: {error}")
        return ""
    text = text.strip().removeprefix("==")
    if text:
        toolkit.info(f"Found version for uv in {path}: {text}")
    return text


def _in_file(path: str) -> str:
    if path.endswith(".tool-versions"):
        return _of_tools(path)
    if path.endswith("uv.toml"):
        return _text(version_files.read_toml(path).get("required-version"))
    if path.endswith("pyproject.toml"):
        return config_value(path, "required-version") or _first(_requirements(path))
    if path.endswith(".txt"):
        return _first(toolkit.lines_of(path))
    return ""


def config_value(path: str, key: str) -> str:
    """A text of uv's own settings, in uv.toml or in pyproject.toml's `[tool.uv]`; "" if there is none. Raises ActionFailed."""
    if not path.endswith(".toml") or not os.path.exists(path):
        return ""
    table: object = version_files.read_toml(path)
    for name in ("tool", "uv") if path.endswith("pyproject.toml") else ():
        table = table.get(name) if isinstance(table, dict) else None
    return _text(table.get(key)) if isinstance(table, dict) else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def of_tools(path: str, tool: str) -> list[str]:
    """The versions in the line of a tool, in a `.tool-versions` file."""
    for line in toolkit.lines_of(path):
        words = line.split("#")[0].split()
        if words and words[0] == tool:
            return [word.removeprefix("v") for word in words[1:]]
    return []


def _of_tools(path: str) -> str:
    versions = of_tools(path, "uv")
    if len(versions) != 1:
        return ""
    if "/" in versions[0] or "\\" in versions[0]:
        toolkit.warning(f"The uv version {versions[0]} in .tool-versions is not supported. Paths are not allowed.")
        return ""
    if versions[0].startswith("ref"):
        toolkit.warning("The ref syntax of .tool-versions is not supported. Please use a released version instead.")
        return ""
    return versions[0]


def _first(requirements: Iterable[str]) -> str:
    """
    >>> _first(["uvicorn>=0.3", "uv", "uv>=0.5,<0.6 ; sys_platform == 'linux'", "uv==1"])
    '>=0.5,<0.6'
    """
    for requirement in requirements:
        found = _DEPENDENCY.match(requirement.split(";")[0].strip())
        if found is not None:
            return found[1].strip()
    return ""


def _requirements(path: str) -> list[str]:
    """Every dependency that a pyproject.toml lists: the project's, its extras', its groups'."""
    table = version_files.read_toml(path)
    if not _has_arrays():
        return re.findall(r"""["'](uv[=<>~!][^"']*)["']""", "\n".join(toolkit.lines_of(path)))
    project = table.get("project")
    project = project if isinstance(project, dict) else {}
    extras, groups = project.get("optional-dependencies"), table.get("dependency-groups")
    lists = [project.get("dependencies"), *_values(extras), *_values(groups)]
    return [item for found in lists if isinstance(found, list) for item in found if isinstance(item, str)]


def _values(table: object) -> list[object]:
    return list(table.values()) if isinstance(table, dict) else []


def _has_arrays() -> bool:
    """Whether this Python reads all of TOML."""
    import sys

    return sys.version_info >= (3, 11)


def _locked(path: str) -> str:
    """uv writes its lock files one key a line, so that no TOML reader is needed."""
    name = ""
    for line in toolkit.lines_of(path):
        if line.startswith("["):
            name = ""
        found = re.fullmatch(r'(name|version) = "([^"]*)"', line.strip())
        if found is not None and found[1] == "name":
            name = found[2]
        elif found is not None and name == "uv":
            return found[2]
    return ""
