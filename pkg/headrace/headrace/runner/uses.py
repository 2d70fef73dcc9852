"""What a step's `uses` stands for: a native drop-in, a published action at hand, or an action of the workspace."""

from __future__ import annotations

import os
from typing import Union

from msgspec import Struct

from headrace.actions import builtin
from headrace.actions.manifest import Manifest
from headrace.base.errors import HeadraceError, Problem
from headrace.runner import messages
from headrace.runner.frame import Frame
from headrace.runner.ticket import JobTicket
from headrace.sandbox.protocol import Sandbox
from headrace.workflow.action import Action, Docker

ACTIONS = "_actions"
_LIMIT = 2 << 20  # bytes of a manifest


class DropIn(Struct, frozen=True):
    manifest: Manifest


class Published(Struct, frozen=True):
    """`folder`: of the manifest, in the job. `repository` and `ref` are empty for an action of the workspace."""

    action: Action
    folder: str
    repository: str = ""
    ref: str = ""

    @property
    def local(self) -> bool:
        return not self.repository


Used = Union[DropIn, Published]


def look_up(ticket: JobTicket, sandbox: Sandbox, uses: str, frame: Frame | None) -> Used:
    """Raises HeadraceError where there is nothing, in GitHub's words where it would not find anything either."""
    if uses.startswith(("./", ".\\")):
        return _of_workspace(ticket, sandbox, uses)
    if uses.startswith("docker://"):
        return Published(Action("", {}, Docker(uses)), "")
    if uses.startswith("$/") and frame is not None and frame.repository:
        uses = f"{frame.repository}/{uses[2:].strip('/')}@{frame.ref}"
    if ticket.native and builtin.stands_in(uses):
        found = builtin.manifest(builtin.name_of(uses))
        assert found is not None
        return DropIn(found)
    known = ticket.known.get(uses)
    if known is None:
        raise HeadraceError(Problem(f"{uses} is not at hand", hint="it was not known before the run that it would be used"))
    if known.action is None:
        raise HeadraceError(Problem(known.error))
    folder = f"{actions_folder(ticket)}/{known.place}"
    if known.action.path:
        folder = f"{folder}/{known.action.path}"
    return Published(known.action, folder, known.repository, known.ref)


def actions_folder(ticket: JobTicket) -> str:
    """Where a job has the files of published actions."""
    return f"{os.path.dirname(ticket.folders.temp)}/{ACTIONS}"


def _of_workspace(ticket: JobTicket, sandbox: Sandbox, uses: str) -> Published:
    from headrace.workflow.action_reader import DOCKERFILES, MANIFESTS, dockerfile_action, load_action
    from headrace.workflow.problems import render

    folder = os.path.normpath(os.path.join(ticket.folders.workspace, uses.replace("\\", "/")))
    for name in MANIFESTS:
        content = _read(sandbox, f"{folder}/{name}")
        if content is not None:
            loaded = load_action(f"{folder}/{name}", content)
            if loaded.action is None:
                problems = [Problem(render(problem)) for problem in loaded.problems]
                raise HeadraceError(*problems, Problem(messages.ACTION_LOAD.format(file=f"{folder}/{name}")))
            return Published(loaded.action, folder)
    for name in DOCKERFILES:
        if _read(sandbox, f"{folder}/{name}") is not None:
            return Published(dockerfile_action(name), folder)
    raise HeadraceError(Problem(messages.LOCAL_NOT_FOUND.format(path=folder)))


def _read(sandbox: Sandbox, path: str) -> bytes | None:
    try:
        return sandbox.read(path, _LIMIT)
    except OSError:
        return None


def install(ticket: JobTicket, folder: str) -> None:
    """Give the job copies of its published actions, which it may change, in `folder` of the machine. Raises OSError."""
    import shutil

    for known in {known.place: known for known in ticket.known.values() if known.tree}.values():
        target = f"{folder}/{known.place}"
        shutil.copytree(known.tree, target, symlinks=True)
        with open(f"{target}.completed", "w"):
            pass
