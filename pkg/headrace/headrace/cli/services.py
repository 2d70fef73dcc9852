"""`headrace services`: the HTTP services of jobs, as a server of their own."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TextIO

import click

HELP = """Serve what actions talk to (artifacts, caches) on loopback, until Ctrl-C.

A run starts its own; this is for trying actions, and for tests. Where it listens is said on standard output."""


def services(store: str, caches: str, listen: str, key_file: str, log: str | None) -> int:
    from headrace.services.serve import listen as open_listener
    from headrace.services.serve import serve

    key = read_key(key_file)
    with ExitStack() as stack:
        listening = stack.enter_context(open_listener(listen))
        out = stack.enter_context(_open_log(log)) if log else None
        serve(store, key, listening, caches=caches, log=out)
    return 0


def read_key(path: str) -> bytes:
    """What tokens are signed with; a file that is not there is made, for its owner alone. Raises UsageError."""
    from headrace.base.errors import Problem, UsageError

    try:
        with open(path, "rb") as file:
            key = file.read().strip()
    except FileNotFoundError:
        return _made_key(path)
    except OSError as error:
        raise UsageError(Problem(f"--key-file {path}: {error.strerror}")) from error
    if len(key) < 16:
        raise UsageError(
            Problem(f"--key-file {path}: the key is shorter than 16 bytes", hint="name a file that is not there yet")
        )
    return key


def _made_key(path: str) -> bytes:
    from headrace.base.errors import Problem, UsageError

    key = os.urandom(32).hex().encode()
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(key)
    except OSError as error:
        raise UsageError(Problem(f"--key-file {path}: {error.strerror}")) from error
    return key


def _open_log(path: str) -> TextIO:
    from headrace.base.errors import Problem, UsageError

    try:
        return open(path, "a", encoding="utf-8")
    except OSError as error:
        raise UsageError(Problem(f"--log {path}: {error.strerror}")) from error


command = click.Command(
    "services",
    callback=services,
    params=[
        click.Option(["--store"], required=True, metavar="DIR", help="The folder of the artifacts; made where it is missing."),
        click.Option(["--caches"], default="", metavar="DIR", help="The folder of the caches (default: caches in --store)."),
        click.Option(
            ["--listen"], default="127.0.0.1:0", metavar="HOST:PORT", help="A loopback address (default: any free port)."
        ),
        click.Option(
            ["--key-file"], required=True, metavar="FILE", help="What tokens are signed with; made where it is missing."
        ),
        click.Option(["--log"], metavar="FILE", help="Errors, and with DEV_SERVER_LOGS=1 requests (default: stderr)."),
    ],
    help=HELP,
    epilog="Example: headrace services --store artifacts --key-file services.key",
)
