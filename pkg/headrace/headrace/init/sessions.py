"""What a repository installs for its tests and checks: the environments of tox and Hatch, the sessions of nox, files of
requirements, and commands of scripts. All is read, nothing is run: what is computed there is not known. Pure."""

from __future__ import annotations

import ast
import configparser
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from headrace.base.errors import Position
from headrace.init.names import normal, requirement
from headrace.init.places import item, line_with
from headrace.init.project import table, texts
from headrace.init.tree import Tree, join

_WANTED = re.compile(
    r"(?:py)?[23](?:\.\d+|\d+)?|py|tests?|testing|testenv|unit\w*|lint\w*|typ(?:es?|ing|echeck)|check\w*|mypy|pyright|flake8|ruff|pylint|default"
    r"|coverage|cov|itests?|integration|ci|dev|hatch|static|analysis|env|run|base|all|qa"
)
"""Parts of the names of environments that try or check the code."""

_FILE = re.compile(
    r"(?:requirements[_-])?(?:dev|development|tests?|testing|typing|types|mypy|lint|ci)(?:[_-]requirements)?\.(?:txt|in)"
)
_RUNNERS = frozenset(
    ("pre-commit", "prek", "tox", "tox-uv", "nox", "build", "twine", "uv", "pip", "wheel", "poetry", "hatch", "pdm", "virtualenv")
)
"""They call others; no gate does what they do."""

_INSTALLS = re.compile(r"(?:\bpip3?[\"']?,?\s+[\"']?install|\buv\s+(?:sync|run))\b(.*)")
_OTHER = re.compile(r"docs?|sphinx|release|publish|bench\w*|examples?|min(?:imum)?|lowest|pypy\w*", re.IGNORECASE)


_WITH_VALUE = ("-c", "--constraint", "--group", "--extra", "-p", "--python", "--only-binary", "--no-binary", "--index-url")


class Need(Struct, frozen=True):
    """`kind`: a `group`, an `extra`, a `requirements` file by its path below the root, or the text of a `requirement`; `extra *`
    are all of them."""

    kind: str
    value: str
    at: Position
    why: str


def needs_of(tree: Tree, folder: str, *, for_all: bool = False) -> Iterator[Need]:
    """Of the files of one folder. `for_all`: only what is said for everything, as an environment with a name may be for one of
    many packages."""
    for name in ("tox.ini", "setup.cfg"):
        path = join(folder, name)
        if name == "tox.ini" or "[tox:tox]" in tree.text(path):
            yield from _tox_ini(path, folder, tree.text(path), for_all)
    yield from _tox_toml(tree, join(folder, "tox.toml"), folder, (), for_all)
    yield from _tox_toml(tree, join(folder, "pyproject.toml"), folder, ("tool", "tox"), for_all)
    yield from _scripts(tree, folder)
    if for_all:
        return
    yield from _hatch(tree, join(folder, "pyproject.toml"), "tool", "hatch", "envs")
    yield from _hatch(tree, join(folder, "hatch.toml"), "envs")
    yield from _nox(tree, join(folder, "noxfile.py"), folder)


def is_for_gates(name: str) -> bool:
    """Whether an environment of this name tries or checks the code.

    >>> [is_for_gates(each) for each in ("py310-test", "typing", "testenv", "docs", "docs-test", "release", "test-pypy3")]
    [True, True, True, False, False, False, False]
    """
    parts = [part for part in re.split(r"[-_{},.:\s]+", name.lower()) if part]
    return any(_WANTED.fullmatch(part) for part in parts) and not any(_OTHER.fullmatch(part) for part in parts)


def files_by_name(tree: Tree, folder: str) -> Iterator[Need]:
    """Files of requirements for tests and checks, by their name; or, of any name, by the tester that they name."""
    names = []
    for above in (folder, join(folder, "requirements")):
        for path in tree.below(above) if tree.has_folder(above) else ():
            name = path.removeprefix(above + "/")
            if "/" not in name and (_FILE.fullmatch(name) or name == "requirements.txt"):
                names.append(path)
    for path in names:
        text = tree.text(path)
        tester = line_with(path, text, r"^pytest(?![\w-])")
        if path.endswith(".in") and path[:-3] + ".txt" in names and "--hash" not in tree.text(path[:-3] + ".txt"):
            continue
        if "--hash" not in text and ((not path.endswith("/requirements.txt") and path != "requirements.txt") or tester):
            yield Need("requirements", path, tester or Position(path), "for tests and checks, by its name")


def lines_of(tree: Tree, path: str, seen: Sequence[str] = ()) -> Iterator[str]:
    """The lines of a file of requirements, with those of the files that it names."""
    for line in re.sub(r"\\\n", " ", tree.text(path)).splitlines():
        line = re.sub(r"(^|\s)#.*", "", line).strip()
        found = re.match(r"(?:-r|--requirement)[\s=]*(\S+)", line)
        if found:
            other = _joined(path.rpartition("/")[0] or ".", found[1])
            if other not in (path, *seen):
                yield from lines_of(tree, other, (*seen, path))
        elif line:
            yield line


