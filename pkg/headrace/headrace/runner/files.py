"""The command files of one step: made before it, read after it."""

from __future__ import annotations

import os

from msgspec import Struct

_KINDS = ("add_path", "set_env", "step_summary", "save_state", "set_output")
READ_LIMIT = 64 << 20


class CommandFiles(Struct, frozen=True):
    """Absolute paths, one new file of each kind for every step."""

    path: str
    env: str
    summary: str
    state: str
    output: str

    @classmethod
    def create(cls, folder: str) -> CommandFiles:
        """`folder` exists. Raises OSError."""
        mark = os.urandom(16).hex()
        mark = "-".join((mark[:8], mark[8:12], mark[12:16], mark[16:20], mark[20:]))
        paths = [f"{folder}/{kind}_{mark}" for kind in _KINDS]
        for path in paths:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))
        return cls(*paths)

    def context(self) -> dict[str, str]:
        """The fields of the `github` context that name them."""
        return {
            "path": self.path, "env": self.env, "step_summary": self.summary, "state": self.state, "output": self.output,
        }  # fmt: skip
