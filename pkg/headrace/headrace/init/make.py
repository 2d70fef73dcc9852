"""Shapes → the files of the described system, each held against what is there and what was written before. Pure, but for the pins
that it is handed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from headrace.base.errors import Position, Problem, UsageError
from headrace.init import base, people, pins
from headrace.init.choices import Shape
from headrace.init.filters import paths_of
from headrace.init.lines import marks_in
from headrace.init.makefiles import package_makefile, root_makefile
from headrace.init.merge import Merged, merge
from headrace.init.model import Found
from headrace.init.tree import Tree, join
from headrace.init.wanted import Settings
from headrace.init.workflows import workflow, workflow_path

_RELEASE = ".github/release.py"
_BEHIND = "headrace init --update brings it up to date"

State = Literal["new", "merged", "added", "gone", "base", "same", "kept", "deleted", "behind"]
WRITTEN: tuple[State, ...] = ("new", "merged", "added", "gone", "base")


def written_before(tree: Tree) -> base.Base:
    """The record of what earlier calls wrote. Raises UsageError where it cannot be read."""
    text = tree.exact(base.PATH)
    if text is None and tree.has(base.PATH):
        raise UsageError(Problem("this is no text of a file, but a link or other bytes", Position(base.PATH)))
    return base.read_base(text or "")


class File(Struct, frozen=True):
    """One that belongs to the system.

    new      it is not there yet
    merged   what would be written now has changed; `text` has that, and what people have changed since
    added    it is a person's, and `text` has what it lacked
    gone     nobody needs it any more, and nobody has changed it
    base     the record of all of them, which is written anew
    same     there is nothing to do
    kept     there is another one, which stays as it is
    deleted  a person has taken it away, and it stays away
    behind   it would be merged or be gone; this call does not do that

    `was` is what is there now. `conflicts` are the lines of `text` at which marks begin."""

    path: str
    text: str
    state: State
    why: str = ""
    executable: bool = False
    was: str = ""
    conflicts: tuple[int, ...] = ()


class _Piece(Struct, frozen=True):
    """A file as it is to be written where there is none; with `part`, into one of a person."""

    path: str
    text: str
    executable: bool = False
    why: str = ""
    part: Literal["", "jobs", "include", "nothing"] = ""


def files_of(
    tree: Tree,
    found: Found,
    shapes: Sequence[Shape],
    settings: Settings,
    resolve: Callable[[str], str],
    *,
    update: bool = False,
    upgrade: bool = False,
    asked: base.Base | None = None,
) -> list[File]:
    """In the order in which they are told. `resolve` makes the text of constraints.txt out of that which is there, and is asked
    only where something lacks, or where all versions shall be new (`upgrade`): then with an empty text. `update`: what was
    written before is brought up to date. `asked` holds what options have said."""
    if not shapes:
        return []
    known = written_before(tree)
    wanted = list(_system(tree, known, found, shapes, settings))
    record = _Record(known, replace(asked or known, files=dict(known.files), parts=dict(known.parts)))
    made = [_held(tree, record, each, update) for each in wanted]
    there = {path: part for path, part in record.new.parts.items() if tree.has(path) and path not in record.new.files}
    record.new = replace(record.new, parts=there)
    made += _gone(tree, record, {each.path for each in wanted}, update)
    made.append(_pins(tree, record, shapes, found, resolve, update, upgrade))
    if record.new.files or record.new.parts:
        text = base.base_text(record.new)
        was = tree.exact(base.PATH) or ""
        made.append(File(base.PATH, text, "same" if was.replace("\r\n", "\n") == text else "base", was=was))
    return made


class _Record(Struct):
    """What was known, and what is known when all is written."""

    known: base.Base
    new: base.Base


# -- what the system consists of --


def _system(tree: Tree, known: base.Base, found: Found, shapes: Sequence[Shape], settings: Settings) -> Iterator[_Piece]:
    names = []
    examples = [name for name in ("examples", "docs") if tree.has_folder(name)]
    for shape in shapes:
        package, path = shape.package, workflow_path(shape.package.name.value)
        paths, ours = paths_of(shape, found, path, examples), package_makefile(shape)
        makefile, named = _makefile(tree, known, package.folder, ours, called=True)
        text = workflow(shape, settings, paths, named)
        theirs = _is_a_persons(tree, known, path, text)
        if theirs and named and not _adds_jobs(tree, known, path, text):
            makefile, named = _makefile(tree, known, package.folder, ours, called=False)
        yield _Piece(path, text, part="jobs" if theirs else "")
        yield from makefile
        names.append(named)
    if all(shape.package.folder != "." for shape in shapes):
        yield from _makefile(tree, known, ".", root_makefile(shapes, names), called=False)[0]
    yield _Piece(_RELEASE, _template("release.py"), executable=True)


def _makefile(tree: Tree, known: base.Base, folder: str, text: str, *, called: bool) -> tuple[list[_Piece], dict[str, str]]:
    """The Makefile of a folder; or what stands beside that of a person, and what targets are called there."""
    there = (join(folder, name) for name in ("GNUmakefile", "makefile", "Makefile"))
    theirs = next((path for path in there if _is_a_persons(tree, known, path, text)), "")
    if not theirs:
        return [_Piece(join(folder, "Makefile"), text)], {}
    put = known.parts.get(theirs)
    own = tree.text(theirs)
    made = people.beside(own.replace(put.items[people.INCLUDE], "") if put else own, text, called=called)
    stays = f"{theirs} has {_listed(made.left)} of its own" if made.left else ""
    if named := [f"{ours} for {name}" for name, ours in made.names.items() if ours]:
        stays += f"; the pipeline calls {', '.join(named)}"
    if "" in made.names.values():
        stays += "; as its utest is, floors are not tried"
    if not made.adds and put is None:
        return [_Piece(theirs, "", part="nothing", why=stays)], {}
    return [_Piece(join(folder, people.BESIDE), made.text, why=stays), _Piece(theirs, "", part="include")], made.names


def _adds_jobs(tree: Tree, known: base.Base, path: str, text: str) -> bool:
    """Whether a workflow of a person has, or will have, jobs of ours."""
    put = known.parts.get(path)
    added = people.add_jobs(path, put.text if put else tree.text(path), text, put.items if put else None)
    return not isinstance(added, str) and bool(added.items)


def _is_a_persons(tree: Tree, known: base.Base, path: str, text: str) -> bool:
    """What is there as it would be written is ours, also where the record of it is lost."""
    return tree.has(path) and path not in known.files and tree.exact(path) != text


def _template(name: str) -> str:
    with open(os.path.join(os.path.dirname(__file__), "files", name), encoding="utf-8") as file:
        return file.read()


# -- held against what is there --


def _held(tree: Tree, record: _Record, wanted: _Piece, update: bool) -> File:
    path, known = wanted.path, record.known
    there = tree.exact(path) if tree.has(path) else ""
    if wanted.part and path not in known.files:
        return _in_a_persons(record, wanted, there, update)
    if not tree.has(path):
        if path in known.files:
            record.new.files[path] = wanted.text
            return File(path, wanted.text, "deleted", "it was taken away, and stays away", wanted.executable)
        record.new.files[path] = wanted.text
        return File(path, wanted.text, "new", wanted.why, wanted.executable)
    if path not in known.files:
        if there == wanted.text:
            record.new.files[path] = wanted.text
            return File(path, wanted.text, "same", wanted.why, wanted.executable, there)
        return File(path, wanted.text, "kept", "there is one already", wanted.executable)
    if there is None:
        return File(path, wanted.text, "kept", "it cannot be read as the text that was written")
    merged = _merged(path, known.files[path], there, wanted.text)
    file = _brought_up(path, there, merged, wanted.executable, update)
    if file.state != "behind":
        record.new.files[path] = wanted.text
    return file


def _merged(path: str, before: str, there: str, text: str) -> Merged:
    if "\r\n" not in there:
        return merge(path, before, there, text)
    merged = merge(path, before, there.replace("\r\n", "\n"), text)
    return replace(merged, text=merged.text.replace("\n", "\r\n"))


def _brought_up(path: str, there: str, merged: Merged, executable: bool, update: bool) -> File:
    why = f"{', '.join(merged.stays)} has changes of yours and is not needed any more" if merged.stays else ""
    if merged.text == there:
        marks = tuple(marks_in(there))
        return File(path, there, "same", why, executable, there, marks)
    if not update:
        return File(path, merged.text, "behind", _BEHIND, executable, there, merged.conflicts)
    return File(path, merged.text, "merged", why, executable, there, merged.conflicts)


def _in_a_persons(record: _Record, wanted: _Piece, there: str | None, update: bool) -> File:
    """What a person's file lacks; what was put there before is merged as if the person's were a part of it."""
    path, put = wanted.path, record.known.parts.get(wanted.path)
    if there is None:
        return File(path, "", "kept", "it is a link, or no text")
    if wanted.part == "nothing":
        return File(path, there, "kept", wanted.why, was=there)
    before = there if put is None else put.text
    if wanted.part == "include":
        added: people.Addition | str = people.include(before) if put is None else people.Addition(put.text, put.items)
    else:
        added = people.add_jobs(path, before, wanted.text, put.items if put else None)
    if isinstance(added, str):
        return File(path, there, "kept", added, was=there)
    why = f"its {_listed(added.left)} stay{'' if len(added.left) > 1 else 's'}" if added.left else ""
    if wanted.part == "jobs" and "publish-pypi" in added.items and not people.tags_start_it(there):
        unstarted = "no tag starts it, so that nothing is published: add tags: ['**'] to on.push"
        why = f"{why}; {unstarted}" if why else unstarted
    if not added.items:
        return File(path, there, "kept", why or "there is one already", was=there)
    merged = _merged(path, before, there, added.text)
    if put is None:
        record.new.parts[path] = base.Part(added.text, added.items)
        return File(path, merged.text, "added", why, was=there)
    file = _brought_up(path, there, merged, False, update)
    if file.state != "behind":
        record.new.parts[path] = base.Part(added.text, added.items)
    return file if file.why else replace(file, why=why)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else "".join(names)


def _gone(tree: Tree, record: _Record, wanted: set[str], update: bool) -> Iterator[File]:
    """Files of packages that are no longer there."""
    for path, text in record.known.files.items():
        if path in wanted or path == pins.PATH:
            continue
        there = tree.exact(path) if tree.has(path) else ""
        folder, _, name = path.rpartition("/")
        if name == people.BESIDE and any(each.rpartition("/")[0] == folder and tree.has(each) for each in record.known.parts):
            yield File(path, "", "kept", "no package needs it, but the Makefile beside it includes it")
            continue
        if there == text and not update:
            yield File(path, "", "behind", "no package needs it; headrace init --update takes it away", was=there)
            continue
        del record.new.files[path]
        if there == text:
            yield File(path, "", "gone", "no package needs it", was=there)
        elif there != "":
            yield File(path, "", "kept", "no package needs it, but it was changed since; take it away yourself")


# -- pins --


def _pins(
    tree: Tree, record: _Record, shapes: Sequence[Shape], found: Found, resolve: Callable[[str], str], update: bool, upgrade: bool
) -> File:  # fmt: skip
    path, known = pins.PATH, record.known
    was = tree.exact(path) if tree.has(path) else ""
    if tree.has(path) and path not in known.files:
        return File(path, "", "kept", "the pins that are there are used")
    if was is None:
        return File(path, "", "kept", "it cannot be read as the text that was written")
    there = was.replace("\r\n", "\n")
    if path in known.files and not tree.has(path):
        return File(path, "", "deleted", "it was taken away, and stays away")
    wanted, (lowest, _) = pins.wanted(shapes, found), pins.pythons(shapes)
    lacking = pins.lacking(there, wanted, shapes, known) if tree.has(path) else []
    text = pins.with_header(there, shapes)
    why = "; ".join(lacking[:3]) + (f"; and {len(lacking) - 3} more" if len(lacking) > 3 else "")
    if tree.has(path) and not update and (lacking or text != there):
        return File(path, there, "behind", why or _BEHIND, was=was)
    if not tree.has(path) or lacking or upgrade:
        text = resolve("" if upgrade else there)
    record.new = replace(record.new, pinned=tuple(wanted), lowest=lowest)
    record.new.files[path] = pins.header(shapes)
    if not tree.has(path):
        return File(path, text, "new")
    return File(path, text, "same" if text == there else "merged", why, was=was)
