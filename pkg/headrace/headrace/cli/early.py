"""What `run` must do before anything heavy is loaded: fork the process that later forks the jobs."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.base.sockets import Socket

ZYGOTE: list[tuple[Socket, int]] = []
"""The socket and the process id of the zygote, for `run`; empty where none was forked."""


def prepare(arguments: Sequence[str]) -> None:
    """Fork it if the words are those of a run. It loads what jobs need while this process reads files, and ends with us."""
    if arguments[:1] == ["run"] and not any(word in ("-h", "--help") for word in arguments):
        from headrace.engine.early import load_supervisor
        from headrace.sandbox.zygote import start

        try:
            ZYGOTE.append(start(load_supervisor))
        except OSError:  # too many processes: the engine tries again, and says so
            return
