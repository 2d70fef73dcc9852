"""A supervisor's whole life: take the ticket, open the sandbox, run the leg, go. It is forked from the zygote."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

from headrace.base.errors import HeadraceError
from headrace.base.sockets import Socket
from headrace.record.records import Lost
from headrace.runner.control import Control, EngineGone
from headrace.runner.leg import run_leg
from headrace.runner.ready import Ready, get_ready
from headrace.runner.scope import CONDITION_FUNCTIONS
from headrace.runner.ticket import decode_ticket, prepare_decoders


def warm() -> None:
    """Load and build, before the first fork, what every supervisor would otherwise load and build for itself."""
    import json  # noqa: F401

    from headrace.expressions import parse
    from headrace.runner.masking import Masker

    prepare_decoders()
    masker = Masker()
    masker.add("warm")
    masker.mask(b"warm\n")
    parse("success()", functions=CONDITION_FUNCTIONS)


def heed(run: dict[str, Any]) -> None:
    """Load what supervisors of this run need beyond that. `run`: what the engine has said of it."""
    if run["isolation"] == "namespaces":
        import hashlib  # noqa: F401  # nothing can be imported in the job

        from headrace.runner import limits  # noqa: F401
        from headrace.sandbox import changes, enter, layout, namespaces, outlet, removal, slirp  # noqa: F401
        from headrace.sandbox.limits import model  # noqa: F401


def stand_by(close_private: Callable[[], None], run: dict[str, Any]) -> Callable[[Socket], None]:
    """Get ready for a leg that is not known yet, and return what serves it. `close_private` is for children of this process: it
    closes what they must not hold. `run`: what the engine has said of the run."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    try:
        ready = get_ready(close_private, run)
    except HeadraceError as error:
        refused = error
        return lambda sock: _refuse(sock, refused)
    return lambda sock: supervise(sock, ready)


def _refuse(sock: Socket, error: HeadraceError) -> None:
    """There is no sandbox for the leg."""
    control = Control(sock)
    try:
        control.emit(Lost(decode_ticket(control.first()).leg, str(error)))
        control.flush()
    except EngineGone:
        return


def supervise(sock: Socket, ready: Ready) -> None:
    """Serve one leg over `sock`. What it cannot report (its engine is gone) ends it: the other side sees that. The sandbox is
    closed at the end."""
    control, sandbox = Control(sock), ready.sandbox
    try:
        ticket = decode_ticket(control.first())
        run_leg(ticket, control, ready)
    except EngineGone:
        sandbox.close()
    except HeadraceError as error:  # the disk is full, or the sandbox is gone
        sandbox.close()
        try:
            control.emit(Lost(ticket.leg, str(error)))
            control.flush()
        except EngineGone:
            return
