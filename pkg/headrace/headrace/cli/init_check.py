"""`headrace init --check`: whether what was written is what would be written now, with what people have changed since."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headrace.events.model import Repository
    from headrace.init.base import Base
    from headrace.init.make import File
    from headrace.report.colour import Style
    from headrace.report.documents import InitDrift

_WHAT: dict[str, Literal["new", "changed", "gone"]] = {
    "new": "new", "merged": "changed", "added": "changed", "behind": "changed", "gone": "gone", "base": "changed",
}  # fmt: skip


def check(repository: Repository, files: Sequence[File], known: Base, as_json: bool, style: Style) -> int:
    """`files` as a call would find them that updates nothing. Status 0 where an update would write nothing and nobody has to
    settle anything, else 1."""
    from headrace.cli.terminal import write_json, write_lines
    from headrace.init.write import is_unfinished
    from headrace.report import documents
    from headrace.report.init_files import check_lines

    drift = list(_drift(files))
    if is_unfinished(repository.git_dir):
        place = os.path.join(os.path.basename(repository.git_dir), "headrace-init")
        drift.insert(0, documents.InitDrift(place, "changed", "a call ended in the middle", []))
    edited = [file.path for file in files if file.path in known.files and file.was and _is_edited(file, known)]
    if as_json:
        from headrace.report.json_plan import dumps

        write_json(dumps(documents.InitCheckDocument(documents.INIT_CHECK, drift, edited)))
    else:
        write_lines(check_lines(drift, edited, style))
    return 1 if drift else 0


def _drift(files: Sequence[File]) -> Iterator[InitDrift]:
    from headrace.report.documents import InitDrift

    only_record = not any(file.state in _WHAT and file.state != "base" for file in files)
    for file in files:
        if file.conflicts and file.state == "same":
            yield InitDrift(file.path, "conflict", "", list(file.conflicts))
        elif file.state == "base" and not only_record:
            continue  # it goes with the others
        elif file.state in _WHAT:
            what = "gone" if file.state == "behind" and not file.text else _WHAT[file.state]
            yield InitDrift(file.path, what, "" if file.state == "behind" and file.text else file.why, [])


def _is_edited(file: File, known: Base) -> bool:
    from headrace.init.pins import PATH

    return file.path != PATH and file.was.replace("\r\n", "\n") != known.files[file.path]