def editables_of(tree: Tree, folder: str) -> Iterator[tuple[str, Position]]:
    """Folders below the root that files of requirements for a package's tests install from the tree, and where they say so. Paths
    there are meant from the root, or from the package's folder."""
    files = {need.value: need for need in (*needs_of(tree, folder), *files_by_name(tree, folder)) if need.kind == "requirements"}
    for path in files:
        for line in lines_of(tree, path):
            found = re.match(r"(?:(?:-e|--editable)[\s=]*|(?=\./))([\w./-]+)", line)
            for above in (".", folder) if found else ():
                other = _joined(above, found[1]) if found else ""
                if other != folder and any(tree.has(join(other, name)) for name in ("pyproject.toml", "setup.py", "setup.cfg")):
                    yield other, line_with(path, tree.text(path), rf"^.*{re.escape(line)}\s*$") or Position(path)
                    break


# -- tox --


def _tox_ini(path: str, folder: str, text: str, for_all: bool) -> Iterator[Need]:
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string(text)
    except configparser.Error:
        return
    for section in parser.sections():
        environment = section.removeprefix("testenv").removeprefix(":") or "testenv"
        if not section.startswith("testenv") or not is_for_gates(environment) or (for_all and environment != "testenv"):
            continue
        start = line_with(path, text, rf"^\[{re.escape(section)}\]") or Position(path)
        for key, kind in (("deps", ""), ("extras", "extra"), ("dependency_groups", "group")):
            for line in (parser.get(section, key, fallback=None) or "").splitlines():
                line = re.sub(r"(^|\s)#.*", "", line).strip().replace("{toxinidir}/", "").replace("{tox_root}/", "")
                factor, colon, rest = line.partition(":")
                if colon and re.fullmatch(r"[\w{},.!-]+", factor) and "//" not in rest[:2]:
                    if not all(is_for_gates(part) for part in re.split(r"[{},-]+", factor) if part):
                        continue
                    line = rest.strip()
                at = line_with(path, text, rf"^.*{re.escape(line)}\s*$") or start if line else start
                if "{" in line:
                    continue
                if kind:
                    for each in re.split(r"[,\s]+", line):
                        if each:
                            yield Need(kind, each, at, "tox installs it")
                else:
                    yield from _line(line, folder, at)


def _tox_toml(tree: Tree, path: str, folder: str, keys: tuple[str, ...], for_all: bool) -> Iterator[Need]:
    content = table(tree.toml(path), *keys)
    legacy = content.get("legacy_tox_ini")
    if isinstance(legacy, str):
        yield from _tox_ini(path, folder, legacy, for_all)
    tables = [(("env_run_base",), "testenv")] + [(("env", name), name) for name in table(content, "env")]
    for inner, name in tables:
        given = table(content, *inner)
        if not is_for_gates(name) or (for_all and name != "testenv"):
            continue
        for key, kind in (("deps", ""), ("extras", "extra"), ("dependency_groups", "group")):
            for each in texts(given.get(key)):
                at = item(path, tree.text(path), each, *keys, *inner, key)
                if kind:
                    yield Need(kind, each, at, "tox installs it")
                elif "{" not in each:
                    yield from _line(each, folder, at)


def _line(text: str, folder: str, at: Position) -> Iterator[Need]:
    """A line of tox's `deps`: options, or one requirement, which may have spaces."""
    yield from _words(_split(text) if text.startswith("-") else [text], folder, at, "tox installs it")


def _hatch(tree: Tree, path: str, *keys: str) -> Iterator[Need]:
    """Requirements of Hatch's environments are the project's reader's; here are the names of what they install."""
    for name in table(tree.toml(path), *keys):
        if is_for_gates(name):
            for key, kind in (("features", "extra"), ("dependency-groups", "group")):
                for each in texts(table(tree.toml(path), *keys, name).get(key)):
                    yield Need(kind, each, item(path, tree.text(path), each, *keys, name, key), "Hatch installs it")


# -- nox --


def _nox(tree: Tree, path: str, folder: str) -> Iterator[Need]:
    try:
        module = ast.parse(tree.text(path))
    except (SyntaxError, ValueError):
        return
    known = {}
    for node in module.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            known[node.targets[0].id] = node.value
    for node in module.body:
        if not isinstance(node, ast.FunctionDef) or not any("session" in ast.unparse(each) for each in node.decorator_list):
            continue
        for call in ast.walk(node) if is_for_gates(session_name(node)) else ():
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                yield from _nox_call(call, call.func.attr, known, path, folder)


