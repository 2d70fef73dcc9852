"""`run:` steps: which shell, which folder, which script file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from headrace.expressions import Value
from headrace.runner.shells import extension, prepare_script, resolve
from headrace.sandbox.protocol import Sandbox
from headrace.workflow import template
from headrace.workflow.model import Run

Functions = Mapping[str, Any]


class Script(Struct, frozen=True):
    """A program that is ready to start, and the lines that its log begins with."""

    argv: tuple[str, ...]
    cwd: str
    header: tuple[str, ...]


def prepare(
    run: Run,
    contexts: Mapping[str, Value],
    functions: Functions,
    defaults: Mapping[str, str],
    sandbox: Sandbox,
    *,
    workspace: str,
    temp: str,
    path: str,
) -> Script:
    """Write the script file and choose its shell. `path`: where commands are looked up; `defaults`: `defaults.run` in force.

    Raises TemplateError, ShellError, OSError."""
    text = template.text(run.script, contexts, functions)
    folder = defaults.get("working-directory", "")
    if run.working_directory is not None:
        folder = template.text(run.working_directory, contexts, functions)
    shell = run.shell or defaults.get("shell") or None
    mark = os.urandom(16).hex()
    file = f"{temp}/{mark[:8]}-{mark[8:12]}-{mark[12:16]}-{mark[16:20]}-{mark[20:]}{extension(shell)}"
    invocation = resolve(shell, file, lambda name: sandbox.find(name, path))
    with open(file, "w", encoding="utf-8", errors="surrogateescape", newline="") as out:
        out.write(prepare_script(text, shell))
    lines = text.split("\n")
    first = next((line for line in lines if line.strip()), "")
    header = (
        f"##[group]Run {first.strip()}",
        *(f"\x1b[36;1m{line}\x1b[0m" for line in text.rstrip("\n").split("\n")),
        invocation.header,
    )
    return Script(tuple(invocation.argv), os.path.join(workspace, folder), header)
