"""A supervisor's whole life: take the ticket, open the sandbox, run the leg, go. It is forked from the zygote."""

from __future__ import annotations

import os
import signal
import socket

from headrace.base.errors import HeadraceError
from headrace.runner.control import Control, EngineGone
from headrace.runner.leg import run_leg
from headrace.runner.scope import CONDITION_FUNCTIONS
from headrace.runner.ticket import decode_ticket, prepare_decoders
from headrace.sandbox.host import open_host


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


def supervise(sock: socket.socket) -> None:
    """Serve one leg over `sock`. What it cannot report (its engine is gone) ends it: the other side sees that."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    control = Control(sock)
    try:
        ticket = decode_ticket(control.first())
        os.makedirs(ticket.folders.root, mode=0o700, exist_ok=True)
        run_leg(ticket, control, open_host(sock.close))
    except EngineGone:
        return
    except HeadraceError as error:  # the disk is full, or the sandbox is gone
        from headrace.record.records import Lost

        try:
            control.emit(Lost(ticket.leg, str(error)))
        except EngineGone:
            return
