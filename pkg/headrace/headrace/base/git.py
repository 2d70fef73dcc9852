"""Runs git, quickly and without trusting the repository it looks into. Knows nothing of CI.

A call costs little more than the process itself: `posix_spawn` and a pipe, no `subprocess`. Calls may overlap (`start`), and
`Objects` answers any number of look-ups with one process.
"""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from headrace.base.errors import HeadraceError, Problem

HARDENING = (
    "--no-pager",
    "-c",
    "core.fsmonitor=false",  # may name a program
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.splitIndex=false",  # else a copied index would be written in two parts, one of them in the user's repository
    "-c",
    "log.showSignature=false",  # runs gpg
)
"""Options before the subcommand, so that no setting of a hostile `.git/config` starts a program."""

_KEPT = frozenset(
    {
        "GIT_ATTR_NOSYSTEM",
        "GIT_CEILING_DIRECTORIES",
        "GIT_CONFIG_COUNT",
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_CONFIG_SYSTEM",
        "GIT_DISCOVERY_ACROSS_FILESYSTEM",
        "GIT_EXEC_PATH",
    }
)
_SIGPIPE = 13  # ignored by Python, and that is inherited


_meanwhile: list[Callable[[], object]] = []


def while_waiting(*work: Callable[[], object]) -> None:
    """Things to do that have to be done anyway (importing, say): one for each of the next calls that git is waited for."""
    _meanwhile[:] = work


class GitError(HeadraceError):
    """git could not do what was asked. `code` is its exit status, -1 where it was not started or was killed."""

    def __init__(self, *problems: Problem | str, code: int = -1) -> None:
        super().__init__(*problems)
        self.code = code


