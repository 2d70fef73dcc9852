"""Which program runs a script, with which arguments, and what is put around the script. It finds nothing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from headrace.runner import messages

if TYPE_CHECKING:
    from collections.abc import Callable

_DEFAULT_TEMPLATE = "-e {0}"
_TEMPLATES = {
    "bash": "--noprofile --norc -e -o pipefail {0}",
    "sh": "-e {0}",
    "python": "{0}",
    "pwsh": "-command \". '{0}'\"",
    "powershell": "-command \". '{0}'\"",
    "cmd": '/D /E:ON /V:OFF /S /C "CALL "{0}""',
}
_PATH = "\0"
_EXTENSIONS = {"bash": ".sh", "sh": ".sh", "python": ".py", "pwsh": ".ps1", "powershell": ".ps1", "cmd": ".cmd"}


class ShellError(Exception):
    """The step cannot start: its shell is not valid or not there. The message is GitHub's."""


class Invocation(Struct, frozen=True):
    """`argv[0]` is the path that was found. `header` is the `shell:` line of the log, the template unreplaced."""

    argv: tuple[str, ...]
    extension: str
    header: str


def extension(shell: str | None) -> str:
    """The script file's extension, `.sh` included its dot; empty for a shell that GitHub does not know.

    >>> extension(None), extension("python -u {0}"), extension("node {0}")
    ('.sh', '.py', '')
    """
    return _EXTENSIONS.get(_split(shell)[0].lower(), "") if shell else ".sh"


def resolve(shell: str | None, script_path: str, find: Callable[[str], str | None], *, in_container: bool = False) -> Invocation:
    """How `script_path` is run. `shell` is the `shell:` in force, None or empty where there is none; `find` looks a command up
    on PATH, as the job sees it. In a container nothing is looked for, and no shell is asked for by itself but `sh`. Raises
    ShellError.

    >>> resolve("bash -l {0}", "/t/a.sh", lambda name: f"/bin/{name}")
    Invocation(argv=('/bin/bash', '-l', '/t/a.sh'), extension='.sh', header='shell: /bin/bash -l {0}')
    """
    if not shell:
        # Without a word from the user there is no pipefail, though the shell is bash.
        path = (None if in_container else find("bash")) or find("sh")
        if path is None:
            raise ShellError(messages.COMMAND_NOT_FOUND.format(command="sh"))
        return Invocation((path, "-e", script_path), ".sh", f"shell: {path} {_DEFAULT_TEMPLATE}")
    command, template = _split(shell)
    path = find(command) if command else None
    if path is None:
        raise ShellError(messages.COMMAND_NOT_FOUND.format(command=command))
    template = template or _TEMPLATES.get(command.lower(), "")
    if "{0}" not in template:
        raise ShellError(messages.INVALID_SHELL)
    # The path is put in after the split, so that a blank in it does no harm; on GitHub there is none.
    arguments = [argument.replace(_PATH, script_path) for argument in split_arguments(_format(template, _PATH))]
    return Invocation((path, *arguments), extension(shell), f"shell: {path} {template}")


def prepare_script(text: str, shell: str | None) -> str:
    r"""The text of the script file. Only PowerShell and cmd get something around it; nothing else is added or taken away.

    >>> prepare_script("dir", "cmd"), prepare_script("a\r\n", None)
    ('@echo off\ndir', 'a\r\n')
    """
    match _split(shell)[0] if shell else "":
        case "pwsh" | "powershell":
            last = r"if ((Test-Path -LiteralPath variable:\LASTEXITCODE)) { exit $LASTEXITCODE }"
            return f"$ErrorActionPreference = 'stop'\n{text}\n{last}"
        case "cmd":
            return f"@echo off\n{text}"
        case _:
            return text


def split_arguments(text: str) -> list[str]:
    r"""An argument text as .NET takes it apart: blanks separate, double quotes group, `\"` is a quote, single quotes are nothing.

    >>> split_arguments(r'''-c "a b" 'c d' \"e "" f\\g "h""i"''')
    ['-c', 'a b', "'c", "d'", '"e', '', 'f\\\\g', 'h"i']
    """
    arguments: list[str] = []
    at = 0
    while at < len(text):
        while at < len(text) and text[at] in " \t":
            at += 1
        if at == len(text):
            break
        argument, at = _argument(text, at)
        arguments.append(argument)
    return arguments


def _argument(text: str, at: int) -> tuple[str, int]:
    parts: list[str] = []
    quoted = False
    while at < len(text):
        char = text[at]
        if char == "\\":
            # Backslashes mean something only before a quote: each two are one, an odd one makes the quote a character.
            end = at
            while end < len(text) and text[end] == "\\":
                end += 1
            count = end - at
            at = end
            if text[at : at + 1] != '"':
                parts.append("\\" * count)
                continue
            parts.append("\\" * (count // 2))
            if count % 2:
                parts.append('"')
                at += 1
        elif char == '"':
            at += 1
            if quoted and text[at : at + 1] == '"':
                parts.append('"')
                at += 1
            else:
                quoted = not quoted
        elif char in " \t" and not quoted:
            break
        else:
            parts.append(char)
            at += 1
    return "".join(parts), at


def _split(shell: str) -> tuple[str, str]:
    command, _, rest = shell.partition(" ")
    return command, rest.lstrip()


def _format(template: str, path: str) -> str:
    """.NET's string.Format with one argument."""
    parts: list[str] = []
    at = 0
    while at < len(template):
        char = template[at]
        if char in "{}" and template[at + 1 : at + 2] == char:
            parts.append(char)
            at += 2
        elif char == "{":
            end = template.find("}", at)
            number, _, _ = template[at + 1 : max(end, at + 1)].partition(":")
            number, _, _ = number.partition(",")
            if end < 0 or not number.strip(" ").isdecimal():
                raise ShellError(messages.INVALID_TEMPLATE)
            if int(number):
                raise ShellError(messages.INVALID_TEMPLATE_INDEX)
            parts.append(path)
            at = end + 1
        elif char == "}":
            raise ShellError(messages.INVALID_TEMPLATE)
        else:
            parts.append(char)
            at += 1
    return "".join(parts)
