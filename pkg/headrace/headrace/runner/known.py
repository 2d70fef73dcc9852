"""Published actions as a leg knows them: found before it starts, so that a supervisor looks nothing up."""

from __future__ import annotations

from typing import Union

from msgspec import Struct

from headrace.workflow.action import Action


class Known(Struct, frozen=True):
    """`action` is None where its manifest is missing or wrong: then `error` says so, and a job that uses it fails in its set-up.
    `repository`, `ref` and `sha` (empty where it is not known) say where it comes from; `tree` is the folder of the machine that
    holds all files of the repository."""

    action: Union[Action, None]
    repository: str
    ref: str
    sha: str = ""
    tree: str = ""
    error: str = ""

    @property
    def place(self) -> str:
        """Its repository's folder below the job's folder for actions."""
        return f"{self.repository}/{self.ref}"
