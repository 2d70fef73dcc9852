"""All compiled modules of headrace in one file: importing a hundred from it costs half of what the interpreter's own way costs.

It is to `__pycache__` what an archive is to a folder, and believed under the same terms: a module is taken from it only while its
source has the time and size that it was compiled from. It lies in the user's cache folder (or where `PYTHONPYCACHEPREFIX` says),
is written after a run, in the background, and left alone where bytecode is not to be written at all.
"""

from __future__ import annotations

import marshal
import os
import sys

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.machinery import ModuleSpec, SourceFileLoader
    from types import ModuleType
else:  # the import system's own, without the module that has them for others
    ModuleSpec = type(__spec__)
    SourceFileLoader = type(__loader__)

_PACKAGE = __name__.partition(".")[0]
_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_MADE = f"1 {sys.version} {sys.flags.optimize} {_ROOT}"

_Entry = tuple[str, bool, int, int, int, int]
"""Source below the root, whether it is a package, time and size of the source, start and length of the code after the index."""

OPEN: list[int] = []
"""The descriptor of the bundle that is imported from. Who closes all that he has inherited leaves it."""


class _Loader(SourceFileLoader):
    """Knows the source as any loader does; only the code comes from elsewhere."""

    place: tuple[int, int, int]

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = self.path
        fd, start, length = self.place
        exec(marshal.loads(os.pread(fd, length, start)), module.__dict__)


class Bundle:
    """A finder on `sys.meta_path`, over an open file."""

    def __init__(self, fd: int, start: int, entries: dict[str, _Entry]) -> None:
        self._fd = fd
        self._start = start  # where the code begins
        self._entries = entries

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        entry = self._entries.get(name)
        if entry is None:
            return None
        source, is_package, time, size, start, length = entry
        origin = f"{_ROOT}/{source}"
        try:
            status = os.stat(origin)
        except OSError:
            return None
        if (status.st_mtime_ns, status.st_size) != (time, size):
            return None
        loader = _Loader(name, origin)
        loader.place = self._fd, self._start + start, length
        spec = ModuleSpec(name, loader, origin=origin, is_package=is_package)
        if is_package:
            spec.submodule_search_locations = [os.path.dirname(origin)]
        return spec


def install() -> None:
    """Import from the bundle from now on, if there is one."""
    fd, start, entries = _open(path()) if _possible() else (-1, 0, {})
    if entries:
        OPEN.append(fd)
        sys.meta_path.insert(0, Bundle(fd, start, entries))


def _possible() -> bool:
    """Not where headrace lies in an archive itself."""
    return SourceFileLoader.__name__ == "SourceFileLoader"


def path() -> str:
    """Where the bundle of this installation and this interpreter lies."""
    name = f"{sys.implementation.cache_tag}-{hash_of(_MADE):08x}.bundle"
    if sys.pycache_prefix:
        return os.path.join(sys.pycache_prefix, name)
    from headrace.base.paths import cache_dir

    return os.path.join(cache_dir(), "code", name)


def hash_of(text: str) -> int:
    """A short number for a text, the same in every process, from no module that would have to be loaded for it. The whole text
    stands in the file and is compared."""
    value = 5381
    for byte in text.encode("utf-8", "surrogateescape"):
        value = (value * 33 + byte) & 0xFFFFFFFF
    return value


def _open(file: str) -> tuple[int, int, dict[str, _Entry]]:
    """The open file, where its code begins, and what is in it. Nothing of a file that another user could have written."""
    try:
        fd = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return -1, 0, {}
    try:
        status = os.fstat(fd)
        if status.st_uid == os.geteuid() and not status.st_mode & 0o022:
            length = int.from_bytes(os.pread(fd, 8, 0), "big")
            made, total, entries = marshal.loads(os.pread(fd, min(length, status.st_size), 8))
            if made == _MADE and total == status.st_size - 8 - length:
                return fd, 8 + length, entries
    except (OSError, EOFError, ValueError, TypeError):
        pass
    os.close(fd)
    return -1, 0, {}


def refresh() -> None:
    """Make it anew where a source has changed since. What cannot be written is done without."""
    if sys.dont_write_bytecode or not _possible():
        return
    target = path()
    draft = f"{target}.{os.getpid()}"
    try:
        fd, _, before = _open(target)
        if before:
            os.close(fd)
        if {name: entry[:4] for name, entry in before.items()} == (sources := dict(_sources())):
            return
        code = {
            name: marshal.dumps(SourceFileLoader(name, f"{_ROOT}/{entry[0]}").get_code(name)) for name, entry in sources.items()
        }
        entries: dict[str, _Entry] = {}
        at = 0
        for name, entry in sources.items():
            entries[name] = (*entry, at, len(code[name]))
            at += len(code[name])
        os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(fd, "wb") as file:
            index = marshal.dumps((_MADE, at, entries))
            file.write(len(index).to_bytes(8, "big") + index)
            file.writelines(code.values())
        os.replace(draft, target)
    except (OSError, SyntaxError, ValueError):
        return


def _sources() -> Iterator[tuple[str, tuple[str, bool, int, int]]]:
    """Every module of the package but `__main__`s."""
    for folder, folders, names in os.walk(_ROOT):
        folders[:] = sorted(name for name in folders if name.isidentifier() and not name.startswith("__"))
        parts = [part for part in os.path.relpath(folder, _ROOT).split(os.sep) if part != "."]
        for file in sorted(names):
            stem, _, ending = file.rpartition(".")
            if ending != "py" or stem == "__main__":
                continue
            status = os.stat(os.path.join(folder, file))
            name = ".".join([_PACKAGE, *parts, *([] if stem == "__init__" else [stem])])
            yield name, ("/".join([*parts, file]), stem == "__init__", status.st_mtime_ns, status.st_size)
