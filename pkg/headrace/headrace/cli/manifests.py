"""The published and local actions that workflows use: their manifests, found and read before anything is planned."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from headrace.base import git
from headrace.plan.model import FoundAction
from headrace.plan.unsupported import action_name, inner_reference
from headrace.workflow.action import Composite
from headrace.workflow.action_reader import DOCKERFILES, MANIFESTS, dockerfile_action, load_action
from headrace.workflow.problems import render

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.cli.called import Source
    from headrace.cli.workflows import Elsewhere, Tree
    from headrace.events.model import Event

NOT_FOUND = "Can't find 'action.yml', 'action.yaml' or 'Dockerfile' for action '{uses}'."
_MOST = 1000
"""Different actions of one run: composite actions that use new ones without end must stop somewhere."""


def gather_actions(
    wanted: Iterable[str], event: Event, elsewhere: Elsewhere, native: Callable[[str], bool], found: git.Objects | None = None
) -> tuple[dict[str, FoundAction], frozenset[str]]:
    """`find_actions` for the event's tree, and which folders of `elsewhere` were of use."""
    from headrace.cli.called import Source
    from headrace.cli.workflows import tree_of

    with tree_of(event, found) as tree:
        source = Source(tree, elsewhere.mirrors, elsewhere.folders)
        try:
            objects = event.objects or event.repository.git_dir
            own = FoundAction(None, "", event.repository.full_name, event.sha, event.sha, git_dir=objects)
            return find_actions(wanted, tree, source, native, own), frozenset(source.used)
        finally:
            source.close()


def find_actions(
    wanted: Iterable[str], tree: Tree, source: Source, native: Callable[[str], bool], own: FoundAction | None = None
) -> dict[str, FoundAction]:
    """`uses` → what it means, those inside composite actions too; what is not at hand is left out. `native`: whether something
    of our own stands in for an action. `own`: where the tree that runs comes from, which `$/…` in a workflow names."""
    found: dict[str, FoundAction] = {}
    pending = list(dict.fromkeys(wanted))
    seen = set(pending)
    while pending and len(seen) <= _MOST:
        uses = pending.pop()
        if native(uses):
            continue
        if uses.startswith(("./", ".\\")):
            one = _local(uses, tree)
        else:
            one = _own(uses, tree, own) if own is not None and _is_own(uses, own) else _remote(uses, source)
        if one is None:
            continue
        found[uses] = one
        if one.action is not None and isinstance(one.action.runs, Composite):
            inside = {inner_reference(inner, one) for inner in one.action.runs.references} - seen
            seen |= inside
            pending += inside
    return found


def _local(uses: str, tree: Tree) -> FoundAction | None:
    """As far as the tree that runs tells: by the time of the step, the workspace may hold something else."""
    folder = os.path.normpath(uses.replace("\\", "/"))
    return None if folder.startswith("..") else _read(uses, "" if folder == "." else folder, tree.get, FoundAction(None))


def _is_own(uses: str, own: FoundAction) -> bool:
    """Inside a composite action of the own repository, `$/…` has become its name and commit."""
    return uses.startswith("$/") or (uses.lower().startswith(f"{own.repository.lower()}/") and uses.endswith(f"@{own.sha}"))


def _own(uses: str, tree: Tree, own: FoundAction) -> FoundAction | None:
    """Of the tree that runs, as it is there: not of the workspace, which is empty before a checkout."""
    from msgspec import structs

    text = uses[2:] if uses.startswith("$/") else uses[len(own.repository) :].removesuffix(f"@{own.sha}")
    folder = os.path.normpath(text.replace("\\", "/").strip("/") or ".")
    if folder.startswith(".."):
        return None
    at = structs.replace(own, error=NOT_FOUND.format(uses=uses))
    return _read(uses, "" if folder == "." else folder, tree.get, at)


def _remote(uses: str, source: Source) -> FoundAction | None:
    name, _, ref = uses.partition("@")
    parts = [part for part in name.replace("\\", "/").split("/") if part]
    if not action_name(uses) or ".." in parts or not ref:
        return None
    repository, path = "/".join(parts[:2]), "/".join(parts[2:])
    folder = source.folder(repository, ref)
    if folder:
        from headrace.cli.workflows import read_regular

        at = FoundAction(None, NOT_FOUND.format(uses=uses), repository, ref, folder=folder)
        return _read(uses, path, lambda file: read_regular(os.path.join(folder, file)), at)
    try:
        commit = source.commit(repository, ref)
    except git.GitError:
        return None
    if commit is None:
        return None

    def get(file: str) -> bytes | None:
        found = commit.objects.get(f"{commit.origin.sha}:{file}")
        return found.data if found is not None and found.kind == "blob" else None

    at = FoundAction(None, NOT_FOUND.format(uses=uses), repository, ref, commit.origin.sha, git_dir=commit.git_dir)
    return _read(uses, path, get, at)


def _read(uses: str, path: str, get: Callable[[str], bytes | None], at: FoundAction) -> FoundAction | None:
    """`at` is what is known already; its error is that of a folder without a manifest (a local one may come to have one)."""
    from msgspec import structs

    prefix = f"{path}/" if path else ""
    for name in MANIFESTS:
        content = get(prefix + name)
        if content is not None:
            shown = f"{at.repository}/{at.ref}/{prefix}{name}" if at.repository else prefix + name
            loaded = load_action(shown, content, path)
            told = [*map(render, loaded.problems), f"Failed to load {shown}"] if loaded.action is None else []
            return structs.replace(at, action=loaded.action, error="\n".join(told))
    for name in DOCKERFILES:
        if get(prefix + name) is not None:
            return structs.replace(at, action=dockerfile_action(name, path), error="")
    return at if at.error else None
