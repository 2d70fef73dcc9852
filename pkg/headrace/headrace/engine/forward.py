"""What of the caller's own files jobs get: settings that `[tool.headrace]` forwards, and files that variables name and a job
would not see. Loaded only where there may be such."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from headrace.base.errors import EngineError, Problem
from headrace.base.lean import lazy_pattern
from headrace.base.paths import jobs_dir, state_dir
from headrace.sandbox.inherit import NAMING, USER_FILES, places

LIMIT = 4 << 20
"""Bytes of a file that jobs get a copy of at most: it travels with every ticket."""

_SETTING = lazy_pattern(
    r"^\s*(?:\S*:)?(?:cert|client-cert|cafile|certfile|keyfile|find-links|index-url|extra-index-url|index|url|registry)\s*=\s*(.+)$",
    re.M,
)
_QUOTED = lazy_pattern(rb"%([0-9A-Fa-f]{2})")
_SECRETS = (
    lazy_pattern(r"://[^/\s:@]*:([^/\s@]+)@"),
    lazy_pattern(r"(?:_authToken|_auth|_password)\s*=\s*[\"']?([^\s\"']+)"),
    lazy_pattern(r"\bpassword\s+(\S+)"),
)


class Forwarded(Struct, frozen=True):
    """What all jobs of a run get. `settings`: places below HOME, and contents. `named`: places, and contents. `homes`: further
    folders that are somebody's HOME in a job. `secrets`: what must be masked."""

    settings: tuple[tuple[str, bytes], ...]
    named: tuple[tuple[str, bytes], ...]
    homes: tuple[str, ...]
    secrets: tuple[str, ...]

    def copies(self, home: str) -> tuple[tuple[str, bytes, int], ...]:
        """Paths in the job, contents, and modes: others than the job's own user may read what is of no one user."""
        own = [(f"{each}/{place}", data, 0o400) for each in (home, *self.homes) for place, data in self.settings]
        return (*own, *((path, data, 0o444) for path, data in self.named))


def forwarded(
    forward: Sequence[str], environ: Mapping[str, str], found: Mapping[str, str], held: Sequence[str] | None
) -> Forwarded:
    """`found`: what `paths` has found; `held`: the folders that jobs see, None where they see all. Raises EngineError."""
    settings = tuple((place, _read(source)) for place, source in _settings(forward, environ))
    values = [environ.get(name, "") for name in forward]
    hidden = secrets([*values, *(data for _, data in settings)])
    if held is None:
        return Forwarded(settings, (), (), tuple(hidden))
    return Forwarded(settings, tuple(files(found, held)), ("/root",), tuple(hidden))  # root's HOME: under `sudo`


def named(value: str) -> Iterator[str]:
    """The absolute paths in a variable's value: paths and file:// addresses, in a list with blanks, commas or colons too.

    >>> list(named("https://a/b file:///srv/my%20index#x, own=file:///i")), list(named("/a:/b c")), list(named("./x"))
    (['/srv/my index', '/i'], ['/a', '/b'], [])
    """
    for piece in re.split(r"[\s,]+", value.strip("\"'[] ")):
        piece = piece.strip("\"'")
        at = piece.find("file://")
        if at == 0 or (at > 0 and piece[at - 1] == "="):
            yield _unquoted("/" + re.split(r"[?#]", piece[at + 7 :])[0].partition("/")[2])
        elif piece.startswith("/"):
            yield from (each for each in piece.split(":") if each.startswith("/"))


def paths(env: Mapping[str, str], forward: Sequence[str], environ: Mapping[str, str]) -> dict[str, str]:
    """Files and folders of the machine that variables of the jobs, or forwarded settings, name → by what."""
    found: dict[str, str] = {}
    for name in (*sorted(NAMING), *forward):
        for value in [env[name]] if name in env else []:
            # a path may hold blanks, commas and colons
            whole = [value] if os.path.isabs(value) and os.path.exists(value) else named(value)
            found.update((_plain(path), name) for path in whole)
    for _, source in _settings(forward, environ):
        for match in _SETTING.finditer(_text(_read(source))):
            found.update((_plain(path), source) for path in named(match[1]))
    return {path: by for path, by in found.items() if os.path.exists(path)}


def folders(found: Iterable[str], root: str) -> list[str]:
    """Those of the paths that are folders, but for such as hold what no job may see. `root`: the repository."""
    return [path for path in found if os.path.isdir(path) and not too_much(path, root)]


def too_much(folder: str, root: str = "") -> str:
    """What the folder is, or holds, that no job may see: HOME, headrace's own, the repository. Empty where there is nothing."""
    real = os.path.realpath(folder).rstrip("/")
    private = (os.path.expanduser("~"), state_dir(), jobs_dir(), *([root] if root else []))
    return next((path for path in private if f"{os.path.realpath(path)}/".startswith(f"{real}/")), "")


def place(path: str, held: Sequence[str]) -> str:
    """Where a job looks for an absolute path of the machine: the links on the way that it sees are followed, those in `held` and
    in the root."""
    current = os.path.normpath(path)
    for _ in range(40):  # as many as the kernel follows
        parts = current.split("/")
        for count in range(2, len(parts) + 1):
            front = "/".join(parts[:count])
            if (count == 2 or lies_in(front, held)) and os.path.islink(front):
                current = os.path.normpath(os.path.join(os.path.dirname(front), os.readlink(front), *parts[count:]))
                break
        else:
            break
    return current


def lies_in(path: str, folders: Iterable[str]) -> bool:
    return any(f"{path}/".startswith(f"{folder}/") for folder in folders)


def files(found: Mapping[str, str], held: Sequence[str]) -> list[tuple[str, bytes]]:
    """Those of the paths that are files and that a job does not see, where it looks for them, with what is in them. Raises
    EngineError."""
    copied = []
    for path, by in found.items():
        target = place(path, held)
        if not os.path.isfile(path) or lies_in(target, held) or not os.access(path, os.R_OK):
            continue
        data = _read(path)
        if len(data) > LIMIT:
            what = f"{path}, which {by} names, is larger than the {LIMIT >> 20} MiB that jobs get a copy of"
            raise EngineError(Problem(what, hint=f"--expose {os.path.dirname(path)} lets them see its folder"))
        copied.append((target, data))
    return copied


def secrets(texts: Iterable[bytes | str]) -> list[str]:
    """Passwords and tokens in forwarded settings and addresses: no log may show them.

    >>> secrets(["https://me:pass@host/simple", b"//registry/:_authToken=abc", "machine a login b password c d"])
    ['pass', 'abc', 'c']
    """
    plain = [text if isinstance(text, str) else _text(text) for text in texts]
    return [_unquoted(match[1]) for text in plain for pattern in _SECRETS for match in pattern.finditer(text)]


def _settings(forward: Sequence[str], environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in forward:
        if name in USER_FILES:
            yield from ((place, source) for place, source in places(name, environ) if os.access(source, os.R_OK))


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(LIMIT + 1)
    except OSError:
        return b""


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _unquoted(text: str) -> str:
    return os.fsdecode(_QUOTED.sub(lambda match: bytes([int(match[1], 16)]), os.fsencode(text)))


def _plain(path: str) -> str:
    return os.path.normpath(path)