class Completed(Struct, frozen=True):
    """What a finished call left: its exit status (negative: the signal), and both outputs as bytes."""

    code: int
    out: bytes
    err: bytes

    @property
    def message(self) -> str:
        """What git complains of: what was fatal, else the first error, else its last line."""
        lines = [line.strip() for line in self.err.decode("utf-8", "replace").splitlines() if line.strip()]
        for prefix in ("fatal: ", "error: "):
            for line in lines:
                if line.startswith(prefix):
                    return line[len(prefix) :]
        return lines[-1] if lines else f"git ended with status {self.code}"


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a git process: ours, without the `GIT_…` variables that point at some other repository (a hook's, say),
    in plain English, never asking, never taking a lock that is not needed, never fetching what a partial clone lacks."""
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name in _KEPT or name.startswith(("GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_"))
    }
    environ.update(
        LC_ALL="C",
        LANGUAGE="C",
        GIT_OPTIONAL_LOCKS="0",
        GIT_TERMINAL_PROMPT="0",
        GIT_PAGER="cat",
        GIT_NO_LAZY_FETCH="1",
        GIT_ALLOW_PROTOCOL="none",  # does the same for versions that do not know the line above
    )
    if extra:
        environ.update(extra)
    return environ


class Running:
    """A git process at work. `finish` must be called once; it feeds the input and reads both outputs to their ends."""

    def __init__(self, pid: int, stdin: int, out: int, err: int, data: bytes) -> None:
        self._pid, self._stdin, self._out, self._err, self._data = pid, stdin, out, err, data

    def finish(self) -> Completed:
        if _meanwhile:
            _meanwhile.pop(0)()
        chunks: dict[int, list[bytes]] = {self._out: [], self._err: []}
        poll = select.poll()
        for fd in chunks:
            poll.register(fd, select.POLLIN)
        open_fds = {*chunks}
        if self._stdin >= 0:
            os.set_blocking(self._stdin, False)
            poll.register(self._stdin, select.POLLOUT)
            open_fds.add(self._stdin)
        view, sent = memoryview(self._data), 0
        try:
            while open_fds:
                for fd, _ in poll.poll():
                    if fd == self._stdin:
                        try:
                            sent += os.write(fd, view[sent : sent + 65536])
                        except BlockingIOError:
                            continue
                        except BrokenPipeError:
                            sent = len(view)
                        ended = sent >= len(view)
                    else:
                        chunk = os.read(fd, 262144)
                        chunks[fd].append(chunk)
                        ended = not chunk
                    if ended:
                        poll.unregister(fd)
                        os.close(fd)
                        open_fds.discard(fd)
        finally:
            for fd in open_fds:
                os.close(fd)
            status = os.waitpid(self._pid, 0)[1]
        return Completed(os.waitstatus_to_exitcode(status), b"".join(chunks[self._out]), b"".join(chunks[self._err]))


def _spawn(arguments: Sequence[str], environ: Mapping[str, str], stdin: int, out: int, err: int) -> int:
    """Start git with these three file descriptors (-1: nothing) and return its process id."""
    null = os.devnull
    actions: list[tuple[int, int, int] | tuple[int, int, str, int, int]] = [
        (os.POSIX_SPAWN_DUP2, stdin, 0) if stdin >= 0 else (os.POSIX_SPAWN_OPEN, 0, null, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, out, 1) if out >= 0 else (os.POSIX_SPAWN_OPEN, 1, null, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_DUP2, err, 2) if err >= 0 else (os.POSIX_SPAWN_OPEN, 2, null, os.O_WRONLY, 0),
    ]
    try:
        return os.posix_spawnp("git", ["git", *arguments], environ, file_actions=actions, setsigdef=[_SIGPIPE])
    except FileNotFoundError:
        raise GitError(Problem("git is not installed", hint="install git and have it on the PATH")) from None
    except OSError as error:
        raise GitError(f"git cannot be started: {error.strerror}") from None
    except ValueError:
        raise GitError("git cannot be given a text with a NUL character") from None


def _pipe() -> tuple[int, int]:
    """A pipe whose ends stay clear of 0, 1 and 2, which a child's own would overwrite."""
    ends: list[int] = []
    spare: list[int] = []
    for fd in os.pipe():
        while fd < 3:
            spare.append(fd)
            fd = os.dup(fd)
        ends.append(fd)
    for fd in spare:
        os.close(fd)
    for fd in ends:
        os.set_inheritable(fd, False)
    return ends[0], ends[1]


def start(directory: str, *arguments: str, env: Mapping[str, str] | None = None, data: bytes | None = None) -> Running:
    """Begin `git -C directory …` and come back at once; several may run side by side. `data` is its standard input.

    Raises `GitError` when git cannot be started.
    """
    fds: list[int] = []
    try:
        out, out_end = _pipe()
        fds += [out, out_end]
        err, err_end = _pipe()
        fds += [err, err_end]
        in_end, stdin = _pipe() if data else (-1, -1)
        fds += [fd for fd in (in_end, stdin) if fd >= 0]
        pid = _spawn((*HARDENING, "-C", directory or ".", *arguments), environment(env), in_end, out_end, err_end)
    except BaseException:
        for fd in fds:
            os.close(fd)
        raise
    for fd in (out_end, err_end, in_end):
        if fd >= 0:
            os.close(fd)
    return Running(pid, stdin, out, err, data or b"")


def run(directory: str, *arguments: str, env: Mapping[str, str] | None = None, data: bytes | None = None) -> bytes:
    """What `git -C directory …` prints. Raises `GitError` with git's own complaint when it ends with another status than 0."""
    return check(start(directory, *arguments, env=env, data=data).finish(), directory)


def check(done: Completed, directory: str) -> bytes:
    """The output of a call that must have succeeded, else the `GitError` that says what to do."""
    if done.code == 0:
        return done.out
    raise failure(done, directory)


def failure(done: Completed, directory: str) -> GitError:
    """The failed call as an error; the well-known reasons in words that say what to do."""
    message = done.message
    if "dubious ownership" in message or "unsafe repository" in message:
        return GitError(
            Problem(
                f"{directory}: the repository belongs to another user, and git refuses it",
                hint=f"if you trust it: git config --global --add safe.directory '{_quoted_path(message) or directory}'",
            ),
            code=done.code,
        )
    if message.startswith("not a git repository"):
        return GitError(Problem(f"{directory}: not a git repository", hint="git init makes one"), code=done.code)
    if message.startswith("cannot change to"):
        return GitError(f"{directory}: no such directory", code=done.code)
    return GitError(f"{directory}: git: {message}", code=done.code)


def _quoted_path(message: str) -> str:
    parts = message.split("'")
    return parts[1] if len(parts) > 2 else ""


class Object(Struct, frozen=True):
    """One object of a repository: its id in hex, its kind (`commit`, `tree`, `blob`, `tag`) and its raw content."""

    oid: str
    kind: str
    data: bytes


class Objects:
    """Looks objects up by any name git understands (`HEAD^{commit}`, `refs/tags/v1`), all through one process.

    Use as a context manager. Raises `GitError` when git ends before it has answered.
    """

    def __init__(self, directory: str, *, env: Mapping[str, str] | None = None) -> None:
        self._directory = directory
        in_end, self._to = _pipe()
        self._from, out_end = _pipe()
        try:
            self._pid = _spawn((*HARDENING, "-C", directory, "cat-file", "--batch"), environment(env), in_end, out_end, -1)
        except BaseException:
            os.close(self._to)
            os.close(self._from)
            raise
        finally:
            os.close(in_end)
            os.close(out_end)
        self._buffer = b""

    def __enter__(self) -> Objects:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._to)
        os.close(self._from)
        os.waitpid(self._pid, 0)

    def get(self, name: str) -> Object | None:
        """The object of that name, None where there is none or the name is ambiguous."""
        if not name or "\n" in name or "\0" in name:
            return None
        question = os.fsencode(name) + b"\n"
        while question:
            try:
                question = question[os.write(self._to, question) :]
            except BrokenPipeError:
                raise GitError(f"{self._directory}: git ended unexpectedly") from None
        words = self._line().rsplit(b" ", 2)
        if len(words) < 3 or not words[2].isdigit():
            return None
        return Object(words[0].decode(), words[1].decode(), self._take(int(words[2]) + 1)[:-1])

    def commit(self, name: str) -> Object | None:
        """The commit of that name, tags peeled; None where there is none."""
        return self.get(name + "^{commit}") if name else None

    def _more(self) -> None:
        chunk = os.read(self._from, 65536)
        if not chunk:
            raise GitError(f"{self._directory}: git ended unexpectedly")
        self._buffer += chunk

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\n")) < 0:
            self._more()
        line, self._buffer = self._buffer[:end], self._buffer[end + 1 :]
        return line

    def _take(self, size: int) -> bytes:
        chunks, have = [self._buffer], len(self._buffer)
        while have < size:
            chunk = os.read(self._from, max(65536, min(size - have, 1 << 20)))
            if not chunk:
                raise GitError(f"{self._directory}: git ended unexpectedly")
            chunks.append(chunk)
            have += len(chunk)
        data = b"".join(chunks)
        self._buffer = data[size:]
        return data[:size]


class Setting(Struct, frozen=True):
    """One line of git's configuration. `scope`: system, global, local, worktree or command. The name's case is git's own."""

    scope: str
    name: str
    value: str


def parse_config(listing: bytes) -> tuple[Setting, ...]:
    """The output of `git config --list -z --show-scope`, weakest first, as git applies it.

    >>> parse_config(b"local\\0user.name\\nAda\\0")
    (Setting(scope='local', name='user.name', value='Ada'),)
    """
    fields = listing.decode("utf-8", "replace").split("\0")
    settings = []
    for scope, entry in zip(fields[0::2], fields[1::2], strict=False):
        name, _, value = entry.partition("\n")
        settings.append(Setting(scope, name, value))
    return tuple(settings)


CONFIG = ("config", "--list", "-z", "--show-scope")
"""Arguments of the call that `parse_config` reads."""
