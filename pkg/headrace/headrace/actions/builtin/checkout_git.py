"""Git as the checkout needs it: a repository being made (`Git`) and the read-only ones it takes its objects from (`Source`)."""

from __future__ import annotations

import os

from headrace.actions.builtin import toolkit
from headrace.actions.builtin.toolkit import ActionFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_LOCATIONS = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_SHALLOW_FILE",
)

_ALL = 2**31 - 1
"""The depth git counts as infinite: `--unshallow` would fail where there is nothing to deepen."""


def _environment() -> dict[str, str]:
    """Ours, without what would point git elsewhere; every directory counts as safe, for these calls only."""
    env = {key: value for key, value in os.environ.items() if key not in _LOCATIONS}
    try:
        count = int(env.get("GIT_CONFIG_COUNT", "0"))
    except ValueError:
        count = 0
    for number in range(count):  # such as the job's own, under which the run's repository answers
        if env.get(f"GIT_CONFIG_KEY_{number}", "").startswith("url."):
            env |= {f"GIT_CONFIG_KEY_{number}": "safe.directory", f"GIT_CONFIG_VALUE_{number}": "*"}
    env |= {"GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_CONFIG_COUNT": str(count + 1)}
    return env | {f"GIT_CONFIG_KEY_{count}": "safe.directory", f"GIT_CONFIG_VALUE_{count}": "*"}


def _program() -> str:
    git = toolkit.which("git")
    if not git:
        raise ActionFailed("Unable to locate executable file: git. Install git; a checkout needs it.")
    return git


class Source:
    """A git directory that has objects we want. Its refs are looked up once."""

    def __init__(self, path: str, git: str) -> None:
        self.path = path
        self._argv = [git, f"--git-dir={path}"]
        self._commits: dict[str, str] = {}

    def commit_of(self, ref: str) -> str:
        """The commit a qualified ref leads to here, "" if there is none."""
        if ref not in self._commits:
            status, text = toolkit.capture(
                [*self._argv, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"], _environment()
            )
            self._commits[ref] = text.strip().splitlines()[-1] if status == 0 and text.strip() else ""
        return self._commits[ref]

    def has_refs(self) -> bool:
        """Whether there is any branch or tag. Deepening from where there is none is an error to git."""
        return bool(toolkit.capture([*self._argv, "for-each-ref", "--count=1", "refs/heads", "refs/tags"], _environment())[1])


def sources() -> list[Source]:
    """HEADRACE_GIT_DIR first, then the repositories whose objects it borrows: a store may know a branch only through them."""
    path = os.environ.get("HEADRACE_GIT_DIR", "")
    if not path or not os.path.exists(os.path.join(path, "HEAD")):
        raise ActionFailed(f"HEADRACE_GIT_DIR names no git directory: '{path}'.")
    git = _program()
    found = [Source(path, git)]
    objects = os.path.join(path, "objects")
    try:
        borrowed = [os.path.join(objects, line) for line in toolkit.lines_of(os.path.join(objects, "info", "alternates")) if line]
    except OSError:
        borrowed = []
    for folder in borrowed:
        parent = os.path.dirname(os.path.normpath(folder))
        if os.path.exists(os.path.join(parent, "HEAD")):
            found.append(Source(parent, git))
    return found


class Git:
    """The repository at `path`, which need not exist yet."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.program = _program()
        self._env = _environment()

    def _argv(self, words: Sequence[str]) -> list[str]:
        return [self.program, "-C", self.path, *words]

    def run(self, *words: str) -> None:
        """ActionFailed if git fails."""
        status = self.status(*words)
        if status != 0:
            raise ActionFailed(f"The process '{self.program}' failed with exit code {status}")

    def status(self, *words: str) -> int:
        return toolkit.run(self._argv(words), self._env)

    def quiet(self, *words: str) -> int:
        return toolkit.silent(self._argv(words), self._env)

    def text(self, *words: str) -> str:
        """Stripped stdout; ActionFailed if git fails."""
        status, text = toolkit.capture(self._argv(words), self._env)
        if status != 0:
            raise ActionFailed(f"The process '{self.program}' failed with exit code {status}")
        return text.strip()

    def text_or_empty(self, *words: str) -> str:
        return toolkit.capture(self._argv(words), self._env)[1].strip()

    def is_shallow(self) -> bool:
        return os.path.exists(os.path.join(self.path, ".git", "shallow"))

    def fetch(self, source: Source, url: str, refspecs: Sequence[str], depth: int = 0) -> None:
        """Copy `refspecs` from `source` under the name of `origin`, whose real `url` is left alone. `depth` 0: everything.

        upload-pack is given its configuration on its command line, since git clears the environment's for it.
        """
        serve = "git -c safe.directory='*' -c uploadpack.allowAnySHA1InWant=true upload-pack"
        words = ["-c", "protocol.version=2", "-c", "protocol.file.allow=always", "-c", "maintenance.auto=false"]
        words += ["-c", f"url.{_file_url(source.path)}.insteadOf={url}"]
        words += ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--update-shallow"]
        if depth:
            words.append(f"--depth={depth}")
        elif self.is_shallow():
            words.append(f"--depth={_ALL}")
        self.run(*words, f"--upload-pack={serve}", "origin", *refspecs)


def _file_url(path: str) -> str:
    """A `file://` URL; everything that could mean something in a URL or a configuration key is percent-encoded.

    >>> _file_url("/a b/c=d")
    'file:///a%20b/c%3Dd'
    """
    plain = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_-."
    return "file://" + "".join(chr(byte) if byte in plain else f"%{byte:02X}" for byte in os.fsencode(os.path.abspath(path)))
