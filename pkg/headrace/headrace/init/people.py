"""Files of people: what is missing there is added, what is there stays. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import yaml
from msgspec import Struct

from headrace.init.around import targets
from headrace.init.sections import HEAD, joined, sections

BESIDE = "gates.mk"
INCLUDE = f"include {BESIDE}"
_HELPERS = ("install", "build", "check-venv", "floors")


class Addition(Struct, frozen=True):
    """The text with what was missing, and each item of ours as it stands there. `left`: names that are there already."""

    text: str
    items: dict[str, str]
    left: tuple[str, ...] = ()


class Beside(Struct, frozen=True):
    """A Makefile beside one of a person, which includes it. `names`: what ours are called where that one has such a target;
    empty where there is none of ours. `adds`: whether there is a target in it that anybody would call."""

    text: str
    names: dict[str, str]
    left: tuple[str, ...]
    adds: bool


# -- workflows --


def add_jobs(path: str, theirs: str, ours: str, put: Mapping[str, str] | None = None) -> Addition | str:
    """The jobs of `ours` that `theirs` has not, at the end of its jobs; or why nothing can be added. `put` are those that were
    put there before: they are brought up to date where they stand as they were put, or are taken away."""
    there = sections(path, theirs)
    wanted = _jobs_alone(path, ours)
    before = put or {}
    if len(there) < 2:
        return "its jobs are not written one below the other, so none is added"
    if "\r" in theirs:
        return "its lines end with carriage returns, so no job is added"
    if any(re.match(r"defaults\s*:", line) for line in theirs.splitlines()):
        return "its defaults would change jobs that are added, so none is"
    text, items = theirs, {}
    for name, old in before.items():
        new = _indented(wanted[name], _depth(there)) if name in wanted else ""
        text = text.replace(old, new)
        if new:
            items[name] = new
    missing = {name: job for name, job in wanted.items() if name not in there and name not in before}
    for name, job in missing.items():
        items[name] = _indented(job, _depth(there))
        text = _at_the_end(text, items[name])
    if not _is_added(theirs, text, {*items}, {*before}):
        return "a job that is added would change what it says, so none is"
    left = tuple(name for name in wanted if name in there and name not in before)
    return Addition(text, items, left)


def _jobs_alone(path: str, text: str) -> dict[str, str]:
    """Our jobs, each with what stands above all of them."""
    parts = sections(path, text)
    env = _block(parts[HEAD], "env")
    found = {}
    for name, lines in parts.items():
        if name != HEAD:
            own = [*lines]
            while own and not own[-1]:
                own.pop()
            start = next(index for index, line in enumerate(own) if line.startswith(f"  {name}:")) + 1
            if not any(line.startswith("    permissions:") for line in own):
                own[start:start] = ["    permissions:", "      contents: read"]
            own[start:start] = [f"    {line}" for line in env]
            found[name] = "".join(f"{line}\n" for line in own)
    return found


def _block(lines: Sequence[str], key: str) -> list[str]:
    found: list[str] = []
    for line in lines:
        if line.startswith(f"{key}:"):
            found = [line]
        elif found and line.startswith(" "):
            found.append(line)
        elif found:
            break
    return found


def _depth(there: Mapping[str, list[str]]) -> int:
    first = next(line for name, lines in there.items() if name for line in lines if line.strip() and line.lstrip()[0] != "#")
    return len(first) - len(first.lstrip())


def _indented(job: str, depth: int) -> str:
    return "".join(f"{' ' * depth}{line[2:]}\n" if line else "\n" for line in job.splitlines())


def _at_the_end(text: str, job: str) -> str:
    """After the last job, before what else there is at the top."""
    lines = text.splitlines()
    start = next(index for index, line in enumerate(lines) if re.match(r"jobs:\s*(#.*)?$", line)) + 1
    end = next((index for index in range(start, len(lines)) if lines[index][:1] not in ("", " ", "#")), len(lines))
    while end > start and not lines[end - 1].startswith(" "):
        end -= 1
    before, after = lines[:end], lines[end:]
    return "".join(f"{line}\n" for line in before) + "\n" + job + "".join(f"{line}\n" for line in after)


def _is_added(before: str, after: str, added: set[str], put: set[str]) -> bool:
    """Whether a reader of YAML sees the same as before, and those jobs."""
    try:
        old, new = (yaml.load(text, yaml.BaseLoader) for text in (before, after))
        jobs = new.pop("jobs")
        mine = {name: job for name, job in old.pop("jobs").items() if name not in put}
    except (yaml.YAMLError, AttributeError, KeyError):
        return False
    return old == new and added <= jobs.keys() and {name: job for name, job in jobs.items() if name not in added} == mine


def tags_start_it(text: str) -> bool:
    """Whether a push of any tag starts a workflow, as far as its `on` says so plainly."""
    try:
        on = yaml.load(text, yaml.BaseLoader)["on"]
    except (yaml.YAMLError, TypeError, KeyError):
        return False
    if on == "push" or (isinstance(on, list) and "push" in on):
        return True
    push = on.get("push", "") if isinstance(on, dict) else ""
    if not isinstance(push, dict):
        return isinstance(on, dict) and "push" in on
    return "tags" in push or not {"branches", "branches-ignore", "tags-ignore"} & push.keys()


# -- Makefiles --


def beside(theirs: str, ours: str, *, called: bool) -> Beside:
    """Ours without the targets that `theirs` has. A gate that is there is the gate. Where a pipeline of ours is `called`, what it
    needs besides (an installation, a build with a check of the tag) is ours by another name. No variable of theirs becomes
    another. Unit tests of theirs may not heed which Python is asked for, so that they are not tried with other versions."""
    there = {name for name, _ in targets(theirs)}
    names = {name: f"gates-{name}" for name in _HELPERS if name in there and called}
    parts = sections(BESIDE, ours)
    left = tuple(name for name in parts if name and name in there)
    if "utest" in there and "floors" in parts:
        del parts["floors"]
        names["floors"] = ""
    kept = {name: lines for name, lines in parts.items() if name == HEAD or name in names or name not in there}
    text = "\n".join(_renamed(joined(kept).rstrip("\n").split("\n"), names, set(kept))) + "\n"
    text = re.sub(r"\n{3,}", "\n\n", text)
    for variable in re.findall(r"(?m)^([A-Z]+) [?:]?=", ours):
        if re.search(rf"(?<!\w){variable}(?!\w)", theirs):
            text = re.sub(rf"(?m)(^|\$\(){variable}(?=\)| [?:]?=)", rf"\g<1>GATES_{variable}", text)
    return Beside(text, names, left, bool(kept.keys() - {HEAD, "check-venv"}))


def _renamed(lines: Sequence[str], names: Mapping[str, str], kept: set[str]) -> Iterator[str]:
    for line in lines:
        if line.startswith(".PHONY:"):
            yield " ".join([".PHONY:", *(names.get(name, name) for name in line.split()[1:] if name in kept)])
        elif line.startswith("export MYPYPATH :="):
            if "type-check" in kept:
                yield f"type-check: {line}"
        elif found := re.match(r"([\w-]+):(.*)", line):
            needs = "".join(f" {names.get(name, name)}" for name in found[2].split())
            yield f"{names.get(found[1], found[1])}:{needs}"
        elif line.startswith("#"):
            yield line.replace("`make install`", f"`make {names.get('install', 'install')}`")
        else:
            for name in ("build", "install"):
                call = f'MAKE_{name.upper()}="make '
                line = line.replace(f'{call}{name}"', f'{call}{names.get(name, name)}"')
            yield line


def include(theirs: str) -> Addition:
    """The line at the end of a Makefile that brings the one beside it in."""
    ends = theirs if theirs.endswith("\n") or not theirs else theirs + "\n"
    item = f"\n{INCLUDE}\n"
    return Addition(ends + item, {INCLUDE: item})
