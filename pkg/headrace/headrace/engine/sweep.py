"""What runs that died have left: work folders whose run no longer holds its lock go to the trash."""

from __future__ import annotations

import os

from headrace.base.paths import jobs_dir, state_dir, trash_dir, work_dir
from headrace.record.locks import is_alive

GROUPS = "groups"
"""The file in a run's work folder that says which control groups were made for it."""


def sweep(keep: str) -> list[str]:
    """Move dead runs' work folders aside and return all that is in the trash, to be deleted. `keep` is our own run."""
    os.makedirs(jobs_dir(), mode=0o700, exist_ok=True)
    if os.path.exists(os.path.join(state_dir(), "containers")):
        from headrace.sandbox.containers.sweep import sweep as sweep_containers

        sweep_containers()
    work = os.path.join(jobs_dir(), "work")
    trash = trash_dir()
    try:
        dead = [name for name in os.listdir(work) if name != keep and not is_alive(name)]
    except FileNotFoundError:
        dead = []
    for name in dead:
        if not _without_groups(os.path.join(work, name)) or _kept(os.path.join(work, name)):
            continue
        os.makedirs(trash, mode=0o700, exist_ok=True)
        try:
            os.rename(os.path.join(work, name), os.path.join(trash, f"{name}-{os.getpid()}"))
        except OSError:  # another headrace was faster
            continue
    try:
        return [os.path.join(trash, name) for name in os.listdir(trash)]
    except FileNotFoundError:
        return []


def _without_groups(folder: str) -> bool:
    """Remove the control groups of a run, which its folder names; whether none is left."""
    if not os.path.exists(os.path.join(folder, GROUPS)):
        return True
    from headrace.sandbox.limits import groups

    try:
        with open(os.path.join(folder, GROUPS), encoding="utf-8", errors="surrogateescape") as file:
            gone = [groups.remove(path) for path in file.read().splitlines()]
        if all(gone):
            os.unlink(os.path.join(folder, GROUPS))
    except OSError:  # another headrace was faster
        return False
    return all(gone)


def keep(run: str) -> None:
    """Mark the run's work folder as one that stays (`--keep`)."""
    os.makedirs(work_dir(run), mode=0o700, exist_ok=True)
    with open(os.path.join(work_dir(run), "keep"), "w"):
        pass


def _kept(folder: str) -> bool:
    return os.path.exists(os.path.join(folder, "keep"))
