"""`headrace`: the way into the verbs. Loads nothing but what the call needs."""

from __future__ import annotations

import sys


def main() -> None:
    """Do what the process's arguments say, and end it with the exit status."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["run"]:
        from headrace.cli.early import prepare

        prepare(arguments)
    from headrace.cli.ending import guarded

    sys.exit(guarded(lambda: _call(arguments), arguments))


def _call(arguments: list[str]) -> object:
    from headrace.cli.verbs import command_line

    command = command_line()
    with command.make_context("headrace", arguments) as context:
        return command.invoke(context)


if __name__ == "__main__":
    main()
