"""`[tool.headrace.init]` of the root pyproject.toml, for the whole repository, and of a package's own, for it alone. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import structs

from headrace.base.errors import Position, Problem, UsageError
from headrace.init.base import Base, Publish
from headrace.init.find import find_members
from headrace.init.model import Said
from headrace.init.places import item, place
from headrace.init.project import table, texts
from headrace.init.tree import Tree, join
from headrace.init.wanted import GATES, JOBS, TABLE, Settings, Wanted, with_options
from headrace.plan.nearest import hint, nearest

_KEYS = ("tool", "headrace", "init")
_BOTH = ("publish", "release", "all-versions", "timeouts", "env", "manual", "paths", "floors", "environment")
_OF_PACKAGES = ("artifacts", "tests", "commands")
_OF_THE_ROOT = ("exclude",)
_LONGEST = 360  # minutes, which is what GitHub gives a job at the most
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def settings_of(tree: Tree, asked: Base, *, publish: Publish | None = None, all_versions: bool = False) -> Settings:
    """An option of this call (`publish`, `all_versions`) counts before the files, these before options of earlier calls
    (`asked`). Raises UsageError with all that they cannot hold."""
    problems: list[Problem] = []
    root = _File(tree, ".", problems)
    exclude = [Said(each) for each in texts(root.given.get("exclude"))]
    packages = [each.project.folder for each in find_members(tree, exclude).members]
    read = {folder: _wanted(_File(tree, folder, problems), is_package=True) for folder in packages if folder != "."}
    whole = _wanted(root, is_package="." in packages)
    if problems:
        raise UsageError(*dict.fromkeys(problems))
    if "." in packages:
        read["."] = whole
    if "publish" not in whole.at and asked.publish is not None:
        whole = structs.replace(whole, publish=asked.publish)
    if "all-versions" not in whole.at:
        whole = structs.replace(whole, all_versions=asked.all_versions)
    settings = Settings(**structs.asdict(whole), branch=asked.branch or "main", packages=read)
    return with_options(settings, publish=publish or "", all_versions=all_versions)


def _wanted(file: _File, *, is_package: bool) -> Wanted:
    """What one file says; what it cannot hold is added to the file's problems, and counts as not said."""
    allowed = (*_BOTH, *(_OF_PACKAGES if is_package else ()), *(_OF_THE_ROOT if file.folder == "." else ()))
    readers: Mapping[str, Callable[[str], Any]] = {
        "publish": lambda key: file.one_of(key, "described", "hardened"),
        "release": lambda key: file.one_of(key, "make", "headrace"),
        "all-versions": file.flag,
        "manual": file.flag,
        "floors": file.flag,
        "environment": file.text,
        "timeouts": lambda key: file.table(key, JOBS, file.minutes),
        "env": lambda key: file.table(key, (), file.variable),
        "paths": file.texts,
        "artifacts": lambda key: file.table(key, GATES, file.texts_or_one),
        "tests": lambda key: file.table(key, ("utest", "itest"), file.folders),
        "commands": lambda key: file.table(key, GATES, file.commands),
        "exclude": file.texts,
    }
    said = {}
    for key in file.given:
        if key in allowed:
            value = readers[key](key)
            if value is not None:
                said[key.replace("-", "_")] = value
        elif key in _OF_PACKAGES:
            file.refuse(f"{key} in {TABLE} is about one package", key, then="say it in the pyproject.toml of that package")
        elif key in _OF_THE_ROOT:
            file.refuse(f"{key} in {TABLE} is about the repository", key, then="say it in the pyproject.toml at the root")
        else:
            file.refuse(f"{TABLE} has no '{key}'", key, then=hint(key, allowed))
    return Wanted(**said, at=file.at)


