"""Real git repositories in temporary folders, the same on every machine and every day."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

GIT_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_AUTHOR_DATE": "2026-01-02T03:04:05Z",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
    "GIT_COMMITTER_DATE": "2026-01-02T03:04:05Z",
    "LC_ALL": "C",
}
"""No configuration of the person or the machine, one author, one moment: equal content gives equal commit ids."""


class GitRepository:
    """A git repository at `root` (its work tree, or the bare repository itself)."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def git(self, *arguments: str) -> str:
        """Run git there and return what it printed, without the last newline. Raises CalledProcessError."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.root), **GIT_ENVIRONMENT}
        command = ["git", "-C", str(self.root), *arguments]
        done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
        if done.returncode:
            raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
        return done.stdout.rstrip("\n")

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Write files (path below the root → content), folders included. A text that starts with `#!` becomes executable."""
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
            if path.read_bytes().startswith(b"#!"):
                path.chmod(0o755)

    def commit(self, files: Mapping[str, str | bytes] | None = None, message: str = "Change") -> str:
        """Write `files`, commit everything that changed (an empty commit where nothing did) and return the commit's id."""
        self.write(files or {})
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.head()

    def head(self) -> str:
        return self.git("rev-parse", "HEAD")

    def tag(self, name: str) -> None:
        self.git("tag", name)

    def refs(self) -> dict[str, str]:
        """Every ref with its object's id."""
        lines = self.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return dict(line.split(" ") for line in lines)


def make_repository(root: Path, files: Mapping[str, str | bytes] | None = None) -> GitRepository:
    """A repository at `root` on branch `main`, with one commit that holds `files`; without `files` it has no commit."""
    root.mkdir(parents=True, exist_ok=True)
    repository = GitRepository(root)
    repository.git("init", "--quiet", "--initial-branch", "main")
    if files is not None:
        repository.commit(files, "First")
    return repository


def make_remote(repository: GitRepository, root: Path, name: str = "origin") -> GitRepository:
    """A bare repository at `root`, made the remote `name` of `repository`, with `main` pushed to it."""
    root.mkdir(parents=True)
    remote = GitRepository(root)
    remote.git("init", "--quiet", "--bare", "--initial-branch", "main")
    repository.git("remote", "add", name, str(root))
    repository.git("push", "--quiet", name, "main")
    return remote