def session_name(node: ast.FunctionDef) -> str:
    """Of a function that nox calls."""
    for each in node.decorator_list:
        for word in each.keywords if isinstance(each, ast.Call) else ():
            if word.arg == "name" and isinstance(word.value, ast.Constant):
                return str(word.value.value)
    return node.name


def _nox_call(call: ast.Call, name: str, known: dict[str, ast.expr], path: str, folder: str) -> Iterator[Need]:
    at = Position(path, call.lineno, call.col_offset + 1)
    words = list(_constants(call.args, known))
    if name == "dependency_groups":
        yield from (Need("group", each, at, "nox installs it") for each in words)
    elif name == "install":
        yield from _words(words, folder, at, "nox installs it")
    elif name in ("run", "run_install", "run_always") and words[:1] == ["uv"]:
        yield from _options(words, at, "nox installs it")


def _constants(nodes: Iterable[ast.expr], known: dict[str, ast.expr]) -> Iterator[str]:
    """Texts that stand there, or in a list that the module names."""
    for node in nodes:
        match node:
            case ast.Constant(value=str(text)):
                yield text
            case ast.Starred(value=ast.Name(id=name)) if isinstance(known.get(name), ast.List | ast.Tuple):
                yield from _constants(getattr(known[name], "elts", ()), {})
            case ast.Name(id=name) if isinstance(known.get(name), ast.Constant):
                yield from _constants([known[name]], {})
            case _:
                pass


# -- commands --


def _scripts(tree: Tree, folder: str) -> Iterator[Need]:
    """Groups, extras and files that commands of Makefiles and scripts install; single projects there may be for anything."""
    names = [join(folder, name) for name in ("Makefile", "makefile", "GNUmakefile", "justfile")]
    start = join(folder, "scripts") + "/"
    names += [path for path in tree.paths if path.startswith(start) and re.fullmatch(r"[^/.]+(\.sh)?", path[len(start) :])]
    for path in names:
        for number, line in enumerate(tree.text(path).splitlines(), 1):
            if found := _INSTALLS.search(line):
                words = _split(re.split(r"[;&|]|\d?>", found[1])[0])
                for need in _words(words, folder, Position(path, number, 1), f"{path} installs it"):
                    if need.kind != "requirement" and not any(_OTHER.fullmatch(part) for part in re.split(r"\W|_", need.value)):
                        yield need


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return []


def _words(words: Sequence[str], folder: str, at: Position, why: str) -> Iterator[Need]:
    """The arguments of an installation."""
    yield from _options(words, at, why)
    skip = False
    for index, word in enumerate(words):
        following = words[index + 1] if index + 1 < len(words) else ""
        if skip:
            skip = False
        elif word in ("-r", "--requirement"):
            skip = True
            yield Need("requirements", _joined(folder, following), at, why)
        elif word in _WITH_VALUE:
            skip = True
        elif word in ("-e", "--editable"):
            pass
        elif found := re.fullmatch(r"(?:-r|--requirement=)(.+)", word):
            yield Need("requirements", _joined(folder, found[1]), at, why)
        elif found := re.fullmatch(r"(?:-e)?\.\[([\w.,\s-]+)\]", word):
            yield from (Need("extra", each.strip(), at, why) for each in found[1].split(","))
        elif not word.startswith(("-", ".", "$", "{")) and "/" not in word.partition("@")[0]:
            one = requirement(word, at)
            if one is not None and one.name not in _RUNNERS:
                yield Need("requirement", word, at, why)


def _options(words: Sequence[str], at: Position, why: str) -> Iterator[Need]:
    for index, word in enumerate(words):
        following = words[index + 1] if index + 1 < len(words) else ""
        if word in ("--group", "--extra") and following:
            yield Need(word[2:], following.rpartition(":")[2], at, why)
        elif word == "--all-extras":
            yield Need("extra", "*", at, why)


def _joined(folder: str, path: str) -> str:
    """
    >>> _joined("requirements", "../a.txt"), _joined(".", "./a.txt"), _joined("pkg/a", "b.txt")
    ('a.txt', 'a.txt', 'pkg/a/b.txt')
    """
    parts: list[str] = [] if folder == "." else folder.split("/")
    for part in path.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def own_extras(lines: Iterable[str], name: str) -> Iterator[str]:
    """Those of the package itself that a file of requirements asks for.

    >>> list(own_extras(["-e .[a,b]", "x[c]>=1", "y[d]"], "x"))
    ['a', 'b', 'c']
    """
    for line in lines:
        found = re.match(r"(?:(?:-e|--editable)\s*)?(\.|[\w.-]+)\s*\[([^\]]*)\]", line)
        if found and (found[1] == "." or normal(found[1]) == normal(name)):
            yield from (each.strip() for each in found[2].split(","))
