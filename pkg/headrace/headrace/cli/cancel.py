"""`headrace cancel`: end a run that goes on elsewhere, as Ctrl-C in its terminal would."""

from __future__ import annotations

import click


def cancel(run: str) -> int:
    import signal

    from headrace.base.errors import Problem, UsageError
    from headrace.cli.ending import say_error
    from headrace.record.journal import Journal
    from headrace.record.locks import tell, wait_for_end

    journal = Journal.open()
    found = journal.resolve(run)
    if not tell(found, signal.SIGTERM):  # a run in the background has SIGINT ignored
        result = journal.state(found).result
        raise UsageError(Problem(f"run {found} is over ({result})", hint="`headrace ls` lists the runs that go on"))
    say_error(f"run {found} was told: its jobs end in order; again kills them")
    wait_for_end(found)
    click.echo(f"run {found} has ended: {journal.state(found).result}")
    return 0


command = click.Command(
    "cancel",
    callback=cancel,
    params=[click.Argument(["run"])],
    help="""End RUN in order, as Ctrl-C in its terminal would, and wait for its end. Called again while that lasts, it kills what
    runs. The status is 0 once the run has ended, 2 where it was over before.""",
    epilog="Example: headrace cancel 12",
)
