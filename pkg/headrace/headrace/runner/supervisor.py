"""A supervisor's whole life: take the ticket, open the sandbox, run the leg, go. It is forked from the zygote."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence

from headrace.base.errors import HeadraceError
from headrace.base.sockets import Socket
from headrace.record.records import Lost
from headrace.runner import folders
from headrace.runner.control import Control, EngineGone
from headrace.runner.leg import run_leg
from headrace.runner.scope import CONDITION_FUNCTIONS
from headrace.runner.ticket import decode_ticket, prepare_decoders
from headrace.sandbox.host import open_host
from headrace.sandbox.protocol import Sandbox


def warm() -> None:
    """Load and build, before the first fork, what every supervisor would otherwise load and build for itself."""
    import ctypes  # noqa: F401
    import json  # noqa: F401

    from headrace.expressions import parse
    from headrace.runner.masking import Masker

    prepare_decoders()
    masker = Masker()
    masker.add("warm")
    masker.mask(b"warm\n")
    parse("success()", functions=CONDITION_FUNCTIONS)


def stand_by(close_private: Callable[[], None], ahead: Sequence[str]) -> Callable[[Socket], None]:
    """Get ready for a leg that is not known yet, and return what serves it. `close_private` is for children of this process: it
    closes what they must not hold. `ahead`: what is known of it (`folders.make_ahead`)."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sandbox = open_host(close_private)
    made = folders.make_ahead(ahead)
    return lambda sock: supervise(sock, sandbox, made)


def supervise(sock: Socket, sandbox: Sandbox, ahead: str = "") -> None:
    """Serve one leg over `sock`. What it cannot report (its engine is gone) ends it: the other side sees that. The sandbox is
    closed at the end. `ahead`: folders that were made for it."""
    control = Control(sock)
    try:
        ticket = decode_ticket(control.first())
        run_leg(ticket, control, sandbox, ahead)
    except EngineGone:
        sandbox.close()
    except HeadraceError as error:  # the disk is full, or the sandbox is gone
        sandbox.close()
        try:
            control.emit(Lost(ticket.leg, str(error)))
            control.flush()
        except EngineGone:
            return
