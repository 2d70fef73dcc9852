"""What the drop-ins share: inputs, outputs, stdout commands and child processes, as GitHub's own toolkit has them.

Knows no action. Starts processes with `posix_spawn`, since importing `subprocess` costs more than most of what is started.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class ActionFailed(Exception):
    """The step fails with this message: `::error::` and exit status 1."""


# Inputs and state


def get_input(name: str) -> str:
    """The trimmed value of an input; "" where it is absent."""
    return os.environ.get("INPUT_" + name.replace(" ", "_").upper(), "").strip()


def get_lines(name: str) -> list[str]:
    """The lines of an input, trimmed, without empty ones."""
    return [line.strip() for line in get_input(name).splitlines() if line.strip()]


def get_flag(name: str) -> bool:
    """A boolean input by the YAML 1.2 core schema; an absent or empty one is false."""
    text = get_input(name)
    if text in ("true", "True", "TRUE"):
        return True
    if text in ("", "false", "False", "FALSE"):
        return False
    raise ActionFailed(
        f'Input does not meet YAML 1.2 "Core Schema" specification: {name}\n'
        "Support boolean input list: `true | True | TRUE | false | False | FALSE`"
    )


def get_state(name: str) -> str:
    return os.environ.get("STATE_" + name, "")


def environment(name: str) -> str:
    """A variable that every runner sets; it is an error if it is absent or empty."""
    value = os.environ.get(name, "")
    if not value:
        raise ActionFailed(f"Expected {name} to be defined")
    return value


RELEASES = os.path.join(os.path.dirname(__file__), "releases.txt")
"""Commits that are releases of actions: COMMIT OWNER/NAME TAG. `bin/action-releases` writes it."""


def major() -> int:
    """The major version that `uses:` names, by its tag or by the commit of a release; 0 for a branch or another commit, which
    counts as the newest."""
    ref = os.environ.get("GITHUB_ACTION_REF", "")
    return major_of(release_of(ref) if len(ref) == 40 else ref)


def release_of(commit: str) -> str:
    """The tag of a commit that is a release of an action with a drop-in; empty for any other.

    >>> release_of("34E114876B0B11C390A56381AD16EBD13914F8D5"), release_of("0" * 40)
    ('v4.3.1', '')
    """
    with open(RELEASES, encoding="utf-8") as file:
        _, found, rest = file.read().partition(f"{commit.lower()} ")
    return rest.partition("\n")[0].partition(" ")[2] if found else ""


def major_of(ref: str) -> int:
    """The major version in a ref.

    >>> major_of("v4"), major_of("v4.2.1"), major_of("release/v4"), major_of("11bd71901bbe5b1630ceea73d27597364c9af683")
    (4, 4, 0, 0)
    """
    ref = ref.removeprefix("refs/tags/")
    first = ref[1:].split(".")[0] if ref[:1] == "v" else ""
    return int(first) if first.isdecimal() else 0


# Outputs, environment, state: the command files


def set_output(name: str, value: str) -> None:
    _file_command("GITHUB_OUTPUT", name, value, "set-output")


def save_state(name: str, value: str) -> None:
    _file_command("GITHUB_STATE", name, value, "save-state")


def export_variable(name: str, value: str) -> None:
    os.environ[name] = value
    _file_command("GITHUB_ENV", name, value, "set-env")


def add_path(folder: str) -> None:
    os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"
    if os.environ.get("GITHUB_PATH"):
        _append("GITHUB_PATH", f"{folder}\n")
    else:
        command("add-path", folder)


def _file_command(variable: str, name: str, value: str, fallback: str) -> None:
    if os.environ.get(variable):
        delimiter = f"ghadelimiter_{os.urandom(16).hex()}"
        _append(variable, f"{name}<<{delimiter}\n{value}\n{delimiter}\n")
    else:
        command(fallback, value, name=name)


def _append(variable: str, text: str) -> None:
    path = os.environ[variable]
    try:
        file = os.open(path, os.O_WRONLY | os.O_APPEND)
    except FileNotFoundError:
        raise ActionFailed(f"Missing file at path: {path}") from None
    try:
        os.write(file, text.encode("utf-8", "surrogateescape"))
    finally:
        os.close(file)


# Stdout


def info(text: str) -> None:
    sys.stdout.buffer.write(f"{text}\n".encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()


def command(name: str, data: str = "", /, **properties: str) -> None:
    """A `::name key=value::data` line, escaped as the runner expects it."""
    listed = ",".join(f"{key}={_escape(value, ':,')}" for key, value in properties.items() if value)
    info(f"::{name}{' ' if listed else ''}{listed}::{_escape(data)}")


def debug(text: str) -> None:
    command("debug", text)


def notice(text: str) -> None:
    command("notice", text)


def warning(text: str) -> None:
    command("warning", text)


def error(text: str) -> None:
    command("error", text)


def group(title: str) -> None:
    command("group", title)


def end_group() -> None:
    command("endgroup")


def _escape(text: str, more: str = "") -> str:
    for character in "%\r\n" + more:
        text = text.replace(character, f"%{ord(character):02X}")
    return text


# Child processes


def which(name: str) -> str:
    """The absolute path of a program on PATH, "" if there is none."""
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return os.path.abspath(path)
    return ""


def run(argv: list[str], env: Mapping[str, str] | None = None) -> int:
    """Run a program with our stdout and stderr; its exit status (negative: the signal that ended it)."""
    pid = os.posix_spawn(argv[0], argv, os.environ if env is None else env)
    return _wait(pid)


def command_line(argv: list[str]) -> None:
    """Run a program and say so first, like the toolkit's `exec`. Raises ActionFailed unless it ends with 0."""
    info(f"[command]{' '.join(argv)}")
    status = run(argv)
    if status != 0:
        raise ActionFailed(f"The process '{argv[0]}' failed with exit code {status}")


def capture(argv: list[str], env: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Run a program; its exit status and stdout. stderr goes to ours."""
    reading, writing = os.pipe()
    try:
        actions = [(os.POSIX_SPAWN_DUP2, writing, 1)]
        pid = os.posix_spawn(argv[0], argv, os.environ if env is None else env, file_actions=actions)
    except OSError:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        output = pipe.read()
    return _wait(pid), output.decode("utf-8", "surrogateescape")


def silent(argv: list[str], env: Mapping[str, str] | None = None) -> int:
    """Run a program whose output nobody wants; its exit status."""
    actions = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_WRONLY, 0) for fd in (1, 2)]
    return _wait(os.posix_spawn(argv[0], argv, os.environ if env is None else env, file_actions=actions))


def _wait(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


# Files


def remove(path: str) -> None:
    """Remove a file or a whole folder; what is not there is no error."""
    if os.path.isdir(path) and not os.path.islink(path):
        import shutil

        shutil.rmtree(path)
    else:
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass


def move(source: str, target: str) -> None:
    """Rename a file or a folder; where the two lie on different file systems, as a job's own folders and its tool cache may, copy
    it. `target` is not there yet, or is a file."""
    import shutil

    shutil.move(source, target)


def lines_of(path: str) -> Iterator[str]:
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            yield line.rstrip("\r\n")
