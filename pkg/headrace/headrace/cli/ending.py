"""How a call ends: every error as one line, and the exit status that goes with it. Never a traceback on the screen."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from headrace.base.errors import HeadraceError, Problem

if TYPE_CHECKING:
    import click

INTERRUPTED = 130
ENGINE = 3
USAGE = 2
BROKEN_PIPE = 141  # as of a tool that SIGPIPE ended


_interrupts: list[int] = []


def interrupt(number: int, frame: object) -> None:
    """What SIGINT does: raise KeyboardInterrupt, and remember it. Some code in C takes any exception for an answer, and fails a
    little later for want of a right one: that is no fault of ours then."""
    _interrupts.append(number)
    raise KeyboardInterrupt


def guarded(call: Callable[[], Any], arguments: list[str]) -> int:
    """Call, and return the exit status: what `call` returns where that is a number, else 0; errors are said on stderr."""
    try:
        status = _call(call, arguments)
        sys.stdout.flush()
        sys.stderr.flush()
        return status
    except KeyboardInterrupt:  # while all was being said
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone: nobody is left to tell. What is still buffered must not fail again while the interpreter ends.
        null = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except BrokenPipeError:
                os.dup2(null, stream.fileno())
        return BROKEN_PIPE
    except OSError:  # stderr itself cannot be written (a full disk): the status is all that can be said
        return ENGINE


def _call(call: Callable[[], Any], arguments: list[str]) -> int:
    try:
        value = call()
        return value if isinstance(value, int) else 0
    except KeyboardInterrupt:
        say_error("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except SystemExit:  # click's answer to a reader that has gone, the only one that it does not leave to us
        return BROKEN_PIPE
    except Exception as error:
        if _interrupts:
            say_error("interrupted")
            return INTERRUPTED
        return _failed(error, arguments)


def _failed(error: Exception, arguments: list[str]) -> int:
    if isinstance(error, HeadraceError):
        say_problems(error.problems)
        return error.status
    status = _of_click(error)
    return _crashed(error, arguments) if status is None else status


def _of_click(error: Exception) -> int | None:
    """The status of one of click's own ends. It is not loaded here: where it is not, nothing of its can have been raised."""
    if "click" not in sys.modules:
        return None
    import click

    match error:
        case click.exceptions.Exit():
            return error.exit_code
        case click.ClickException():
            say_error(click_problem(error))
            return USAGE
        case click.Abort():
            say_error("interrupted")
            return INTERRUPTED
        case _:
            return None


def say_error(text: str) -> None:
    """One line on stderr that begins with our name."""
    _say(f"headrace: {text}")


def _say(text: str) -> None:
    """Whatever characters the text has and whatever the stream can carry."""
    from headrace.report.text import clean

    encoding = sys.stderr.encoding or "ascii"
    sys.stderr.write(clean(text).encode(encoding, "replace").decode(encoding) + "\n")
    sys.stderr.flush()


def click_problem(error: click.ClickException) -> str:
    """A wrong call in one line: what is wrong; what to do."""
    import click

    if isinstance(error, click.NoSuchOption):
        return str(Problem(f"there is no option {error.option_name}", hint=_option_hint(error.option_name, error.ctx)))
    message = " ".join(error.format_message().split()).rstrip(".")
    hint = _help_hint(error.ctx) if isinstance(error, click.UsageError) else ""
    return str(Problem(message[:1].lower() + message[1:], hint=hint))


def _option_hint(name: str, context: click.Context | None) -> str:
    """The nearest option of this verb; or that it is one of `run`'s."""
    from headrace.cli import options
    from headrace.plan.nearest import nearest

    if any(name in each.names for each in options.RUNNING):
        return "`headrace run` has it"
    known = [each for parameter in context.command.get_params(context) for each in parameter.opts] if context else []
    near = nearest(name, [each for each in known if each.startswith("--")])
    return f"did you mean {near}?" if near else _help_hint(context)


def _help_hint(context: click.Context | None) -> str:
    return f"`{context.command_path} --help` lists what it takes" if context else ""


def _crashed(error: Exception, arguments: list[str]) -> int:
    from headrace.base.crash import write_crash
    from headrace.cli.words import without_secrets

    path = write_crash(" ".join(["headrace", *without_secrets(arguments)]))
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    where = f"please report it with {path}" if path else "the crash file could not be written"
    say_error(f"headrace itself failed ({what}), the result is unknown; {where}")
    return ENGINE


def say_problems(problems: Iterable[Problem]) -> None:
    """One line each: `file:line:column: what is wrong; what to do`; our name instead of a place where there is none."""
    for problem in problems:
        if problem.at.file:
            _say(str(problem))
        else:
            say_error(str(problem))
