"""`headrace`: the way into the verbs. Loads nothing but what the call needs."""

from __future__ import annotations

import gc
import os
import sys

TYPE_CHECKING = False

if TYPE_CHECKING:
    from signal import SIG_DFL, SIG_IGN, SIGINT, default_int_handler, getsignal, signal
else:  # built in: until it is there Ctrl-C prints a traceback, so nothing shall be loaded for it
    from _signal import SIG_DFL, SIG_IGN, SIGINT, default_int_handler, getsignal, signal


def main() -> None:
    """Do what the process's arguments say, and end it with the exit status."""
    _mind_interrupts()
    gc.disable()  # nothing that is being loaded is garbage; who runs for long enables it
    _open_streams()
    from headrace.base.bundle import install

    install()
    # All is flushed and written. Taking the interpreter down in order would only take time.
    os._exit(do(sys.argv[1:]))


def _mind_interrupts() -> None:
    """Ctrl-C while modules are being loaded ends the process, without a traceback of what is being loaded."""
    try:
        if getsignal(SIGINT) is default_int_handler:  # a job in the background has it ignored, and that stays
            signal(SIGINT, SIG_DFL)
    except KeyboardInterrupt:  # it came while the interpreter started, and the first call here tells
        os._exit(130)


def do(arguments: list[str]) -> int:
    """The exit status of a call."""
    if arguments[:1] == ["run"]:
        from headrace.cli.early import prepare

        prepare(arguments)
    from headrace.base.lean import import_msgspec

    import_msgspec()
    from headrace.cli.ending import guarded, interrupt

    if getsignal(SIGINT) is not SIG_IGN:
        signal(SIGINT, interrupt)
    return guarded(lambda: _call(arguments), arguments)


def _open_streams() -> None:
    """A caller may have closed them (`>&-`): then the next file or socket would get their numbers."""
    for fd, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDWR)
            if null != fd:
                os.dup2(null, fd)
                os.close(null)
            setattr(sys, name, os.fdopen(fd, mode, closefd=False))


def _call(arguments: list[str]) -> object:
    """Plain calls of the two verbs that are called most go straight in; everything else goes through click."""
    if arguments[:1] in (["run"], ["plan"]):
        from headrace.cli.declared import read_plain
        from headrace.cli.options import EVENT, PLAN, RUN

        call = read_plain(arguments[1:], RUN if arguments[0] == "run" else PLAN, "event", EVENT)
        if call is not None:
            if arguments[0] == "run":
                from headrace.cli.run import run as verb
            else:
                from headrace.cli.plan import plan as verb
            return verb(call)
    gc.enable()
    from headrace.cli.verbs import command_line

    return command_line().main(arguments, prog_name="headrace", standalone_mode=False)


if __name__ == "__main__":
    main()