class _File:
    """A pyproject.toml, and what is wrong with its settings. Every reader takes the keys of a value and returns the value in
    its type, None where it is of another, which is then among the problems."""

    def __init__(self, tree: Tree, folder: str, problems: list[Problem]) -> None:
        self.folder, self._tree, self._problems = folder, tree, problems
        self._path = join(folder, "pyproject.toml")
        self._text = tree.text(self._path)
        self.at: dict[str, Position] = {}
        above = table(tree.toml(self._path), *_KEYS[:-1])
        self.given = table(above, _KEYS[-1])
        if _KEYS[-1] in above and not isinstance(above[_KEYS[-1]], dict):
            self.refuse(f"{TABLE} is a table, not {above[_KEYS[-1]]!r}")

    def refuse(self, message: str, *keys: str, then: str = "", value: str = "") -> None:
        full = (*_KEYS, *keys)
        at = item(self._path, self._text, value, *full) if value else place(self._path, self._text, *full)
        self._problems.append(Problem(message, at, then))

    def _value(self, *keys: str) -> Any:
        """Of a key; from now on it counts as said."""
        self.at[".".join(keys)] = place(self._path, self._text, *_KEYS, *keys)
        found: Any = self.given
        for key in keys:
            found = found[key]
        return found

    def _wrong(self, wanted: str, value: object, *keys: str, then: str = "") -> None:
        shown = str(value).lower() if isinstance(value, bool) else repr(value)
        self.refuse(f"{'.'.join(keys)} in {TABLE} is {wanted}, not {shown}", *keys, then=then)

    def one_of(self, key: str, *words: str) -> str | None:
        value = self._value(key)
        if value in words:
            return str(value)
        self._wrong(" or ".join(words), value, key)
        return None

    def flag(self, key: str) -> bool | None:
        value = self._value(key)
        if isinstance(value, bool):
            return value
        self._wrong("true or false", value, key)
        return None

    def table(self, key: str, names: Sequence[str], read: Callable[..., Any]) -> dict[str, Any] | None:
        """Each value of it by `read`; `names` are the keys that it may have, empty where any will do."""
        value = self._value(key)
        if not isinstance(value, dict):
            self._wrong("a table", value, key)
            return None
        found = {}
        for name in value:
            if names and name not in names:
                self.refuse(f"{key} in {TABLE} has no '{name}'", key, name, then=hint(name, names))
            elif (each := read(key, name)) is not None:
                found[name] = each
        return found

    def minutes(self, *keys: str) -> int | None:
        value = self._value(*keys)
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _LONGEST:
            return value
        self._wrong(f"a number of minutes from 1 to {_LONGEST}", value, *keys)
        return None

    def variable(self, *keys: str) -> str | None:
        value = self._value(*keys)
        if not _VARIABLE.fullmatch(keys[-1]):
            self.refuse(f"{keys[0]} in {TABLE}: '{keys[-1]}' is no name of a variable", *keys)
        elif isinstance(value, str):
            return value
        else:
            plain = isinstance(value, (bool, int, float))
            self._wrong("a text", value, *keys, then=f'write "{str(value).lower()}"' if plain else "")
        return None

    def text(self, key: str) -> str | None:
        """One line."""
        value = self._value(key)
        if isinstance(value, str) and value == value.strip() and value.isprintable():
            return value
        self._wrong("a text in one line", value, key)
        return None

    def texts(self, *keys: str) -> tuple[str, ...] | None:
        """Of a list, none of them empty, each in one line."""
        value = self._value(*keys)
        if not isinstance(value, list):
            self._wrong("a list of texts", value, *keys)
            return None
        for each in value:
            if not isinstance(each, str) or not each.strip() or not each.isprintable():
                self._wrong("a list of texts in one line each", each, *keys)
                return None
            self.at[".".join((*keys, each))] = item(self._path, self._text, each, *_KEYS, *keys)
        return tuple(value)

    def texts_or_one(self, *keys: str) -> tuple[str, ...] | None:
        value = self._value(*keys)
        if isinstance(value, str) and value.strip() and value.isprintable():
            return (value,)
        return self.texts(*keys)

    def commands(self, *keys: str) -> tuple[str, ...] | None:
        found = self.texts(*keys)
        halves = [each for each in found or () if each.endswith("\\")]
        if halves:
            self._wrong("a list of whole commands", halves[0], *keys)
            return None
        return found

    def folders(self, *keys: str) -> tuple[str, ...] | None:
        """Folders or files of tests, which must be there: a gate of tests that are not would fail for ever."""
        found = self.texts(*keys)
        if found is None:
            return None
        plain = tuple(each.removeprefix("./").rstrip("/") for each in found)
        for said, each in zip(found, plain, strict=True):
            here, from_package = self._has(each), self._has(join(self.folder, each))
            if not here:
                near = nearest(each, self._tree.folders())
                then = "paths are from the root of the repository" if from_package or not near else f"did you mean '{near}'?"
                then += f": '{join(self.folder, each)}'" if from_package else ""
                self.refuse(f"{'.'.join(keys)} in {TABLE}: there is no '{said}'", *keys, then=then, value=said)
            elif from_package and self.folder != "." and not said.startswith("./"):
                then = f"say './{each}' for that of the root, '{join(self.folder, each)}' for that of the package"
                self.refuse(f"{'.'.join(keys)} in {TABLE}: '{said}' may be either of two", *keys, then=then, value=said)
        return plain

    def _has(self, path: str) -> bool:
        return self._tree.has_folder(path) or self._tree.has(path)
