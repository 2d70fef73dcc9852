"""What a job has changed where the user of a hosted machine, `runner`, may write with `sudo` only. Looked up in the job's layers,
from outside."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence

from headrace.sandbox.enter import SCRATCH, flat
from headrace.sandbox.layout import Layout
from headrace.sandbox.places import HOME, OWN, SUDO_MARK

WRITABLE = frozenset((
    HOME, "/home/linuxbrew", "/tmp", "/var/tmp", "/var/crash", "/run/lock", "/run/user", "/dev", "/proc", "/sys",
    "/opt", "/usr/share", "/usr/local/bin", "/usr/local/lib/node_modules", "/usr/local/lib/android", "/usr/local/.ghcup",
    "/usr/lib/jvm",
))  # fmt: skip
"""What `runner` may write on GitHub's image of Ubuntu without sudo, by its scripts in actions/runner-images (chmod -R 777)."""

_UNNOTICED = frozenset((
    "/root",  # what goes by the user database, not by HOME: there it would be in `runner`'s
    "/var/cache/apt/pkgcache.bin", "/var/cache/apt/srcpkgcache.bin", "/var/cache/fontconfig", "/var/cache/man",
    "/var/log/lastlog", "/var/log/wtmp", "/var/log/btmp", "/var/log/faillog", "/run/utmp", "/run/mount",
))  # fmt: skip
"""What programs write where they may, and do without where they may not, as with `__pycache__`."""


def without_sudo(layout: Layout, folder: str, many: int, own: Sequence[str]) -> list[str]:
    """At most `many` paths in the job whose layers lie in `folder`: files that were made, changed or deleted, and folders (with a
    slash at the end) that were made or whose mode was changed. None where the job has called `sudo`: it may have been by that.
    What lies in exposed folders does not count: interpreters among them stand in for those of the tool cache. Nor does `own`,
    which headrace has put there."""
    if os.path.lexists(f"{folder}/up/{flat('/_root')}{SUDO_MARK}"):
        return []
    ours = {SCRATCH, OWN, *own, *(target for _, target in (*layout.overlays(), *layout.shared))}
    found: list[str] = []
    for base in ("", *layout.bases):
        if any(base == place or base.startswith(f"{place}/") for place in WRITABLE):
            continue
        lowers = [layout.skeleton + base, *([base] if base else [])]
        for path in _changes(f"{folder}/up/{flat(base or '/_root')}", base, lowers, ours):
            found.append(path)
            if len(found) == many:
                return found
    return found


def _changes(upper: str, base: str, lowers: list[str], ours: set[str]) -> Iterator[str]:
    """`upper`: the layer's folder for the job's folder `base`; `lowers`: what lies below it, the highest first."""
    try:
        entries = sorted(os.scandir(upper), key=lambda entry: entry.name)
    except OSError:  # of another user of the job
        return
    for entry in entries:
        path = f"{base}/{entry.name}"
        if path in WRITABLE or path in _UNNOTICED or path in ours or entry.name == "__pycache__":
            continue
        if not entry.is_dir(follow_symlinks=False):
            if not entry.name.endswith(".pyc"):
                yield path
            continue
        below = [f"{lower}/{entry.name}" for lower in lowers]
        on_the_way = any(place.startswith(f"{path}/") for place in (*ours, *WRITABLE))
        if _is_changed(entry.path, below) and not on_the_way:
            yield f"{path}/"
        else:
            yield from _changes(entry.path, path, below, ours)


def _is_changed(folder: str, lowers: list[str]) -> bool:
    """Whether the job has made it, or changed its mode: it is there too where only something in it was changed."""
    for lower in lowers:
        try:
            was = os.lstat(lower).st_mode
        except OSError:
            continue
        try:
            if stat.S_IMODE(was) != stat.S_IMODE(os.lstat(folder).st_mode) or not stat.S_ISDIR(was):
                return True
            return os.getxattr(folder, "user.overlay.opaque", follow_symlinks=False) == b"y"
        except OSError:  # no such attribute, or gone by now
            return False
    return True
