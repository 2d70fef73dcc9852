"""What a job sees of the machine, decided once a run: which folders lie below its own layers, and where those go."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct, structs

from headrace.sandbox.ids import Mode
from headrace.sandbox.secrets import EMPTIED, homes, open_to_all

SHOWN = frozenset(("usr", "etc", "var", "opt", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "nix", "gnu"))
"""Top-level folders that a job sees: the system. Everything else (users' files, sockets of services, other disks) is not there,
as it is not on a hosted machine."""


class Layout(Struct, frozen=True):
    """`bases`: folders of the host's system that a job sees, each below a layer of its own. `skeleton`: the lowest of our layers.
    `exposed`: further folders (on the host, in the job), below layers of their own too. `shared`: folders of the host that a job
    reads and writes as they are (on the host, in the job). `host_network`: whether the job has the machine's network. `scratch`:
    whether jobs get a plain folder for sandboxes of their own. `shm`: bytes that /dev/shm may hold, 0 for what the kernel thinks
    right."""

    mode: Mode
    bases: tuple[str, ...]
    skeleton: str
    exposed: tuple[tuple[str, str], ...] = ()
    shared: tuple[tuple[str, str], ...] = ()
    host_network: bool = False
    scratch: bool = True
    shm: int = 0

    def shows(self, path: str) -> bool:
        """Whether a job sees what is at this path of the machine, at the same path."""
        real = os.path.realpath(path)
        exposed = (source for source, target in self.exposed if source == target)
        return any(real.startswith(f"{source}/") for source in exposed) or _seen(real, self.bases)

    def held(self) -> list[str]:
        """Folders of the machine that a job sees at the same path."""
        return [target for source, target in self.overlays() if source == target]

    def overlays(self) -> tuple[tuple[str, str], ...]:
        """Every folder of the host that lies below a layer of the job's: on the host, in the job. Outer ones first."""
        return (*((base, base) for base in self.bases), *self.exposed)


def mount_points() -> frozenset[str]:
    """Where something is mounted, the root left out."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        return frozenset(plain(line.split(" ")[4]) for line in file) - {"/"}


def plain(text: str) -> str:
    r"""Without the octal escapes of blanks and the like.

    >>> plain(r"/my\040disk")
    '/my disk'
    """
    head, *rest = text.split("\\")
    return head + "".join(chr(int(part[:3], 8)) + part[3:] for part in rest)


def bases(avoid: Iterable[str]) -> tuple[str, ...]:
    """The folders of the system: the highest that hold nothing to avoid, neither a mount point (the kernel refuses a base with
    one) nor what a job must not see. None that a job must find empty: nothing can be laid over all of a base, so that stands in
    the skeleton."""
    return tuple(_below("/", _stops(avoid), SHOWN, _empty()))


def as_it_is_now(layout: Layout) -> Layout:
    """The same where something has been mounted into its folders since, or one of them has gone: containers come and go. What the
    skeleton has for a folder stays as it is."""
    stops = _stops(())
    empty = _empty()
    bases = [each for base in layout.bases for each in _again(base, stops, empty)]
    exposed = [(each, target + each[len(source) :]) for source, target in layout.exposed for each in _again(source, stops, None)]
    return structs.replace(layout, bases=tuple(bases), exposed=tuple(exposed))


def _again(folder: str, stops: set[str], empty: frozenset[str] | None) -> Iterator[str]:
    if _holds(folder, stops):
        yield from _below(folder, stops, None, empty)
    elif os.path.isdir(folder):
        yield folder


def _empty() -> frozenset[str]:
    return frozenset((*EMPTIED, *homes()))


def exposures(paths: Iterable[str], system: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Folders that a job sees whatever lies above them, as (on the host, in the job): those that are there, that are not seen
    through a base, and of two of which one lies in the other the outer one."""
    system = tuple(system)
    real = sorted({os.path.realpath(path) for path in paths if os.path.isdir(path)})
    found: list[str] = []
    for path in real:
        if not _seen(path, system) and not any(path.startswith(f"{other}/") for other in found):
            found.append(path)
    stops = _stops(())
    split = [each for path in found for each in ([path] if not _holds(path, stops) else _below(path, stops))]
    return tuple((path, path) for path in split)


def _stops(avoid: Iterable[str]) -> set[str]:
    return {os.path.realpath(path) for path in avoid} | {point for point in mount_points() if point.count("/") > 1}


def _holds(folder: str, stops: set[str]) -> bool:
    return any(stop.startswith(f"{folder}/") for stop in stops)


def _seen(path: str, bases: Iterable[str]) -> bool:
    """Whether a job sees what is at a path through a base: not where a folder on the way is not open to everybody."""
    base = next((base for base in bases if path == base or path.startswith(f"{base}/")), None)
    if base is None:
        return False
    while path != base:
        try:
            if path in EMPTIED or not open_to_all(os.stat(path)):
                return False
        except OSError:
            return False
        path = os.path.dirname(path)
    return path not in EMPTIED


def _below(
    folder: str, stops: set[str], shown: frozenset[str] | None = None, empty: frozenset[str] | None = None
) -> Iterator[str]:
    """`empty`: folders of the system that a job finds empty. Then only what everybody may see is meant."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.is_symlink() or not entry.is_dir() or (shown is not None and entry.name not in shown) or entry.path in stops:
            continue
        if empty is not None and (entry.path in empty or not _is_open(entry)):
            continue
        if _holds(entry.path, stops):
            yield from _below(entry.path, stops, None, empty)
        elif os.access(entry.path, os.R_OK | os.X_OK):
            yield entry.path


def _is_open(entry: os.DirEntry[str]) -> bool:
    """Whether everybody may see into it; what has gone by now nobody may."""
    try:
        return open_to_all(entry.stat())
    except FileNotFoundError:
        return False


def decode(data: Any) -> Layout:
    import msgspec

    return msgspec.convert(data, Layout)
